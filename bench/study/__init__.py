"""The study: what is learned of a task beyond how fast it was. Pictures, tables, a page.

artifact.py    what a step leaves, and what it is given
steps.py       the steps, in their order
carry_out.py   all of it for a results folder
page.py        pictures, tables and the page of a task on the disk
command.py     python -m bench study TASK
look.py        the data before training: samples, pixels, suspects
training.py    loss and accuracy by epoch: learning
augmentation.py
evaluation.py  the saved models asked again: by_class, per_class, matrix
errors.py      confused, overlap, agreement, agreement_picture, hard
clusters.py    PCA and t-SNE: spaces, embedding, scatter
projector.py   files for TensorFlow's Embedding Projector
ensembles.py   ensemble_growth, ensemble_pictures, ensemble_tables
graphs.py      graph_examples
answered.py    what each model says, under a name for people
thumbnails.py  grids of images, drawn alike in all steps
"""

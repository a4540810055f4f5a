"""Saved models asked again: of the test images of their runs, or of other data.

processes.py   evaluate(): what every saved model of a results folder says of its test images,
               asked in a process of its framework
transfer.py    labels of other data as classes of a model
scoring.py     accuracy, overall and by class, with intervals
command.py     python -m bench evaluate MODEL
"""

"""The study: what is learned of a task beyond how fast it was. Pictures, tables, a page.

artifact.py    what a step leaves, and what it is given
steps.py       the steps, in their order
carry_out.py   all of it for a results folder
page.py        pictures, tables and the page of a task on the disk
command.py     python -m bench study TASK
look.py ...    one step a file
"""

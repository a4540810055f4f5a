"""Saved models asked again: of the test images of their runs, or of other data.

processes.py   evaluate(): what every saved model of a results folder says of its test images
child.py       the process of one framework, in which they are asked
transfer.py    labels of other data as classes of a model
scoring.py     accuracy, overall and by class, with intervals
command.py     python -m bench evaluate MODEL
"""

from bench.evaluation.processes import evaluate

__all__ = ["evaluate"]

"""What training the members of an ensemble at once buys: measured, member for member the same.

record.py    what the measurement leaves, raw seconds only, and its file
timing.py    the arms, round by round
wording.py   the findings as sentences and as a table
command.py   python -m bench ensemble

The arms themselves are PyTorch's: ``bench/trainers/pytorch_ensembles.py``.
"""

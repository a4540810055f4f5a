"""Lessons: what one predicts before one looks, answered by the runs of one's own machine.

A lesson asks twice; each question has its truth from the records of a folder, the textbook's
expectation, and why this machine differs from it. ``lesson`` says what a lesson is and finds the
runs; ``speed`` and ``measuring`` hold one function a lesson; ``page`` lists them all, for the tab
of ``index.html`` and for ``python -m bench lessons``.
"""

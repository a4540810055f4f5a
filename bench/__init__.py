"""The harness: plans experiments, runs each in a process of its own, measures, reports.

Imports nothing here, so that ``import bench`` costs nothing.
"""


class UsageError(Exception):
    """A command line that cannot be done: says what came, what was wanted, what to do."""

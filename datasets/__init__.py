"""Images and labels for the harness: NumPy arrays out, whatever the source; no framework.

``search`` says what files there are; ``prepare`` finds, fetches or draws a task's data and
parses it into a cache, once; ``open_cached`` opens that cache in milliseconds, in every worker
process. Importing this package costs NumPy alone: what downloads or draws is imported late.
"""

from datasets.arrays import Dataset, Split, normalise
from datasets.cache import open_cached
from datasets.preparation import TASKS, Available, Prepared, prepare, search
from datasets.splits import with_validation_share
from datasets.tasks import (
    DataError,
    Progress,
    Source,
    Stage,
    Task,
    Unreachable,
    how_to_install,
    how_to_make,
)

__all__ = [
    "TASKS",
    "Available",
    "DataError",
    "Dataset",
    "Prepared",
    "Progress",
    "Source",
    "Split",
    "Stage",
    "Task",
    "Unreachable",
    "how_to_install",
    "how_to_make",
    "normalise",
    "open_cached",
    "prepare",
    "search",
    "with_validation_share",
]

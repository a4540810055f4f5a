"""The task ``letters``: the A-Z Handwritten Alphabets in .csv format, whole or a sample.

S. Patel, https://www.kaggle.com/datasets/sachinpatel21/az-handwritten-alphabets-in-csv-format:
372,450 rows sorted by class, from NIST Special Database 19 and other sources.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets import az_csv, kaggle
from datasets.drawn import drawn_source
from datasets.errors import DataError, Unreachable
from datasets.progress import Progress
from datasets.splits import Collection, divide
from datasets.tasks import Source, Task

TASK = Task(
    name="letters",
    class_names=tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    sources=(
        Source(
            name="az",
            description="A-Z: 372,450 real handwritten capital letters, from Kaggle",
            targets=(0.97, 0.99),
            drawn=False,
        ),
        Source(
            name="az-sample",
            description="5,934 of the A-Z letters: real handwriting, but a sample",
            targets=(0.85, 0.93),
            drawn=False,
        ),
        drawn_source(targets=(0.80, 0.90)),
    ),
)

FULL_ROWS = 372_450
# Of the labels and then the pixels of the sample, in the order of its rows.
SAMPLE_SHA256 = "92fc94866956d92e3b7df133d93127eaed69666a7ccea20c1a218bd861baca3d"
SUBFOLDERS = ("", "letters", "az", "A_Z Handwritten Data")
NAMES = {
    "az": (
        kaggle.CSV_NAME,
        f"{kaggle.CSV_NAME}.gz",
        f"{kaggle.CSV_NAME}.zip",
        "A_Z Handwritten Data.zip",
        kaggle.ARCHIVE_NAME,
    ),
    "az-sample": ("az_sample.csv.gz", "az_sample.csv"),
}


def find(source: str, folder: Path) -> tuple[Path, ...]:
    """The one file of ``source`` in ``folder`` or a usual subfolder; () where none is."""
    for subfolder in SUBFOLDERS:
        for name in NAMES[source]:
            path = folder / subfolder / name
            if path.is_file() and (name != kaggle.ARCHIVE_NAME or _holds_letters(path)):
                return (path,)
    return ()


def _holds_letters(path: Path) -> bool:
    """Whether a zip of Kaggle's general name begins with the letters, also where it is cut."""
    with path.open("rb") as file:
        return kaggle.CSV_NAME.encode() in file.read(1024)


def load(source: str, files: tuple[Path, ...], progress: Progress) -> Collection:
    """Read, check and split. Raises DataError on a file that is not what ``source`` names."""
    (path,) = files
    images, labels = az_csv.read(path, progress=progress)
    if source == "az":
        _check_full(path, labels)
    else:
        _check_sample(path, images, labels)
    return divide(images, labels)


def _check_full(path: Path, labels: NDArray[np.uint8]) -> None:
    """By its rows: copies differ in line ends and compression, and all have these many."""
    if len(labels) != FULL_ROWS:
        raise DataError(
            f"{path}: {len(labels):,} rows, wanted the {FULL_ROWS:,} of the whole A-Z set; a "
            "part of it, or one row lost to a header, would not compare with other results"
        )


def _check_sample(path: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
    """By its content: another sample would not compare with other results of this name."""
    found = sha256(labels.tobytes() + images.tobytes()).hexdigest()
    if found != SAMPLE_SHA256:
        raise DataError(
            f"{path}: {len(labels):,} well-formed rows, but not the 5,934 of the sample that "
            f"az-sample means: the sha256 of their content is {found}, wanted {SAMPLE_SHA256}"
        )


def fetch(source: str, folder: Path, *, asked: bool, progress: Progress) -> None:
    """Fetch the whole set from Kaggle into ``folder``/letters, only where it was asked for."""
    if source != "az":
        raise Unreachable(f"{source} has no address, only a file, {NAMES[source][0]}")
    if not asked:
        raise Unreachable(
            "az is fetched on request only, by 'python -m bench data --fetch letters'"
        )
    kaggle.fetch_letters(folder / "letters")

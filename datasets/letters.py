"""The task ``letters``: the A-Z Handwritten Alphabets in .csv format, whole or a sample.

S. Patel, https://www.kaggle.com/datasets/sachinpatel21/az-handwritten-alphabets-in-csv-format:
372,450 rows sorted by class, from NIST Special Database 19 and other sources. The CSV has no
header and 785 columns, the label 0-25 and then 784 pixels.

Its parser is our own because this form allows one that is far faster than any general one:
nothing but digits, commas and line ends can occur, so every number is computed for all bytes
at once, and then picked where a separator follows.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets import download
from datasets.formats import BLOCK_BYTES, SIDE, read_blocks
from datasets.glyphs import drawn_source
from datasets.splits import Collection, divide
from datasets.tasks import DataError, Progress, Source, Task, Unreachable, silent

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
        download.CSV_NAME,
        f"{download.CSV_NAME}.gz",
        f"{download.CSV_NAME}.zip",
        "A_Z Handwritten Data.zip",
        download.ARCHIVE_NAME,
    ),
    "az-sample": ("az_sample.csv.gz", "az_sample.csv"),
}

COLUMNS = 1 + SIDE * SIDE
CLASSES = 26

# One more thread cuts the file into lines for them, which takes a quarter of the parsing's time.
THREADS = min(os.cpu_count() or 1, 4)

_COMMA, _LINE_END, _ZERO = (np.uint8(ord(character)) for character in ",\n0")


def find(source: str, folder: Path) -> tuple[Path, ...]:
    """The one file of ``source`` in ``folder`` or a usual subfolder; () where none is."""
    for subfolder in SUBFOLDERS:
        for name in NAMES[source]:
            path = folder / subfolder / name
            if path.is_file() and (name != download.ARCHIVE_NAME or _holds_letters(path)):
                return (path,)
    return ()


def _holds_letters(path: Path) -> bool:
    """Whether a zip of Kaggle's general name begins with the letters, also where it is cut."""
    with path.open("rb") as file:
        return download.CSV_NAME.encode() in file.read(1024)


def load(source: str, files: tuple[Path, ...], progress: Progress) -> Collection:
    """Read, check and split. Raises DataError on a file that is not what ``source`` names."""
    (path,) = files
    images, labels = read_csv(path, progress=progress)
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
    digest = sha256(labels.tobytes() + images.tobytes()).hexdigest()
    if digest != SAMPLE_SHA256:
        raise DataError(
            f"{path}: {len(labels):,} well-formed rows, but not the 5,934 of the sample that "
            f"az-sample means: the sha256 of their content is {digest}, wanted {SAMPLE_SHA256}"
        )


def fetch(source: str, folder: Path, *, asked: bool, progress: Progress) -> None:
    """Fetch the whole set from Kaggle into ``folder``/letters, only where it was asked for."""
    if source != "az":
        raise Unreachable(f"{source} has no address, only a file, {NAMES[source][0]}")
    if not asked:
        raise Unreachable(
            "az is fetched on request only, by 'python -m bench data --fetch letters'"
        )
    download.fetch_letters(folder / "letters")


# The CSV


def read_csv(
    path: Path, *, progress: Progress = silent
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (n, 28, 28) and labels (n,), both uint8, of a CSV, plain, in gzip or in a zip.

    Line ends may be LF or CRLF; the last may be missing. Raises DataError with the file, the
    row and the column (both from 1) on anything else that is not in this form.
    """
    _keep_freed_memory()
    tables: list[NDArray[np.uint8]] = []
    rows = 0
    for text, table in _parsed(whole_lines(read_blocks(path, progress=progress))):
        if table is None:
            table = parse_rows_slowly(text, name=str(path), first_row=rows + 1)
        tables.append(table)
        rows += len(table)
    if rows == 0:
        raise DataError(f"{path}: holds no rows; wanted {COLUMNS} numbers in each")
    images = np.concatenate([table[:, 1:] for table in tables])
    labels = np.concatenate([table[:, 0] for table in tables])
    return images.reshape(-1, SIDE, SIDE), labels


def _parsed(texts: Iterable[bytes]) -> Iterator[tuple[bytes, NDArray[np.uint8] | None]]:
    """Each text with its ``parse_rows``, in order; NumPy lets the threads run at once."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[tuple[bytes, Future[NDArray[np.uint8] | None]]] = deque()
        for text in texts:
            waiting.append((text, pool.submit(parse_rows, text)))
            if len(waiting) > 2 * THREADS:
                first, parsed = waiting.popleft()
                yield first, parsed.result()
        for text, parsed in waiting:
            yield text, parsed.result()


def _keep_freed_memory() -> None:
    """Let the parser use the same memory for every block.

    glibc hands freed memory back to the system above a limit that it raises as it sees larger
    pieces freed (mallopt(3), M_TRIM_THRESHOLD). Below that limit each block's arrays are
    mapped in anew, page by page, which takes three times as long as parsing. Elsewhere this
    line does nothing.
    """
    np.empty(24 << 20, dtype=np.uint8)


def whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut anew after line ends; each piece ends in LF, and CRLF becomes LF."""
    rest = b""
    for block in blocks:
        text = rest + block
        cut = text.rfind(b"\n") + 1
        if cut == 0 and len(text) > BLOCK_BYTES:  # no row is that long: parsing it says so
            text, cut = text + b"\n", len(text) + 1
        if cut:
            yield _with_lf(text[:cut])
        rest = text[cut:]
    if rest:
        yield _with_lf(rest + b"\n")


def _with_lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n") if b"\r" in text else text  # one byte is found faster


def parse_rows(text: bytes) -> NDArray[np.uint8] | None:
    """The rows (n, 785) uint8 of whole lines, or None where they are not in this form.

    A number that ends at byte i is d[i] + 10 d[i-1] + 100 d[i-2], less what lies before a
    separator: shifted copies of the whole text give it for every i in a few operations.
    """
    characters = np.frombuffer(text, dtype=np.uint8)
    digits = characters - _ZERO  # whatever is no digit wraps to above 9
    is_digit = digits <= 9
    digits *= is_digit
    numbers = digits.astype(np.uint16)
    numbers[1:] += digits[:-1] * np.uint16(10)
    numbers[2:] += digits[:-2] * is_digit[1:-1] * np.uint16(100)
    ends = np.flatnonzero(~is_digit)
    if not _has_form(characters, ends):
        return None
    table = numbers.take(ends - 1).reshape(-1, COLUMNS)
    if table.max() > 255 or table[:, 0].max() >= CLASSES:
        return None
    return table.astype(np.uint8)


def _has_form(characters: NDArray[np.uint8], ends: NDArray[np.int64]) -> bool:
    """Whether numbers of one to three digits, 785 in each line, are all there is."""
    if len(ends) == 0 or len(ends) % COLUMNS:
        return False
    steps = np.diff(ends, prepend=-1)
    if steps.min() < 2 or steps.max() > 4:
        return False
    separators = characters.take(ends).reshape(-1, COLUMNS)
    commas, line_ends = separators[:, :-1] == _COMMA, separators[:, -1] == _LINE_END
    return bool(commas.all() and line_ends.all())


def parse_rows_slowly(text: bytes, *, name: str, first_row: int) -> NDArray[np.uint8]:
    """What ``parse_rows`` does, number by number: the second look that finds the place of an error.

    Raises DataError with the row and the column.
    """
    lines = text.split(b"\n")[:-1]
    return np.array(
        [_row(line, f"{name}: row {row}", row) for row, line in enumerate(lines, first_row)],
        dtype=np.uint8,
    )


def _row(line: bytes, address: str, row: int) -> list[int]:
    fields = line.split(b",")
    if len(fields) != COLUMNS:
        raise DataError(
            f"{address} has {len(fields)} column{'s' if len(fields) > 1 else ''}, "
            f"wanted {COLUMNS}: a label and {COLUMNS - 1} pixels"
        )
    return [_number(field, f"{address}, column {i}", row, i) for i, field in enumerate(fields, 1)]


def _number(field: bytes, address: str, row: int, column: int) -> int:
    most = CLASSES - 1 if column == 1 else 255
    if field.isdigit() and len(field) <= 3 and int(field) <= most:
        return int(field)
    shown = field[:20].decode("ascii", "backslashreplace")
    what = "a label" if column == 1 else "a pixel"
    header = row == 1 and not field.isdigit()
    hint = "; if this row is a header, remove it: the published file has none" if header else ""
    raise DataError(f"{address}: {shown!r} is not {what}, a whole number from 0 to {most}{hint}")

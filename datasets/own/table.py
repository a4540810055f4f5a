"""CSV: a row for each image, its label in the first or the last column, pixels in the others.

Which of the two holds the labels is decided by evidence and never by guess.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO, StringIO
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from datasets.formats import read_file
from datasets.own.content import Content, Part, Texts
from datasets.own.gathering import MOST_CLASSES
from datasets.pictures import LEAST_SIDE, Numbers
from datasets.tasks import DataError, Progress

if TYPE_CHECKING:
    import pandas as pd

LABELS = frozenset(
    ["label", "labels", "class", "target", "y", "category", "digit", "letter", "character"]
)
_CHUNK_ROWS = 10_000  # parsed at a time: 60 MB of the whole numbers that pandas makes


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the first lines of a file say of all of it."""

    columns: int
    separator: str
    header: tuple[str, ...] | None  # the names of the columns; None: the first line is an image


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Some rows, the columns that may be labels apart."""

    first: Texts  # (n,)
    pixels: Numbers  # (n, columns - 2)
    last: Texts  # (n,)


def read(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read a table, plain, in gzip or in a zip; commas, semicolons or tabs between its columns.

    Raises DataError with the row (from 1, a header counted) and the column on what is no
    pixel, on rows of another length, and where nothing tells which column holds the labels.
    """
    (path,) = files
    content = read_file(path, progress=progress)
    form = layout(content, path)
    chunks = list(_chunks(content, form, path))
    first = np.concatenate([rows.first for rows in chunks])
    pixels = np.concatenate([rows.pixels for rows in chunks])
    last = np.concatenate([rows.last for rows in chunks])
    choice = choose_label_column(first, last, form.header, name=str(path))
    labels, corner = (first, last) if choice.is_first else (last, first)
    corners = _compact(corner.astype(np.float64))[:, None]
    together = [pixels, corners] if choice.is_first else [corners, pixels]
    note = (
        f"labels are the {'first' if choice.is_first else 'last'} column of {path.name}: "
        f"{choice.reason}"
    )
    return Content(rest=Part(images=np.hstack(together), labels=labels), notes=(note,))


def layout(content: bytes, path: Path) -> Layout:
    """Columns, separator and header, from the first two lines.

    Raises DataError where the columns are not a label and a square number of pixels.
    """
    lines = _first_lines(content, path)
    separator = max(",;\t", key=lines[0].count)
    rows = list(csv.reader(StringIO("\n".join(lines)), delimiter=separator))
    header = tuple(word.strip() for word in rows[0]) if _is_header(rows) else None
    columns = len(rows[-1])
    side = isqrt(columns - 1)
    if side * side != columns - 1 or side < LEAST_SIDE:
        raise DataError(
            f"{path}: {columns} columns; wanted a label and a square number of pixels, such as "
            f"785 (28×28) or 65 (8×8){_advice(columns)}"
        )
    return Layout(columns=columns, separator=separator, header=header)


def _advice(columns: int) -> str:
    if columns < 2:
        return ""
    if isqrt(columns - 2) ** 2 == columns - 2:
        return "; if the first one counts the rows, leave it out: to_csv(index=False)"
    return "" if columns % 3 != 1 else "; colour images are to be made grey first"


def _first_lines(content: bytes, path: Path) -> list[str]:
    end = content.find(b"\n")
    second = content.find(b"\n", end + 1) if end >= 0 else -1
    try:
        text = content[: second if second >= 0 else len(content)].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: its first lines are no text in UTF-8 ({error})") from error
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise DataError(f"{path}: holds no rows; wanted one for each image")
    return lines


def _is_header(rows: list[list[str]]) -> bool:
    """Whether the first row names columns: with two words in it, or counting them.

    One word alone may be the label of an image.
    """
    ends = ([word.strip() for word in rows[0][part]] for part in (slice(1, None), slice(-1)))
    words = sum(not is_number(word) for word in rows[0])
    return words > 1 or any(_counts(names) for names in ends)


def _counts(names: list[str]) -> bool:
    """Whether they are 0, 1, 2 or 1, 2, 3 and so on, as no row of pixels is."""
    return any(names == [str(n + start) for n in range(len(names))] for start in (0, 1))


def _chunks(content: bytes, form: Layout, path: Path) -> Iterator[_Rows]:
    import pandas as pd

    skipped = int(form.header is not None)
    try:
        frames = pd.read_csv(
            BytesIO(content),
            header=None,
            skiprows=skipped,
            sep=form.separator,
            dtype={0: "str", form.columns - 1: "str"},
            keep_default_na=False,  # NA and null may be labels
            chunksize=_CHUNK_ROWS,
            low_memory=False,
            encoding="utf-8-sig",
        )
        for number, frame in enumerate(frames):
            yield _rows(frame, 1 + skipped + number * _CHUNK_ROWS, path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: cannot be read as a table of {form.columns} columns ({error}); wanted a "
            "row for each image, all of the same length"
        ) from error


def _rows(frame: pd.DataFrame, first_row: int, path: Path) -> _Rows:
    _refuse_what_is_no_number(frame, first_row, path)
    values = _compact(frame.iloc[:, 1:-1].to_numpy())
    first, last = (frame.iloc[:, column].to_numpy(dtype=np.str_) for column in (0, -1))
    return _Rows(first=np.char.strip(first), pixels=values, last=np.char.strip(last))


def _compact(values: Numbers) -> Numbers:
    """As bytes where they are whole numbers from 0 to 255; what is not is judged later."""
    as_bytes = values.clip(0, 255).astype(np.uint8)
    return as_bytes if np.array_equal(as_bytes, values) else values.astype(np.float32)


def _refuse_what_is_no_number(frame: pd.DataFrame, first_row: int, path: Path) -> None:
    """Raise DataError for a short row, and for a word among the pixels."""
    import pandas as pd

    columns = frame.shape[1]
    short = np.flatnonzero(frame.iloc[:, -1] == "")
    if len(short):
        raise DataError(
            f"{path}: row {first_row + short[0]:,} has nothing in the last of its {columns} "
            "columns; is the file truncated?"
        )
    for column in range(1, columns - 1):
        values = frame.iloc[:, column]
        if not pd.api.types.is_numeric_dtype(values):
            wrong = np.flatnonzero(pd.to_numeric(values, errors="coerce").isna())
            shown = values.iloc[wrong[0]] if len(wrong) else "a word"
            raise DataError(
                f"{path}: row {first_row + (wrong[0] if len(wrong) else 0):,}, column "
                f"{column + 1}: {shown!r} is no pixel, a number from 0 to 255"
            )


# Which column holds the labels


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The column that was taken, and why."""

    is_first: bool
    reason: str


def choose_label_column(
    first: Texts, last: Texts, header: tuple[str, ...] | None, *, name: str
) -> Choice:
    """Take the first or the last column by the strongest evidence that tells them apart.

    Args:
        first: (n,) the first column as it stands in the file.
        last: (n,) the last one.
        header: the names of all columns; None: there are none.
        name: the file's, for errors.

    In this order: one cannot be pixels; the header names one of them; one cannot be labels; one
    counts its classes from 0 or 1 without a gap. Raises DataError where nothing decides.
    """
    numbers = [_numbers(column) for column in (first, last)]
    impossible = _not_pixels(numbers, name)
    evidence = (
        (impossible, "it cannot be pixels, the other can"),
        (_named(header), "the header says so"),
        ([_is_list_of_classes(column) for column in numbers], "the other is no list of classes"),
        ([_counts_up(column) for column in numbers], "its numbers have no gap"),
    )
    for (is_first, is_last), reason in evidence:
        if is_first != is_last:
            return Choice(is_first=is_first, reason=reason)
    raise DataError(
        f"{name}: either the first or the last column may hold the labels; add a header line "
        "that names that column 'label'"
    )


def is_number(text: str) -> bool:
    """Whether a field holds a finite number."""
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _numbers(column: Texts) -> Numbers | None:
    """The column as numbers; None where one of its fields is none."""
    if not all(is_number(str(text)) for text in np.unique(column)):
        return None
    return column.astype(np.float64)


def _named(header: tuple[str, ...] | None) -> list[bool]:
    """Whether the header says of the first column, and of the last, that it holds the labels."""
    ends = (header[0], header[-1]) if header else ("", "")
    return [name.casefold() in LABELS for name in ends]


def _not_pixels(columns: list[Numbers | None], name: str) -> list[bool]:
    """Whether the first column, and the last, cannot be pixels. Raises DataError where both."""
    impossible = [c is None or bool((c < 0).any() or (c > 255).any()) for c in columns]
    if all(impossible):
        raise DataError(
            f"{name}: neither the first nor the last column can be pixels; wanted labels in one "
            "of them, and numbers from 0 to 255 in all others"
        )
    return impossible


def _is_list_of_classes(numbers: Numbers | None) -> bool:
    """Whole numbers, at least two different ones, each three times on average."""
    if numbers is None:
        return True
    different = np.unique(numbers)
    whole = bool((different == np.round(different)).all())
    return whole and 2 <= len(different) <= min(MOST_CLASSES, len(numbers) // 3)


def _counts_up(numbers: Numbers | None) -> bool:
    if numbers is None:
        return False
    different = np.unique(numbers)
    start = different[0]
    return bool(start in (0, 1) and np.array_equal(different, start + np.arange(len(different))))

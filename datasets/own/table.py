"""A table in text: a row for each image, its label at one end, pixels in the other columns.

It is parsed by pandas, piece by piece, so that no file is in memory as a whole and no line is
longer than a row can be.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import chain
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from datasets.formats import read_blocks
from datasets.own.columns import (
    choose_label_column,
    index_column,
    is_header,
    is_renamed_image,
    separator_of,
    shown,
)
from datasets.own.gathering import Content, Part
from datasets.own.labels import MOST_CHARACTERS, Texts
from datasets.pictures import LEAST_SIDE, MOST_IMAGES, Numbers
from datasets.tasks import DataError, Progress

if TYPE_CHECKING:
    import pandas as pd

MOST_LINE_BYTES = 8 << 20  # a row of 512x512 fractions has less
_CHUNK_VALUES = 8_000_000  # parsed at a time: 63 MB of the whole numbers that pandas makes
_ENDS = (0, 1, -2, -1)  # the columns that may be labels or count the rows


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What the first lines of a file say of all of it."""

    columns: int
    separator: str | None  # None: spaces
    header: tuple[str, ...] | None  # the names of the columns; None: the first line is an image
    has_index: bool  # there is a column more than a label and pixels
    lost_image: bool  # the first line is an image that pandas took for names


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """Some rows, the columns at the ends apart."""

    ends: dict[int, Texts]  # by their place, one of _ENDS: (n,) each
    pixels: Numbers  # (n, columns - 4)


def read(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read a table, plain, in gzip or in a zip, with commas, semicolons, tabs or spaces.

    Raises DataError with the row (from 1, a header counted) and the column on what is no
    pixel, on rows of another length, and where nothing tells which column holds the labels.
    """
    (path,) = files
    lines, text = _opened(read_blocks(path, progress=progress), path)
    form = layout(lines, path)
    pieces = list(_pieces(text, form, path))
    if not pieces:
        raise DataError(f"{path}: holds no rows; wanted one for each image")
    ends = {
        position: np.concatenate([rows.ends[position] for rows in pieces]) for position in _ENDS
    }
    pixels = np.concatenate([rows.pixels for rows in pieces])
    return _content(ends, pixels, form, path)


def _content(ends: dict[int, Texts], pixels: Numbers, form: Layout, path: Path) -> Content:
    """Each column at the ends is the labels, a count of the rows, or pixels."""
    positions, header, reading, aside = list(_ENDS), form.header, [], ""
    if form.has_index:
        counts = index_column({0: ends[0], -1: ends[-1]}, header)
        if counts is None:
            advice = "if one of them counts the rows, leave it out: to_csv(index=False)"
            raise _wrong_columns(form.columns, advice, path)
        reading.append(f"left out: the {_ordinal(counts)} column, which counts the rows")
        positions.remove(counts)
        aside = " of the others"
        if header is not None:
            header = header[1:] if counts == 0 else header[:-1]
    left, right = positions[0], positions[-1]
    choice = choose_label_column(
        ends[left],
        ends[right],
        header,
        least_pixel=float(pixels.min(initial=0)),
        name=str(path),
    )
    label = left if choice.is_first else right
    positions.remove(label)
    reading.append(
        f"labels are the {_ordinal(0 if choice.is_first else -1)} column of {path.name}{aside}: "
        f"{choice.reason}"
    )
    first_row = 1 + int(form.header is not None or form.lost_image)
    corners = {
        position: _pixel_column(ends[position], first_row, position % form.columns, path)
        for position in positions
    }
    before = [corners[position] for position in positions if position >= 0]
    after = [corners[position] for position in positions if position < 0]
    if form.lost_image:
        reading.append(
            "left out: the first line, an image that pandas has taken for a header and renamed"
        )
    images = np.hstack([*before, pixels, *after])
    return Content(rest=Part(images=images, labels=ends[label]), reading=tuple(reading))


def _ordinal(position: int) -> str:
    return "first" if position == 0 else "last"


def _pixel_column(column: Texts, first_row: int, position: int, path: Path) -> Numbers:
    try:
        return _compact(column.astype(np.float64))[:, None]
    except ValueError:
        row = next(row for row, text in enumerate(column) if not _is_float(str(text)))
        raise _no_pixel(str(column[row]), first_row + row, position, path) from None


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _no_pixel(text: str, row: int, position: int, path: Path) -> DataError:
    return DataError(
        f"{path}: row {row:,}, column {position + 1:,}: {shown(text)} is no pixel, a number from "
        "0 to 255"
    )


# Its first lines


def layout(lines: list[str], path: Path) -> Layout:
    """Columns, separator and header, from the first two lines that are not empty.

    Raises DataError where the columns are not a label and a square number of pixels.
    """
    separator = separator_of(lines[0])
    rows = [_fields(line, separator, path) for line in lines]
    lost_image = is_renamed_image(rows[0])
    has_header = not lost_image and is_header(rows[0])
    columns = len(rows[-1])
    side = isqrt(max(columns - 1, 0))
    is_plain, has_index = (side * side == columns - beside for beside in (1, 2))
    if side < LEAST_SIDE or not (is_plain or has_index):
        colour = columns % 3 == 1 and isqrt(columns // 3) ** 2 == columns // 3
        advice = "colour images are to be made grey first" if colour else "is it a table of images?"
        raise _wrong_columns(columns, advice, path)
    return Layout(
        columns=columns,
        separator=separator,
        header=tuple(rows[0]) if has_header else None,
        has_index=has_index,
        lost_image=lost_image,
    )


def _wrong_columns(columns: int, advice: str, path: Path) -> DataError:
    return DataError(
        f"{path}: {columns:,} columns; wanted a label and a square number of pixels, such as "
        f"785 (28×28) or 65 (8×8); {advice}"
    )


def _fields(line: str, separator: str | None, path: Path) -> list[str]:
    if separator is None:
        return line.split()
    try:
        return [field.strip() for field in next(csv.reader(StringIO(line), delimiter=separator))]
    except csv.Error as error:
        raise DataError(
            f"{path}: its first lines are no table ({error}); wanted a row for each image"
        ) from error


# Its text, in pieces


def _opened(blocks: Iterator[bytes], path: Path) -> tuple[list[str], io.BufferedReader]:
    """The first two lines that are not empty, and the whole text for pandas."""
    bounded = _bounded(blocks, path)
    begin = b""
    lines: list[bytes] = []
    for block in bounded:
        begin += block
        lines = [line for line in begin.splitlines() if line.strip()]
        if len(lines) > 2:  # so that the second has its end
            break
    if not lines:
        raise DataError(f"{path}: holds no rows; wanted one for each image")
    try:
        first = [line.decode("utf-8-sig") for line in lines[:2]]
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: its first lines are no text in UTF-8 ({error})") from error
    return first, io.BufferedReader(_Stream(chain([begin], bounded)))


def _bounded(blocks: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """The same blocks; DataError where a line is longer than a row can be."""
    line_bytes = 0
    for block in blocks:
        end = max(block.rfind(b"\n"), block.rfind(b"\r"))
        line_bytes = len(block) - 1 - end if end >= 0 else line_bytes + len(block)
        if line_bytes > MOST_LINE_BYTES:
            raise DataError(
                f"{path}: a line of more than {MOST_LINE_BYTES >> 20} MB; wanted a line for each "
                "image: is it a table?"
            )
        yield block


class _Stream(io.RawIOBase):
    """Blocks as a file that can be read once."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _pieces(text: io.BufferedReader, form: Layout, path: Path) -> Iterator[_Rows]:
    import pandas as pd

    row = 1 + int(form.header is not None or form.lost_image)
    images = 0
    try:
        frames = pd.read_csv(
            text,
            header=None,
            skiprows=row - 1,
            sep=r"\s+" if form.separator is None else form.separator,
            dtype={position % form.columns: "str" for position in _ENDS},
            keep_default_na=False,  # NA and null may be labels
            chunksize=max(1, _CHUNK_VALUES // form.columns),
            low_memory=False,
            encoding="utf-8-sig",
        )
        for frame in frames:
            yield _rows(frame, row, path)
            row += len(frame)
            images += len(frame)
            if images > MOST_IMAGES:
                raise DataError(
                    f"{path}: more than {MOST_IMAGES:,} images, the most that are read; leave some "
                    "out"
                )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OverflowError) as error:
        raise DataError(
            f"{path}: cannot be read as a table of {form.columns} columns "
            f"({str(error).strip()}); wanted a row for each image, all of the same length"
        ) from error


def _rows(frame: pd.DataFrame, first_row: int, path: Path) -> _Rows:
    _refuse_what_is_no_number(frame, first_row, path)
    ends = {position: _texts(frame, position, first_row, path) for position in _ENDS}
    return _Rows(ends=ends, pixels=_compact(frame.iloc[:, 2:-2].to_numpy()))


def _texts(frame: pd.DataFrame, position: int, first_row: int, path: Path) -> Texts:
    """A column as it stands in the file; NumPy makes room in each row for the longest field."""
    column = frame.iloc[:, position]
    lengths = column.str.len()
    if lengths.max() > MOST_CHARACTERS:
        row = int(lengths.to_numpy().argmax())
        raise DataError(
            f"{path}: row {first_row + row:,}, column {position % frame.shape[1] + 1:,}: a field "
            f"of {lengths.max():,} characters, {shown(column.iloc[row])}; wanted a pixel, or a "
            f"label of {MOST_CHARACTERS} characters at most"
        )
    return np.char.strip(column.to_numpy(dtype=np.str_))


def _compact(values: Numbers) -> Numbers:
    """As bytes where they are whole numbers from 0 to 255; what is not is judged later."""
    with np.errstate(invalid="ignore", over="ignore"):  # of what is no number, or far too large
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
    for position in range(2, columns - 2):
        values = frame.iloc[:, position]
        if not pd.api.types.is_numeric_dtype(values):
            wrong = np.flatnonzero(pd.to_numeric(values, errors="coerce").isna())
            row = int(wrong[0]) if len(wrong) else 0
            text = str(values.iloc[row]) if len(wrong) else "a word"
            raise _no_pixel(text, first_row + row, position, path)

"""What each column of a table is: the labels, pixels, or a count of the rows.

Which of the columns at the ends holds the labels is decided by evidence and never by guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from datasets.own.labels import MOST_CLASSES, Texts
from datasets.pictures import Numbers
from datasets.tasks import DataError

LABELS = frozenset(
    ["label", "labels", "class", "target", "y", "category", "digit", "letter", "character"]
)
_NO_CLASSES = frozenset(["label", "labels", "target"])  # those of them that name no class
_INDEXES = frozenset(["", "unnamed: 0", "index", "id", "row"])
_SEPARATORS = ",;\t|"
_REPEATED = re.compile(r"^(.+)\.\d+$")  # how pandas names a column whose name it has already


# The first line


def separator_of(line: str) -> str | None:
    """What stands between the columns most often; None: spaces."""
    separator = max(_SEPARATORS, key=line.count)
    return separator if separator in line else None


def is_number(text: str) -> bool:
    """Whether a field holds a finite number."""
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def is_header(fields: Sequence[str]) -> bool:
    """Whether a first row names columns: mostly in words, counting them, or one of them 'label'.

    Another word or two may be the label of an image, and pixels that are missing.
    """
    if any(field.casefold() in _NO_CLASSES for field in (*fields[:2], *fields[-2:])):
        return True
    words = sum(not is_number(field) for field in fields)
    inner = list(fields)
    for end in (0, -1):  # beside counted pixels stand 'label', and perhaps 'id'
        while inner and not is_number(inner[end]):
            inner.pop(end)
    counted = [inner, inner[1:], inner[:-1]] if words else [inner[1:], inner[:-1]]
    return 2 * words >= len(fields) or any(_counts(names) for names in counted)


def _counts(names: Sequence[str]) -> bool:
    """Whether they are 0, 1, 2 or 1, 2, 3 and so on, as no row of pixels is."""
    return len(names) > 1 and any(
        list(names) == [str(n + start) for n in range(len(names))] for start in (0, 1)
    )


def is_renamed_image(fields: Sequence[str]) -> bool:
    """Whether a first row is an image that pandas took for names: '5', '0', '0.1', '0.2'.

    A name that it has already it makes another by a number, from 1.
    """
    originals = [_REPEATED.sub(r"\1", field) for field in fields]
    if originals == list(fields) or not all(map(is_number, originals[2:-2])):
        return False
    counts: dict[str, int] = {}
    renamed = []
    for original in originals:
        again = counts.get(original, 0)
        renamed.append(f"{original}.{again}" if again else original)
        counts[original] = again + 1
    return renamed == list(fields)


# The columns at the ends


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The column that was taken, and why."""

    is_first: bool
    reason: str


def index_column(columns: Mapping[int, Texts], header: tuple[str, ...] | None) -> int | None:
    """The column that counts the rows, of a table that has one too many: 0 or -1.

    Args:
        columns: the first and the last as they stand in the file, by 0 and -1.
        header: the names of all columns; None: there are none.

    It counts up row by row, or its name says so and no two rows are alike. None where neither or
    both columns could be it.
    """
    counting = [position for position in (0, -1) if _counts_rows(columns[position])]
    called = [
        position
        for position in (0, -1)
        if header and header[position].casefold() in _INDEXES
        if len(np.unique(columns[position])) == len(columns[position])
    ]
    for places in (called, counting):
        if len(places) == 1:
            return places[0]
    return None


def _counts_rows(column: Texts) -> bool:
    return any(
        np.array_equal(column, (start + np.arange(len(column))).astype(np.str_)) for start in (0, 1)
    )


def choose_label_column(
    first: Texts,
    last: Texts,
    header: tuple[str, ...] | None,
    *,
    least_pixel: float = 0.0,
    name: str,
) -> Choice:
    """Take the first or the last column by the strongest evidence that tells them apart.

    Args:
        first: (n,) the first column as it stands in the file.
        last: (n,) the last one.
        header: the names of all columns; None: there are none.
        least_pixel: the least number in all columns between them.
        name: the file's, for errors.

    In this order: one cannot be pixels; the header names one of them; one cannot be labels; one
    counts its classes from 0 or 1 without a gap. Raises DataError where nothing decides.
    """
    numbers = [_numbers(column) for column in (first, last)]
    impossible = _not_pixels(numbers, min(least_pixel, 0.0), name)
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


def _numbers(column: Texts) -> Numbers | None:
    """The column as numbers; None where one of its fields is none."""
    if not all(is_number(str(text)) for text in np.unique(column)):
        return None
    return column.astype(np.float64)


def _named(header: tuple[str, ...] | None) -> list[bool]:
    """Whether the header says of the first column, and of the last, that it holds the labels."""
    ends = (header[0], header[-1]) if header else ("", "")
    return [name.casefold() in LABELS for name in ends]


def _not_pixels(columns: list[Numbers | None], least: float, name: str) -> list[bool]:
    """Whether the first column, and the last, cannot be pixels. Raises DataError where both."""
    impossible = [c is None or bool((c < least).any() or (c > 255).any()) for c in columns]
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


def shown(text: str) -> str:
    """A field for an error: its beginning, with no control characters."""
    return repr(text[:40]) + ("..." if len(text) > 40 else "")

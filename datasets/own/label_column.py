"""Which column of a CSV holds the labels: the first or the last, by evidence and never by guess."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datasets.errors import DataError
from datasets.own.classes import MOST
from datasets.own.content import Texts
from datasets.pictures import Numbers

NAMES = ("label", "labels", "class", "target", "y", "category", "digit", "letter", "character")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The column that was taken, and why."""

    is_first: bool
    reason: str


def choose(first: Texts, last: Texts, header: tuple[str, ...] | None, *, name: str) -> Choice:
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
        (_may_be_labels(numbers), "the other is no list of classes"),
        (_without_gap(numbers), "its numbers have no gap"),
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


Both = tuple[bool, bool]  # something holds for the first column, for the last column


def _numbers(column: Texts) -> Numbers | None:
    """The column as numbers; None where one of its fields is none."""
    found = np.unique(column)
    if not all(is_number(str(text)) for text in found):
        return None
    return column.astype(np.float64)


def _named(header: tuple[str, ...] | None) -> Both:
    if header is None:
        return False, False
    return header[0].casefold() in NAMES, header[-1].casefold() in NAMES


def _not_pixels(numbers: list[Numbers | None], name: str) -> Both:
    first, last = (each is None or bool((each < 0).any() or (each > 255).any()) for each in numbers)
    if first and last:
        raise DataError(
            f"{name}: neither the first nor the last column can be pixels; wanted labels in one "
            "of them, and numbers from 0 to 255 in all others"
        )
    return first, last


def _may_be_labels(numbers: list[Numbers | None]) -> Both:
    """Whole numbers, at least two different ones, each three times on average."""
    first, last = (_is_list_of_classes(each) for each in numbers)
    return first, last


def _is_list_of_classes(numbers: Numbers | None) -> bool:
    if numbers is None:
        return True
    different = np.unique(numbers)
    whole = bool((different == np.round(different)).all())
    return whole and 2 <= len(different) <= min(MOST, len(numbers) // 3)


def _without_gap(numbers: list[Numbers | None]) -> Both:
    first, last = (_counts_up(each) for each in numbers)
    return first, last


def _counts_up(numbers: Numbers | None) -> bool:
    if numbers is None:
        return False
    different = np.unique(numbers)
    start = different[0]
    return bool(start in (0, 1) and np.array_equal(different, start + np.arange(len(different))))

"""Labels of any kind as indices into class names: whole numbers, words, or those of a known task.

A label that could mean two classes is never guessed: the error asks which.
"""

from __future__ import annotations

import re
from collections.abc import Collection as Names
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.pictures import Numbers
from datasets.tasks import DataError

MOST_CLASSES = 256  # labels are kept as bytes
MOST_CHARACTERS = 100  # of a class's name
MOST_STORED = 1000  # that an array has room for, as NumPy gives every label the room of the longest

_SORTED = 10_000  # more than so many classes are an error, and not worth sorting
_EXACT = 2**53  # whole numbers beyond it are not exact as floats
_DIGITS = re.compile(r"(\d+)")
# '1.0' and '1e0' are whole numbers that a program wrote as fractions; '007' stays a word.
_WRITTEN_AS_FRACTION = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?")
_NO_NUMBER = re.compile(r"[-+]?(nan|inf|infinity)", re.IGNORECASE)

Texts = NDArray[np.str_]


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """Labels as indices into class names."""

    names: tuple[str, ...]
    indices: list[NDArray[np.uint8]]  # (n,) of each part of the data set
    reading: tuple[str, ...]  # what was taken for what: sentences


def number_classes(
    labels: Sequence[Numbers | Texts],
    *,
    given: tuple[str, ...] = (),
    labels_from: int | None = None,
    are_names: bool = False,
    name: str,
) -> Numbered:
    """Name all classes, and number them.

    Args:
        labels: of the parts of a data set, (n,) each: whole numbers of any size, or words.
        given: the classes that the task has already; (): those that occur, whole numbers
            sorted as numbers and words naturally, 'a2' before 'a10'.
        labels_from: the number of the first class given, 0 or 1; None: what alone fits.
        are_names: the user named the classes, as folders do: '1.5' is a name and no number.
        name: the file's, for errors.

    Where classes are given, labels may be their names or their numbers. Raises DataError on
    labels that are neither whole numbers nor words, on numbers that fit counted from 0 and from
    1, on labels of no given class, and on fewer than 2 or more than MOST_CLASSES classes.
    """
    spelled = [_spelled(part, name, are_names=are_names) for part in labels]
    occurring = {text for texts, _ in spelled for text in texts}
    _check_classes(occurring, name)
    names = given or tuple(sorted(occurring, key=natural))
    meant, reading = _meanings(occurring, names, given, labels_from, name)
    index = {text: number for number, text in enumerate(meant)}
    return Numbered(
        names=names,
        indices=[
            np.array([index[text] for text in texts], dtype=np.uint8)[rows]
            for texts, rows in spelled
        ],
        reading=reading,
    )


def natural(text: str) -> tuple[bool, int, list[tuple[bool, int, str]], str]:
    """A key that sorts whole numbers by value, then words with their numbers by value."""
    if re.fullmatch(r"-?\d+", text):
        return False, int(text), [], text
    pieces = _DIGITS.split(text.casefold())
    return True, 0, [(False, int(p), "") if p.isdecimal() else (True, 0, p) for p in pieces], text


# Spelled alike


def _spelled(
    labels: Numbers | Texts, name: str, *, are_names: bool
) -> tuple[list[str], NDArray[np.int64]]:
    """The different labels as text, and for each image which of them it has."""
    kind = labels.dtype.kind
    if kind not in "fiubUS":
        raise DataError(f"{name}: labels of type {labels.dtype}; wanted whole numbers or words")
    longest = labels.dtype.itemsize // (4 if kind == "U" else 1)
    if kind in "US" and longest > MOST_STORED:
        raise DataError(
            f"{name}: labels of up to {longest:,} characters; wanted whole numbers or words of "
            f"{MOST_CHARACTERS} at most"
        )
    different, first, rows = np.unique(labels, return_index=True, return_inverse=True)
    spell = _stripped if are_names else _spell
    texts = [
        spell(label, f"{name}: label {label} of image {row + 1:,}")
        for label, row in zip(different.tolist(), first, strict=True)
    ]
    return texts, rows


def _stripped(label: Any, address: str) -> str:
    return str(label).strip()


def _spell(label: Any, address: str) -> str:
    """A label as text: 3.0, '3.0' and b'3' are '3'."""
    if isinstance(label, bytes):
        label = label.decode("utf-8", "replace")
    text = str(label).strip()
    if _NO_NUMBER.fullmatch(text):
        raise DataError(
            f"{address} is no whole number and no word; give the image a label, or leave it out"
        )
    if not _WRITTEN_AS_FRACTION.fullmatch(text):
        return text
    value = float(text)
    if not isfinite(value) or value != round(value) or abs(value) > _EXACT:
        raise DataError(
            f"{address} is no whole number and no word; number the classes 0, 1, 2, or name them"
        )
    return str(round(value))


def _check_classes(names: Names[str], name: str) -> None:
    few = nsmallest(5, names) if len(names) > _SORTED else sorted(names, key=natural)
    for text in few:
        _check_name(text, name)
    if not 2 <= len(names) <= MOST_CLASSES:
        shown = ", ".join(few[:5]) + (", ..." if len(names) > 5 else "")
        raise DataError(
            f"{name}: {len(names):,} class{'' if len(names) == 1 else 'es'} ({shown}); wanted 2 "
            f"to {MOST_CLASSES}"
        )


def _check_name(text: str, name: str) -> None:
    if not text or not text.isprintable():
        raise DataError(
            f"{name}: {text[:MOST_CHARACTERS]!r} cannot name a class; give every image a label "
            "that can be read"
        )
    if len(text) > MOST_CHARACTERS:
        raise DataError(
            f"{name}: a label of {len(text):,} characters, {text[:20]!r}...; wanted whole numbers "
            f"or words of {MOST_CHARACTERS} at most"
        )


# What a label means


def _meanings(
    occurring: Names[str],
    names: tuple[str, ...],
    given: tuple[str, ...],
    labels_from: int | None,
    name: str,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """How the labels call each class, in the classes' order; and what is to be said of that."""
    if not given:
        return names, _of_found(occurring, labels_from, name)
    if labels_from is None and set(occurring) <= set(names):
        return names, ()
    start = _start(occurring, names, name) if labels_from is None else labels_from
    meant = _numbers(names, start)
    strange = sorted(set(occurring) - set(meant), key=natural)
    if strange:
        raise DataError(
            f"{name}: label {strange[0]!r} is none of {meant[0]} to {meant[-1]}, which "
            f"--labels-from {start} means for {names[0]} to {names[-1]}; leave it out, or correct "
            "the label"
        )
    return meant, (f"labels {meant[0]} to {meant[-1]} are taken for {names[0]} to {names[-1]}",)


def _of_found(occurring: Names[str], labels_from: int | None, name: str) -> tuple[str, ...]:
    if labels_from is not None:
        raise DataError(
            f"{name}: --labels-from says which class of a known task a number means; of a new task "
            "each label is a class of its own name: leave it out"
        )
    if set(occurring) == set(_numbers(range(10), 1)):
        return (
            "the classes are 1 to 10 as the labels are; where 10 means the digit 0, as in SVHN, "
            "write 0 for it (labels % 10)",
        )
    return ()


def _numbers(names: Names[Any], start: int) -> tuple[str, ...]:
    return tuple(str(number + start) for number in range(len(names)))


def _start(occurring: Names[str], names: tuple[str, ...], name: str) -> int:
    """0 or 1, whichever alone makes the labels numbers of classes. Raises DataError else."""
    fitting = [start for start in (0, 1) if set(occurring) <= set(_numbers(names, start))]
    if not fitting:
        unknown = set(occurring) - set(names)
        strange = min(unknown - set(_numbers(names, 0)) or unknown, key=natural)
        raise DataError(
            f"{name}: {strange!r} is no class of this task; wanted labels of {', '.join(names)}, "
            f"or 0 to {len(names) - 1}"
        )
    if names == _numbers(names, 0):  # their names are numbers: another numbering is no plain fact
        raise DataError(
            f"{name}: {len(names)} is among the labels and 0 is not. Where {len(names)} means the "
            f"digit 0, as in SVHN, write 0 for it (labels % {len(names)}); where label 1 means 0, "
            "2 means 1 and so on, give --labels-from 1"
        )
    if len(fitting) == 2:
        least, most = (choose(occurring, key=natural) for choose in (min, max))
        meanings = [
            f"counted from {start} they are {names[int(least) - start]} to "
            f"{names[int(most) - start]}"
            for start in fitting
        ]
        raise DataError(
            f"{name}: labels {least} to {most}: {', '.join(meanings)}. Say which with "
            "--labels-from 0 or --labels-from 1, or write the classes' names as labels"
        )
    return fitting[0]

"""Labels of any kind into class names, in their order, and numbers of classes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DataError
from datasets.own.content import Texts
from datasets.pictures import Numbers

MOST = 256  # labels are kept as bytes

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """Labels as indices into class names."""

    names: tuple[str, ...]
    indices: list[NDArray[np.uint8]]  # (n,) of each part of the data set
    notes: tuple[str, ...]


def number(
    labels: Sequence[Numbers | Texts], *, given: tuple[str, ...] = (), name: str
) -> Numbered:
    """Name all classes, and number them.

    Args:
        labels: of the parts of a data set, (n,) each: whole numbers of any size, or words.
        given: the classes that the task has already; (): those that are found, whole numbers
            sorted as numbers and words naturally, 'a2' before 'a10'.
        name: the file's, for errors.

    Where classes are given, labels may be their names, or their numbers from 0, or from 1 where
    that alone fits. Raises DataError on labels that are neither numbers nor words, or no given
    class, and on fewer than 2 or more than MOST classes.
    """
    texts = [_as_text(one, name) for one in labels]
    found = sorted({str(text) for one in texts for text in np.unique(one)}, key=natural)
    _check(found, name)
    names = given or tuple(found)
    spelled = _spelled(found, names, name)
    index = {text: place for place, text in enumerate(spelled)}
    said = f"labels {spelled[0]} to {spelled[-1]} are taken for {names[0]} to {names[-1]}"
    return Numbered(
        names=names,
        indices=[_indices(one, index) for one in texts],
        notes=() if spelled == names else (said,),
    )


def natural(text: str) -> tuple[bool, int, list[tuple[bool, int, str]], str]:
    """A key that sorts whole numbers by value, then words with their numbers by value."""
    if re.fullmatch(r"-?\d+", text):
        return False, int(text), [], text
    pieces = _DIGITS.split(text.casefold())
    return True, 0, [(False, int(p), "") if p.isdecimal() else (True, 0, p) for p in pieces], text


def _spelled(found: Sequence[str], names: tuple[str, ...], name: str) -> tuple[str, ...]:
    """How the labels call the classes: by their names or their numbers."""
    numbers = [tuple(str(n + start) for n in range(len(names))) for start in (0, 1)]
    for spelled in (names, *numbers):
        if set(found) <= set(spelled):
            return spelled
    strange = [text for text in found if text not in names]
    raise DataError(
        f"{name}: {strange[0]!r} is no class of this task; wanted labels of {', '.join(names)}, or "
        f"0 to {len(names) - 1}"
    )


def _as_text(labels: Numbers | Texts, name: str) -> Texts:
    kind = labels.dtype.kind
    if kind == "f":
        wrong = np.flatnonzero(labels != np.round(labels))  # not a number differs from itself
        if len(wrong):
            raise DataError(
                f"{name}: label {labels[wrong[0]]} of image {wrong[0] + 1:,} is no whole number "
                "and no word"
            )
        labels = labels.astype(np.int64)
    elif kind == "S":
        labels = np.char.decode(labels.astype(np.bytes_), "utf-8", "replace")
    elif kind not in "iubU":
        raise DataError(f"{name}: labels of type {labels.dtype}; wanted whole numbers or words")
    return np.char.strip(labels.astype(np.str_))


def _indices(texts: Texts, index: dict[str, int]) -> NDArray[np.uint8]:
    found, places = np.unique(texts, return_inverse=True)
    return np.array([index[str(text)] for text in found], dtype=np.uint8)[places]


def _check(names: Sequence[str], name: str) -> None:
    wrong = [each for each in names if not each or not each.isprintable()]
    if wrong:
        raise DataError(
            f"{name}: {wrong[0]!r} cannot name a class; give every image a label that can be read"
        )
    if not 2 <= len(names) <= MOST:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        raise DataError(
            f"{name}: {len(names):,} class{'' if len(names) == 1 else 'es'} ({shown}); wanted 2 "
            f"to {MOST}"
        )

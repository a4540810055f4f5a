"""From what was read to one data set: classes named, duplicates out, split for good."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datasets import pictures
from datasets.own.content import Content, Part, Texts
from datasets.pictures import Numbers
from datasets.splits import Collection, divide, divide_rest
from datasets.tasks import DataError

MOST_CLASSES = 256  # labels are kept as bytes

_SHOWN = 10  # classes that an error names
_DIGITS = re.compile(r"(\d+)")


def gather(content: Content, *, classes_given: tuple[str, ...] = (), name: str) -> Collection:
    """Bring images and labels into the project's form, and split them.

    Args:
        content: as a reader returned it.
        classes_given: of a task that has its classes already; (): those that are found.
        name: the file's, for errors.

    Without an official test part 80/10/10 within each class; with one, that is the test set,
    and a tenth of the rest of each class is for validation. Raises DataError on labels of
    another length than the images, on too few images in a class, and on all that
    ``number_classes`` and ``pictures.standard`` refuse.
    """
    parts = [part for part in (content.test, content.rest) if part is not None]
    for part in parts:
        _check_lengths(part, name)
    labels = number_classes([part.labels for part in parts], given=classes_given, name=name)
    images, notes = pictures.standard([part.images for part in parts], name=name)
    collection = replace(
        _divide(images, labels.indices),
        class_names=labels.names,
        notes=(*content.notes, *labels.notes, *notes),
    )
    _check_sizes(collection, official=content.test is not None, name=name)
    return collection


def _check_lengths(part: Part, name: str) -> None:
    if len(part.images) != len(part.labels):
        raise DataError(
            f"{name}: {len(part.images):,} images and {len(part.labels):,} labels; wanted one "
            "label for each image: they do not belong together"
        )


def _divide(images: list[pictures.Bytes], labels: list[NDArray[np.uint8]]) -> Collection:
    together = np.concatenate(images), np.concatenate(labels)
    return divide(*together) if len(images) == 1 else divide_rest(*together, test=len(images[0]))


def _check_sizes(collection: Collection, *, official: bool, name: str) -> None:
    """Every class that occurs needs an image in every split, duplicates left out."""
    names = collection.class_names or ()
    occurring = np.unique(collection.labels)
    rest = [collection.train, collection.validation]
    if official:
        parts = {"the training part: ": (rest, 2), "the test part: ": ([collection.test], 1)}
    else:
        parts = {"": ([*rest, collection.test], 3)}
    for part, (rows, least) in parts.items():
        counts = np.bincount(collection.labels[np.concatenate(rows)], minlength=len(names))
        few = [f"{names[n]} {counts[n]}" for n in occurring if counts[n] < least]
        if few:
            shown = ", ".join(few[:_SHOWN]) + (", ..." if len(few) > _SHOWN else "")
            raise DataError(
                f"{name}: {part}too few different images of {len(few)} classes ({shown}); "
                f"wanted {least} of each at least: add images, or leave these classes out"
            )


# Classes


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """Labels as indices into class names."""

    names: tuple[str, ...]
    indices: list[NDArray[np.uint8]]  # (n,) of each part of the data set
    notes: tuple[str, ...]


def number_classes(
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
    class, and on fewer than 2 or more than MOST_CLASSES classes.
    """
    texts = [_as_text(part, name) for part in labels]
    occurring = sorted({str(text) for part in texts for text in np.unique(part)}, key=natural)
    _check_classes(occurring, name)
    names = given or tuple(occurring)
    spelled = _spelled(occurring, names, name)
    index = {text: number for number, text in enumerate(spelled)}
    note = f"labels {spelled[0]} to {spelled[-1]} are taken for {names[0]} to {names[-1]}"
    return Numbered(
        names=names,
        indices=[_indices(part, index) for part in texts],
        notes=() if spelled == names else (note,),
    )


def natural(text: str) -> tuple[bool, int, list[tuple[bool, int, str]], str]:
    """A key that sorts whole numbers by value, then words with their numbers by value."""
    if re.fullmatch(r"-?\d+", text):
        return False, int(text), [], text
    pieces = _DIGITS.split(text.casefold())
    return True, 0, [(False, int(p), "") if p.isdecimal() else (True, 0, p) for p in pieces], text


def _spelled(occurring: Sequence[str], names: tuple[str, ...], name: str) -> tuple[str, ...]:
    """How the labels call the classes: by their names or their numbers."""
    numbers = [tuple(str(n + start) for n in range(len(names))) for start in (0, 1)]
    for spelled in (names, *numbers):
        if set(occurring) <= set(spelled):
            return spelled
    strange = [text for text in occurring if text not in names]
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
    different, rows = np.unique(texts, return_inverse=True)
    return np.array([index[str(text)] for text in different], dtype=np.uint8)[rows]


def _check_classes(names: Sequence[str], name: str) -> None:
    wrong = [each for each in names if not each or not each.isprintable()]
    if wrong:
        raise DataError(
            f"{name}: {wrong[0]!r} cannot name a class; give every image a label that can be read"
        )
    if not 2 <= len(names) <= MOST_CLASSES:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        raise DataError(
            f"{name}: {len(names):,} class{'' if len(names) == 1 else 'es'} ({shown}); wanted 2 "
            f"to {MOST_CLASSES}"
        )

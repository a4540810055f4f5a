"""From what was read to one data set: classes named, duplicates out, split for good.

``Content`` is what every reader of this package returns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datasets import pictures
from datasets.own.labels import Texts, number_classes
from datasets.pictures import Numbers
from datasets.splits import Collection, divide, divide_rest
from datasets.tasks import DataError, printable

_SHOWN = 10  # classes that an error names


@dataclass(frozen=True, kw_only=True)
class Part:
    """Images and what each is called."""

    images: Numbers  # (n, height, width), or another shape that pictures.standard takes
    labels: Numbers | Texts  # (n,)


@dataclass(frozen=True, kw_only=True)
class Content:
    """All that a user's files hold, before it is brought into the project's form."""

    rest: Part  # to train and validate on, and to test on where there is no ``test``
    test: Part | None = None  # the official test part
    labels_are_names: bool = False  # True: the user named them, as folders: '1.5' is a name
    reading: tuple[str, ...] = ()  # how the files were read: sentences


def gather(
    content: Content,
    *,
    classes_given: tuple[str, ...] = (),
    labels_from: int | None = None,
    name: str,
) -> Collection:
    """Bring images and labels into the project's form, and split them.

    Args:
        content: as a reader returned it.
        classes_given: of a task that has its classes already; (): those that are found.
        labels_from: the number of the first class given, 0 or 1; None: what alone fits.
        name: the file's, for errors.

    How it was read is in sentences without control characters, which names of files may have.
    Without an official test part 80/10/10 within each class; with one, that is the test set,
    and a tenth of the rest of each class is for validation. Raises DataError on labels of
    another length than the images, on too few images in a class, and on all that
    ``number_classes`` and ``pictures.standard`` refuse.
    """
    parts = [part for part in (content.test, content.rest) if part is not None]
    for part in parts:
        _check_lengths(part, name)
    labels = number_classes(
        [part.labels for part in parts],
        given=classes_given,
        labels_from=labels_from,
        are_names=content.labels_are_names,
        name=name,
    )
    images, reading = pictures.standard([part.images for part in parts], name=name)
    collection = replace(
        _divide(images, labels.indices),
        class_names=labels.names,
        reading=tuple(map(printable, (*content.reading, *labels.reading, *reading))),
    )
    _check_sizes(collection, official=content.test is not None, name=name)
    return collection


def _check_lengths(part: Part, name: str) -> None:
    if len(part.images) != len(part.labels):
        raise DataError(
            f"{name}: {len(part.images):,} images and {len(part.labels):,} labels; wanted one "
            "label for each image: they do not belong together"
        )
    if len(part.images) > pictures.MOST_IMAGES:
        raise DataError(
            f"{name}: {len(part.images):,} images; {pictures.MOST_IMAGES:,} are the most that are "
            "read: leave some out"
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

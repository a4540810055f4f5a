"""A folder of images by class: the name of each subfolder is that of a class.

Around the classes there may be another folder or two, and folders train and test; beside pictures
without such folders there may be a table that lists their labels.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from datasets import pictures
from datasets.own.gathering import Content, Part
from datasets.own.labels import MOST_CLASSES
from datasets.own.tree import files_in, left_out, named, subfolders
from datasets.pictures import ENDINGS, PHONE_ENDINGS, SIDE
from datasets.tasks import DataError, Progress, Stage

Classes = dict[str, list[Path]]  # the name of each class -> its images
Prepare = Callable[[Path], pictures.Bytes]

# The parts of a set by the names of their folders, without case and separators: 'Training Set',
# 'test_images', 'trainingSet'.
_PART = re.compile(
    r"(?P<train>train|training)|(?P<test>test|testing)|(?P<validation>val|valid|validation|dev)"
)
_ENDS = re.compile(r"(set|data|dataset|images|imgs|samples?|split|part)$")
_THREADS = min(os.cpu_count() or 1, 8)  # Pillow lets them decode at once


def read(files: tuple[Path, ...], progress: Progress, *, prepare: Prepare | None = None) -> Content:
    """Read every image of every class; subfolders train and test hold the official parts.

    ``prepare``: makes (28, 28) uint8 of a picture, in several threads; None: as a whole. Raises
    DataError where there are no folders of images and no table of their labels, and naming an
    image that cannot be read.
    """
    (folder,) = files
    inside_files = files_in(folder)
    by_label = _of_folders(folder) or _of_table(folder, inside_files)
    if by_label is None:
        raise _no_classes(folder, inside_files)
    paths = [
        path for part in (by_label.rest, by_label.test or {}) for path in chain(*part.values())
    ]
    _check(folder, inside_files, paths)
    stage = Stage(name=f"reading {folder.name}", total=len(paths), unit="images")
    images = _Reading(stage, progress, prepare or _read_whole)
    return Content(
        rest=images.part(by_label.rest),
        test=None if by_label.test is None else images.part(by_label.test),
        labels_are_names=by_label.labels_are_names,
        reading=(*by_label.reading, *left_out(folder, inside_files, paths)),
    )


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """The images of a folder by class, unread."""

    rest: Classes
    test: Classes | None = None  # the official test part
    labels_are_names: bool  # False: a table has them
    reading: tuple[str, ...]  # sentences


def _of_folders(folder: Path) -> Sorted | None:
    """By their subfolders; None where these are no classes."""
    inside, reading = without_extra_level(folder)
    parts = parts_in(inside)
    if "train" in parts:
        return _official(inside, parts, reading)
    if not _has_classes(inside, parts):
        return None
    rest = by_class(inside)
    reading += _deeper(rest, inside)
    return Sorted(rest=rest, labels_are_names=True, reading=tuple(reading))


def _of_table(folder: Path, files: Sequence[Path]) -> Sorted | None:
    from datasets.own import listed

    listing = listed.by_table(folder, [path for path in files if is_image(path)], files)
    if listing is None:
        return None
    rest, reading = listing
    return Sorted(rest=rest, labels_are_names=False, reading=tuple(reading))


# Which folders are classes


def without_extra_level(folder: Path) -> tuple[Path, list[str]]:
    """The folder inside that has the classes, where one alone lies around it; and a sentence."""
    inside = folder
    while True:
        below = subfolders(inside)
        if len(below) != 1 or not subfolders(below[0]) or _pictures_right_in(inside):
            break
        inside = below[0]
    if inside == folder:
        return folder, []
    return inside, [f"the classes are the folders in {inside.relative_to(folder)}"]


def parts_in(folder: Path) -> dict[str, Path]:
    """The folders of official parts, 'train', 'test' or 'validation': those with classes in them.

    Toys may be trains too: a folder 'train' with pictures and no folders is a class.
    """
    parts: dict[str, Path] = {}
    for each in subfolders(folder):
        part = part_named(each.name)
        if part is not None and subfolders(each):
            if part in parts:
                raise DataError(
                    f"{folder}: {parts[part].name} and {each.name} both hold the {part} part; "
                    "leave one of them"
                )
            parts[part] = each
    return parts


def part_named(name: str) -> str | None:
    """'train', 'test' or 'validation' where a folder's name says that it holds this part."""
    letters = re.sub(r"[\W_]", "", name.casefold())
    part = _PART.fullmatch(_ENDS.sub("", letters))
    return None if part is None else part.lastgroup


def _has_classes(folder: Path, parts: Mapping[str, Path]) -> bool:
    """Whether its subfolders are classes. Raises DataError where some of them look like parts."""
    below = subfolders(folder)
    if parts:
        raise DataError(
            f"{folder}: {', '.join(each.name for each in parts.values())} holds folders of "
            "classes, and no part is there to train on; wanted a folder train beside it"
        )
    look_like_parts = [each for each in below if part_named(each.name)]
    if len(look_like_parts) == len(below):
        return False  # their labels may be in a table
    held_out = [each.name for each in look_like_parts if part_named(each.name) != "train"]
    if held_out:
        classes = [each.name for each in below if each not in look_like_parts]
        raise DataError(
            f"{folder}: {held_out[0]} looks like a part of the set, beside classes such as "
            f"{classes[0]}; give it a folder for each class and put the others into a folder "
            "train, or rename it where it is a class"
        )
    return len(below) > 1 and any(_images(each) for each in below)


def by_class(folder: Path) -> Classes:
    """The images of each subfolder, however deep in it, sorted by their paths.

    Raises DataError where one has none, and on more subfolders than classes can be.
    """
    classes = {each.name: _images(each) for each in _few_enough(subfolders(folder), folder)}
    empty = [name for name, images in classes.items() if not images]
    if empty:
        raise DataError(
            f"{folder}: these classes hold no images: {', '.join(empty[:10])}; wanted some "
            f"({', '.join(ENDINGS)}) in each: take empty folders away"
        )
    return classes


def _no_classes(folder: Path, files: Sequence[Path]) -> DataError:
    """What to raise where nothing says which class an image is of."""
    tables = [path for path in files if path.suffix.casefold() in (".csv", ".npz", ".mat", ".gz")]
    advice = f"; or name one of its own files, such as {tables[0]}" if tables else ""
    return DataError(
        f"{folder}: holds no folders of images by class; wanted a subfolder for each class, named "
        f"as the class, with images ({', '.join(ENDINGS)}) in it, or a CSV beside them that lists "
        f"their names and labels{advice}{_phone_pictures(files, folder)}"
    )


def _few_enough(folders: list[Path], folder: Path) -> list[Path]:
    if len(folders) > MOST_CLASSES:
        raise DataError(
            f"{folder}: {len(folders):,} folders ({', '.join(f.name for f in folders[:5])}, ...); "
            f"wanted one for each class, 2 to {MOST_CLASSES}"
        )
    return folders


def _images(folder: Path) -> list[Path]:
    return [path for path in files_in(folder) if is_image(path)]


def is_image(path: Path) -> bool:
    """Whether it is a file whose name ends as that of a picture that can be read."""
    return path.suffix.casefold() in ENDINGS and path.is_file()


def _pictures_right_in(folder: Path) -> bool:
    return any(is_image(path) for path in folder.iterdir())


def _deeper(classes: Classes, folder: Path) -> list[str]:
    """A sentence where folders lie in those of the classes: they are no classes of their own."""
    deeper = [
        path for images in classes.values() for path in images if path.parent.parent != folder
    ]
    if not deeper:
        return []
    inside = deeper[0].parent.relative_to(folder)
    return [f"folders inside a class count to it, such as {inside} to {inside.parts[0]}"]


def _check(folder: Path, files: Sequence[Path], images: Sequence[Path]) -> None:
    if len(images) > pictures.MOST_IMAGES:
        raise DataError(
            f"{folder}: {len(images):,} images; {pictures.MOST_IMAGES:,} are the most that are "
            "read: leave some out"
        )
    if advice := _phone_pictures(files, folder):
        raise DataError(f"{folder}: holds pictures that cannot be read{advice}")


def _phone_pictures(files: Sequence[Path], folder: Path) -> str:
    """What to do about HEIC, which phones make: without it a part of the set would be missing."""
    phone = [path for path in files if path.suffix.casefold() in PHONE_ENDINGS]
    return f"; HEIC is not read, export as JPEG: {named(phone, folder)}" if phone else ""


# Official parts


def _official(folder: Path, parts: Mapping[str, Path], reading: list[str]) -> Sorted:
    """Images to train on and to test on by class. Raises DataError on other folders beside them."""
    others = [path.name for path in subfolders(folder) if not part_named(path.name)]
    if others:
        raise DataError(
            f"{folder}: holds {', '.join(others[:5])} beside the training part; wanted the parts "
            "alone (train, test, validation), or the classes alone"
        )
    train = without_extra_level(parts["train"])[0]
    rest = by_class(train)
    held_out = {
        part: by_class(inside)
        for part, path in parts.items()
        if part != "train"
        and (inside := without_extra_level(path)[0])
        # Of another's test images the labels are often not published: they lie in a folder of
        # no class, and are left out.
        and {each.name for each in subfolders(inside)} & rest.keys()
    }
    reading = [*reading, *_deeper(rest, train)]
    if "validation" in held_out:
        for name, images in held_out["validation"].items():
            rest[name] = [*rest.get(name, ()), *images]
        reading.append(
            f"the images of {parts['validation'].name} are put to those of {parts['train'].name}; "
            "validation images are drawn from both"
        )
    if "test" in held_out:
        reading.append(f"the images of {parts['test'].name} are the official test part")
    return Sorted(
        rest=rest, test=held_out.get("test"), labels_are_names=True, reading=tuple(reading)
    )


# Reading


def _read_whole(path: Path) -> pictures.Bytes:
    return pictures.whole(pictures.read(path))


class _Reading:
    """Reads images in several threads, and counts them over all parts."""

    def __init__(self, stage: Stage, progress: Progress, prepare: Prepare) -> None:
        self._stage, self._progress, self._done = stage, progress, 0
        self._prepare = prepare

    def part(self, classes: Mapping[str, Sequence[Path]]) -> Part:
        paths = [path for paths in classes.values() for path in paths]
        images = np.empty((len(paths), SIDE, SIDE), dtype=np.uint8)
        with ThreadPoolExecutor(_THREADS) as pool:
            for index, image in enumerate(pool.map(self._prepare, paths)):
                images[index] = image
                self._done += 1
                self._progress(self._stage, self._done)
        labels = np.repeat(list(classes), [len(paths) for paths in classes.values()])
        return Part(images=images, labels=labels)

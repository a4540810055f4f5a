"""A folder of images by class: the name of each subfolder is that of a class."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from datasets import pictures
from datasets.own.content import Content, Part
from datasets.pictures import ENDINGS, SIDE
from datasets.tasks import DataError, Progress, Stage

_TRAIN, _TEST = ("train", "training"), ("test", "testing")
_VALIDATION = ("val", "valid", "validation")
_THREADS = min(os.cpu_count() or 1, 8)  # Pillow lets them decode at once


def read(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read every image of every class; subfolders train and test hold the official parts.

    Raises DataError where there are no folders of images, and naming an image that cannot be
    read.
    """
    (folder,) = files
    parts = {each.name.casefold(): each for each in _subfolders(folder)}
    train = _part(parts, _TRAIN)
    if train is None:
        rest, test, notes = by_class(folder), None, list[str]()
    else:
        _refuse_others(folder, parts)
        rest, test, notes = _official(train, parts)
    total = sum(map(len, (*rest.values(), *(test or {}).values())))
    reading = _Reading(Stage(name=f"reading {folder.name}", total=total, unit="images"), progress)
    return Content(
        rest=reading.part(rest),
        test=None if test is None else reading.part(test),
        notes=tuple(notes + _left_out(folder, total)),
    )


def by_class(folder: Path) -> dict[str, list[Path]]:
    """The images of each subfolder, however deep in it, sorted by their paths.

    Raises DataError where there is no subfolder, or none has an image.
    """
    classes = {each.name: _images(each) for each in _subfolders(folder)}
    empty = [name for name, images in classes.items() if not images]
    if len(empty) == len(classes):
        raise DataError(
            f"{folder}: holds no folders of images; wanted a subfolder for each class, named as "
            f"the class, with images ({', '.join(ENDINGS)}) in it"
        )
    if empty:
        raise DataError(
            f"{folder}: these classes hold no images: {', '.join(empty[:10])}; wanted some "
            f"({', '.join(ENDINGS)}) in each: take empty folders away"
        )
    return classes


def _subfolders(folder: Path) -> list[Path]:
    return [
        each for each in sorted(folder.iterdir()) if each.is_dir() and not _is_hidden(each.name)
    ]


def _is_hidden(name: str) -> bool:
    """Whether a system or a program keeps it for itself: .git, .DS_Store, __MACOSX."""
    return name.startswith((".", "__")) or name in ("Thumbs.db", "desktop.ini")


def _images(folder: Path) -> list[Path]:
    return [path for path in _files(folder) if path.suffix.casefold() in ENDINGS]


def _files(folder: Path) -> list[Path]:
    """All files in it, however deep, sorted; none that is hidden or in a hidden folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in paths if not any(map(_is_hidden, path.relative_to(folder).parts))]


def _part(parts: Mapping[str, Path], names: tuple[str, ...]) -> Path | None:
    """The folder of an official part: one that has classes in it. Toys may be trains too."""
    folders = (parts[name] for name in names if name in parts)
    return next((folder for folder in folders if _subfolders(folder)), None)


def _refuse_others(folder: Path, parts: Mapping[str, Path]) -> None:
    known = (*_TRAIN, *_TEST, *_VALIDATION)
    others = [path.name for name, path in parts.items() if name not in known]
    if others:
        raise DataError(
            f"{folder}: holds {', '.join(others[:5])} beside the training part; wanted the parts "
            f"alone ({', '.join(known)}), or the classes alone"
        )


def _official(
    train: Path, parts: Mapping[str, Path]
) -> tuple[dict[str, list[Path]], dict[str, list[Path]] | None, list[str]]:
    """Images to train on and to test on by class, and notes."""
    rest, notes = by_class(train), []
    validation, test = _part(parts, _VALIDATION), _part(parts, _TEST)
    if validation is not None:
        for name, images in by_class(validation).items():
            rest[name] = [*rest.get(name, ()), *images]
        notes.append(
            f"the images of {validation.name} are put to those of {train.name}; validation images "
            "are drawn from both"
        )
    if test is None:
        return rest, None, notes
    return rest, by_class(test), [*notes, f"the images of {test.name} are the official test part"]


def _left_out(folder: Path, read: int) -> list[str]:
    others = len(_files(folder)) - read
    return [f"left out: {others:,} files that are no images of a class"] if others else []


def _read_image(path: Path) -> pictures.Bytes:
    return pictures.whole(pictures.read(path))


class _Reading:
    """Reads images in several threads, and counts them over all parts."""

    def __init__(self, stage: Stage, progress: Progress) -> None:
        self._stage, self._progress, self._done = stage, progress, 0

    def part(self, classes: Mapping[str, Sequence[Path]]) -> Part:
        paths = [path for paths in classes.values() for path in paths]
        images = np.empty((len(paths), SIDE, SIDE), dtype=np.uint8)
        with ThreadPoolExecutor(_THREADS) as pool:
            for index, image in enumerate(pool.map(_read_image, paths)):
                images[index] = image
                self._done += 1
                self._progress(self._stage, self._done)
        labels = np.repeat(list(classes), [len(paths) for paths in classes.values()])
        return Part(images=images, labels=labels)

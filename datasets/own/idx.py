"""IDX files: images with their labels beside them, and the test part's pair where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from datasets.formats import read_idx
from datasets.own.gathering import Content, Part
from datasets.tasks import DataError, Progress

_PART_IN_NAME = re.compile(r"(?<![a-z])(train|t10k|test)(?![a-z])")
_OTHER_PARTS = {"train": ("t10k", "test"), "t10k": ("train",), "test": ("train",)}
_IMAGES_IN_NAME = re.compile(r"images[-.]idx3[-.]ubyte(\.gz)?")


def in_folder(folder: Path) -> tuple[Path, ...]:
    """The files of the one set right in a folder, as ``belonging`` has them; () where none is.

    Raises DataError where there are several sets.
    """
    images = [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and _IMAGES_IN_NAME.search(path.name)
    ]
    if not images:
        return ()
    files = belonging(images[0])
    names = {_plain(path) for path in files}
    others = [path for path in images if _plain(path) not in names]
    if others:
        raise DataError(
            f"{folder}: holds several sets in IDX; name the images of one of them, such as "
            f"{images[0].name} or {others[0].name}"
        )
    return files


def _plain(path: Path) -> str:
    return path.name.removesuffix(".gz")


def belonging(images: Path) -> tuple[Path, ...]:
    """Images and labels; then those of the official test part, where both parts are there.

    Raises DataError where the labels are missing.
    """
    pair = (images, _labels_of(images))
    part = _PART_IN_NAME.search(images.name)
    if part is None:
        return pair
    for other_part in _OTHER_PARTS[part[0]]:
        name = images.name[: part.start()] + other_part + images.name[part.end() :]
        other = _existing(images, name)
        if other is not None:
            other_pair = (other, _labels_of(other))
            return (*pair, *other_pair) if part[0] == "train" else (*other_pair, *pair)
    return pair


def _labels_of(images: Path) -> Path:
    name = images.name.replace("idx3", "idx1").replace("images", "labels")
    if "images" not in images.name:
        raise DataError(
            f"{images}: name the file of images, whose name holds the word 'images', as "
            "train-images-idx3-ubyte does; its labels are then found beside it"
        )
    labels = _existing(images, name)
    if labels is None:
        raise DataError(
            f"{images}: its labels are not beside it; wanted {name}, which may end in .gz or not"
        )
    return labels


def _existing(beside: Path, name: str) -> Path | None:
    plain = name.removesuffix(".gz")
    candidates = (beside.with_name(plain), beside.with_name(plain + ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def read(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read what ``belonging`` returned. Raises DataError naming the file and the byte."""
    rest, *test = _parts(files, progress)
    if not test:
        return Content(rest=rest)
    reading = (f"{files[2].name} is the official test part",)
    return Content(rest=rest, test=test[0], reading=reading)


def _parts(files: tuple[Path, ...], progress: Progress) -> Iterator[Part]:
    for images, labels in zip(files[::2], files[1::2], strict=True):
        yield Part(
            images=read_idx(images, dimensions=3, progress=progress),
            labels=read_idx(labels, dimensions=1, progress=progress),
        )

"""IDX: a file of images, its labels beside it, and the test part's pair where there is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from datasets import compressed, idx
from datasets.errors import DataError
from datasets.own.content import Content, Part
from datasets.progress import Progress

_PART = re.compile(r"(?<![a-z])(train|t10k|test)(?![a-z])")
_OTHERS = {"train": ("t10k", "test"), "t10k": ("train",), "test": ("train",)}


def files(images: Path) -> tuple[Path, ...]:
    """Images and labels; then those of the official test part, where both parts are there.

    Raises DataError where the labels are missing.
    """
    pair = (images, _labels_of(images))
    found = _PART.search(images.name)
    if found is None:
        return pair
    for word in _OTHERS[found[0]]:
        other = _there(images, images.name[: found.start()] + word + images.name[found.end() :])
        if other is not None:
            partner = (other, _labels_of(other))
            return (*pair, *partner) if found[0] == "train" else (*partner, *pair)
    return pair


def _labels_of(images: Path) -> Path:
    name = images.name.replace("idx3", "idx1").replace("images", "labels")
    if "images" not in images.name:
        raise DataError(
            f"{images}: name the file of images, whose name holds the word 'images', as "
            "train-images-idx3-ubyte does; its labels are then found beside it"
        )
    labels = _there(images, name)
    if labels is None:
        raise DataError(
            f"{images}: its labels are not beside it; wanted {name}, which may end in .gz or not"
        )
    return labels


def _there(beside: Path, name: str) -> Path | None:
    plain = name.removesuffix(".gz")
    candidates = (beside.with_name(plain), beside.with_name(plain + ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def read(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read what ``files`` returned. Raises DataError naming the file and the byte."""
    rest, *test = _parts(files, progress)
    if not test:
        return Content(rest=rest)
    return Content(rest=rest, test=test[0], notes=(f"{files[2].name} is the official test part",))


def _parts(files: tuple[Path, ...], progress: Progress) -> Iterator[Part]:
    for images, labels in zip(files[::2], files[1::2], strict=True):
        pixels = compressed.read(images, progress=progress)
        classes = compressed.read(labels, progress=progress)
        yield Part(
            images=idx.parse(pixels, dimensions=3, name=str(images)),
            labels=idx.parse(classes, dimensions=1, name=str(labels)),
        )

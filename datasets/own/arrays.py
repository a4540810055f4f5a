"""Arrays from files: IDX pairs, and an ``.npz`` with images and labels under usual names.

IDX is a file of images with its labels beside it, and the test part's pair where there is one.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from datasets.formats import parse_idx, read_file
from datasets.own.content import Content, Part
from datasets.pictures import Numbers
from datasets.tasks import DataError, Progress, Stage

_PART_IN_NAME = re.compile(r"(?<![a-z])(train|t10k|test)(?![a-z])")
_OTHER_PARTS = {"train": ("t10k", "test"), "t10k": ("train",), "test": ("train",)}

# Names of images and labels, compared in lower case: by themselves, and of an official part.
_PAIRS = (("images", "labels"), ("x", "y"), ("data", "target"), ("data", "labels"))
_PAIRS_OF_PARTS = (("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("{}_x", "{}_y"))
_TRAIN, _TEST, _VALIDATION = ("train",), ("test", "t10k"), ("val", "valid", "validation")

_CORRUPT = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error)


def idx_files(images: Path) -> tuple[Path, ...]:
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


def read_idx(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read what ``idx_files`` returned. Raises DataError naming the file and the byte."""
    rest, *test = _idx_parts(files, progress)
    if not test:
        return Content(rest=rest)
    return Content(rest=rest, test=test[0], notes=(f"{files[2].name} is the official test part",))


def _idx_parts(files: tuple[Path, ...], progress: Progress) -> Iterator[Part]:
    for images, labels in zip(files[::2], files[1::2], strict=True):
        pixels = read_file(images, progress=progress)
        classes = read_file(labels, progress=progress)
        yield Part(
            images=parse_idx(pixels, dimensions=3, name=str(images)),
            labels=parse_idx(classes, dimensions=1, name=str(labels)),
        )


# NumPy


def read_npz(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read the arrays; nothing that would have to be unpickled.

    Raises DataError on a truncated file, on names that are not the usual ones, on arrays of
    Python objects.
    """
    (path,) = files
    arrays = _arrays(path, progress)
    single = _find(arrays, _PAIRS, path)
    if single is not None:
        return Content(rest=single)
    train = _part(arrays, _TRAIN, path)
    if train is None:
        raise DataError(
            f"{path}: holds {', '.join(arrays) or 'nothing'}; wanted images and labels, or x and "
            "y, or x_train, y_train, x_test and y_test"
        )
    return _official(train, _part(arrays, _VALIDATION, path), _part(arrays, _TEST, path), path)


def _arrays(path: Path, progress: Progress) -> dict[str, Numbers]:
    arrays: dict[str, Numbers] = {}
    try:
        with np.load(path, allow_pickle=False) as content:
            stage = Stage(name=f"reading {path.name}", total=len(content.files), unit="arrays")
            for name in content.files:
                arrays[name.lower()] = content[name]
                progress(stage, len(arrays))
    except _CORRUPT as error:
        advice = (
            "arrays of Python objects are not read, since that could run code; save labels as "
            "numbers or text, such as labels.astype(str)"
            if "allow_pickle" in str(error)
            else "save it again"
        )
        raise DataError(f"{path}: cannot be read ({error}); {advice}") from error
    return arrays


def _part(arrays: Mapping[str, Numbers], words: tuple[str, ...], path: Path) -> Part | None:
    pairs = [(x.format(word), y.format(word)) for word in words for x, y in _PAIRS_OF_PARTS]
    return _find(arrays, pairs, path)


def _find(
    arrays: Mapping[str, Numbers],
    pairs: Iterable[tuple[str, str]],
    path: Path,
) -> Part | None:
    for images, labels in pairs:
        if images in arrays and labels in arrays:
            return Part(images=arrays[images], labels=_flat(arrays[labels], labels, path))
    return None


def _flat(labels: Numbers, name: str, path: Path) -> Numbers:
    """Labels (n,); also from a column (n, 1)."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    if labels.ndim != 1:
        raise DataError(
            f"{path}: {name} has the shape {labels.shape}; wanted one label for each image; "
            "of one column a class, np.argmax(labels, axis=1) makes that"
        )
    return labels


def _official(train: Part, validation: Part | None, test: Part | None, path: Path) -> Content:
    notes = []
    if validation is not None:
        notes.append(
            f"the validation part of {path.name} is put to the training part; validation images "
            "are drawn from both"
        )
        train = Part(
            images=np.concatenate([train.images, validation.images]),
            labels=np.concatenate([train.labels, validation.labels]),
        )
    if test is not None:
        notes.append(f"the test part of {path.name} is the official one")
    return Content(rest=train, test=test, notes=tuple(notes))

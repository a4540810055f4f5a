"""Arrays of NumPy: an ``.npz`` with images and labels under one of their usual names."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from datasets.errors import DataError
from datasets.own.content import Content, Part
from datasets.pictures import Numbers
from datasets.progress import Progress, Stage

# Names of images and labels, compared in lower case: by themselves, and of an official part.
_PAIRS = (("images", "labels"), ("x", "y"), ("data", "target"), ("data", "labels"))
_PAIRS_OF_PARTS = (("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("{}_x", "{}_y"))
_TRAIN, _TEST, _VALIDATION = ("train",), ("test", "t10k"), ("val", "valid", "validation")

_CORRUPT = (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error)


def read(files: tuple[Path, ...], progress: Progress) -> Content:
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
    found: dict[str, Numbers] = {}
    try:
        with np.load(path, allow_pickle=False) as content:
            stage = Stage(name=f"reading {path.name}", total=len(content.files), unit="arrays")
            for name in content.files:
                found[name.lower()] = content[name]
                progress(stage, len(found))
    except _CORRUPT as error:
        advice = (
            "arrays of Python objects are not read, since that could run code; save labels as "
            "numbers or text, such as labels.astype(str)"
            if "allow_pickle" in str(error)
            else "save it again"
        )
        raise DataError(f"{path}: cannot be read ({error}); {advice}") from error
    return found


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

"""Parsed data on disk: one folder for each task, source and content, opened as memory maps.

A folder holds ``images.npy``, ``labels.npy`` (uint8; training, validation and test in this
order) and ``facts.json``. It is written under another name and renamed when complete.
Opening one needs NumPy and nothing else: every worker process does it.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.arrays import Dataset, Facts, Split
from datasets.errors import DataError
from datasets.splits import Collection
from datasets.tasks import Source, Task

# Part of every folder's name. Raise it when the files, the parsing or the split change.
CACHE_VERSION = 1

_CHUNK_IMAGES = 512  # 400 KB: stays in a core's cache


def write(folder: Path, collection: Collection, *, task: Task, source: Source) -> None:
    """Write ``folder``, whole or not at all; what was there before is replaced.

    To be called by one process at a time. Raises DataError where the disk is full or the
    place cannot be written to.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
    try:
        partial.mkdir(parents=True)
        _write_arrays(partial, collection)
        _write_facts(partial, collection, task, source)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except BaseException as error:  # Ctrl-C too leaves nothing half-written
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise _cannot_write(folder, collection, error) from error
        raise


def open_cached(folder: Path) -> Dataset:
    """The data set in a cache folder, its arrays as read-only memory maps.

    Takes milliseconds at any size: it checks names, shapes and types, and not every byte
    (``is_intact`` does). Raises DataError where the folder is not there or damaged.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; wanted one that datasets.prepare() wrote")
    try:
        content = json.loads((folder / "facts.json").read_bytes())
        train, validation, test = _open_arrays(folder, content.pop("sizes"))
        content["class_names"] = tuple(content["class_names"])
        content["notes"] = tuple(content.get("notes", ()))  # which caches of before do not have
        return Dataset(**content, train=train, validation=validation, test=test)
    except (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{folder}: this cache of parsed data is damaged ({error}); delete the folder, "
            "it will be made again"
        ) from error


def is_intact(folder: Path) -> bool:
    """Whether every byte of a cache folder is as it was written; False where there is none."""
    try:
        dataset = open_cached(folder)
    except DataError:
        return False
    found = fingerprint(dataset.train, dataset.validation, dataset.test)
    return found == dataset.fingerprint


def fingerprint(train: Split, validation: Split, test: Split) -> str:
    """SHA-256, hex, over the three splits in this order: the size, the images, the labels."""
    digest = sha256()
    for split in (train, validation, test):
        digest.update(len(split.labels).to_bytes(8, "big"))
        digest.update(split.images.data)  # contiguous, or an error
        digest.update(split.labels.data)
    return digest.hexdigest()


def pixel_statistics(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and population standard deviation of all pixels, on the scale 0..1.

    Computed in whole numbers, and rounded once at the end.
    """
    total = squares = 0
    for chunk in _chunks(images):
        values = chunk.astype(np.uint16)  # the square of 255 fits
        total += int(values.sum(dtype=np.uint64))
        squares += int((values * values).sum(dtype=np.uint64))
    scale = 255 * images.size
    return total / scale, math.sqrt(images.size * squares - total * total) / scale


def _sizes(collection: Collection) -> tuple[int, int, int]:
    return len(collection.train), len(collection.validation), len(collection.test)


def _write_facts(folder: Path, collection: Collection, task: Task, source: Source) -> None:
    """Write what is known of the arrays, as read back from the files just written."""
    sizes = _sizes(collection)
    train, validation, test = _open_arrays(folder, sizes)
    with ThreadPoolExecutor(1) as pool:  # hashing and counting let each other run
        hashed = pool.submit(fingerprint, train, validation, test)
        mean, std = pixel_statistics(train.images)
    facts = Facts(
        task=task.name,
        source=source.name,
        drawn=source.drawn,
        class_names=collection.class_names or task.class_names,
        fingerprint=hashed.result(),
        duplicates_removed=collection.duplicates_removed,
        conflicting_labels=collection.conflicting_labels,
        pixel_mean=mean,
        pixel_std=std,
        notes=collection.notes,
    )
    content = json.dumps({"sizes": sizes, **asdict(facts)}, indent=1)
    (folder / "facts.json").write_text(content + "\n", encoding="utf-8")


def _write_arrays(folder: Path, collection: Collection) -> None:
    rows = np.concatenate([collection.train, collection.validation, collection.test])
    _write_array(folder / "images.npy", collection.images, rows)
    _write_array(folder / "labels.npy", collection.labels, rows)


def _write_array(path: Path, array: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
    """``array[rows]`` in NumPy's format, a chunk at a time.

    Not through a memory map: writing to one on a full disk kills the process.
    """
    shape = (len(rows), *array.shape[1:])
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in _chunks(rows):
            file.write(array[chunk].data)


def _chunks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    for start in range(0, len(array), _CHUNK_IMAGES):
        yield array[start : start + _CHUNK_IMAGES]


def _open_arrays(folder: Path, sizes: Sequence[int]) -> tuple[Split, Split, Split]:
    images = np.load(folder / "images.npy", mmap_mode="r")
    labels = np.load(folder / "labels.npy", mmap_mode="r")
    n = sum(sizes)
    if images.shape != (n, 28, 28) or labels.shape != (n,) or min(sizes) < 1:
        raise ValueError(f"shapes {images.shape} and {labels.shape}, wanted {n} images")
    if images.dtype != np.uint8 or labels.dtype != np.uint8:
        raise ValueError(f"types {images.dtype} and {labels.dtype}, wanted uint8")
    ends = np.cumsum(sizes)
    train, validation, test = (
        slice(end - size, end) for size, end in zip(sizes, ends, strict=True)
    )
    return (
        Split(images=images[train], labels=labels[train]),
        Split(images=images[validation], labels=labels[validation]),
        Split(images=images[test], labels=labels[test]),
    )


def _cannot_write(folder: Path, collection: Collection, error: OSError) -> DataError:
    wanted_mb = sum(_sizes(collection)) * 785 / 1e6
    return DataError(
        f"{folder.parent}: the parsed data cannot be written there "
        f"({error.strerror or error}); it needs {wanted_mb:,.0f} MB{_free(folder.parent)}. "
        "Make room, or name another cache folder with GLYPHBENCH_CACHE"
    )


def _free(folder: Path) -> str:
    try:
        return f", {shutil.disk_usage(folder).free / 1e6:,.0f} MB are free"
    except OSError:
        return ""

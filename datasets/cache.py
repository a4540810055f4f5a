"""Parsed data on disk: one folder for each task, source and content, opened as memory maps.

A folder holds ``images.npy``, ``labels.npy`` (uint8; training, validation and test in this
order) and ``facts.json``. It is written under another name and renamed when complete.
Opening one needs NumPy and nothing else: every worker process does it.

Where the cache is, who may write to it and how (``cache_folder``, ``locked``, ``written_whole``)
is the same for all that this package keeps on the disk.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.arrays import Dataset, Facts, Split, chunks, pixel_statistics
from datasets.splits import Collection
from datasets.tasks import DataError, Source, Task

CACHE_VARIABLE = "GLYPHBENCH_CACHE"

# Part of every folder's name. Raise it when the files, the parsing or the split change.
CACHE_VERSION = 2


# Any folder of the cache


def cache_folder(cache_dir: Path | None = None) -> Path:
    """The folder for downloads and parsed data: ``cache_dir``, GLYPHBENCH_CACHE or the user's."""
    named = cache_dir or os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("glyphbench", appauthor=False)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of ``folder``, waiting while another process has it.

    The lock is a file beside the folder, which need not be there yet. It is released when its
    process ends, however it ends. Raises DataError where it cannot be made.
    """
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(folder.name + ".lock"))
        lock.acquire()
    except OSError as error:
        raise cannot_write(folder.parent, "a lock", error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def written_whole(folder: Path, *, content: str, size_bytes: int) -> Iterator[Path]:
    """A new folder to write into, which then takes the place of ``folder``; or nothing at all.

    To be used by one process at a time.

    Args:
        folder: what was there before is replaced.
        content: what is written, and
        size_bytes: about how much, for the error.

    Raises:
        DataError: where the disk is full or the folder cannot be written to.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
    try:
        partial.mkdir(parents=True)
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except BaseException as error:  # Ctrl-C too leaves nothing half-written
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError):
            needed = f"; it needs {size_bytes / 1e6:,.0f} MB{_free(folder.parent)}"
            raise cannot_write(folder.parent, content, error, needed) from error
        raise


def cannot_write(folder: Path, content: str, error: OSError, needed: str = "") -> DataError:
    """What to raise where the disk is full or a folder cannot be written to."""
    return DataError(
        f"{folder}: {content} cannot be written there ({error.strerror or error}){needed}. "
        f"Make room, or name another cache folder with {CACHE_VARIABLE}"
    )


def _free(folder: Path) -> str:
    try:
        return f", {shutil.disk_usage(folder).free / 1e6:,.0f} MB are free"
    except OSError:
        return ""


# A data set


def write(folder: Path, collection: Collection, *, task: Task, source: Source) -> None:
    """Write ``folder``, whole or not at all; what was there before is replaced.

    To be called by one process at a time. Raises DataError where the disk is full or the
    folder cannot be written to.
    """
    sizes = len(collection.train), len(collection.validation), len(collection.test)
    size_bytes = sum(sizes) * 785
    with written_whole(folder, content="the parsed data", size_bytes=size_bytes) as partial:
        rows = np.concatenate([collection.train, collection.validation, collection.test])
        _write_array(partial / "images.npy", collection.images, rows)
        _write_array(partial / "labels.npy", collection.labels, rows)
        facts = _facts(_open_arrays(partial, sizes), collection, task, source)
        content = json.dumps({"sizes": sizes, **asdict(facts)}, indent=1)
        (partial / "facts.json").write_text(content + "\n", encoding="utf-8")


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
        content["reading"] = tuple(content["reading"])
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
    return dataset.fingerprint == fingerprint(dataset.train, dataset.validation, dataset.test)


def fingerprint(train: Split, validation: Split, test: Split) -> str:
    """SHA-256, hex, over the three splits in this order: the size, the images, the labels."""
    digest = sha256()
    for split in (train, validation, test):
        digest.update(len(split.labels).to_bytes(8, "big"))
        digest.update(split.images.data)  # contiguous, or an error
        digest.update(split.labels.data)
    return digest.hexdigest()


def _facts(
    splits: tuple[Split, Split, Split], collection: Collection, task: Task, source: Source
) -> Facts:
    """What is known of the arrays, as they were read back from the files just written."""
    with ThreadPoolExecutor(1) as pool:  # hashing and counting let each other run
        hashed = pool.submit(fingerprint, *splits)
        mean, std = pixel_statistics(splits[0].images)
    return Facts(
        task=task.name,
        source=source.name,
        drawn=source.drawn,
        class_names=collection.class_names or task.class_names,
        fingerprint=hashed.result(),
        duplicates_removed=collection.duplicates_removed,
        conflicting_labels=collection.conflicting_labels,
        pixel_mean=mean,
        pixel_std=std,
        reading=collection.reading,
    )


def _write_array(path: Path, array: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
    """``array[rows]`` in NumPy's format, a chunk at a time.

    Not through a memory map: writing to one on a full disk kills the process.
    """
    shape = (len(rows), *array.shape[1:])
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks(rows):
            file.write(array[chunk].data)


def _open_arrays(folder: Path, sizes: Sequence[int]) -> tuple[Split, Split, Split]:
    images = np.load(folder / "images.npy", mmap_mode="r")
    labels = np.load(folder / "labels.npy", mmap_mode="r")
    n = sum(sizes)
    if images.shape != (n, 28, 28) or labels.shape != (n,) or min(sizes) < 1:
        raise ValueError(f"shapes {images.shape} and {labels.shape}, wanted {n} images")
    if images.dtype != np.uint8 or labels.dtype != np.uint8:
        raise ValueError(f"types {images.dtype} and {labels.dtype}, wanted uint8")
    train, validation, test = (
        Split(images=images[end - size : end], labels=labels[end - size : end])
        for size, end in zip(sizes, np.cumsum(sizes), strict=True)
    )
    return train, validation, test

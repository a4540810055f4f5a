"""Graphs of superpixels on the disk: built once for the same images, opened as memory maps.

A folder for each set of images holds ``nodes.npy``, ``offsets.npy`` and ``neighbours.npy`` (see
``datasets.superpixels.Graphs``) and ``sha256``, the fingerprint of all three. It is written
under another name and renamed when complete.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np

from datasets import superpixels
from datasets.errors import DataError
from datasets.folders import cache_folder
from datasets.locks import locked
from datasets.progress import Progress, silent
from datasets.superpixels import FEATURES, NEIGHBOURS, Graphs, Images

# Part of every folder's name. Raise it when the files or the way graphs are built change.
CACHE_VERSION = 1

_ARRAYS = ("nodes", "offsets", "neighbours")

Build = Callable[[Images], Graphs]


def graphs_of(
    images: Images,
    *,
    cache_dir: Path | None = None,
    progress: Progress = silent,
    build: Build | None = None,
) -> Graphs:
    """The graphs of images: from the cache, or built and left there.

    Two processes may ask for the same at once: the second waits for the first. What was damaged
    on the disk is built again.

    Args:
        images: (n, 28, 28) uint8, at least one. Any copy of the same bytes finds the same graphs.
        cache_dir: None for GLYPHBENCH_CACHE or the user's cache folder.
        progress: hears how far the building is.
        build: what builds them; None for ``datasets.superpixels.build``.

    Raises:
        DataError: where scikit-image is not installed, the disk is full, or the cache folder
            cannot be written to.
    """
    folder = cached_folder(images, cache_dir=cache_dir)
    with locked(folder):
        found = _open_intact(folder, len(images))
        if found is not None:
            return found
        built = build(images) if build else superpixels.build(images, progress=progress)
        _write(folder, built)
    return built


def cached_folder(images: Images, *, cache_dir: Path | None = None) -> Path:
    """Where the graphs of these images are cached, or would be.

    Raises DataError where scikit-image, whose version is part of the name, is not installed.
    """
    try:
        version = importlib.metadata.version("scikit-image")
    except importlib.metadata.PackageNotFoundError as error:
        raise superpixels.missing("scikit-image") from error
    parts = (CACHE_VERSION, superpixels.PARAMETERS, version, images.shape)
    key = sha256(repr(parts).encode())
    key.update(np.ascontiguousarray(images).data)
    return cache_folder(cache_dir) / "graphs" / key.hexdigest()[:16]


def _open_intact(folder: Path, images: int) -> Graphs | None:
    """The graphs of a folder; None where there are none, or not every byte is as written."""
    try:
        wanted = (folder / "sha256").read_text(encoding="ascii")
        nodes, offsets, neighbours = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS
        )
    except (OSError, EOFError, ValueError):
        return None
    found = Graphs(nodes=nodes, offsets=offsets, neighbours=neighbours)
    shapes = [(images + 1,), (len(nodes), FEATURES), (len(nodes), NEIGHBOURS)]
    if shapes != [offsets.shape, nodes.shape, neighbours.shape] or _fingerprint(found) != wanted:
        return None
    return found


def _fingerprint(graphs: Graphs) -> str:
    digest = sha256()
    for name in _ARRAYS:
        array = getattr(graphs, name)
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _write(folder: Path, graphs: Graphs) -> None:
    """Write a folder, whole or not at all; what was there before is replaced."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
    try:
        partial.mkdir(parents=True)
        for name in _ARRAYS:
            np.save(partial / f"{name}.npy", getattr(graphs, name), allow_pickle=False)
        (partial / "sha256").write_text(_fingerprint(graphs), encoding="ascii")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except BaseException as error:  # Ctrl-C too leaves nothing half-written
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise _cannot_write(folder, graphs, error) from error
        raise


def _cannot_write(folder: Path, graphs: Graphs, error: OSError) -> DataError:
    wanted_mb = sum(getattr(graphs, name).nbytes for name in _ARRAYS) / 1e6
    return DataError(
        f"{folder.parent}: graphs cannot be written there ({error.strerror or error}); they need "
        f"{wanted_mb:,.0f} MB. Make room, or name another cache folder with GLYPHBENCH_CACHE"
    )

"""Images as graphs: superpixels are the nodes, the nearest of them are neighbours.

The form is that of 'MNIST superpixels' with 75 nodes (Monti et al., 'Geometric deep learning on
graphs and manifolds using mixture model CNNs', CVPR 2017, section 5.2); superpixels by SLIC with a
compactness of 0.25 and edges to the 8 nearest as in Dwivedi et al., 'Benchmarking Graph Neural
Networks' (JMLR 24, 2023), section 4.1. Needs scikit-image,
which is imported late.

``graphs_of`` keeps the graphs of a whole data set on the disk: built once for the same images,
opened as memory maps. A folder for each set of images holds ``nodes.npy``, ``offsets.npy`` and
``neighbours.npy`` (see ``Graphs``) and ``sha256``, the fingerprint of all three.
"""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from datasets.cache import cache_folder, locked, written_whole
from datasets.tasks import DataError, Progress, Stage, how_to_install, silent

SEGMENTS = 75  # asked for; SLIC begins on a grid of 9 x 9 and leaves about 73
COMPACTNESS = 0.25  # how much place counts against intensity: low follows the strokes
NEIGHBOURS = 8  # of every node, itself not among them
FEATURES = 3  # of a node: intensity, row, column
PARAMETERS = f"slic segments={SEGMENTS} compactness={COMPACTNESS} neighbours={NEIGHBOURS}"
INSTALL = how_to_install("scikit-image", "torch-geometric")

# Part of every cache folder's name. Raise it when the files or the way graphs are built change.
CACHE_VERSION = 1

_ARRAYS = ("nodes", "offsets", "neighbours")
_CHUNK_IMAGES = 256
_SIDE = 28

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Graphs:
    """n graphs as three arrays without a list; they may be read-only memory maps.

    Graph g has the nodes ``offsets[g]`` to ``offsets[g + 1]``, its last left out.
    """

    nodes: NDArray[np.float32]  # (N, 3): mean intensity 0..1; centroid's row, column, -1..1
    offsets: NDArray[np.int64]  # (n + 1,), from 0 to N
    neighbours: NDArray[np.uint8]  # (N, 8), nearest first; counted within the node's own graph

    def __len__(self) -> int:
        """How many graphs there are."""
        return len(self.offsets) - 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(n,) nodes of each graph."""
        return np.diff(self.offsets)

    def select(self, indices: NDArray[np.int64]) -> Graphs:
        """The graphs with these indices, in this order; copies, without a loop over graphs."""
        sizes = self.sizes[indices]
        offsets = _offsets(sizes)
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[indices] - offsets[:-1], sizes)
        return Graphs(nodes=self.nodes[rows], offsets=offsets, neighbours=self.neighbours[rows])


Build = Callable[[Images], Graphs]


def build(images: Images, *, progress: Progress = silent) -> Graphs:
    """The graphs of images, one each, in their order.

    In threads, as many as this process may use processors: SLIC lets go of Python's lock while
    it works. Processes were no faster on two cores, and would start a caller's script anew.

    Args:
        images: (n, 28, 28) uint8, at least one.
        progress: hears how many are done.

    Raises:
        DataError: where scikit-image is not installed.
    """
    chunks = [images[at : at + _CHUNK_IMAGES] for at in range(0, len(images), _CHUNK_IMAGES)]
    stage = Stage(name="building graphs of superpixels", total=len(images), unit="images")
    _slic()  # imports scikit-image, or says that it is missing, before there are threads
    if len(chunks) == 1:
        return _build_chunk(images)  # one answer waits for no thread to start
    done: list[Graphs] = []
    with ThreadPoolExecutor(min(_processors(), len(chunks))) as pool:
        for graphs in pool.map(_build_chunk, chunks):
            done.append(graphs)
            progress(stage, min(len(done) * _CHUNK_IMAGES, len(images)))
    return _joined(done)


def superpixels(image: Images) -> Labels:
    """Which superpixel each pixel belongs to, by SLIC (Achanta et al., TPAMI 34, 2012).

    ``image``: (28, 28) uint8. Returns (28, 28) int64, every number from 0 to the largest.
    Raises DataError where scikit-image is not installed.
    """
    labels = _slic()(
        image, n_segments=SEGMENTS, compactness=COMPACTNESS, channel_axis=None, start_label=0
    )
    return np.asarray(labels, np.int64)


def _slic() -> Callable[..., NDArray[np.int64]]:
    try:
        from skimage.segmentation import slic
    except ModuleNotFoundError as error:
        raise missing(error.name or "scikit-image") from error
    return cast(Callable[..., NDArray[np.int64]], slic)


def missing(package: str) -> DataError:
    """What to say where graphs cannot be built since a package is not installed."""
    return DataError(
        f"graphs of superpixels need scikit-image, and {package!r} is not installed here; "
        f"install it {INSTALL}"
    )


def _processors() -> int:
    """Logical processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _build_chunk(images: Images) -> Graphs:
    labels = np.stack([superpixels(image) for image in images])
    offsets = _offsets(labels.max(axis=(1, 2)) + 1)
    nodes = _nodes(images, labels + offsets[:-1, None, None])
    return Graphs(nodes=nodes, offsets=offsets, neighbours=_neighbours(nodes[:, 1:], offsets))


def _offsets(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)])


def _nodes(images: Images, nodes: Labels) -> NDArray[np.float32]:
    """Means over the pixels of each node; ``nodes``: (n, 28, 28), the node of each pixel."""
    pixels = np.bincount(nodes.ravel())
    row, column = np.broadcast_arrays(*np.ogrid[-1 : 1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j])
    values = (
        images / 255,
        np.broadcast_to(row, images.shape),
        np.broadcast_to(column, images.shape),
    )
    sums = [np.bincount(nodes.ravel(), weights=value.ravel()) for value in values]
    return np.stack([total / pixels for total in sums], axis=1).astype(np.float32)


def _neighbours(centroids: NDArray[np.float32], offsets: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The nearest nodes of each, by the distance of their centroids; of equals the first.

    A graph of fewer than 9 nodes repeats them, so that every node has 8: their maximum and,
    nearly, their mean are the same. A superpixel has no fewer than 4 pixels, so that 196 nodes
    are the most.
    """
    sizes = np.diff(offsets)
    widest = int(sizes.max())
    there = np.arange(widest) < sizes[:, None]  # (n, widest): is it a node, or padding?
    padded = np.full((len(sizes), widest, 2), np.nan, np.float32)
    padded[there] = centroids
    squares = ((padded[:, :, None] - padded[:, None]) ** 2).sum(axis=-1)
    squares[:, np.arange(widest), np.arange(widest)] = np.nan  # a node is not its own neighbour
    order = squares.argsort(axis=-1, kind="stable")[there]  # not-a-number comes last
    others = np.maximum(np.repeat(sizes, sizes) - 1, 1)
    ranks = np.arange(NEIGHBOURS) % others[:, None]
    return np.take_along_axis(order, ranks, axis=1).astype(np.uint8)


def _joined(parts: list[Graphs]) -> Graphs:
    return Graphs(
        nodes=np.concatenate([part.nodes for part in parts]),
        offsets=_offsets(np.concatenate([part.sizes for part in parts])),
        neighbours=np.concatenate([part.neighbours for part in parts]),
    )


# The cache


def graphs_of(
    images: Images,
    *,
    cache_dir: Path | None = None,
    progress: Progress = silent,
    builder: Build | None = None,
) -> Graphs:
    """The graphs of images: from the cache, or built and left there.

    Two processes may ask for the same at once: the second waits for the first. What was damaged
    on the disk is built again.

    Args:
        images: (n, 28, 28) uint8, at least one. Any copy of the same bytes finds the same graphs.
        cache_dir: None for GLYPHBENCH_CACHE or the user's cache folder.
        progress: hears how far the building is.
        builder: what builds them; None for ``build`` above.

    Raises:
        DataError: where scikit-image is not installed, the disk is full, or the cache folder
            cannot be written to.
    """
    folder = cached_folder(images, cache_dir=cache_dir)
    with locked(folder):
        graphs = _open_intact(folder, len(images))
        if graphs is None:
            graphs = builder(images) if builder else build(images, progress=progress)
            _write(folder, graphs)
    return graphs


def cached_folder(images: Images, *, cache_dir: Path | None = None) -> Path:
    """Where the graphs of these images are cached, or would be.

    Raises DataError where scikit-image, whose version is part of the name, is not installed.
    """
    try:
        version = importlib.metadata.version("scikit-image")
    except importlib.metadata.PackageNotFoundError as error:
        raise missing("scikit-image") from error
    parts = (CACHE_VERSION, PARAMETERS, version, images.shape)
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
    graphs = Graphs(nodes=nodes, offsets=offsets, neighbours=neighbours)
    shapes = [(images + 1,), (len(nodes), FEATURES), (len(nodes), NEIGHBOURS)]
    if shapes != [offsets.shape, nodes.shape, neighbours.shape] or _fingerprint(graphs) != wanted:
        return None
    return graphs


def _fingerprint(graphs: Graphs) -> str:
    digest = sha256()
    for name in _ARRAYS:
        array = getattr(graphs, name)
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _write(folder: Path, graphs: Graphs) -> None:
    size_bytes = sum(getattr(graphs, name).nbytes for name in _ARRAYS)
    with written_whole(folder, content="the data as graphs", size_bytes=size_bytes) as partial:
        for name in _ARRAYS:
            np.save(partial / f"{name}.npy", getattr(graphs, name), allow_pickle=False)
        (partial / "sha256").write_text(_fingerprint(graphs), encoding="ascii")

"""Nearest neighbours among images: all pairs, in the first principal components. NumPy only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

COMPONENTS = 50  # they hold 82 % of the variance of MNIST and 86 % of the letters sample's
CHUNK = 512  # images whose distances to all others are in memory at once


@dataclass(frozen=True, kw_only=True)
class Space:
    """The directions in which images differ most."""

    centre: Points  # (784,) the mean image, pixels on the scale 0..1
    axes: Points  # (784, COMPONENTS), orthonormal, the largest variance first

    def points(self, images: NDArray[np.uint8]) -> Points:
        """(n, COMPONENTS) of (n, 28, 28) images."""
        found = [(flat(part) - self.centre) @ self.axes for part in _chunks(images)]
        return np.concatenate(found) if found else np.empty((0, self.axes.shape[1]), np.float32)


def space(images: NDArray[np.uint8]) -> Space:
    """The first principal components of one or more images."""
    total = np.zeros(images[0].size)
    products = np.zeros((images[0].size,) * 2)
    for part in map(flat, _chunks(images)):
        total += part.sum(axis=0, dtype=np.float64)
        products += part.T @ part
    centre = total / len(images)
    _, axes = np.linalg.eigh(products / len(images) - np.outer(centre, centre))
    kept = axes[:, ::-1][:, :COMPONENTS]  # eigh has the smallest first
    return Space(centre=centre.astype(np.float32), axes=kept.astype(np.float32))


def nearest(
    points: Points, pool: Points, count: int, itself: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """(n, count) rows of ``pool`` nearest to each point, in no order.

    Exact: every distance is computed, as a matrix product. |a - b|² = |a|² + |b|² - 2ab, of
    which |a|² is the same for all neighbours of a and left out.

    Args:
        points: (n, d).
        pool: (m, d), more than ``count`` of them.
        count: neighbours wanted.
        itself: (n,) the row of each point in the pool, which is no neighbour of its own.
    """
    sizes = (pool**2).sum(axis=1, keepdims=True)
    wanted = np.ascontiguousarray(np.concatenate([-2 * pool, sizes], axis=1).T)
    found = np.empty((len(points), count), np.int64)
    for start in range(0, len(points), CHUNK):
        part = points[start : start + CHUNK]
        distances = np.concatenate([part, np.ones((len(part), 1), np.float32)], axis=1) @ wanted
        if itself is not None:
            distances[np.arange(len(part)), itself[start : start + CHUNK]] = np.inf
        found[start : start + CHUNK] = _smallest(distances, count)
    return found


def _smallest(distances: Points, count: int) -> NDArray[np.int64]:
    if count == 1:  # several times as fast
        return np.asarray(distances.argmin(axis=1)[:, None])
    return np.asarray(np.argpartition(distances, count - 1, axis=1)[:, :count])


def distance(images: NDArray[np.uint8], others: NDArray[np.uint8]) -> Points:
    """(n,) Euclidean distances of pixels, on the scale 0..1, image by image."""
    return np.asarray(np.linalg.norm(flat(images) - flat(others), axis=1))


def flat(images: NDArray[np.uint8]) -> Points:
    """(n, 784) pixels on the scale 0..1."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


def _chunks(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(images), 8 * CHUNK):
        yield np.asarray(images[start : start + 8 * CHUNK])

"""What the rest of the project sees of data: three splits of images and labels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CHUNK_IMAGES = 512  # 400 KB


@dataclass(frozen=True, kw_only=True)
class Split:
    """Images and their labels; the arrays may be read-only memory maps."""

    images: NDArray[np.uint8]  # (n, 28, 28), 0 black to 255 white, white on black
    labels: NDArray[np.uint8]  # (n,) in 0..classes-1


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that is known of a data set beside its arrays."""

    task: str
    source: str
    drawn: bool  # True: drawn by the project itself, not real handwriting
    class_names: tuple[str, ...]  # in label order
    fingerprint: str  # SHA-256, hex, of all splits (datasets.cache.fingerprint)
    duplicates_removed: int  # images left out because an earlier one has the same pixels
    conflicting_labels: int  # those of them whose label differed from the earlier one's
    pixel_mean: float  # of the training pixels, on the scale 0..1
    pixel_std: float  # their population standard deviation, on the same scale
    reading: tuple[str, ...] = ()  # how a user's own files were read: sentences


@dataclass(frozen=True, kw_only=True)
class Dataset(Facts):
    """One task's images from one source, split for good."""

    train: Split
    validation: Split
    test: Split


def normalise(images: NDArray[np.uint8], *, mean: float, std: float) -> NDArray[np.float32]:
    """The one way in which image bytes become a network's input: (x / 255 - mean) / std.

    ``images``: (n, 28, 28) uint8. ``mean``, ``std``: of the training pixels on the scale
    0..1. Returns (n, 28, 28) float32, C-contiguous, computed in float32.
    """
    out = np.empty(images.shape, dtype=np.float32)
    np.divide(images, np.float32(255), out=out)
    out -= np.float32(mean)
    out /= np.float32(std)
    return out


def pixel_statistics(images: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and population standard deviation of all pixels, on the scale 0..1.

    Computed in whole numbers, and rounded once at the end.
    """
    total = squares = 0
    for chunk in chunks(images):
        values = chunk.astype(np.uint16)  # the square of 255 fits
        total += int(values.sum(dtype=np.uint64))
        squares += int((values * values).sum(dtype=np.uint64))
    scale = 255 * images.size
    return total / scale, math.sqrt(images.size * squares - total * total) / scale


def chunks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """So many rows at a time that 28x28 bytes of each stay in a core's cache."""
    for start in range(0, len(array), _CHUNK_IMAGES):
        yield array[start : start + _CHUNK_IMAGES]

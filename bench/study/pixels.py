"""Statistics of pixels, of all images of a split and of each class. NumPy only.

A pixel is one of 256 values, so a histogram holds all there is to know of a split's pixels, at
any number of images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets import normalise

Images = NDArray[np.uint8]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

LEVELS = 256
_CHUNK_IMAGES = 4096


@dataclass(frozen=True, kw_only=True)
class PixelStatistics:
    """Of all pixels of a split, in one form."""

    lowest: float
    highest: float
    mean: float
    std: float  # of the population
    zeros: float  # share of pixels that are exactly 0


def histogram(images: Images) -> Counts:
    """(256,) how many pixels of (n, 28, 28) images have each value."""
    counts = np.zeros(LEVELS, np.int64)
    for part in _chunks(images):
        counts += np.bincount(part.ravel(), minlength=LEVELS)
    return counts


def raw_statistics(counts: Counts) -> PixelStatistics:
    """Of the pixels as they are, 0 to 255."""
    return _statistics(counts, np.arange(LEVELS, dtype=np.float64))


def normalised_statistics(counts: Counts, *, mean: float, std: float) -> PixelStatistics:
    """Of the same pixels as networks are given them; ``mean``, ``std`` on the scale 0..1."""
    levels = np.arange(LEVELS, dtype=np.uint8).reshape(1, 16, 16)
    return _statistics(counts, normalise(levels, mean=mean, std=std).ravel().astype(np.float64))


def _statistics(counts: Counts, values: Floats) -> PixelStatistics:
    there, share = values[counts > 0], counts / counts.sum()
    mean = float(share @ values)
    return PixelStatistics(
        lowest=float(there.min()),
        highest=float(there.max()),
        mean=mean,
        std=float(np.sqrt(share @ (values - mean) ** 2)),
        zeros=float(share[values == 0].sum()),
    )


def mean_and_spread(images: Images) -> tuple[Floats, Floats]:
    """(28, 28) mean and (28, 28) population standard deviation of each pixel of n > 0 images."""
    total, squares = np.zeros(images.shape[1:]), np.zeros(images.shape[1:])
    for part in _chunks(images):
        total += part.sum(axis=0, dtype=np.int64)
        squares += (part.astype(np.uint32) ** 2).sum(axis=0, dtype=np.int64)
    mean = total / len(images)
    return mean, np.sqrt(np.maximum(squares / len(images) - mean**2, 0))


def _chunks(images: Images) -> Iterator[Images]:
    for start in range(0, len(images), _CHUNK_IMAGES):
        yield np.asarray(images[start : start + _CHUNK_IMAGES])

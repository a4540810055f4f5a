"""Images with strokes, as characters have them: noise would make superpixels of no shape."""

from __future__ import annotations

import numpy as np

from tests.data_files import Bytes


def strokes(count: int, seed: int = 0) -> Bytes:
    """(count, 28, 28) images, each of a crooked line two pixels wide, no two alike."""
    rng = np.random.default_rng(seed)
    images = np.zeros((count, 28, 28), np.uint8)
    places = np.clip(14 + rng.integers(-2, 3, (count, 40, 2)).cumsum(axis=1), 2, 24)
    for image, line in zip(images, places, strict=True):
        for row, column in line:
            image[row : row + 2, column : column + 2] = rng.integers(150, 256)
    return images

"""One image file of any size as 28x28 grey bytes: shrunk or grown whole, padded to a square."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datasets import grey
from datasets.grey import Grey
from datasets.own.pixels import SIDE, Bytes, fitted


def read(path: Path) -> Bytes:
    """The image (28, 28), dark on light where the file is.

    Raises DataError on a file that is no image, or truncated (``datasets.grey``).
    """
    return whole(grey.read(path))


def whole(brightness: Grey) -> Bytes:
    """An image (height, width) from 0 to 1, of any size, whole in (28, 28).

    The longer side becomes 28 pixels, the aspect is kept, and what is missing to a square is
    filled with the image's own background, the median of its outermost pixels.
    """
    return padded(np.rint(fitted(brightness).clip(0, 1) * 255).astype(np.uint8))


def padded(image: Bytes) -> Bytes:
    """An image (height, width) of at most 28 each in the middle of (28, 28)."""
    height, width = image.shape
    if (height, width) == (SIDE, SIDE):
        return image
    outermost = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    square = np.full((SIDE, SIDE), np.median(outermost), dtype=np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    square[top : top + height, left : left + width] = image
    return square

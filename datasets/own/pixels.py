"""Images of any size and scale into the project's form: 28x28 bytes, white on black.

What is decided here is decided once for a whole data set, never image by image: two images of
one set stay comparable, and the user is told.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DataError
from datasets.grey import Grey
from datasets.own.content import Numbers

SIDE = 28  # pixels
LEAST_SIDE = 4  # of what can be told apart at all
FAINT = 64  # a set that nowhere reaches this is on a scale of its own: 0..1, 0..16

Bytes = NDArray[np.uint8]


def standard(parts: Sequence[Numbers], *, name: str) -> tuple[list[Bytes], list[str]]:
    """All parts of a data set brought into the project's form together, and notes on how.

    Args:
        parts: (n, side, side) or (n, side * side) each, the last axis may also be 1 colour:
            (n, side, side, 1). Numbers from 0 to 255, or on a smaller scale from 0.
        name: the file's, for errors.

    Returns (n, 28, 28) uint8 each, C-contiguous. Raises DataError on colour, on images that
    are not square, on numbers outside 0..255.
    """
    square = [_square(part, name) for part in parts]
    filled, notes = _fill_scale(square, name)
    resized = [resize(part) for part in filled]
    if square[0].shape[1] != SIDE:
        side = square[0].shape[1]
        notes.append(f"images were resized from {side}×{side} to {SIDE}×{SIDE}")
    if is_dark_on_light(resized):
        notes.append(
            "the images are dark on light (most of all their border pixels are above 127), so "
            "all were inverted to white on black"
        )
        resized = [np.bitwise_not(part) for part in resized]
    return [np.ascontiguousarray(part) for part in resized], notes


def is_dark_on_light(parts: Sequence[Bytes]) -> bool:
    """Whether of the outermost pixels of all images together more than half are above 127."""
    ring = np.ones((SIDE, SIDE), dtype=np.bool_)
    ring[1:-1, 1:-1] = False
    light = sum(int(np.count_nonzero(part[:, ring] > 127)) for part in parts)
    return 2 * light > sum(len(part) for part in parts) * int(ring.sum())


def resize(images: Bytes) -> Bytes:
    """Square images of any size (n, side, side) as (n, 28, 28); those of that size as they are."""
    if images.shape[1] == SIDE:
        return images
    resized = np.empty((len(images), SIDE, SIDE), dtype=np.uint8)
    for place, image in enumerate(images):
        resized[place] = np.rint(fitted(image.astype(np.float32)).clip(0, 255))
    return resized


def fitted(values: Grey) -> Grey:
    """(height, width) float32 scaled so that the longer side is 28, the aspect kept."""
    from PIL import Image

    height, width = values.shape
    scale = SIDE / max(height, width)
    if scale == 1:
        return values
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Bicubic averages too where it shrinks; the box does so without ringing.
    how = Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(values).resize(size, how))


def _square(images: Numbers, name: str) -> Numbers:
    """(n, side, side) of any of the shapes that mean it."""
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim == 4:
        raise DataError(
            f"{name}: images of the shape {images.shape[1:]}, in colour; wanted grey ones, "
            "(n, 28, 28): images.mean(axis=-1) makes them grey"
        )
    if images.ndim == 2:
        side = round(images.shape[1] ** 0.5)
        if side * side == images.shape[1]:
            images = images.reshape(-1, side, side)
    if images.ndim != 3 or images.shape[1] != images.shape[2]:
        raise DataError(
            f"{name}: images of the shape {images.shape}; wanted square ones, (n, 28, 28) or "
            "another side, or a square number of pixels, (n, 784)"
        )
    if len(images) == 0 or images.shape[1] < LEAST_SIDE:
        raise DataError(
            f"{name}: {len(images):,} images of {images.shape[1]}×{images.shape[1]} pixels; "
            f"wanted some of {LEAST_SIDE}×{LEAST_SIDE} at least"
        )
    return images


def _fill_scale(parts: Sequence[Numbers], name: str) -> tuple[list[Bytes], list[str]]:
    """Bytes from 0 to 255; what is on a smaller scale is stretched."""
    for part in parts:
        _check_numbers(part, name)
    greatest = max(float(part.max()) for part in parts)
    if greatest == 0:
        raise DataError(f"{name}: every pixel of every image is 0; nothing can be seen")
    if greatest >= FAINT:
        return [_rounded(part, 1.0) for part in parts], []
    note = f"pixels run from 0 to {greatest:g}; they were multiplied to run to 255"
    return [_rounded(part, 255 / greatest) for part in parts], [note]


def _rounded(part: Numbers, factor: float) -> Bytes:
    if part.dtype == np.uint8 and factor == 1.0:
        return part
    return np.rint(part * np.float32(factor)).astype(np.uint8)


def _check_numbers(part: Numbers, name: str) -> None:
    if part.dtype.kind not in "uifb":
        raise DataError(f"{name}: pixels of type {part.dtype}; wanted numbers from 0 to 255")
    wrong = ~((part >= 0) & (part <= 255))  # not a number is neither
    if wrong.any():
        place = int(np.flatnonzero(wrong.any(axis=(1, 2)))[0])
        value = part[place][wrong[place]][0]
        raise DataError(
            f"{name}: image {place + 1:,} has a pixel of {value}; wanted numbers from 0 to 255, "
            "or from 0 to 1: rescale them first"
        )

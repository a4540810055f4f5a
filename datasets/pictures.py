"""Pictures of any kind, size and scale into the project's form: 28x28 bytes, white on black.

``read`` makes one file grey and ``whole`` brings it to 28x28; ``standard`` brings the arrays of
a whole data set to that form. What ``standard`` decides is decided once for the data set, never
image by image: two images of one set stay comparable, and the user is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from datasets.tasks import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

Bytes = NDArray[np.uint8]
Grey = NDArray[np.float32]  # brightness from 0, black, to 1, white
Numbers = NDArray[Any]  # unsigned, signed, floating or boolean

FORMATS = ("PNG", "JPEG", "BMP")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp")
SIDE = 28  # pixels
LEAST_SIDE = 4  # of an image on which anything can be told apart
FAINT = 64  # a set that nowhere reaches this is on a scale of its own: 0..1, 0..16

_WHITE_OF_WHOLE_NUMBERS = 65535.0  # of Pillow's modes I and I;16


# One picture


def read(image: str | Path | Image) -> Grey:
    """(height, width) float32 from 0, black, to 1, white, of a file or an image of Pillow's.

    Colour becomes its luminance (ITU-R 601-2, as Pillow does it); what is transparent becomes
    black under light ink and white under dark; a photograph is turned as its EXIF says. Raises
    DataError on a file that is no PNG, JPEG or BMP image, or is cut off.
    """
    if not isinstance(image, str | Path):
        return _brightness(image)
    import PIL.Image

    try:
        with PIL.Image.open(image, formats=FORMATS) as opened:
            opened.load()
            return _brightness(opened)
    except FileNotFoundError:
        raise DataError(f"{image}: no such file; wanted a PNG or JPEG image") from None
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        reason = str(error).removesuffix(f" {str(image)!r}")  # Pillow repeats the name
        raise DataError(
            f"{image}: cannot be read as a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image: "
            f"{reason}"
        ) from error


def _brightness(image: Image) -> Grey:
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # which Pillow would clip at 255
        return _scaled(np.asarray(upright), _WHITE_OF_WHOLE_NUMBERS)
    if upright.mode == "F":
        values = np.asarray(upright)
        return _scaled(values - values.min(), max(float(np.ptp(values)), 1.0))
    if upright.has_transparency_data:
        return _on_paper(upright)
    return _scaled(np.asarray(upright.convert("L")), 255.0)


def _on_paper(image: Image) -> Grey:
    """What is drawn on nothing is laid on black where it is light, else on white."""
    luminance, alpha = (
        _scaled(np.asarray(band), 255.0) for band in image.convert("RGBA").convert("LA").split()
    )
    opacity = float(alpha.sum())
    light = opacity > 0 and float((luminance * alpha).sum()) / opacity > 0.5
    paper = np.float32(0.0 if light else 1.0)
    return alpha * luminance + (1 - alpha) * paper


def _scaled(values: Numbers, white: float) -> Grey:
    return np.asarray(np.clip(values.astype(np.float32) / np.float32(white), 0, 1))


def whole(brightness: Grey) -> Bytes:
    """A picture (height, width) of any size, whole in (28, 28), dark on light where it is so.

    The longer side becomes 28 pixels, the aspect is kept, and what is missing to a square is
    filled with the picture's own background, the median of its outermost pixels.
    """
    image = np.rint(fitted(brightness, SIDE).clip(0, 1) * 255).astype(np.uint8)
    height, width = image.shape
    outermost = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    square = np.full((SIDE, SIDE), np.median(outermost), dtype=np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    square[top : top + height, left : left + width] = image
    return square


def fitted(values: Grey, side: int) -> Grey:
    """(height, width) float32 scaled so that the longer side is ``side``, the aspect kept."""
    from PIL import Image, ImageOps

    picture = Image.fromarray(values.astype(np.float32, copy=False))
    # Bicubic averages too where it shrinks; the box does so without ringing.
    shrinks = max(picture.size) > 2 * side
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    scaled = ImageOps.contain(picture, (side, side), method)
    if min(scaled.size) == 0:  # a line, of whose short side nothing would be left
        scaled = picture.resize((max(1, scaled.width), max(1, scaled.height)), method)
    return np.asarray(scaled)


# The arrays of a data set


def standard(parts: Sequence[Numbers], *, name: str) -> tuple[list[Bytes], list[str]]:
    """All parts of a data set brought into the project's form together, and notes on how.

    Args:
        parts: (n, side, side) or (n, side * side) each, the last axis may also be 1 colour:
            (n, side, side, 1). Numbers from 0 to 255, or on a smaller scale from 0.
        name: the file's, for errors.

    Returns (n, 28, 28) uint8 each, C-contiguous. Raises DataError on colour, on images that
    are not square, on numbers outside 0..255.
    """
    squares = [_square(part, name) for part in parts]
    filled, notes = _fill_scale(squares, name)
    resized = [resize(part) for part in filled]
    if (side := squares[0].shape[1]) != SIDE:
        notes.append(f"images were resized from {side}×{side} to {SIDE}×{SIDE}")
    if _are_dark_on_light(resized):
        notes.append(
            "the images are dark on light (most of all their border pixels are above 127), so "
            "all were inverted to white on black"
        )
        resized = [np.bitwise_not(part) for part in resized]
    return [np.ascontiguousarray(part) for part in resized], notes


def _are_dark_on_light(parts: Sequence[Bytes]) -> bool:
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
    for index, image in enumerate(images):
        resized[index] = np.rint(fitted(image, SIDE).clip(0, 255))
    return resized


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
        index = int(np.flatnonzero(wrong.any(axis=(1, 2)))[0])
        value = part[index][wrong[index]][0]
        raise DataError(
            f"{name}: image {index + 1:,} has a pixel of {value}; wanted numbers from 0 to 255, "
            "or from 0 to 1: rescale them first"
        )

"""Pictures of any kind, size and scale into the project's form: 28x28 bytes, white on black.

``read`` makes one file grey and ``whole`` brings it to 28x28; ``standard`` brings the arrays of
a whole data set to that form. What ``standard`` decides is decided once for the data set, never
image by image: two images of one set stay comparable, and the user is told.
"""

from __future__ import annotations

import struct
import threading
import warnings
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from datasets.formats import regular_bytes
from datasets.tasks import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

Bytes = NDArray[np.uint8]
Grey = NDArray[np.float32]  # brightness from 0, black, to 1, white
Numbers = NDArray[Any]  # unsigned, signed, floating or boolean

FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF", "GIF")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif")
_BRAND_BYTES = 12  # of a file, with what tells the forms of phones apart
_BRANDS_OF_PHONES = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif")
PHONE_ENDINGS = (".heic", ".heif")  # which Pillow alone does not read
SIDE = 28  # pixels
LEAST_SIDE = 4  # of an image on which anything can be told apart
MOST_SIDE = 1024  # of the images of an array: more is a picture, and comes as a file
MOST_IMAGES = 1_000_000  # of a data set: 784 MB once they are read
MOST_PIXELS = 64_000_000  # of one picture: A4 scanned at 600 dots an inch has 35 million
MOST_FILE_BYTES = 512 << 20  # of one picture: its pixels in colour, at 16 bits and not packed
LARGE_PIXELS = 16_000_000  # pictures with more are read one at a time, and shrunk
FAINT = 64  # a set that nowhere reaches this is on a scale of its own: 0..1, 0..16

_WHITE_OF_WHOLE_NUMBERS = 65535.0  # of Pillow's modes I and I;16
_ONE_LARGE = threading.Lock()
_SHRINKABLE = ("L", "LA", "RGB", "RGBA", "CMYK", "F")  # Pillow's modes that it takes means of
# What Pillow raises on bytes that are no picture, or not whole.
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    struct.error,
    zlib.error,
)


# One picture


def read(image: str | Path | Image) -> Grey:
    """(height, width) float32 from 0, black, to 1, white, of a file or an image of Pillow's.

    Colour becomes its luminance (ITU-R 601-2, as Pillow does it); what is transparent becomes
    black under light ink and white under dark; a photograph is turned as its EXIF says; one of
    more than LARGE_PIXELS is shrunk. Raises DataError on a file that is no picture in one of
    FORMATS, is cut off, holds several pictures or more than MOST_PIXELS.
    """
    if not isinstance(image, str | Path):
        return _brightness(image)
    path = Path(image)
    try:
        if regular_bytes(path) > MOST_FILE_BYTES:
            raise _too_large(str(image), f"more than {MOST_FILE_BYTES >> 20} MB")
        with path.open("rb") as file:
            begin = file.read(_BRAND_BYTES)
    except FileNotFoundError:
        raise DataError(f"{image}: no such file; wanted a PNG or JPEG image") from None
    except OSError as error:
        raise DataError(f"{image}: cannot be read: {error.strerror or error}") from error
    return _opened(path, str(image), begin)


def read_content(content: bytes, *, name: str) -> Grey:
    """The same of the bytes of a file; ``name``: what to call it in errors."""
    return _opened(BytesIO(content), name, content[:_BRAND_BYTES])


def _opened(source: Path | BytesIO, name: str, begin: bytes) -> Grey:
    import PIL.Image

    # What it doubts in a file it says in warnings; what cannot be used is an error here.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        with PIL.Image.open(source, formats=FORMATS) as opened:
            return _decoded(opened, name)
    except PIL.Image.DecompressionBombError as error:  # by its own limit, above ours
        raise _too_large(name, str(error)) from error
    except _UNREADABLE as error:
        # The family of HEIC: ISO/IEC 14496-12, 4.3.
        if begin[4:8] == b"ftyp" and begin[8:] in _BRANDS_OF_PHONES:
            raise DataError(
                f"{name}: an HEIC or AVIF picture, which is not read here; export it as JPEG"
            ) from error
        reason = str(error).partition(" <_io")[0].removesuffix(f" {name!r}")  # which Pillow repeats
        raise DataError(
            f"{name}: cannot be read as a PNG, JPEG or BMP image, or as WebP, TIFF or GIF: "
            f"{reason or type(error).__name__}"
        ) from error


def _decoded(opened: Image, name: str) -> Grey:
    """The brightness of a picture whose header is read. Raises DataError as ``read`` does."""
    pixels = opened.width * opened.height
    if pixels > MOST_PIXELS:
        raise _too_large(name, f"{opened.width}×{opened.height} pixels")
    # A preview beside a phone's JPEG is no second picture.
    if opened.format != "MPO" and getattr(opened, "is_animated", False):
        raise DataError(f"{name}: holds several pictures; save the one that is meant by itself")
    with _ONE_LARGE if pixels > LARGE_PIXELS else nullcontext():
        opened.load()
        if pixels > LARGE_PIXELS and opened.mode in _SHRINKABLE:
            times = int(np.ceil((pixels / LARGE_PIXELS) ** 0.5))
            return _brightness(_shrunk(opened, times))
        return _brightness(opened)


def _shrunk(image: Image, times: int) -> Image:
    """So many times smaller in both directions; what its EXIF says is kept."""
    small = image.reduce(times)
    small.info = image.info
    small.getexif().update(image.getexif())
    return small


def _too_large(name: str, size: str) -> DataError:
    return DataError(
        f"{name}: {size}; {MOST_PIXELS / 1e6:.0f} million pixels are the most that are read: save "
        "it smaller"
    )


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
    """All parts of a data set brought into the project's form together, and sentences on how.

    Args:
        parts: (n, side, side) or (n, side * side) each, the last axis may also be 1 colour:
            (n, side, side, 1) or (n, 1, side, side). Numbers from 0 to 255, on a smaller scale
            from 0, or fractions from -1 to 1.
        name: the file's, for errors.

    Returns (n, 28, 28) uint8 each, C-contiguous. Raises DataError on colour, on images that
    are not square, on other numbers.
    """
    squares = [_square(part, name) for part in parts]
    filled, reading = _fill_scale(squares, name)
    resized = [resize(part) for part in filled]
    if (side := squares[0].shape[1]) != SIDE:
        reading.append(f"images were resized from {side}×{side} to {SIDE}×{SIDE}")
    if _are_dark_on_light(resized):
        reading.append(
            "the images are dark on light (most of all their border pixels are above 127), so "
            "all were inverted to white on black"
        )
        resized = [np.bitwise_not(part) for part in resized]
    return [np.ascontiguousarray(part) for part in resized], reading


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
    elif images.ndim == 4 and images.shape[1] == 1:
        images = images[:, 0]
    if images.ndim == 4:
        axis = 1 if images.shape[1] in (2, 3, 4) else -1
        raise DataError(
            f"{name}: images of the shape {images.shape[1:]}, in colour; wanted grey ones, "
            f"(n, 28, 28): images.mean(axis={axis}) makes them grey"
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
    if images.shape[1] > MOST_SIDE:
        raise DataError(
            f"{name}: images of {images.shape[1]:,}×{images.shape[1]:,} pixels; wanted "
            f"{MOST_SIDE:,}×{MOST_SIDE:,} at most: make them smaller, or save them as pictures"
        )
    return images


def _fill_scale(parts: Sequence[Numbers], name: str) -> tuple[list[Bytes], list[str]]:
    """Bytes from 0 to 255; what is on a smaller scale is stretched."""
    if _run_from_minus_1(parts):
        reading = ["pixels run from -1 to 1; they were brought to 0 to 255"]
        return [_rounded(part + 1, 127.5) for part in parts], reading
    for part in parts:
        _check_numbers(part, name)
    greatest = max(float(part.max()) for part in parts)
    if greatest == 0:
        raise DataError(f"{name}: every pixel of every image is 0; nothing can be seen")
    if greatest >= FAINT:
        return [_rounded(part, 1.0) for part in parts], []
    reading = [f"pixels run from 0 to {greatest:g}; they were multiplied to run to 255"]
    return [_rounded(part, 255 / greatest) for part in parts], reading


def _run_from_minus_1(parts: Sequence[Numbers]) -> bool:
    """Whether they are fractions from -1 to 1, as (x - 0.5) / 0.5 makes them.

    What reaches neither end is on another scale, such as that of a standard deviation.
    """
    if any(part.dtype.kind != "f" for part in parts):
        return False
    least, greatest = (min(part.min() for part in parts), max(part.max() for part in parts))
    return bool(-1 <= least <= -0.9 and 0.5 <= greatest <= 1)


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
            "or from 0 to 1, or fractions from -1 to 1: rescale them first"
        )

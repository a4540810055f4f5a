"""One picture of any kind as grey: a file or an image of Pillow's, as brightness from 0 to 1."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp")

Grey = NDArray[np.float32]

_WHOLE_NUMBERS = 65535.0  # the white of modes I and I;16


def read(image: str | Path | Image) -> Grey:
    """(height, width) float32 from 0, black, to 1, white.

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
        said = str(error).removesuffix(f" {str(image)!r}")  # Pillow repeats the name
        raise DataError(
            f"{image}: cannot be read as a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image: {said}"
        ) from error


def _brightness(image: Image) -> Grey:
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # which Pillow would clip at 255
        return _scaled(np.asarray(upright), _WHOLE_NUMBERS)
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


def _scaled(values: NDArray[Any], white: float) -> Grey:
    return np.asarray(np.clip(values.astype(np.float32) / np.float32(white), 0, 1))

"""A picture of any size into the form of the images that a network was trained on.

    prepare("photo.jpg")    # (28, 28) uint8, white on black, as MNIST's are

mnist     'normalized to fit in a 20x20 pixel box while preserving their aspect ratio [...]
          centered in a 28x28 image by computing the center of mass of the pixels, and translating
          the image so as to position this point at the center of the 28x28 field'
          (http://yann.lecun.com/exdb/mnist/)
letters   the same box, but its own middle in the middle, and not the mass: so are the letters of
          the A-Z set. A network that was trained on them reads 89 % of them where they are
          centred by mass, and 94 % as they are.
whole     the whole picture in 28x28, as a folder of one's own images is read (datasets.own)

Finding the ink before that (``datasets/ink.py``) is ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from datasets import grey, ink
from datasets.grey import Grey
from datasets.ink import NoInk

if TYPE_CHECKING:
    from PIL.Image import Image

Form = Literal["mnist", "letters", "whole"]
FORMS: tuple[Form, ...] = ("mnist", "letters", "whole")

SIDE, BOX = 28, 20  # pixels of the image, and of the box that the ink is scaled into
CENTRE = 14  # where MNIST's centres of mass are, in both directions, counting from 0
FULL = 75  # percentile of the ink that becomes white: what is a little paler is noise

Bytes = NDArray[np.uint8]


def form_of(task: str, source: str) -> Form:
    """The form that the images of a task and source have."""
    if source == "own":
        return "whole"
    return "letters" if task == "letters" else "mnist"


def prepare(image: str | Path | Image, form: Form = "mnist") -> Bytes:
    """(28, 28) uint8, the ink white on black, of a picture of any size and kind.

    Raises DataError on a file that cannot be read, and on a picture with nothing on it.
    """
    brightness = grey.read(image)
    try:
        return _whole(brightness) if form == "whole" else normalised(brightness, form)
    except NoInk as error:
        name = f"{image}: " if isinstance(image, str | Path) else ""
        raise NoInk(f"{name}{error}") from None


def normalised(brightness: Grey, form: Form) -> Bytes:
    """(height, width) from 0 to 1 -> (28, 28) uint8: ink of the box's size, centred.

    Raises NoInk where nothing stands out.
    """
    fitted = _fitted(ink.cut_out(brightness), BOX)
    strong = fitted[fitted > fitted.max() / 2]
    fitted = np.clip(fitted / np.percentile(strong, FULL), 0, 1)
    top, left = _corner(fitted, form)
    image = np.zeros((SIDE, SIDE), dtype=np.uint8)
    height, width = fitted.shape
    image[top : top + height, left : left + width] = np.rint(fitted * 255)
    return image


def _fitted(values: Grey, side: int) -> Grey:
    """Scaled so that the longer side is ``side``, the aspect kept."""
    from PIL import Image

    height, width = values.shape
    scale = side / max(height, width)
    if scale == 1:
        return values
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Bicubic averages too where it shrinks; the box does so without ringing.
    how = Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, how))


def _corner(fitted: Grey, form: Form) -> tuple[int, int]:
    """Where the upper left corner comes to lie, within the image."""
    if form == "letters":
        return (SIDE - fitted.shape[0]) // 2, (SIDE - fitted.shape[1]) // 2
    top, left = (round(CENTRE - _middle(fitted.sum(axis=axis))) for axis in (1, 0))
    return min(max(top, 0), SIDE - fitted.shape[0]), min(max(left, 0), SIDE - fitted.shape[1])


def _middle(amounts: Grey) -> float:
    """The centre of mass along one direction, in pixels from 0."""
    return float(amounts @ np.arange(len(amounts)) / amounts.sum())


def _whole(brightness: Grey) -> Bytes:
    from datasets.own.picture import padded

    if np.ptp(brightness) == 0:
        raise NoInk("all its pixels are alike; wanted a picture with something on it")
    light_on_dark = 1 - brightness if ink.is_dark_on_light(brightness) else brightness
    return padded(np.rint(_fitted(light_on_dark, SIDE).clip(0, 1) * 255).astype(np.uint8))

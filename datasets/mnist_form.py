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

Where the ink is before that, ``datasets.ink`` says. It is meant for one character on paper, a
slate or a screen, photographed, scanned or drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from datasets import ink, pictures
from datasets.ink import NoInk
from datasets.pictures import SIDE, Bytes, Grey, fitted

if TYPE_CHECKING:
    from PIL.Image import Image

Form = Literal["mnist", "letters", "whole"]

BOX = 20  # pixels of the box that the ink is scaled into
CENTRE = 14  # where MNIST's centres of mass are, in both directions, counting from 0
FULL = 75  # percentile of the ink that becomes white: what is a little paler is noise


@dataclass(frozen=True, kw_only=True)
class Character:
    """What is read from a picture."""

    image: Bytes  # (28, 28), the ink white on black
    notes: tuple[str, ...]  # what may be wrong with it: sentences; () where nothing is


def form_of(task: str, source: str) -> Form:
    """The form that the images of a task and source have."""
    if source == "own":
        return "whole"
    return "letters" if task == "letters" else "mnist"


def prepare(image: str | Path | Image, form: Form = "mnist") -> Bytes:
    """(28, 28) uint8, the ink white on black, of a picture of any size and kind.

    Raises DataError on a file that cannot be read, and on a picture with nothing on it.
    """
    return character(image, form).image


def character(image: str | Path | Image, form: Form = "mnist") -> Character:
    """What ``prepare`` returns, with what may be wrong with it; raises as it does."""
    brightness = pictures.read(image)
    try:
        if form == "whole":
            return Character(image=_whole(brightness), notes=())
        inked = ink.find(brightness)
    except NoInk as error:
        name = f"{image}: " if isinstance(image, str | Path) else ""
        raise NoInk(f"{name}{error}") from None
    return Character(image=_in_form(inked.amounts, form), notes=inked.notes)


def normalised(brightness: Grey, form: Form) -> Bytes:
    """(height, width) from 0 to 1 -> (28, 28) uint8: ink of the box's size, centred.

    Raises NoInk where nothing stands out.
    """
    return _in_form(ink.find(brightness).amounts, form)


def _in_form(amounts: Grey, form: Form) -> Bytes:
    scaled = fitted(amounts, BOX)
    strong = scaled[scaled > scaled.max() / 2]
    scaled = np.clip(scaled / np.percentile(strong, FULL), 0, 1)
    top, left = _corner(scaled, form)
    image = np.zeros((SIDE, SIDE), dtype=np.uint8)
    height, width = scaled.shape
    image[top : top + height, left : left + width] = np.rint(scaled * 255)
    return image


def _corner(scaled: Grey, form: Form) -> tuple[int, int]:
    """Where the upper left corner comes to lie, within the image."""
    height, width = scaled.shape
    if form == "letters":
        return (SIDE - height) // 2, (SIDE - width) // 2
    top, left = (round(CENTRE - _middle(scaled.sum(axis=axis))) for axis in (1, 0))
    return min(max(top, 0), SIDE - height), min(max(left, 0), SIDE - width)


def _middle(amounts: Grey) -> float:
    """The centre of mass along one direction, in pixels from 0."""
    return float(amounts @ np.arange(len(amounts)) / amounts.sum())


def _whole(brightness: Grey) -> Bytes:
    if np.ptp(brightness) == 0:
        raise NoInk("all its pixels are alike; wanted a picture with something on it")
    on_light = ink.is_on_light(brightness)
    return pictures.whole(1 - brightness if on_light else brightness)

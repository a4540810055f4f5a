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

Finding the ink before that is ours. It is meant for one character on paper, a slate or a screen,
photographed, scanned or drawn. Its sizes are shares of the picture's longer side, so that it does
not matter how large that is.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from datasets import pictures
from datasets.pictures import SIDE, Bytes, Grey, fitted
from datasets.tasks import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

Form = Literal["mnist", "letters", "whole"]

BOX = 20  # pixels of the box that the ink is scaled into
CENTRE = 14  # where MNIST's centres of mass are, in both directions, counting from 0
FULL = 75  # percentile of the ink that becomes white: what is a little paler is noise

LEAST_SIDE = 8  # pixels of the longer side: on fewer nothing can be told apart
WORKING_SIDE = 400  # pixels; larger pictures are shrunk to this first: less noise, less time
SMOOTHING = 1 / 150  # standard deviation of the blur under which ink is looked for
STROKE = 0.4  # what is broader than this is background, such as a shadow
LEAST_CONTRAST = 0.03  # between ink and background, of brightness from 0 to 1, ...
LEAST_NOISES = 5.0  # ... and in standard deviations of the background
# The edge of a blurred stroke lies where it has lost this share of its height. Half would be the
# edge of an ideal one; a quarter brings MNIST's own images back into a box of their own size.
EDGE = 0.25
EDGE_NOISES = 3.0  # and where it is no noise
SPECK = 0.05  # patches with less ink than this share of the largest are dirt

Mask = NDArray[np.bool_]


class NoInk(DataError):
    """Nothing stands out from the background."""


def form_of(task: str, source: str) -> Form:
    """The form that the images of a task and source have."""
    if source == "own":
        return "whole"
    return "letters" if task == "letters" else "mnist"


def prepare(image: str | Path | Image, form: Form = "mnist") -> Bytes:
    """(28, 28) uint8, the ink white on black, of a picture of any size and kind.

    Raises DataError on a file that cannot be read, and on a picture with nothing on it.
    """
    brightness = pictures.read(image)
    try:
        return _whole(brightness) if form == "whole" else normalised(brightness, form)
    except NoInk as error:
        name = f"{image}: " if isinstance(image, str | Path) else ""
        raise NoInk(f"{name}{error}") from None


def normalised(brightness: Grey, form: Form) -> Bytes:
    """(height, width) from 0 to 1 -> (28, 28) uint8: ink of the box's size, centred.

    Raises NoInk where nothing stands out.
    """
    ink = fitted(_cut_out(brightness), BOX)
    strong = ink[ink > ink.max() / 2]
    ink = np.clip(ink / np.percentile(strong, FULL), 0, 1)
    top, left = _corner(ink, form)
    image = np.zeros((SIDE, SIDE), dtype=np.uint8)
    height, width = ink.shape
    image[top : top + height, left : left + width] = np.rint(ink * 255)
    return image


def _corner(ink: Grey, form: Form) -> tuple[int, int]:
    """Where the upper left corner comes to lie, within the image."""
    height, width = ink.shape
    if form == "letters":
        return (SIDE - height) // 2, (SIDE - width) // 2
    top, left = (round(CENTRE - _middle(ink.sum(axis=axis))) for axis in (1, 0))
    return min(max(top, 0), SIDE - height), min(max(left, 0), SIDE - width)


def _middle(amounts: Grey) -> float:
    """The centre of mass along one direction, in pixels from 0."""
    return float(amounts @ np.arange(len(amounts)) / amounts.sum())


def _whole(brightness: Grey) -> Bytes:
    if np.ptp(brightness) == 0:
        raise NoInk("all its pixels are alike; wanted a picture with something on it")
    return pictures.whole(_light_on_dark(brightness))


# Finding the ink


def _cut_out(brightness: Grey) -> Grey:
    """The ink alone, cropped to its box: 0 where there is none, more where it is darker.

    Args:
        brightness: (height, width) from 0 to 1; dark ink on light, or light ink on dark.

    Raises:
        NoInk: where nothing stands out, or the picture is too small for it.
    """
    from scipy import ndimage

    if max(brightness.shape) < LEAST_SIDE:
        height, width = brightness.shape
        raise NoInk(f"{width}×{height} pixels; wanted {LEAST_SIDE} at least along the longer side")
    large = max(brightness.shape) > WORKING_SIDE
    picture = _light_on_dark(fitted(brightness, WORKING_SIDE) if large else brightness)
    smooth = ndimage.gaussian_filter(picture, max(picture.shape) * SMOOTHING)
    background = _background(smooth)
    keep, level = _patches(smooth - background)
    return _cropped(np.where(keep, picture - background - level, 0), keep)


def _light_on_dark(brightness: Grey) -> Grey:
    return 1 - brightness if _is_dark_on_light(brightness) else brightness


def _is_dark_on_light(brightness: Grey) -> bool:
    """Whether the paper is lighter than the ink, by the border and by the median of all pixels.

    Where these disagree, as under a strong shadow, by what differs most from its surroundings.
    """
    from scipy import ndimage

    border = np.concatenate([brightness[0], brightness[-1], brightness[:, 0], brightness[:, -1]])
    threshold = _otsu(brightness)
    light_border = bool(np.median(border) > threshold)
    if light_border == bool(np.median(brightness) > threshold):
        return light_border
    surroundings = ndimage.gaussian_filter(brightness, max(brightness.shape) / 8)
    return float(((brightness - surroundings) ** 3).mean()) < 0  # the sign of the skewness


def _background(smooth: Grey) -> Grey:
    """What is left where everything narrower than STROKE is taken away: a grey opening."""
    from scipy import ndimage

    reach = max(3, int(max(smooth.shape) * STROKE)) | 1  # odd: as far to either side
    opened = ndimage.grey_opening(np.pad(smooth, reach, mode="edge"), size=(reach, reach))
    return np.asarray(opened[reach:-reach, reach:-reach])


def _patches(flat: Grey) -> tuple[Mask, float]:
    """Where ink is, specks left out, and the level of what has none."""
    from scipy import ndimage

    ink = flat > _otsu(flat)
    if not ink.any():
        raise NoInk(_nothing(0.0))
    level, height = float(np.median(flat[~ink])), float(np.median(flat[ink]))
    noise = 1.4826 * float(np.median(np.abs(flat[~ink] - level)))  # a standard deviation
    contrast = height - level
    if contrast < max(LEAST_CONTRAST, LEAST_NOISES * noise):
        raise NoInk(_nothing(contrast))
    edge = level + max(EDGE * contrast, EDGE_NOISES * noise)
    labels, count = ndimage.label(flat > edge, np.ones((3, 3)))
    amounts = ndimage.sum(flat * ink, labels, np.arange(1, count + 1))
    return np.isin(labels, 1 + np.flatnonzero(amounts > SPECK * amounts.max())), level


def _nothing(contrast: float) -> str:
    return (
        "nothing stands out from the background (the most that does, does so by "
        f"{contrast:.1%} of full brightness); wanted one character, dark on light or light on dark"
    )


def _cropped(values: Grey, keep: Mask) -> Grey:
    rows, columns = np.flatnonzero(keep.any(axis=1)), np.flatnonzero(keep.any(axis=0))
    return values[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].clip(min=0)


def _otsu(values: Grey) -> float:
    """The threshold that parts values into two classes of least variance within.

    N. Otsu, 'A Threshold Selection Method from Gray-Level Histograms', IEEE Transactions on
    Systems, Man, and Cybernetics 9 (1979). The values' own greatest where all are alike.
    """
    counts, edges = np.histogram(values, 256)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts) / counts.sum()
    mean = np.cumsum(counts * middles) / counts.sum()
    spread = below * (1 - below)
    between = np.divide(
        (mean[-1] * below - mean) ** 2, spread, out=np.zeros_like(spread), where=spread > 1e-9
    )
    best = np.flatnonzero(between >= between.max())  # a plateau where no value lies between
    if values.min() == values.max():
        return float(values.max())
    return float(edges[1:][best[len(best) // 2]])

"""Where the ink is in a picture, and how much of it: background, shadows and noise taken away.

Meant for one character on paper, a slate or a screen, photographed, scanned or drawn. All sizes
are shares of the picture's longer side, so that it does not matter how large that is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DataError
from datasets.grey import Grey

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


def cut_out(brightness: Grey) -> Grey:
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
    picture = _shrunk(brightness)
    if is_dark_on_light(picture):
        picture = 1 - picture
    smooth = ndimage.gaussian_filter(picture, max(picture.shape) * SMOOTHING)
    background = _background(smooth)
    keep, level = _patches(smooth - background)
    return _cropped(np.where(keep, picture - background - level, 0), keep)


def is_dark_on_light(brightness: Grey) -> bool:
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


def _shrunk(brightness: Grey) -> Grey:
    from PIL import Image

    height, width = brightness.shape
    scale = WORKING_SIDE / max(height, width)
    if scale >= 1:
        return brightness
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(brightness).resize(size, Image.Resampling.BOX))


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

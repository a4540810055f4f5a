"""Where the ink is in a picture of one character, on paper, a slate or a screen.

No rule finds it everywhere, so it is looked for in two ways:

thin      strokes are thin beside a page, and shadows, the edge of a sheet and the slow change
          of the light are not. What is thin shows where a small character is, and whether ink is
          dark
broad     a character that fills the picture has strokes broader than that. All that is narrower
          than the character is ink then, but for what lies along the border

What is found thin is cut out and looked at in the second way from near. Sizes are shares of the
picture's longer side, so that it does not matter how large that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from datasets.pictures import Grey, fitted
from datasets.tasks import DataError

LEAST_SIDE = 8  # pixels of the longer side: on fewer nothing can be told apart
WORKING_SIDE = 400  # pixels; larger pictures are shrunk to this first: less noise, less time
SMOOTHING = 1 / 150  # standard deviation of the blur under which ink is looked for
STROKE = 0.4  # what is broader than this is background, such as a shadow
THIN = 0.08  # strokes of a character that does not fill the picture are thinner
LEAST_CONTRAST = 0.03  # between ink and background, of brightness from 0 to 1, ...
LEAST_NOISES = 5.0  # ... and in standard deviations of the background
SURE_NOISES = 8.0  # what is thin stands out by so many, since it is looked for everywhere
SURE_TIMES = 1.4  # so many times as much is thin in one of dark and light as in the other
# The edge of a blurred stroke lies where it has lost this share of its height. Half would be the
# edge of an ideal one; a quarter brings MNIST's own images back into a box of their own size.
EDGE = 0.25
EDGE_NOISES = 3.0  # and where it is no noise
SPECK = 0.05  # patches with less ink than this share of the largest are dirt
ALONG = 0.5  # of a side of the picture: a patch that touches so much of it is an edge or a shadow
AROUND = (0.5, 1.0, 2.0)  # of its own size is cut out around a character, until it is whole, ...
SMALL = 0.9  # ... as long as that is less than so much of the picture
BROADER = 1.5  # times the area of its thin strokes: a character of which they are a part
TOGETHER = 0.03  # strokes nearer to each other than twice this are of one character
OTHER = 0.3  # of the largest one's ink: what has less is no character of its own
HIGH = 0.6  # of the height of all ink: what is lower is a part of a character

Mask = NDArray[np.bool_]


class NoInk(DataError):
    """Nothing stands out from the background."""


@dataclass(frozen=True, kw_only=True)
class Ink:
    """The ink alone, cropped to its box."""

    amounts: Grey  # (height, width): 0 where there is none, more where there is more
    notes: tuple[str, ...] = ()  # what may be wrong with it: sentences


def find(brightness: Grey) -> Ink:
    """The ink of a picture.

    Args:
        brightness: (height, width) from 0 to 1; dark ink on light, or light ink on dark.

    Raises:
        NoInk: where nothing stands out, or the picture is too small for it.
    """
    if max(brightness.shape) < LEAST_SIDE:
        height, width = brightness.shape
        raise NoInk(f"{width}×{height} pixels; wanted {LEAST_SIDE} at least along the longer side")
    large = max(brightness.shape) > WORKING_SIDE
    picture = fitted(brightness, WORKING_SIDE) if large else brightness
    characters = {dark: _thin_character(_lightened(picture, dark)) for dark in (True, False)}
    dark, sure = _thin_is_dark(characters)
    character = characters[dark] if sure else None
    if character is None or character.is_part_of_broader():  # a large one, with broad strokes
        light, sure = _ground_is_light(picture)
        dark = light if sure else dark
        character = characters[dark]
    notes = () if sure else (UNSURE.format("dark on light" if dark else "light on dark"),)
    if character is not None and not character.is_part_of_broader():
        near = _from_near(character.box, brightness, picture.shape, dark)
        if near is not None:
            return replace(near, notes=(*notes, *character.notes, *near.notes))
    whole = _broad(_lightened(picture, dark))
    return Ink(amounts=whole.amounts, notes=(*notes, *whole.notes()))


UNSURE = "it is not plain whether ink is dark or light here; it was read as {}"
SEVERAL = "there is more on it than one character; the one with the most ink was read"
SIDE_BY_SIDE = "it looks like several characters side by side; they were read as one"
CUT_OFF = "the ink touches the border of the picture; it may be cut off"


# Light and dark


def _thin_is_dark(characters: Mapping[bool, _Character | None]) -> tuple[bool, bool]:
    """Whether there is more of the most that is thin in what is dark, and whether that is plain.

    Where light falls does not matter to that, nor the corners of a sheet, which are apart.
    """
    dark, light = (
        0.0 if each is None else each.amount for each in (characters[True], characters[False])
    )
    return dark > light, max(dark, light) > SURE_TIMES * min(dark, light)


def is_on_light(picture: Grey) -> bool:
    """Whether the ground of a picture is light: its border, and most of its pixels.

    Where these disagree, as under a strong shadow, what differs most from its surroundings is ink.
    """
    from scipy import ndimage

    light, agreed = _ground_is_light(picture)
    if agreed:
        return light
    surroundings = ndimage.gaussian_filter(picture, max(picture.shape) / 8)
    return float(((picture - surroundings) ** 3).mean()) < 0  # the sign of the skewness


def _ground_is_light(picture: Grey) -> tuple[bool, bool]:
    """Whether the border is light, and whether most pixels agree."""
    threshold = otsu(picture)
    outermost = [picture[0], picture[-1], picture[:, 0], picture[:, -1]]
    light_border = bool(np.median(np.concatenate(outermost)) > threshold)
    return light_border, light_border == bool(np.median(picture) > threshold)


def _lightened(brightness: Grey, dark_on_light: bool) -> Grey:
    """The same picture as light ink on dark."""
    return 1 - brightness if dark_on_light else brightness


# A small character, from near


@dataclass(frozen=True, kw_only=True)
class _Box:
    """Rows and columns from the first to the one after the last."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        return self.bottom - self.top, self.right - self.left

    def with_margin(self, margin: int, shape: tuple[int, ...]) -> _Box:
        """So many pixels more on every side, as far as a picture of this shape goes."""
        return _Box(
            top=max(0, self.top - margin),
            bottom=min(shape[0], self.bottom + margin),
            left=max(0, self.left - margin),
            right=min(shape[1], self.right + margin),
        )

    def inner_sides(self, shape: tuple[int, ...]) -> tuple[bool, bool, bool, bool]:
        """Whether top, bottom, left and right are not those of a picture of this shape."""
        return self.top > 0, self.bottom < shape[0], self.left > 0, self.right < shape[1]

    def of(self, picture: Grey, scale: float) -> Grey:
        """What it holds of a picture that is so many times larger."""
        top, bottom = round(scale * self.top), round(scale * self.bottom)
        left, right = round(scale * self.left), round(scale * self.right)
        return picture[top:bottom, left:right]


def _box_of(keep: Mask) -> _Box:
    rows, columns = np.flatnonzero(keep.any(axis=1)), np.flatnonzero(keep.any(axis=0))
    return _Box(
        top=int(rows[0]), bottom=int(rows[-1]) + 1, left=int(columns[0]), right=int(columns[-1]) + 1
    )


@dataclass(frozen=True, kw_only=True)
class _Character:
    """Strokes that are thin, light and near to each other."""

    strokes: Mask
    amount: float  # of what is thin in them, squared: how much they stand out
    least: float  # that a pixel stands out by, to be of a stroke
    smooth: Grey  # the picture that they are in
    notes: tuple[str, ...]

    @property
    def box(self) -> _Box:
        return _box_of(self.strokes)

    def is_part_of_broader(self) -> bool:
        """Whether they go over into broader strokes that are as light as they are."""
        from scipy import ndimage

        labels, _ = ndimage.label(_narrower(self.smooth, STROKE) > self.least, np.ones((3, 3)))
        connected = np.isin(labels, np.setdiff1d(labels[self.strokes], [0]))
        return int(connected.sum()) > BROADER * int(self.strokes.sum())


def _thin_character(picture: Grey) -> _Character | None:
    """What stands out most among all that is thin and light; None: nothing does."""
    from scipy import ndimage

    smooth = _smooth(picture)
    thin = _narrower(smooth, THIN)
    level, noise = _level_and_noise(thin)
    least = level + max(LEAST_CONTRAST, SURE_NOISES * noise)
    strokes = thin > least
    strokes &= ~_along_border(strokes)
    if not strokes.any():
        return None
    reach = max(1, round(TOGETHER * max(picture.shape)))
    labels, count = ndimage.label(ndimage.binary_dilation(strokes, iterations=reach))
    amounts = ndimage.sum(thin * thin * strokes, labels, np.arange(1, count + 1))
    largest = int(np.argmax(amounts))
    character = strokes & (labels == 1 + largest)
    return _Character(
        strokes=character,
        amount=float(amounts[largest]),
        least=max(least, float(np.median(thin[character])) / 2),
        smooth=smooth,
        notes=(SEVERAL,) if np.count_nonzero(amounts > OTHER * amounts[largest]) > 1 else (),
    )


def _from_near(box: _Box, brightness: Grey, shape: tuple[int, ...], dark: bool) -> Ink | None:
    """The ink of a small character, cut out; None of one that fills the picture.

    Where its ink runs out of what was cut out, more is cut out: it has fainter strokes.

    Args:
        box: where it is in a picture of ``shape``, of which
        brightness: is the original.
        dark: whether its ink is.
    """
    scale = max(brightness.shape) / max(shape)
    for around in AROUND:
        near = box.with_margin(2 + round(around * max(box.size)), shape)
        if max(near.size) > SMALL * max(shape):
            return None
        try:
            cut_out = _broad(_lightened(near.of(brightness, scale), dark))
        except NoInk:
            return None
        inner = near.inner_sides(shape)
        if not any(side and touched for side, touched in zip(inner, cut_out.touches, strict=True)):
            return Ink(amounts=cut_out.amounts, notes=cut_out.notes())
    return None


# What is narrower than its surroundings


def _smooth(picture: Grey) -> Grey:
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter(picture, max(picture.shape) * SMOOTHING))


def _narrower(smooth: Grey, share: float) -> Grey:
    """What a grey opening takes away: all that is light and narrower than this share of a side."""
    from scipy import ndimage

    reach = max(3, int(max(smooth.shape) * share)) | 1  # odd: as far to either side
    opened = ndimage.grey_opening(np.pad(smooth, reach, mode="edge"), size=(reach, reach))
    return np.asarray(smooth - opened[reach:-reach, reach:-reach])


def _level_and_noise(flat: Grey) -> tuple[float, float]:
    """The median, and the standard deviation of what is around it."""
    level = float(np.median(flat))
    return level, 1.4826 * float(np.median(np.abs(flat - level)))


def _along_border(keep: Mask) -> Mask:
    """The patches that touch ALONG of a side of the picture and more."""
    from scipy import ndimage

    labels, _ = ndimage.label(keep, np.ones((3, 3)))
    along = set[int]()
    for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        touching = np.bincount(side)
        along |= {int(label) for label in np.flatnonzero(touching >= ALONG * len(side)) if label}
    return np.isin(labels, list(along))


# All ink of a picture that a character fills


@dataclass(frozen=True, kw_only=True)
class _Broad:
    """The ink of a picture, and the sides of it that it touches: top, bottom, left, right."""

    amounts: Grey
    touches: tuple[bool, bool, bool, bool]
    side_by_side: bool  # whether it is in several parts that are as high as the whole

    def notes(self) -> tuple[str, ...]:
        """What may be wrong with it."""
        doubts = ((self.side_by_side, SIDE_BY_SIDE), (any(self.touches), CUT_OFF))
        return tuple(sentence for doubt, sentence in doubts if doubt)


def _broad(brightness: Grey) -> _Broad:
    """The ink of a picture of light on dark, of which a character is a large part."""
    from scipy import ndimage

    large = max(brightness.shape) > WORKING_SIDE
    picture = fitted(brightness, WORKING_SIDE) if large else brightness
    flat = _narrower(_smooth(picture), STROKE)
    keep, level = _patches(flat)
    along = _along_border(keep)
    if along.any():
        near = ndimage.binary_dilation(along, iterations=max(2, round(0.01 * max(flat.shape))))
        with suppress(NoInk):  # all that is written lies along the border
            keep, level = _patches(np.where(near, level, flat))
    box = _box_of(keep)
    background = _smooth(picture) - flat
    amounts = np.where(keep, picture - background - level, 0)
    sides = (keep[0], keep[-1], keep[:, 0], keep[:, -1])
    top, bottom, left, right = (bool(side.any()) for side in sides)
    return _Broad(
        amounts=amounts[box.top : box.bottom, box.left : box.right].clip(min=0),
        touches=(top, bottom, left, right),
        side_by_side=_is_side_by_side(keep, box),
    )


def _is_side_by_side(keep: Mask, box: _Box) -> bool:
    """Whether patches that are nearly as high as all together stand beside each other."""
    from scipy import ndimage

    labels, _ = ndimage.label(keep, np.ones((3, 3)))
    high = [
        columns
        for rows, columns in ndimage.find_objects(labels)
        if rows.stop - rows.start > HIGH * box.size[0]
    ]
    high.sort(key=lambda columns: int(columns.start))
    return any(first.stop <= second.start for first, second in pairwise(high))


def _patches(flat: Grey) -> tuple[Mask, float]:
    """Where ink is, specks left out, and the level of what has none."""
    from scipy import ndimage

    ink = flat > otsu(flat)
    if not ink.any():
        raise NoInk(_nothing(0.0))
    level, noise = _level_and_noise(flat[~ink])
    contrast = float(np.median(flat[ink])) - level
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


ALIKE = 1e-6  # of brightness, 0..1: the steps of a picture of 16 bits are 15 times as large


def otsu(values: Grey) -> float:
    """The threshold that parts values into two classes of least variance within.

    N. Otsu, 'A Threshold Selection Method from Gray-Level Histograms', IEEE Transactions on
    Systems, Man, and Cybernetics 9 (1979). The values' own greatest where all are alike.
    """
    if np.ptp(values) < ALIKE:
        return float(values.max())  # too near to one another to be counted apart
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

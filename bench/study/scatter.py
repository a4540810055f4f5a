"""Points in a plane, drawn: a colour and a shape a class, its name where it lies, errors ringed.

A class whose name is one letter or digit is drawn as that character.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import matplotlib
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

Positions = NDArray[np.float64]  # (n, 2)

# Petroff, 'Accessible Color Sequences for Data Visualization' (2021): ten colours that the
# colour-blind can tell apart. Shapes change with every class too, so that 60 are told apart.
COLOURS = tuple(to_hex(colour) for colour in matplotlib.color_sequences["petroff10"])
SHAPES = ("o", "^", "s", "D", "v", "P")
SMALLEST, LARGEST = 30.0, 75.0  # areas of a character, in square points
INK = 60_000.0  # square points that all characters together may cover, between these two
FILLED = 0.5  # the area of a shape, as a share of a character's: it is filled
RING, INSIDE = 160.0, 60.0  # the areas of an error's ring and of the mark in it
HALO = [patheffects.withStroke(linewidth=3.5, foreground="white")]
NAME_SIZE, LONG_NAME_SIZE = 17, 12  # of names of one character, and of longer ones
GAP = 0.045  # between the middles of two lines of names, as a share of the axes
CHARACTER = 0.5  # width of a character of a name, as a share of that gap
ROUNDS = 200  # of pushing names apart; they rest long before


def colour(label: int) -> str:
    """The colour of a class."""
    return COLOURS[label % len(COLOURS)]


@cache
def marker(label: int, name: str) -> str | Path:
    """The shape of a class: its name where that is one letter or digit."""
    if len(name) == 1 and name.isascii() and name.isalnum():
        # not as "$3$": where dollars are plain letters, that is drawn as three of them
        outline = TextPath((0, 0), name, prop=FontProperties(weight="bold"))
        return outline.transformed(
            Affine2D().translate(*-outline.get_extents().get_points().mean(0))
        )
    turn = label // math.lcm(len(COLOURS), len(SHAPES))  # else the pairs would come again
    return SHAPES[(label + turn) % len(SHAPES)]


def draw(
    axes: Axes,
    positions: Positions,
    labels: NDArray[np.int64],
    class_names: Sequence[str],
    wrong: NDArray[np.bool_],
) -> None:
    """Draw the points of every class, the wrong ones in a black ring, and the classes' names.

    Args:
        axes: to draw in.
        positions: (n, 2).
        labels: (n,) the true classes.
        class_names: in label order.
        wrong: (n,) which to ring.
    """
    area = float(np.clip(INK / len(labels), SMALLEST, LARGEST))
    for label in np.unique(labels):
        shape, own = marker(label, class_names[label]), labels == label
        _marks(axes, positions[own & ~wrong], shape, area, colour(label), 1)
        _marks(axes, positions[own & wrong], shape, INSIDE, "black", 4)
    x, y = positions[wrong].T
    axes.scatter(x, y, s=RING, facecolors="white", edgecolors="black", linewidths=1.5, zorder=3)
    axes.grid(False)
    axes.margins(0.04)
    axes.set_aspect("equal", adjustable="datalim")  # a distance is the same in every direction
    _names(axes, positions, labels, class_names)


def _marks(
    axes: Axes, positions: Positions, shape: str | Path, area: float, fill: str, zorder: int
) -> None:
    if shape in SHAPES:
        area *= FILLED
    x, y = positions.T
    axes.scatter(
        x, y, s=area, marker=shape, facecolors=fill, linewidths=0, alpha=0.85, zorder=zorder
    )


def spread(positions: Positions, gap: float) -> Positions:
    """The same positions pushed apart until no two are nearer than ``gap``, or for ``ROUNDS``."""
    moved = positions.copy()
    for _ in range(ROUNDS):
        away = moved[:, None] - moved[None]
        distance = np.linalg.norm(away, axis=2)
        np.fill_diagonal(distance, np.inf)
        lacking = np.clip(gap - distance, 0, None)
        if not lacking.any():
            break
        step = lacking / np.maximum(distance, 1e-9) / 2
        moved += (away * step[:, :, None]).sum(axis=1)
    return moved


def _names(
    axes: Axes, positions: Positions, labels: NDArray[np.int64], class_names: Sequence[str]
) -> None:
    """Write the name of each class at the median of its points, beside it where it is crowded."""
    present = np.unique(labels)
    medians = np.array([np.median(positions[labels == label], axis=0) for label in present])
    longest = max(len(class_names[label]) for label in present)
    size = NAME_SIZE if longest == 1 else LONG_NAME_SIZE
    gap = GAP * np.ptp(positions, axis=0).max() * size / NAME_SIZE
    width = np.array([max(1, CHARACTER * longest), 1])  # of a name, in gaps
    beside = spread(medians / width, gap) * width
    for label, median, position in zip(present, medians, beside, strict=True):
        far = np.linalg.norm(position - median) > gap / 2
        axes.annotate(
            class_names[label],
            tuple(median),
            tuple(position),
            ha="center",
            va="center",
            fontsize=size,
            fontweight="bold",
            path_effects=HALO,
            arrowprops={"arrowstyle": "-", "linewidth": 0.8} if far else None,
            zorder=5,
        )

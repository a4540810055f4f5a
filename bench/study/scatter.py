"""Points in a plane, drawn: a colour and a shape a class, its name where it lies, errors ringed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bench.report.plots.style import Look

Places = NDArray[np.float64]  # (n, 2)

# Petroff, 'Accessible Color Sequences for Data Visualization' (2021): ten colours that the
# colour-blind can tell apart. Class 11 has the first colour again, in the second shape.
COLOURS = tuple(matplotlib.color_sequences["petroff10"])
MARKERS = ("o", "^", "s", "D", "v", "P")
POINT, ERROR = 12, 70  # areas of the marks, in square points
HALO = [patheffects.withStroke(linewidth=3.5, foreground="white")]
GAP = 0.045  # between two names, as a share of the axes
ROUNDS = 200  # of pushing names apart; they rest long before
NAME_SIZE = 17


def look(label: int) -> Look:
    """How a class is drawn: 60 can be told apart."""
    colour = COLOURS[label % len(COLOURS)]
    marker = MARKERS[label // len(COLOURS) % len(MARKERS)]
    return Look(colour=colour, marker=marker, line="", hatch="")


def draw(
    axes: Axes,
    places: Places,
    labels: NDArray[np.int64],
    class_names: Sequence[str],
    wrong: NDArray[np.bool_] | None,
) -> None:
    """Draw the points of every class, the wrong ones larger and in a black ring, and the names."""
    for label in np.unique(labels):
        own = labels == label
        right = own if wrong is None else own & ~wrong
        _marks(axes, places[right], int(label), s=POINT, linewidths=0, alpha=0.75)
        if wrong is not None:
            ringed = {"s": ERROR, "edgecolors": "black", "linewidths": 1.8, "zorder": 3}
            _marks(axes, places[own & wrong], int(label), **ringed)
    axes.grid(False)
    axes.margins(0.06)
    axes.set_aspect("equal", adjustable="datalim")  # a distance is the same in every direction
    _names(axes, places, labels, class_names)


def spread(places: Places, gap: float) -> Places:
    """The same places pushed apart until no two are nearer than ``gap``, or for ``ROUNDS``."""
    moved = places.copy()
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


def _marks(axes: Axes, places: Places, label: int, **marks: Any) -> None:
    shown = look(label)
    axes.scatter(*places.T, facecolors=shown.colour, marker=shown.marker, **marks)


def _names(
    axes: Axes, places: Places, labels: NDArray[np.int64], class_names: Sequence[str]
) -> None:
    """Write the name of each class at the median of its points, beside it where it is crowded."""
    present = np.unique(labels)
    medians = np.array([np.median(places[labels == label], axis=0) for label in present])
    extent = np.ptp(places, axis=0).max()
    beside = spread(medians, GAP * extent)
    for label, median, place in zip(present, medians, beside, strict=True):
        far = np.linalg.norm(place - median) > GAP * extent / 2
        axes.annotate(
            class_names[label],
            tuple(median),
            tuple(place),
            ha="center",
            va="center",
            fontsize=NAME_SIZE,
            fontweight="bold",
            path_effects=HALO,
            arrowprops={"arrowstyle": "-", "linewidth": 0.8} if far else None,
            zorder=4,
        )

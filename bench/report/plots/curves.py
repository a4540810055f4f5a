"""Curves of several seeds, and their mean."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

Curve = Sequence[tuple[float, float]]


def mean(curves: Sequence[Curve]) -> tuple[list[float], list[float]]:
    """The mean of the curves, point by point, as lists of x and of y.

    All seeds of an experiment are read at the same steps, so their points belong together.
    """
    together = list(zip(*curves, strict=True))
    x = [fmean(point[0] for point in points) for points in together]
    y = [fmean(point[1] for point in points) for points in together]
    return x, y

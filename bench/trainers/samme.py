"""SAMME, AdaBoost for any number of classes: what a member's vote weighs, and the images next.

Zhu, Zou, Rosset and Hastie, 'Multi-class AdaBoost', Statistics and Its Interface 2 (2009),
algorithm 2. NumPy only.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]


def equal_weights(images: int) -> Weights:
    """(n,) what each image weighs before the first member: together 1."""
    return np.full(images, 1 / images)


def reweigh(weights: Weights, wrong: NDArray[np.bool_], classes: int) -> tuple[float, Weights]:
    """What a member's vote weighs, α, and what the images weigh for the next member.

        err = Σ w over the images got wrong / Σ w
        α   = log((1 - err)/err) + log(classes - 1)
        w   ← w · exp(α) where wrong, then divided by their sum

    Where the paper says nothing: a member no better than chance (err ≥ 1 - 1/classes, so α ≤ 0)
    gets no vote and leaves the images as they were; the next has another start. An error below
    that of half an image of mean weight is taken as that, so that a member without any has a
    finite vote, and not the only one.

    Args:
        weights: (n,) of the images, above 0.
        wrong: (n,) which of them the member gets wrong.
        classes: how many there are.
    """
    error = float(weights[wrong].sum() / weights.sum())
    error = max(error, 0.5 / len(weights))
    if error >= 1 - 1 / classes:
        return 0.0, weights
    alpha = math.log((1 - error) / error) + math.log(classes - 1)
    grown = np.where(wrong, weights * math.exp(alpha), weights)
    return alpha, grown / grown.sum()

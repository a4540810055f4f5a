"""Intervals of 95 % confidence: of a mean, of a ratio of pairs, of a fraction. Numbers only.

Of one value nothing is known of the noise, and there is no interval: None, never a made-up one.

What is resampled are pairs (one seed in two frameworks), and a ratio is averaged on the log
scale, as a geometric mean, so that A over B is exactly one over B over A. How often the interval
holds the truth was simulated, 20,000 samples each (5,000 of 10 pairs), with log-ratios that are
normal, Laplace's, and normal with one of ten held up by an exponential delay of five deviations:

    pairs   by                      normal   Laplace   held up
    2       Student's t             95 %     96 %      95 %
    3       Student's t             95 %     97 %      93 %
    5       expanded percentile     92 %     92 %      86 %
    10      expanded percentile     94 %     94 %      86 %

The plain percentile interval held it in 67, 85 and 90 % at 3, 5 and 10 pairs, normal. Because
92 is not 95 either, ``bench.verdict`` names no winner by the interval alone.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtrit

LEVEL = 0.95
RESAMPLES = 10_000  # where all of them would be too many
ALL_UP_TO = 6  # values of which all n^n resamples are taken: 46,656
SEED = 0  # of the resamples: the same values give the same interval

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """From ``low`` to ``high``, both included; of 95 % confidence."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether the value lies within."""
        return self.low <= value <= self.high


def of_mean(values: Sequence[float]) -> Interval | None:
    """The interval of the mean of two or more values; None of fewer.

    The expanded percentile bootstrap (Hesterberg, 'What Teachers Should Know About the
    Bootstrap', The American Statistician 69, 2015): values are drawn with
    replacement, and of the means the share ``tail(n)`` is cut off at either end. That is less than
    2.5 %, because resamples of few values vary too little, by sqrt((n - 1) / n), and because
    their deviation is itself a guess. Up to ALL_UP_TO values all resamples are taken, beyond
    that RESAMPLES drawn with a fixed seed.

    Where even one resample is more than the tail, below 5 values, the bootstrap cannot answer:
    its widest interval is from the smallest value to the largest, which at 3 holds the mean in
    75 % of cases. There it is Student's t interval.
    """
    n = len(values)
    if n < 2:
        return None
    if n**-n > tail(n):
        return _student(values)
    means = _weights(n) @ np.asarray(values, dtype=np.float64)
    low, high = np.quantile(means, [tail(n), 1 - tail(n)])
    return Interval(low=float(low), high=float(high))


def of_ratio(ratios: Sequence[float]) -> Interval | None:
    """The interval of the geometric mean of paired ratios, each above 0; None of fewer than 2."""
    logs = of_mean([math.log(ratio) for ratio in ratios])
    return logs and Interval(low=math.exp(logs.low), high=math.exp(logs.high))


def wilson(correct: float, images: int) -> Interval | None:
    """The interval of the fraction of all such images that a network gets right.

    Wilson, 'Probable Inference, the Law of Succession, and Statistical Inference', JASA 22
    (1927): the fractions p from which the observed one is within 1.96 standard deviations
    sqrt(p (1 - p) / n). It stays within 0 and 1, which the textbook's p ± 1.96 s does not where
    nearly all are right. ``correct`` may be a mean over seeds; ``images`` must not be multiplied
    by them: every seed is asked the same images, and one that is hard for a network is hard for
    its sisters. None of no images.
    """
    if images < 1:
        return None
    z, share = float(ndtri((1 + LEVEL) / 2)), correct / images
    scale = 1 + z * z / images
    centre = (share + z * z / (2 * images)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / images + z * z / (4 * images * images))
    return Interval(low=max(centre - reach, 0.0), high=min(centre + reach, 1.0))


def tail(n: int) -> float:
    """The share of resampled means cut off at either end, of n values: Φ(-√(n / (n - 1)) t)."""
    return float(ndtr(-math.sqrt(n / (n - 1)) * _t(n)))


def _t(n: int) -> float:
    """Student's t at 97.5 %, of n values."""
    return float(stdtrit(n - 1, (1 + LEVEL) / 2))


def _student(values: Sequence[float]) -> Interval:
    mean = float(np.mean(values))
    reach = _t(len(values)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(low=mean - reach, high=mean + reach)


@cache
def _weights(n: int) -> Floats:
    """How much each of n values weighs in each resample's mean: (resamples, n), rows sum to 1."""
    if n <= ALL_UP_TO:
        drawn = np.array(list(itertools.product(range(n), repeat=n)))
    else:
        drawn = np.random.default_rng(SEED).integers(0, n, (RESAMPLES, n))
    return np.stack([(drawn == value).sum(axis=1) for value in range(n)], axis=1) / n

"""How small a difference a suite finds: what the noise of a machine allows the report to say.

A difference is found where ``bench.stats.verdict`` names the right winner. How often it does so is
simulated: suites whose log-ratios are normal, with the noise that the audit's equal arms show. A
suite of log-ratios δ + σz, with a true difference δ and a noise σ, moves and stretches with them,
and so do its mean, its deviation and its interval. Each suite therefore has one smallest δ from
which on its winner is named, and the smallest that nine of ten suites find is a quantile of these.

What is simulated is the noise of pairs as short as the audit's runs. A pair of two frameworks may
be noisier than a pair of equals, and a longer run quieter than a short one.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from bench.results.evidence import Arms
from bench.stats.uncertainty import CONFIDENCE, SIGNIFICANCE, ends_of_means

POWER = 0.9  # of all suites find it
SUITES = 2_000  # simulated, half of them the other half's mirror images
AT_ONCE = 100  # of them, each with 10,000 resamples of 8 bytes
SEED = 0  # of the simulation: the same noise gives the same answer
MOST_SEEDS = 1_000

Vector = npt.NDArray[np.float64]


def noise(arms: Arms) -> float | None:
    """The standard deviation of the log-ratio of two equal runs; None of fewer than two rounds."""
    if len(arms.a_s) < 2:
        return None
    rounds = zip(arms.same_s, arms.a_s, strict=True)
    return statistics.stdev(math.log(same / a) for same, a in rounds)


def smallest_difference(noise: float, floor: float, seeds: int, family: int = 1) -> float:
    """The smallest difference that nine of ten suites find: 0.03 for a ratio of 1.03.

    Args:
        noise: standard deviation of a pair's log-ratio.
        floor: the noise floor, a factor less 1; 0: there is none.
        seeds: pairs of runs, at least 2.
        family: pairs of frameworks that p is corrected for. Taken is the worst case of Holm's
            method: that this pair has the smallest p, which is multiplied by all of them.
    """
    suites = _standard_suites(seeds)
    shown = np.maximum(-suites.low, _critical_t(seeds, family) * suites.error - suites.mean)
    wanted = np.maximum(noise * shown, math.log1p(floor) - noise * suites.mean)
    return math.expm1(float(np.quantile(wanted, POWER, method="inverted_cdf")))


def seeds_for(noise: float, within: float) -> int:
    """How many seeds give an interval this narrow in a typical suite, by Student's t.

    Args:
        noise: as of ``smallest_difference``.
        within: the interval's upper end over its lower one, less 1; above 0.

    Returns:
        At least 2, and at most MOST_SEEDS.
    """
    from scipy.special import chdtri, stdtrit

    n = np.arange(2, MOST_SEEDS)
    typical = noise * np.sqrt(chdtri(n - 1, 0.5) / (n - 1))  # median of the sample's deviation
    widths = 2 * stdtrit(n - 1, (1 + CONFIDENCE) / 2) * typical / np.sqrt(n)
    narrow = widths <= math.log1p(within)
    return int(n[narrow][0]) if narrow.any() else MOST_SEEDS


@dataclass(frozen=True, kw_only=True)
class _Suites:
    """Suites of standard normal log-ratios, each in three numbers: arrays of (SUITES,)."""

    mean: Vector
    error: Vector  # standard error of the mean
    low: Vector  # lower end of its interval


@cache
def _standard_suites(seeds: int) -> _Suites:
    """The same ones at every call, whatever noise and floor they are then asked about."""
    half = np.random.default_rng((seeds, SEED)).standard_normal((seeds, SUITES // 2))
    parts = (half[:, start : start + AT_ONCE] for start in range(0, SUITES // 2, AT_ONCE))
    low, high = np.concatenate([ends_of_means(part) for part in parts], axis=1)
    mean, error = half.mean(axis=0), half.std(axis=0, ddof=1) / math.sqrt(seeds)
    return _Suites(
        mean=np.concatenate([mean, -mean]),
        error=np.concatenate([error, error]),
        low=np.concatenate([low, -high]),
    )


def _critical_t(seeds: int, family: int) -> float:
    """Beyond it p, times all pairs of the family, is below SIGNIFICANCE."""
    from scipy.special import stdtrit

    return float(stdtrit(seeds - 1, 1 - SIGNIFICANCE / family / 2))

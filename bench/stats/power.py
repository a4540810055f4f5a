"""How small a difference a suite finds: what the noise of a machine allows the report to say.

A difference is found where ``bench.stats.verdict`` names the right winner. How often it does so is
simulated: suites whose log-ratios are normal, with the noise that the audit's equal arms show. A
suite of log-ratios δ + σz, with a true difference δ and a noise σ, moves and stretches with them,
and so do its mean, its deviation and its interval. Each suite therefore has one smallest δ from
which on its winner is named, and the smallest that nine of ten suites find is a quantile of these.

The verdict takes the noise of all pairs of k frameworks together. To a pair's own squares that
adds χ² of (k - 2) (n - 1) degrees of freedom, independent of the pair where all are equally noisy:
of the k - 1 contrasts among k frameworks, the pair is one.

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


def smallest_difference(noise: float, floor: float, seeds: int, frameworks: int = 2) -> float:
    """The smallest difference that nine of ten suites find: 0.03 for a ratio of 1.03.

    Args:
        noise: standard deviation of a pair's log-ratio.
        floor: the noise floor, a factor less 1; 0: there is none.
        seeds: pairs of runs, at least 2.
        frameworks: that are compared; p is corrected for all their pairs. Taken is the worst case
            of Holm's method: that this pair has the smallest p, which is multiplied by all.
    """
    suites = _standard_suites(seeds, frameworks)
    critical = _critical_t(suites.freedom, math.comb(frameworks, 2))
    shown = np.maximum(-suites.low, critical * suites.error - suites.mean)
    shown = np.maximum(shown, _critical_t(seeds - 1, 1) * suites.own_error - suites.mean)
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
    own_error: Vector  # standard error of the mean, by the suite's own spread
    error: Vector  # the same by the noise of all frameworks
    freedom: int  # its degrees
    low: Vector  # lower end of its interval


@cache
def _standard_suites(seeds: int, frameworks: int) -> _Suites:
    """The same ones at every call, whatever noise and floor they are then asked about.

    ``frameworks``: whose noise is pooled; 2: this pair's alone.
    """
    random = np.random.default_rng((seeds, SEED))
    half = random.standard_normal((seeds, SUITES // 2))
    parts = (half[:, start : start + AT_ONCE] for start in range(0, SUITES // 2, AT_ONCE))
    low, high = np.concatenate([ends_of_means(part) for part in parts], axis=1)
    mean, own = half.mean(axis=0), half.var(axis=0) * seeds
    others = (frameworks - 2) * (seeds - 1)
    squares = own + random.chisquare(others, SUITES // 2) if others else own
    freedom = seeds - 1 + others
    return _Suites(
        mean=np.concatenate([mean, -mean]),
        own_error=np.tile(np.sqrt(own / (seeds - 1) / seeds), 2),
        error=np.tile(np.sqrt(squares / freedom / seeds), 2),
        freedom=freedom,
        low=np.concatenate([low, -high]),
    )


def _critical_t(freedom: int, family: int) -> float:
    """Beyond it p, times all pairs of the family, is below SIGNIFICANCE."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - SIGNIFICANCE / family / 2))

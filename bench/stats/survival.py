"""How long runs need to a target accuracy, where not all have met it. Pure functions.

Kaplan and Meier, 'Nonparametric Estimation from Incomplete Observations', JASA 53 (1958), as
SciPy computes it (``scipy.stats.ecdf``). A run that stops short of its target is not dropped,
which would flatter a framework that seldom gets there, nor is its end taken for its time: it is
known to have needed longer than it ran.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.results.record import Record
from bench.stats.runs import Replicates, time_to_accuracy_s
from bench.stats.uncertainty import CONFIDENCE

ROUNDING = 1e-9  # of a share that is a product of fractions, where exactly one half is meant


@dataclass(frozen=True, kw_only=True)
class Observed:
    """When the target was met, and how long those were watched that did not meet it."""

    times: tuple[float, ...]
    censored: tuple[float, ...] = ()  # infinity: a run that can never meet it

    @property
    def n(self) -> int:
        """All that were watched."""
        return len(self.times) + len(self.censored)


@dataclass(frozen=True, kw_only=True)
class Median:
    """The time by which half have met the target, with its 95 % interval."""

    time: float | None  # None: half of them have not
    low: float | None
    high: float | None  # None: too few to bound it


def observed(group: Replicates, target: float) -> Observed:
    """Training seconds to the target, and how long those trained that never met it.

    A miss counts as watched no shorter than the slowest run that met the target. All runs of an
    experiment stop after the same epochs; one that got through them in fewer seconds would
    otherwise be taken as lost from sight before the others, and what is known of it, that the whole
    training was not enough, would be forgotten.

    A run that diverged never gets there, however long it trains, and one that was ended by its
    time limit had not got there either. Runs that failed in another way tell nothing of learning
    and are left out, as are those that were never evaluated.
    """
    evaluated = [r for r in group.measured if r.measurement and r.measurement.evaluations]
    reached = [time_to_accuracy_s(record, target) for record in evaluated]
    times = tuple(time for time in reached if time is not None)
    missed = [record for record, time in zip(evaluated, reached, strict=True) if time is None]
    slowest_s = max(times, default=0.0)
    hopeless = sum(record.status in ("diverged", "timed out") for record in group.failed)
    censored = (*(max(_trained_s(r), slowest_s) for r in missed), *(math.inf,) * hopeless)
    return Observed(times=times, censored=censored)


def _trained_s(record: Record) -> float:
    """Training seconds at the last look at the validation set."""
    evaluations = record.measurement.evaluations if record.measurement else ()
    return evaluations[-1].train_s


def all_reached(group: Replicates, target: float) -> bool:
    """Whether there are runs, and every one met the target."""
    runs = observed(group, target)
    return bool(runs.times) and not runs.censored


@lru_cache(maxsize=10_000)  # every column of a table asks again, and so do its sentences
def median(runs: Observed) -> Median:
    """The first time at which at most half have yet to meet the target, with its interval.

    Brookmeyer and Crowley, 'A Confidence Interval for the Median Survival Time', Biometrics 38
    (1982): all times at which one half lies within the limits of the Kaplan–Meier estimate, those
    of log(-log S) with Greenwood's variance (Kalbfleisch and Prentice, 'The Statistical Analysis
    of Failure Time Data', 1980, section 1.3). Fewer than 7 cannot bound the upper end, however
    alike they are; of one there is no interval.
    """
    if not runs.times:
        return Median(time=None, low=None, high=None)
    surviving = _kaplan_meier(runs).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where all or none are left: no limits
        limits = surviving.confidence_interval(CONFIDENCE, method="log-log")
    return Median(
        time=_first(surviving.quantiles, surviving.probabilities <= 0.5 + ROUNDING),
        low=_first(surviving.quantiles, limits.low.probabilities <= 0.5),
        high=_first(surviving.quantiles, limits.high.probabilities <= 0.5),
    )


def _kaplan_meier(runs: Observed) -> Any:
    """SciPy's estimate of one or more times; a miss at the very time of another is still watched.

    SciPy takes no infinity; beyond the last time it is all one how long a miss was watched.
    """
    from scipy.stats import CensoredData, ecdf

    missed = np.minimum(runs.censored, max(runs.times))
    return ecdf(CensoredData(uncensored=runs.times, right=missed))


def _first(times: npt.NDArray[np.float64], holds: npt.NDArray[np.bool_]) -> float | None:
    """The first time at which a condition holds; None: at none."""
    return float(times[holds.argmax()]) if holds.any() else None

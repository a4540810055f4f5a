"""How long until something happens, where it has not happened to all yet. Numbers only.

Kaplan and Meier, 'Nonparametric Estimation from Incomplete Observations', JASA 53 (1958). A run
that stops short of its target is not dropped, which would flatter a framework that seldom gets
there, nor is its end taken for its time: it is known to have needed longer than it ran.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from scipy.special import ndtri

from bench.intervals import LEVEL

HALF = Fraction(1, 2)


@dataclass(frozen=True, kw_only=True)
class Observed:
    """When it happened, and until when those were watched to whom it did not."""

    times: tuple[float, ...]
    censored: tuple[float, ...] = ()  # infinity: to whom it can never happen

    @property
    def n(self) -> int:
        """All that were watched."""
        return len(self.times) + len(self.censored)


@dataclass(frozen=True, kw_only=True)
class Step:
    """The estimate from one time on, to the next step."""

    time: float
    surviving: Fraction  # estimated share to which it has not happened; exact, to meet 1/2
    low: float | None  # the ends of its 95 % interval; None where it is not defined
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Median:
    """The time by which it has happened to half, with its 95 % interval."""

    time: float | None  # None: it has not happened to half of them
    low: float | None
    high: float | None  # None: too few to bound it


def steps(observed: Observed) -> list[Step]:
    """The Kaplan–Meier estimate after each time at which it happened, ascending.

    Whoever is watched until the very time at which it happens to another counts as at risk then.
    The limits are those of log(-log S), with Greenwood's variance (Kalbfleisch and Prentice,
    'The Statistical Analysis of Failure Time Data', 1980, section 1.3): they stay within 0 and
    1. They are not defined where nobody is left.
    """
    surviving, spread, found = Fraction(1), Fraction(0), []
    for time, happened, at_risk in _events(observed):
        surviving *= Fraction(at_risk - happened, at_risk)
        if surviving:
            spread += Fraction(happened, at_risk * (at_risk - happened))
        low, high = _limits(surviving, spread)
        found.append(Step(time=time, surviving=surviving, low=low, high=high))
    return found


def median(observed: Observed) -> Median:
    """The first time at which the estimate is one half or below, with its interval.

    Brookmeyer and Crowley, 'A Confidence Interval for the Median Survival Time', Biometrics 38
    (1982), with the limits of ``steps``: all times at which one half lies within them. Fewer than
    7 cannot bound the upper end, however alike they are; of one there is no interval.
    """
    found = steps(observed)
    return Median(
        time=next((step.time for step in found if step.surviving <= HALF), None),
        low=next((step.time for step in found if step.low is not None and step.low <= 0.5), None),
        high=next(
            (step.time for step in found if step.high is not None and step.high <= 0.5), None
        ),
    )


def share_reached_by(observed: Observed) -> list[tuple[float, float]]:
    """Time and share to which it has happened by then, from (0, 0) on; flat to the next."""
    return [(0.0, 0.0), *((step.time, float(1 - step.surviving)) for step in steps(observed))]


def _events(observed: Observed) -> Iterator[tuple[float, int, int]]:
    """Each time at which it happened, to how many, and how many were still watched."""
    everyone = (*observed.times, *observed.censored)
    for time in sorted(set(observed.times)):
        yield time, observed.times.count(time), sum(end >= time for end in everyone)


def _limits(surviving: Fraction, spread: Fraction) -> tuple[float | None, float | None]:
    """Greenwood's limits on the scale of log(-log S)."""
    if not 0 < surviving < 1:
        return None, None
    log = math.log(surviving)
    reach = float(ndtri((1 + LEVEL) / 2)) * math.sqrt(spread) / -log
    return math.exp(log * math.exp(reach)), math.exp(log * math.exp(-reach))

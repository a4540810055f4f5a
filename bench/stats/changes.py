"""When a benchmark changed: the change points of a series of times, by the rules of a verdict.

A series has one time a run, in the order of the commits. Its logs are taken to have one mean in
each segment, and noise about it that no run hands on to the next. A segment begins with the first
run of a commit, and has ``FEWEST`` runs at least. There are two steps:

1. Segments are proposed: those with the least squares about their means, where each further one
   costs 2 log(n) variances. This is Yao's criterion ('Estimating the Number of Change-Points via
   Schwarz' Criterion', Statistics & Probability Letters 6, 1988), and optimal partitioning finds
   its minimum (Jackson et al., 'An Algorithm for Optimal Partitioning of Data on an Interval', IEEE
   Signal Processing Letters 12, 2005). All segments are found together, so that a slowdown that was
   mended again is seen, which halving a series again and again may miss.
2. Each proposed change is judged as ``bench.stats.verdict`` judges two frameworks. The ratio is
   that of the segment over the one before it. Its interval is Welch's. Its p is of Student's t
   test, with the noise of all segments of the series. Holm's correction counts every stretch of
   every series that could have been a segment: among all these the proposal has chosen. The noise
   floor is what the same code differs by from itself: neighbouring runs of one segment are the
   pairs that ``verdict.compare_arms`` takes. Of a series' changes that are not stated by these
   rules, the one with the largest p is dropped, until all are.

No threshold in percent is set: how small a change is found follows from the noise of the series.

Simulated, 4,000 series of 24 runs in which nothing changed: a change was stated in 0.4 % with
normal noise, in 0.6 % with Laplace's, and in 0.3 % where each run in ten was held up (8 runs: 1.2,
0.6 and 0.8 %; in any of ten series of 24 together: 0.5, 1.0 and 1.5 % of 400). In 1,500 of 40 runs
with one true change a further one was stated in 0.1 % with normal noise, in 0.5 % with delays. Of
1,000 steps of 5 % in noise of 1 %, after 14 of 24 runs, all were found, 98 % at their commit; three
runs after them 97 % were; of steps of 3 % in the middle 99 %, 82 % at their commit, and of 2 % 75
and 46 %.

A machine that is slow for a few runs in a row looks like a change. Where neighbouring runs
correlate by 0.3, a change was stated in 5 % of 1,000 series of 24 in which none was; by 0.5, in
19 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.stats import uncertainty
from bench.stats.uncertainty import Interval, holm
from bench.stats.verdict import Outcome, Ratio, compare_arms, outcome

FEWEST = 3  # runs of a segment: one outlier is none, and nor are two
STATED: tuple[Outcome, ...] = ("higher", "lower")

Logs = NDArray[np.float64]  # (n,): of the seconds of n runs, oldest first


@dataclass(frozen=True, kw_only=True)
class Series:
    """One benchmark on one machine."""

    seconds: tuple[float, ...]  # one a run, each above 0, oldest first; at least one
    commits: tuple[str, ...]  # of each run; runs of the same one stand together

    @property
    def edges(self) -> list[int]:
        """The runs that a segment may begin with, the first of all left out."""
        n = len(self.seconds)
        return [
            at for at in range(FEWEST, n - FEWEST + 1) if self.commits[at - 1] != self.commits[at]
        ]

    @cached_property
    def logs(self) -> Logs:
        """Of the seconds: a factor is a difference."""
        logs: Logs = np.log(self.seconds)
        return logs


@dataclass(frozen=True, kw_only=True)
class Change:
    """From one run to the next, a benchmark became slower or faster."""

    at: int  # the first run after it
    ratio: Ratio  # of the segment that begins there over the one before it: above 1 is slower
    p: float  # corrected


@dataclass(frozen=True, kw_only=True)
class Segmented:
    """A series, and where it changed."""

    series: Series
    changes: tuple[Change, ...]  # oldest first

    @property
    def segments(self) -> list[range]:
        """The runs of each segment."""
        ends = [0, *(change.at for change in self.changes), len(self.series.seconds)]
        return [range(begin, end) for begin, end in pairwise(ends)]

    @cached_property
    def means_s(self) -> list[float]:
        """The geometric mean of each segment's seconds."""
        return [math.exp(logs.mean()) for logs in _split(self.series, self.changes)]

    @cached_property
    def overall(self) -> Ratio | None:
        """The last segment over the first; None without a change."""
        segments = _split(self.series, self.changes)
        return _ratio(segments[-1], segments[0], *_noise(segments)) if self.changes else None

    @cached_property
    def floor(self) -> float | None:
        """What the same code differs by from itself, as a factor less 1: ``verdict.noise_floor``.

        The arms are neighbouring runs of one segment, each in one pair. None of fewer than two
        pairs.
        """
        segments = [np.exp(logs) for logs in _split(self.series, self.changes)]
        pairs = [pair for each in segments for pair in zip(each[1::2], each[:-1:2], strict=True)]
        return compare_arms(*zip(*pairs, strict=True)).farthest if pairs else None


def find(every: Sequence[Series]) -> list[Segmented]:
    """The changes of each series, corrected for all of them together."""
    family = sum(len(series.edges) * (len(series.edges) + 1) // 2 for series in every)
    proposed = [propose(series) for series in every]
    while True:
        found = _judged(every, proposed, family)
        kept = [_without_worst(each) for each in found]
        if kept == proposed:
            return found
        proposed = kept


def _without_worst(found: Segmented) -> list[int]:
    """Where its changes are, without the one with the largest p of those that are not stated."""
    unstated = [
        change
        for change in found.changes
        if outcome(change.ratio, change.p, found.floor) not in STATED
    ]
    worst = max(unstated, key=lambda change: change.ratio.p or 0.0, default=None)
    return [change.at for change in found.changes if change is not worst]


# Step 1


def propose(series: Series) -> list[int]:
    """The first runs of the second and of all later segments, of the cheapest segments."""
    edges, n = series.edges, len(series.seconds)
    variance = _successive_deviation(series.logs) ** 2 if edges else 0.0
    if not variance:
        return []
    centred = series.logs - series.logs.mean()
    sums, squares = (np.concatenate([[0.0], np.cumsum(x)]) for x in (centred, centred**2))
    price = 2 * math.log(n)
    ends = np.array([0, *edges, n])
    cheapest = np.zeros(len(ends))  # cost of all runs before each end
    begin = np.zeros(len(ends), dtype=np.int64)  # where the last segment before it begins
    for at, end in enumerate(ends[1:], 1):
        begins = ends[: np.searchsorted(ends[:at], end - FEWEST, side="right")]
        within = squares[end] - squares[begins] - (sums[end] - sums[begins]) ** 2 / (end - begins)
        costs = cheapest[: len(begins)] + within / variance + price
        begin[at] = np.argmin(costs)
        cheapest[at] = costs[begin[at]]
    starts: list[int] = []
    at = int(begin[-1])
    while at:
        starts.append(int(ends[at]))
        at = int(begin[at])
    return starts[::-1]


def _successive_deviation(logs: Logs) -> float:
    """The noise of one run, from the differences of neighbouring ones, which few changes disturb.

    After von Neumann et al., 'The Mean Square Successive Difference', Annals of Mathematical
    Statistics 12 (1941), with the median in place of the mean square, so that outliers do not
    widen it; where more than half are 0, the mean, as in ``uncertainty.modified_z``.
    """
    from scipy.special import ndtri

    differences = np.abs(np.diff(logs))
    deviation = np.median(differences) / ndtri(0.75) or differences.mean() * math.sqrt(math.pi / 2)
    return float(deviation) / math.sqrt(2)


# Step 2


def _judged(
    every: Sequence[Series], proposed: Sequence[Sequence[int]], family: int
) -> list[Segmented]:
    """Each series with the segments that begin at the proposed runs."""
    ratios = [_ratios(series, starts) for series, starts in zip(every, proposed, strict=True)]
    corrected = iter(holm([ratio.p or 0.0 for each in ratios for ratio in each], family))
    return [
        Segmented(
            series=series,
            changes=tuple(
                Change(at=at, ratio=ratio, p=next(corrected))
                for at, ratio in zip(starts, each, strict=True)
            ),
        )
        for series, starts, each in zip(every, proposed, ratios, strict=True)
    ]


def _ratios(series: Series, starts: Sequence[int]) -> list[Ratio]:
    """Each segment over the one before it; their p are not corrected."""
    segments = np.split(series.logs, starts)
    noise = _noise(segments)
    return [_ratio(new, old, *noise) for old, new in pairwise(segments)]


def _split(series: Series, changes: Sequence[Change]) -> list[Logs]:
    return np.split(series.logs, [change.at for change in changes])


def _noise(segments: Sequence[Logs]) -> tuple[float, int]:
    """The deviation of a run from its segment's mean, and its degrees of freedom."""
    freedom = sum(map(len, segments)) - len(segments)
    squares = sum(float(((logs - logs.mean()) ** 2).sum()) for logs in segments)
    return math.sqrt(squares / freedom) if freedom else 0.0, freedom


def _ratio(new: Logs, old: Logs, deviation: float, freedom: int) -> Ratio:
    from scipy.special import stdtr

    difference = float(new.mean() - old.mean())
    error = deviation * math.sqrt(1 / len(new) + 1 / len(old))
    certain = 0.0 if difference else 1.0  # without any noise
    ends = uncertainty.of_difference(new, old)
    return Ratio(
        ratio=math.exp(difference),
        interval=ends and Interval(low=math.exp(ends.low), high=math.exp(ends.high)),
        p=2 * float(stdtr(freedom, -abs(difference) / error)) if error else certain,
    )

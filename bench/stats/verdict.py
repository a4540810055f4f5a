"""Whether two frameworks differ, by how much, and whether that may be said aloud.

Runs of the same seed belong together: the same initial weights, the same batches in the same
order. So what is compared is the ratio within each pair, which leaves out whatever the seed does
to both. A difference is stated only if all of these hold:

1. the 95 % interval of the ratio does not include 1;
2. p, corrected for all pairs that were compared beside it, is below 0.05;
3. the difference is larger than the noise floor, where the machine was audited: that is, than
   what the same experiment differs by from itself;
4. other programs disturbed no run of either, where what is compared is time.

Two tie only if they are shown to be equal: the whole interval lies within the noise floor, and
no run was disturbed. All else is undecided. A difference that is not significant is no sign that
there is none.

Three runs know little of their own noise: by themselves two frameworks of six would have to differ
ten times as much as their log-ratio spreads. So p takes the noise of all pairs of a comparison
together, as the analysis of variance does (``uncertainty.pooled_t``). A pair that is noisier than
the rest is guarded by its own: the interval is its own, and p is never below its own uncorrected p.

Simulated, 20,000 times 5 pairs of two frameworks that do not differ: a winner was named in 4.9 %
with normal noise, in 4.1 % with Laplace's, and in 3.4 % where each run in ten was held up (3 pairs:
5.0, 4.1 and 3.7 %). Of six frameworks that do not differ, with 3 pairs, at least one of the 15
comparisons named a winner in 1.6 % of 4,000 cases, and in 6.6 % where one framework is four times
as noisy as the others (5 pairs, 2,500 cases: 3.1 and 7.4 %), all without the third condition. With
3 pairs a difference of five times a run's noise was found in 82 %; by each pair's own noise in
12 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from statistics import fmean, geometric_mean
from typing import Literal

from bench.results.evidence import Arms
from bench.stats import runs, uncertainty
from bench.stats.runs import Replicates, Statistic
from bench.stats.uncertainty import SIGNIFICANCE, Interval, holm, paired_t, pooled_t

Outcome = Literal["higher", "lower", "tie", "undecided"]  # of the first beside the second


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One statistic over the same of something else."""

    ratio: float  # of geometric means
    interval: Interval | None  # None where nothing is known of the noise
    p: float | None  # of no difference, not corrected; None there too

    @property
    def difference(self) -> float:
        """How far the ratio is from 1, as a factor less 1: the same whichever comes first."""
        return _factor(self.ratio) - 1

    @property
    def farthest(self) -> float | None:
        """The same of the end of the interval that is farthest from 1; None without one."""
        ends = self.interval and (self.interval.low, self.interval.high)
        return max(map(_factor, ends)) - 1 if ends else None


@dataclass(frozen=True, kw_only=True)
class Paired(Ratio):
    """One statistic in two groups of runs, the first's over the second's, seed by seed.

    Of one pair there is no interval and no p.
    """

    seeds: tuple[int, ...]  # that both have; at least one
    error: float | None = None  # standard error of the mean log-ratio

    @property
    def n(self) -> int:
        """How many pairs there are."""
        return len(self.seeds)

    @property
    def swapped(self) -> Paired:
        """The second over the first."""
        turned = self.interval and Interval(low=1 / self.interval.high, high=1 / self.interval.low)
        return replace(self, ratio=1 / self.ratio, interval=turned)


def _factor(ratio: float) -> float:
    """The ratio or one over it, whichever is not below 1."""
    return max(ratio, 1 / ratio)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One statistic in two groups of runs, the first's less the second's, seed by seed."""

    mean: float
    interval: Interval | None  # None of one pair
    seeds: tuple[int, ...]  # at least one


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Two groups of runs, and what may be said of them."""

    first: Replicates
    second: Replicates
    paired: Paired  # the first's over the second's
    p: float | None  # corrected by Holm's method, and not below the pair's own; None of one pair
    family: int  # pairs that it was corrected for
    noise_floor: float | None  # as of ``noise_floor``; None: not known
    disturbed: bool = False  # by other programs, in a run of either; then it is undecided
    outcome: Outcome

    @property
    def swapped(self) -> Judged:
        """The second beside the first."""
        turned: dict[Outcome, Outcome] = {"higher": "lower", "lower": "higher"}
        return replace(
            self,
            first=self.second,
            second=self.first,
            paired=self.paired.swapped,
            outcome=turned.get(self.outcome, self.outcome),
        )


# Pairs


def compare(first: Replicates, second: Replicates, statistic: Statistic) -> Paired | None:
    """The first's over the second's; None where no seed has both.

    None too where a run that ended well lacks the statistic, such as the time to a target that
    it never met: the pairs that are left would be the lucky ones.
    """
    pairs = _pairs(first, second, statistic)
    ratios = [value / other for _, value, other in pairs]
    return _paired(tuple(ratios), _seeds(pairs)) if pairs else None


def difference(first: Replicates, second: Replicates, statistic: Statistic) -> Difference | None:
    """The first's less the second's; None where ``compare`` is."""
    pairs = _pairs(first, second, statistic)
    if not pairs:
        return None
    values = [value - other for _, value, other in pairs]
    return Difference(mean=fmean(values), interval=uncertainty.of_mean(values), seeds=_seeds(pairs))


def _pairs(
    first: Replicates, second: Replicates, statistic: Statistic
) -> list[tuple[int, float, float]]:
    """Seed and both values, of each seed that ended well in both."""
    ours, theirs = (
        {record.seed: statistic(record) for record in group.measured} for group in (first, second)
    )
    if None in (*ours.values(), *theirs.values()):
        return []
    return [
        (seed, value, other)
        for seed in sorted(ours.keys() & theirs.keys())
        if (value := ours[seed]) is not None and (other := theirs[seed]) is not None
    ]


def _seeds(pairs: Sequence[tuple[int, float, float]]) -> tuple[int, ...]:
    return tuple(seed for seed, _, _ in pairs)


@lru_cache(maxsize=10_000)  # tables, plots and sentences ask about the same pairs
def _paired(ratios: tuple[float, ...], seeds: tuple[int, ...]) -> Paired:
    return Paired(
        ratio=geometric_mean(ratios),
        interval=uncertainty.of_ratio(ratios),
        p=paired_t(ratios),
        seeds=seeds,
        error=uncertainty.error_of_log_ratio(ratios),
    )


# Verdicts


def judge(
    groups: Sequence[Replicates], statistic: Statistic, *, of_time: bool = True
) -> list[Judged]:
    """Every two groups that can be compared, in the groups' order, corrected for one another.

    Where all have the same seeds, p takes the noise of all pairs together.
    ``of_time``: as of ``judge_pairs``.
    """
    pairs = list(combinations(groups, 2))
    compared = [compare(*pair, statistic) for pair in pairs]
    judged = _judge(pairs, compared, _pooled(compared, len(groups)), of_time=of_time)
    return [judgement for judgement in judged if judgement is not None]


def judge_pairs(
    pairs: Sequence[tuple[Replicates, Replicates]],
    statistic: Statistic,
    *,
    of_time: bool = True,
) -> list[Judged | None]:
    """Each of these pairs, corrected for one another; None for one that cannot be compared.

    ``of_time``: whether the statistic is read off the clock, so that the noise floor counts, and
    what other programs took of the processors.
    """
    compared = [compare(*pair, statistic) for pair in pairs]
    return _judge(pairs, compared, _own(compared), of_time=of_time)


def _own(compared: Sequence[Paired | None]) -> list[float]:
    """The p of each pair that has one, by its own noise."""
    return [paired.p for paired in compared if paired and paired.p is not None]


def _pooled(compared: Sequence[Paired | None], groups: int) -> list[float]:
    """The same of all pairs of so many groups, by the noise of all of them.

    By their own where some group lacks a seed: ``pooled_t`` is of a full table of groups by seeds.
    """
    known = [paired for paired in compared if paired is not None and paired.error is not None]
    seeds = {paired.seeds for paired in known}
    if groups < 3 or len(known) < len(compared) or len(seeds) > 1:
        return _own(compared)
    means = [math.log(paired.ratio) for paired in known]
    errors = [paired.error or 0.0 for paired in known]
    return pooled_t(means, errors, freedom=(groups - 1) * (known[0].n - 1))


def _judge(
    pairs: Sequence[tuple[Replicates, Replicates]],
    compared: Sequence[Paired | None],
    p_values: Sequence[float],
    *,
    of_time: bool,
) -> list[Judged | None]:
    """The pairs by what comparing came to, p corrected for one another and not below its own."""
    corrected = iter(holm(p_values))
    judged: list[Judged | None] = []
    for (first, second), paired in zip(pairs, compared, strict=True):
        if paired is None:
            judged.append(None)
            continue
        p = None if paired.p is None else max(next(corrected), paired.p)
        floor = noise_floor_of(first) if of_time else None
        disturbed = of_time and bool(first.disturbed or second.disturbed)
        judged.append(
            Judged(
                first=first,
                second=second,
                paired=paired,
                p=p,
                family=len(p_values),
                noise_floor=floor,
                disturbed=disturbed,
                outcome="undecided" if disturbed else outcome(paired, p, floor),
            )
        )
    return judged


def outcome(ratio: Ratio, p: float | None, floor: float | None = None) -> Outcome:
    """What may be said of a ratio whose corrected p this is; the conditions are above.

    One pair is never a tie: that it differs little says nothing of the next.
    """
    if ratio.interval is None or ratio.farthest is None or p is None:
        return "undecided"
    if floor is not None and ratio.farthest <= floor:
        return "tie"
    significant = p < SIGNIFICANCE and not ratio.interval.includes(1)
    if significant and (floor is None or ratio.difference > floor):
        return "higher" if ratio.ratio > 1 else "lower"
    return "undecided"


# The audit of clock and machine


def compare_arms(first_s: Sequence[float], second_s: Sequence[float]) -> Paired:
    """Seconds of the first arm over those of the second, round by round; at least one round."""
    ratios = [first / second for first, second in zip(first_s, second_s, strict=True)]
    return _paired(tuple(ratios), tuple(range(len(ratios))))


def noise_floor(arms: Arms) -> float | None:
    """How far an experiment may be from itself: 0.02 for 2 %. None of fewer than two rounds.

    The end of the interval of the A/A ratio that is farthest from 1, as a factor less 1.
    """
    return compare_arms(arms.same_s, arms.a_s).farthest if arms.a_s else None


def noise_floor_of(group: Replicates) -> float | None:
    """Of the audit beside these runs; None where it is of another machine or device, or absent."""
    audit = group.evidence.audit
    if audit is None or runs.host(audit.machine) != group.host:
        return None
    arms = audit.arms_on(group.experiment.device)
    return None if arms is None else noise_floor(arms)


def names_winner(arms: Arms, floor: float | None = None) -> bool:
    """Whether the rule would call one of two arms that are the very same the faster.

    ``floor``: the noise floor that an audit before them found; None: there was none.
    """
    same = compare_arms(arms.same_s, arms.a_s)
    return outcome(same, same.p, floor) in ("higher", "lower")


def winners_named(arms: Arms, repetitions: Sequence[Arms]) -> int:
    """In how many further comparisons of equal arms a winner is named, beside the first's floor."""
    floor = noise_floor(arms)
    return sum(names_winner(repetition, floor) for repetition in repetitions)


@dataclass(frozen=True, kw_only=True)
class Delay:
    """A delay of known size beside what was found of it, seconds a run."""

    injected_s: float  # mean over the rounds
    found_s: float
    interval: Interval | None  # of what was found; None of one round

    @property
    def found(self) -> bool:
        """Whether the interval includes what was injected, and does not include 0."""
        return (
            self.interval is not None
            and self.interval.includes(self.injected_s)
            and not self.interval.includes(0)
        )


def delay_found(arms: Arms) -> Delay:
    """What the delayed arm took longer than the mean of the equal ones, round by round.

    The mean of two is less noisy than either. At least one round.
    """
    rounds = zip(arms.delayed_s, arms.a_s, arms.same_s, strict=True)
    longer = [late - (a + same) / 2 for late, a, same in rounds]
    return Delay(
        injected_s=fmean(arms.injected_s),
        found_s=fmean(longer),
        interval=uncertainty.of_mean(longer),
    )

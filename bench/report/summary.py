"""The closing sentences: what was fastest, by how much, at what accuracy, and what failed.

Where the runs of the two best overlap no winner is named. Of one run a framework nothing is
known of the noise, and a sentence says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from bench import stats
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.ranking import Standing, overlap, ranking
from bench.report.tables.beside import throughput_ratio
from bench.report.tables.hardware import pairs
from bench.stats import Replicates


def paragraphs(groups: Sequence[Replicates]) -> Iterator[str]:
    """What the runs show; first of all what the images are not."""
    yield from wording.notices(group.data for group in groups)
    for comparison in comparisons(groups, FRAMEWORK):
        if comparison.experiment.goal == "train" and comparison.measured:
            yield " ".join(_training(comparison))
    yield from _highest_throughput(groups)
    yield from _hardware(groups)
    if any(len(group.measured) == 1 for group in groups):
        yield (
            "Where an experiment has one run, how much of a difference is noise is not known: "
            "more seeds (--seeds 3) would tell."
        )
    yield from _failures(groups)


def _training(comparison: Comparison) -> Iterator[str]:
    experiment = comparison.experiment
    place = wording.conditions(experiment, ("device", "batch_size", "epochs"))
    yield f"{wording.subject(experiment, comparison.data)}, {place}:"
    speeds = ranking(comparison, stats.throughput_images_per_s, best="highest")
    yield from _speed(speeds)
    for target in comparison.targets:
        yield _first_to(comparison, target)
    accuracies = ranking(comparison, stats.test_accuracy, best="highest")
    yield from _accuracy(accuracies, [one.name for one in speeds[:1]])


def _speed(standings: Sequence[Standing]) -> Iterator[str]:
    if not standings:
        return
    first, *others = standings
    if not others:
        yield f"{first.name} trained at {_rate(first)}."
        return
    second, last = others[0], others[-1]
    if overlap(first, second):
        yield (
            f"{first.name} ({_rate(first)}) and {second.name} ({_rate(second)}) trained "
            "fastest, too close to call: their runs overlap."
        )
    else:
        yield (
            f"{first.name} trained fastest, at {_rate(first)}, {_ratio(first, second)} times as "
            f"fast as the next, {second.name} ({_rate(second)})."
        )
    if last is not second:
        yield (
            f"{first.name} was {_ratio(first, last)} times as fast as the slowest, {last.name} "
            f"({_rate(last)})."
        )


def _rate(standing: Standing) -> str:
    return f"{wording.number(standing.mean)} images/s"


def _ratio(first: Standing, other: Standing) -> str:
    return wording.number(first.mean / other.mean)


def _first_to(comparison: Comparison, target: float) -> str:
    """Who reached a target first; a framework with a miss is not ranked."""
    goal = f"{wording.target(target)} validation accuracy"
    times = [stats.times_to_accuracy(group, target) for group in comparison.measured]
    runs, missed = sum(one.runs for one in times), sum(one.missed for one in times)
    if runs == missed:
        return f"No run reached {goal}."
    statistic = partial(stats.time_to_accuracy_s, target=target)
    standings = ranking(comparison, statistic, best="lowest")
    misses = f"; {missed} of {runs} runs never did" if missed else ""
    if not standings:
        return f"No framework reached {goal} with every seed{misses}."
    first, *others = standings
    if others and overlap(first, others[0]):
        names = f"{first.name} and {others[0].name} (too close to call)"
        return f"First to {goal}: {names}, after {wording.number(first.mean)} s{misses}."
    return f"First to {goal}: {first.name}, after {wording.number(first.mean)} s{misses}."


def _accuracy(standings: Sequence[Standing], fastest: Sequence[str]) -> Iterator[str]:
    """The test accuracy of the fastest, and the range of all."""
    for one in standings:
        if one.name in fastest:
            yield f"{one.name} reached a test accuracy of {wording.percent(one.mean)}."
    if len(standings) > 1:
        best, worst = standings[0], standings[-1]
        yield (
            f"Test accuracies lie between {wording.percent(worst.mean)} ({worst.name}) and "
            f"{wording.percent(best.mean)} ({best.name})."
        )


def _highest_throughput(groups: Sequence[Replicates]) -> Iterator[str]:
    """Of experiments that time training steps only."""
    for comparison in comparisons(groups, (*FRAMEWORK, "batch_size")):
        experiment = comparison.experiment
        rates = [
            (summary.mean, group)
            for group in comparison.groups
            if (summary := group.summary(stats.throughput_images_per_s))
        ]
        if experiment.goal == "train" or not rates:
            continue
        rate, best = max(rates, key=lambda pair: pair[0])
        place = wording.conditions(experiment, ("device", "goal"))
        yield (
            f"{wording.subject(experiment, comparison.data)}, {place}: the highest throughput "
            f"was that of {wording.framework(best.experiment)} at batch size "
            f"{best.experiment.batch_size:,}, {wording.number(rate)} images/s."
        )


def _hardware(groups: Sequence[Replicates]) -> Iterator[str]:
    """How much faster an accelerator trained than the CPU, as a range over the frameworks."""
    for comparison in comparisons(groups, (*FRAMEWORK, "device")):
        experiment = comparison.experiment
        if experiment.goal != "train":
            continue
        for device in (name for name in comparison.values("device") if name != "cpu"):
            ratios = [
                r for row in pairs(comparison, device) if (r := throughput_ratio(row)) is not None
            ]
            if ratios:
                place = wording.conditions(experiment, ("batch_size",))
                yield (
                    f"{wording.subject(experiment, comparison.data)}, {place}: "
                    f"{wording.device(device)} trained {_range(ratios)} times as fast as the CPU."
                )


def _range(values: Sequence[float]) -> str:
    lowest, highest = wording.number(min(values)), wording.number(max(values))
    return lowest if lowest == highest else f"{lowest} to {highest}"


def _failures(groups: Sequence[Replicates]) -> Iterator[str]:
    """How many runs did not end well, and of each reason which."""
    total = sum(len(group.records) for group in groups)
    reasons = Counter(
        f"{wording.framework(group.experiment)}, {wording.failure(record)}"
        for group in groups
        for record in group.failed
    )
    if not reasons:
        return
    listed = "; ".join(
        f"{reason} ({count} runs)" if count > 1 else reason for reason, count in reasons.items()
    )
    yield f"{reasons.total()} of {total} runs did not end well: {listed}."

"""The closing sentences: what was fastest, by how much, at what accuracy, and what failed.

They come from the tests of ``bench.verdict``: a winner is named only where the interval, the
corrected p and the noise floor all allow it, else a sentence says why not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from bench import run_statistics as stats
from bench import survival, uncertainty, verdict
from bench.report import certainty, claims, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.ranking import Ranking, ranking
from bench.report.tables import models
from bench.report.tables.columns import wilson_of
from bench.report.tables.hardware import pairs
from bench.run_statistics import Replicates


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
            "Where an experiment has one run, how much of a difference is noise is not known and "
            "no winner is named: more seeds (--seeds 5) would tell."
        )
    yield from _failures(groups)


def _training(comparison: Comparison) -> Iterator[str]:
    experiment = comparison.experiment
    place = wording.place(experiment, ("device", "batch_size", "epochs"))
    yield f"{wording.subject(experiment, comparison.data)}, {place}:"
    speeds = ranking(comparison.groups, stats.throughput_images_per_s, best="highest")
    yield from claims.fastest(speeds)
    for target in comparison.targets:
        yield _first_to(comparison, target)
    yield from _accuracy(comparison, speeds)
    yield from _told_apart(comparison)


def _first_to(comparison: Comparison, target: float) -> str:
    """Who reached a target first; a framework with a miss is not ranked."""
    goal = f"{wording.target(target)} validation accuracy"
    seen = [survival.observed(group, target) for group in comparison.groups]
    runs, missed = sum(one.n for one in seen), sum(len(one.censored) for one in seen)
    if runs == missed:
        return f"No run reached {goal}."
    reached = [group for group in comparison.groups if survival.all_reached(group, target)]
    misses = f"; {missed} of {runs} runs never did{_unranked(comparison, target)}" if missed else ""
    if not reached:
        return f"No framework reached {goal} with every seed{misses}."
    ranked = ranking(reached, partial(stats.time_to_accuracy_s, target=target), best="lowest")
    return claims.soonest(ranked, goal, misses)


def _unranked(comparison: Comparison, target: float) -> str:
    """Frameworks that got there with some seeds, and so are not among those that are ranked."""
    names = wording.distinct_labels(comparison.groups)
    partly = [
        f"{name} ({len(seen.times)} of {seen.n})"
        for name, group in zip(names, comparison.groups, strict=True)
        if (seen := survival.observed(group, target)).times and seen.censored
    ]
    return f" (not ranked: {', '.join(partly)} reached it)" if partly else ""


def _accuracy(comparison: Comparison, speeds: Ranking) -> Iterator[str]:
    """The test accuracy of the fastest, and the range of all."""
    for one in speeds.standings[:1]:
        if (summary := one.group.summary(stats.test_accuracy)) and (wilson := wilson_of(one.group)):
            interval = certainty.bounds(wilson, scale=100).strip("[]")
            yield (
                f"{one.name} reached a test accuracy of {wording.percent(summary.mean)} (95 % "
                f"interval {interval} % for {one.group.data.test_images:,} test images)."
            )
    means = sorted(
        (summary.mean, name)
        for name, group in zip(
            wording.distinct_labels(comparison.groups), comparison.groups, strict=True
        )
        if (summary := group.summary(stats.test_accuracy))
    )
    if len(means) > 1:
        (worst, last), (best, first) = means[0], means[-1]
        yield (
            f"Test accuracies lie between {wording.percent(worst)} ({last}) and "
            f"{wording.percent(best)} ({first})."
        )


def _told_apart(comparison: Comparison) -> Iterator[str]:
    """In how many pairs of models McNemar's test finds a difference."""
    p_values = models.tested(comparison)
    found = sum(p < uncertainty.SIGNIFICANCE for p in p_values)
    if p_values:
        yield (
            f"McNemar's test on the test images tells apart {found or 'none'} of the "
            f"{wording.counted(len(p_values), 'pair')} of models with the same seed "
            "(Holm-corrected)."
        )


def _highest_throughput(groups: Sequence[Replicates]) -> Iterator[str]:
    """Of experiments that time training steps only: each framework at its best batch size."""
    for comparison in comparisons(groups, (*FRAMEWORK, "batch_size")):
        experiment = comparison.experiment
        if experiment.goal == "train" or not comparison.measured:
            continue
        sizes = len(comparison.values("batch_size")) > 1
        chosen = ", each at its best batch size" if sizes else ""
        place = wording.place(experiment, ("device", "goal"))
        said = " ".join(claims.fastest(_at_best_size(comparison)))
        yield f"{wording.subject(experiment, comparison.data)}, {place}{chosen}: {said}"


def _at_best_size(comparison: Comparison) -> Ranking:
    """Each framework once, at the batch size at which its throughput is highest."""
    statistic = stats.throughput_images_per_s
    best: dict[str, Replicates] = {}
    for one in ranking(comparison.measured, statistic, best="highest").standings:
        best.setdefault(wording.framework(one.group.experiment), one.group)
    labels = [f"{name} at batch {g.experiment.batch_size:,}" for name, g in best.items()]
    return ranking(list(best.values()), statistic, best="highest", labels=labels)


def _hardware(groups: Sequence[Replicates]) -> Iterator[str]:
    """How much faster an accelerator trained than the CPU, framework by framework."""
    for comparison in comparisons(groups, (*FRAMEWORK, "device")):
        experiment = comparison.experiment
        if experiment.goal != "train":
            continue
        for device in (name for name in comparison.values("device") if name != "cpu"):
            judged = verdict.judge_pairs(
                [(on_device, on_cpu) for on_cpu, on_device in pairs(comparison, device)],
                stats.throughput_images_per_s,
            )
            if judged:
                place = wording.place(experiment, ("batch_size",))
                said = (claims.faster(wording.framework(j.first.experiment), j) for j in judged)
                yield (
                    f"{wording.subject(experiment, comparison.data)}, {place}, "
                    f"{wording.device(device)} beside the CPU: {'; '.join(said)}."
                )


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

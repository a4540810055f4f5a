"""The closing sentences: what was fastest, by how much, at what accuracy, and what failed.

They come from the tests of ``bench.stats.verdict``: a winner is named only where the interval, the
corrected p and the noise floor all allow it, else a sentence says why not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from statistics import median_low

from bench.experiment import Experiment, kind_of
from bench.report import audit, wording
from bench.report.comparison import (
    FRAMEWORK,
    Comparison,
    Ranking,
    Standing,
    at_best_size,
    comparisons,
    ranking,
)
from bench.report.tables import differences
from bench.report.tables.axes import HARDWARE, pairs
from bench.report.tables.columns import wilson_of
from bench.stats import runs, survival, uncertainty, verdict
from bench.stats.runs import Replicates
from bench.stats.verdict import Judged
from datasets import how_to_make

Say = Callable[[Standing], str]


def fastest(ranked: Ranking) -> Iterator[str]:
    """Who trained fastest, by throughput, and how far the slowest is behind."""
    if not ranked.standings:
        return
    best, *others = ranked.standings
    if not others:
        yield f"{best.name} trained at {rate(best)}."
        return
    beside = _beside(ranked, others[0])
    rivals = ranked.rivals()
    if beside is None or beside.paired.n == 1:
        yield _unpaired(ranked, rate, "trained fastest")
        return
    if rivals:
        yield from _no_winner(ranked, rivals, rate, "trained fastest")
    else:
        yield (
            f"{best.name} trained fastest, at {rate(best)}: {_times(beside)} times as fast as the "
            f"next, {others[0].name} ({wording.evidence(beside)})."
        )
    last = _beside(ranked, others[-1])
    if len(others) > 1 and others[-1] not in rivals and last:
        yield (
            f"{best.name} was {_times(last)} times as fast as {others[-1].name}, which has the "
            f"lowest throughput ({wording.evidence(last)})."
        )


def soonest(ranked: Ranking, goal: str, misses: str) -> str:
    """Who reached a target first, of those that did with every run; ``misses`` ends the words."""
    best, *others = ranked.standings
    if not others:
        return f"{best.name} reached {goal} after {seconds(best)}{misses}."
    beside = _beside(ranked, others[0])
    if beside is None or beside.paired.n == 1:
        return _unpaired(ranked, seconds, f"reached {goal} first", misses)
    if rivals := ranked.rivals():
        return " ".join(_no_winner(ranked, rivals, seconds, f"reached {goal} first", misses))
    of_those = "Of those that did with every seed, " if misses else ""
    return (
        f"{of_those}{best.name} reached {goal} first, after "
        f"{seconds(best)}: in {_times(beside)} of the time "
        f"of the next, {others[0].name} ({wording.evidence(beside)}){misses}."
    )


def faster(name: str, judged: Judged) -> str:
    """How a framework trained on another device, by throughput, beside itself on the CPU."""
    ratio = f"{_times(judged)} times"
    if judged.outcome in ("higher", "lower"):
        return f"{name} trained {ratio} as fast as on the CPU ({wording.evidence(judged)})"
    verdict = wording.verdict(judged, "", "")
    return f"{name} had {ratio} the throughput, {verdict} ({wording.evidence(judged)})"


def rate(standing: Standing) -> str:
    """Its mean throughput."""
    return f"{wording.number(standing.mean)} images/s"


def seconds(standing: Standing) -> str:
    """Its median time: the tables' (Kaplan and Meier's), since every run of it got there."""
    return f"{wording.number(median_low(standing.values))} s"


def _beside(ranked: Ranking, other: Standing) -> Judged | None:
    """The best beside another."""
    return ranked.between(ranked.standings[0].group, other.group)


def _times(judged: Judged) -> str:
    return wording.number(judged.paired.ratio)


def _unpaired(ranked: Ranking, say: Say, won: str, misses: str = "") -> str:
    """All of them in their order, where too few pairs allow no interval."""
    listed = ", ".join(f"{standing.name} {say(standing)}" for standing in ranked.standings)
    pairs = "one seed" if _beside(ranked, ranked.standings[1]) else "no seed in common"
    return f"With {pairs} it cannot be said which {won}: {listed}{misses}."


def _no_winner(
    ranked: Ranking, rivals: Sequence[Standing], say: Say, won: str, misses: str = ""
) -> Iterator[str]:
    """Why no winner is named: what the test against the nearest rival says; then all rivals."""
    best, nearest = ranked.standings[0], rivals[0]
    names = f"{best.name} ({say(best)}) and {nearest.name} ({say(nearest)})"
    beside = _beside(ranked, nearest)
    if beside is None:
        yield f"Which {won} cannot be said: {names} have no seed in common{misses}."
    elif beside.disturbed:
        disturbed = " and ".join(s.name for s in (best, nearest) if s.group.disturbed)
        yield (
            f"Which {won} is undecided between {names}, since runs of {disturbed} were disturbed: "
            f"ratio {_times(beside)}, {wording.evidence(beside)}{misses}."
        )
    elif beside.outcome == "tie":
        apart = wording.percent(beside.paired.difference, 1)
        floor = wording.percent(beside.noise_floor or 0, 1)
        yield (
            f"Which {won} cannot be said: {names} tie. They differ by {apart}, and the whole 95 % "
            f"interval lies within the noise floor of {floor}{misses}."
        )
    else:
        yield (
            f"Which {won} is undecided between {names}: ratio {_times(beside)}, "
            f"{wording.evidence(beside)}{misses}."
        )
    if rivals[1:]:
        others = " and ".join(rival.name for rival in rivals[1:])
        yield f"Nor can {best.name} be told apart from {others}."


# All sentences, in the order of the page


def paragraphs(groups: Sequence[Replicates]) -> Iterator[str]:
    """What the runs show; first of all what the images are not."""
    yield from wording.notices(group.data for group in groups)
    for comparison in comparisons(groups, FRAMEWORK):
        if comparison.experiment.goal == "train" and comparison.measured:
            yield " ".join(_training(comparison))
    yield from _highest_throughput(groups)
    yield from _hardware(groups)
    yield from _reservations(groups)


def brief(groups: Sequence[Replicates]) -> Iterator[str]:
    """What the table of frameworks does not show, and what limits all of it."""
    trained = [c for c in comparisons(groups, FRAMEWORK) if c.experiment.goal == "train"]
    yield from _told_apart(trained)
    yield from _highest_throughput(groups, claims=1)
    yield from _hardware(groups)
    yield from _reservations(groups)


def _reservations(groups: Sequence[Replicates]) -> Iterator[str]:
    if any(len(group.measured) == 1 for group in groups):
        yield (
            "Where an experiment has one run, how much of a difference is noise is not known and "
            "no winner is named: more seeds (--seeds 5) would tell."
        )
    yield from warnings(groups)


def warnings(groups: Sequence[Replicates]) -> Iterator[str]:
    """What was disturbed, and what did not end well, with what to do."""
    yield from _disturbed(groups)
    yield from _failures(groups)


def _training(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.heading('device', 'batch_size', 'epochs')}:"
    speeds = ranking(comparison.groups, runs.throughput_images_per_s, best="highest")
    yield from fastest(speeds)
    for target in comparison.targets:
        yield _first_to(comparison, target)
    yield from _accuracy(comparison, speeds)
    yield from _told_apart([comparison])


def _first_to(comparison: Comparison, target: float) -> str:
    """Who reached a target first; a framework with a miss is not ranked."""
    goal = f"{wording.target(target)} validation accuracy"
    times = [survival.observed(group, target) for group in comparison.groups]
    total = sum(observed.n for observed in times)
    missed = sum(len(observed.censored) for observed in times)
    if total == missed:
        return f"No run reached {goal}."
    reached = [group for group in comparison.groups if survival.all_reached(group, target)]
    misses = (
        f"; {missed} of {total} runs never did{_unranked(comparison, target)}" if missed else ""
    )
    if not reached:
        return f"No framework reached {goal} with every seed{misses}."
    ranked = ranking(reached, partial(runs.time_to_accuracy_s, target=target), best="lowest")
    return soonest(ranked, goal, misses)


def _unranked(comparison: Comparison, target: float) -> str:
    """Frameworks that got there with some seeds, and so are not among those that are ranked."""
    names = wording.distinct_labels(comparison.groups)
    partly = [
        f"{name} ({len(observed.times)} of {observed.n})"
        for name, group in zip(names, comparison.groups, strict=True)
        if (observed := survival.observed(group, target)).times and observed.censored
    ]
    return f" (not ranked: {', '.join(partly)} reached it)" if partly else ""


def _accuracy(comparison: Comparison, speeds: Ranking) -> Iterator[str]:
    """The test accuracy of the fastest, and the range of all."""
    for leader in speeds.standings[:1]:
        summary, wilson = leader.group.summary(runs.test_accuracy), wilson_of(leader.group)
        if summary and wilson:
            interval = wording.bounds(wilson, scale=100).strip("[]")
            yield (
                f"{leader.name} reached a test accuracy of {wording.percent(summary.mean)} (95 % "
                f"interval {interval} % for {leader.group.data.test_images:,} test images)."
            )
    names = wording.distinct_labels(comparison.groups)
    means = sorted(
        (summary.mean, name)
        for name, group in zip(names, comparison.groups, strict=True)
        if (summary := group.summary(runs.test_accuracy))
    )
    if len(means) > 1:
        (worst, last), (best, first) = means[0], means[-1]
        yield (
            f"Test accuracies lie between {wording.percent(worst)} ({last}) and "
            f"{wording.percent(best)} ({first})."
        )


def _told_apart(compared: Sequence[Comparison]) -> Iterator[str]:
    """In how many pairs of models McNemar's test finds a difference."""
    p_values = [p for comparison in compared for p in differences.tested(comparison)]
    significant = sum(p < uncertainty.SIGNIFICANCE for p in p_values)
    if p_values:
        yield (
            f"McNemar's test on the test images tells apart {significant or 'none'} of the "
            f"{wording.counted(len(p_values), 'pair')} of models with the same seed "
            "(Holm-corrected)."
        )


def _highest_throughput(groups: Sequence[Replicates], claims: int | None = None) -> Iterator[str]:
    """Of experiments that time training steps only: each framework at its best batch size.

    ``claims``: how many of each comparison, of more than one; None: all.
    """
    for comparison in comparisons(groups, (*FRAMEWORK, "batch_size")):
        if comparison.experiment.goal == "train" or not comparison.measured:
            continue
        if claims and len(comparison.groups) == 1:
            continue  # beaten by nobody, and in the table
        sizes = len(comparison.values("batch_size")) > 1
        chosen = ", each at its best batch size" if sizes else ""
        claimed = " ".join(islice(fastest(at_best_size(comparison)), claims))
        yield f"{comparison.heading('device', 'goal')}{chosen}: {claimed}"


def _hardware(groups: Sequence[Replicates]) -> Iterator[str]:
    """How much faster an accelerator trained than the CPU, framework by framework."""
    for comparison in comparisons(groups, (*FRAMEWORK, "device")):
        if comparison.experiment.goal != "train":
            continue
        for device in (name for name in comparison.values("device") if name != "cpu"):
            both = pairs(HARDWARE, comparison, ("cpu", device))
            turned = [(on_device, on_cpu) for on_cpu, on_device in both]
            judged = verdict.judge_pairs(turned, runs.throughput_images_per_s)
            claims = [faster(wording.framework(j.first.experiment), j) for j in judged if j]
            if claims:
                yield (
                    f"{comparison.heading('batch_size')}, {wording.device(device)} beside the "
                    f"CPU: {'; '.join(claims)}."
                )


def _disturbed(groups: Sequence[Replicates]) -> Iterator[str]:
    """Which rows stayed disturbed, and what to do."""
    disturbed = [group for group in groups if group.disturbed]
    if disturbed:
        yield (
            f"Warning: {audit.disturbance(groups)}. "
            f"{wording.all_or(len(disturbed), len(groups)).capitalize()} experiments are marked "
            "'disturbed', and no winner is named over them: close other programs (a browser, a "
            "synchronising folder, another user's job), let a hot GPU cool, and measure again, "
            "with another --out."
        )


def _named(experiment: Experiment) -> str:
    """'pytorch eager', and the device where it is not the CPU."""
    where = "" if experiment.device == "cpu" else f" on {wording.device(experiment.device)}"
    return f"{wording.framework(experiment)}{where}"


def _failures(groups: Sequence[Replicates]) -> Iterator[str]:
    """How many runs did not end well, and of each reason which."""
    total = sum(len(group.records) for group in groups)
    reasons = Counter(
        f"{_named(group.experiment)}, {wording.failure(record)}"
        for group in groups
        for record in group.failed
    )
    if not reasons:
        return
    listed = "; ".join(
        f"{reason} ({count} runs)" if count > 1 else reason for reason, count in reasons.items()
    )
    yield f"{reasons.total()} of {total} runs did not end well: {listed}."
    missing = [
        record.experiment
        for group in groups
        for record in group.failed
        if record.status == "not installed"
    ]
    if missing:
        on_cuda = any(kind_of(experiment.device) == "cuda" for experiment in missing)
        advice = how_to_make((experiment.framework for experiment in missing), cuda=on_cuda)
        yield f"What is not installed can be added; {advice}"

"""The first three sentences of the page: what was measured, what is faster, whether to trust it.

They repeat what ``bench.report.summary`` and ``bench.report.trust`` find, in fewer words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, pairwise, permutations
from typing import Any, Literal

from bench.report import audit, trust, wording
from bench.report.comparison import (
    EXPERIMENT_FIELDS,
    FRAMEWORK,
    Comparison,
    Ranking,
    Standing,
    comparisons,
    ranking,
)
from bench.results.record import Record
from bench.stats import costs, runs
from bench.stats.runs import Replicates

Light = Literal["green", "amber", "red"]
Compared = tuple[Comparison, Ranking]
MOST_SUBJECTS = 4  # of which the second sentence speaks
MOST_TURNS = 2  # that are told, of all kinds that there are
MOST_REASONS = 3  # that the third one gives


@dataclass(frozen=True, kw_only=True)
class Top:
    """The sentences, and what else must stand there."""

    measured: str
    faster: str
    light: Light
    trusted: str
    notices: list[str]  # that images are drawn, or a sample
    checked: list[str]  # all that the third sentence comes from


def top(groups: Sequence[Replicates], records: Sequence[Record]) -> Top:
    """Of a folder with at least one record."""
    light, trusted = judged(groups, records)
    return Top(
        measured=measured(groups, records),
        faster=faster(groups),
        light=light,
        trusted=trusted,
        notices=wording.notices(group.data for group in groups),
        checked=list(trust.sentences(groups, records)),
    )


def measured(groups: Sequence[Replicates], records: Sequence[Record]) -> str:
    """'Measured: CNN and MLP on digits (mnist), trained by keras-jax and pytorch on CPU (…): …'."""
    networks = _and(map(wording.architecture, _each(groups, "architecture")))
    tasks = _and(dict.fromkeys(wording.images(group.data) for group in groups))
    devices = _and(map(wording.device, _each(groups, "device")))
    machines = list(dict.fromkeys(wording.machine(group.host) for group in groups))
    where = machines[0] if len(machines) == 1 else f"{len(machines)} machines"
    seeds = len({record.seed for record in records})
    return (
        f"Measured: {networks} on {tasks}, trained by {_and(_each(groups, 'framework'))} on "
        f"{devices} ({where}): {wording.counted(len(records), 'run')} with "
        f"{wording.counted(seeds, 'seed')}."
    )


def _each(groups: Sequence[Replicates], field: str) -> list[str]:
    return sorted({getattr(group.experiment, field) for group in groups})


# What is faster


def faster(groups: Sequence[Replicates]) -> str:
    """Who trains fastest on what, by how much, where no winner may be named, and where it turns."""
    compared = [
        (comparison, ranked)
        for comparison in comparisons(groups, FRAMEWORK)
        if len((ranked := _ranked(comparison)).standings) > 1
    ]
    trained = [each for each in compared if each[0].experiment.goal == "train"]
    spoken_of = (trained or compared)[:MOST_SUBJECTS]
    if not spoken_of:
        return (
            "Faster: nothing can be compared, since no two frameworks ran under the same settings."
        )
    if all(len(each.group.measured) == 1 for _, ranked in spoken_of for each in ranked.standings):
        return f"Faster in training: with one seed it cannot be said. Ahead, {_ahead(spoken_of)}."
    more = len(trained or compared) - len(spoken_of)
    rest = f"; {more} more below" if more else ""
    turned = _and(islice(turns(compared), MOST_TURNS))
    turn = f"; the order turns round {turned}" if turned else "; no order is shown to turn round"
    return f"Faster in training: {'; '.join(_claims(spoken_of))}{rest}{turn}."


def _ranked(comparison: Comparison) -> Ranking:
    return ranking(comparison.groups, runs.throughput_images_per_s, best="highest")


def _ahead(compared: Sequence[Compared]) -> str:
    """Who is first on what, for runs that cannot show more."""
    others = [comparison for comparison, _ in compared]
    first = (f"{r.standings[0].name} on {_subject(each, others)}" for each, r in compared)
    return f"which may be chance: {'; '.join(first)}"


def _claims(compared: Sequence[Compared]) -> Iterator[str]:
    """One claim a leader: 'JAX on A (1.9 times as fast as the next, B) and C (…)'.

    Several lead where the first is not shown to be ahead of all: 'undecided between JAX and B on
    A (…)'. The factor is then the first's, beside the next that is shown to be slower.
    """
    by_leader: dict[str, list[str]] = {}
    for comparison, ranked in compared:
        subject = _subject(comparison, [other for other, _ in compared])
        best, *others = ranked.standings
        rivals = ranked.rivals()
        slower = [other for other in others if other not in rivals]
        if slower and (beside := ranked.between(best.group, slower[0].group)):
            times = f"{wording.number(beside.paired.ratio)} times as fast"
            first = f"the first {times} as" if rivals else f"{times} as the next,"
            subject += f" ({first} {slower[0].name})"
        names = [best.name, *(rival.name for rival in rivals)]
        leader = f"undecided between {_and(names)}" if rivals else best.name
        by_leader.setdefault(leader, []).append(subject)
    for leader, subjects in by_leader.items():
        yield f"{leader} on {_and(subjects)}"


def _subject(comparison: Comparison, others: Sequence[Comparison]) -> str:
    """What a comparison is of, with its device and batch size where others differ in them."""
    fields = [
        field
        for field in ("device", "batch_size", "precision")
        if len({getattr(other.experiment, field) for other in others}) > 1
    ]
    subject = (
        f"{wording.architecture(comparison.experiment.architecture)} on {comparison.data.task}"
    )
    return ", ".join(filter(None, (subject, wording.conditions(comparison.experiment, fields))))


# Where it turns round


def turns(compared: Sequence[Compared]) -> Iterator[str]:
    """Where two change places, both times shown: at one place of each kind that there is."""
    yield from _once("network", _along(compared, "architecture"))
    if turns_of_steps := list(_of_steps(compared)):
        yield f"with the steps ({max(turns_of_steps, key=lambda each: each[0])[1]})"
    yield from _once("batch size", _along(compared, "batch_size"))
    yield from _once("execution", _of_executions(compared))


def _once(word: str, turned: Iterator[str]) -> Iterator[str]:
    return (f"with the {word} ({turn})" for turn in islice(turned, 1))


def _along(compared: Sequence[Compared], axis: str) -> Iterator[str]:
    """Of comparisons that differ in one field alone, two rows of one and of the next."""
    fields = [name for name in EXPERIMENT_FIELDS if name not in (axis, *FRAMEWORK)]

    def others(each: Compared) -> tuple[Any, ...]:
        comparison, _ = each
        held = repr([getattr(comparison.experiment, name) for name in fields])
        return comparison.experiment.goal != "train", held, comparison.host, comparison.data.task

    for _, members in groupby(sorted(compared, key=others), others):
        ordered = sorted(members, key=lambda each: getattr(each[0].experiment, axis))
        for (one, first), (other, second) in pairwise(ordered):
            turned = [
                (rank + other_rank, better, worse)
                for rank, better in enumerate(first.standings)
                for other_rank, worse in enumerate(second.standings)
                if _beats(first, better, worse) and _beats(second, worse, better)
            ]
            if turned:  # of several the two that stand highest
                _, better, worse = min(turned, key=lambda each: each[0])
                subjects = [_subject(each, [one, other]) for each in (one, other)]
                yield (
                    f"{better.name} beats {worse.name} on {subjects[0]} and loses to it on "
                    f"{subjects[1]}"
                )


def _beats(ranked: Ranking, better: Standing, worse: Standing) -> bool:
    """Whether that is shown here, of two that may be of another ranking."""
    here = {standing.name: standing.group for standing in ranked.standings}
    both = better.name in here and worse.name in here
    return both and ranked.beats(here[better.name], here[worse.name])


def _of_executions(compared: Sequence[Compared]) -> Iterator[str]:
    """A framework that in one execution beats another, and in another loses to it."""
    for comparison, ranked in compared:
        for one, other in permutations(ranked.standings, 2):
            framework = one.group.experiment.framework
            if other.group.experiment.framework != framework:
                continue
            for rival in ranked.standings:
                another = rival.group.experiment.framework != framework
                if another and _beats(ranked, one, rival) and _beats(ranked, rival, other):
                    subject = _subject(comparison, [each for each, _ in compared])
                    yield f"{rival.name} loses to {one.name} and beats {other.name} on {subject}"


def _of_steps(compared: Sequence[Compared]) -> Iterator[tuple[tuple[bool, float], str]]:
    """Where another, which starts sooner, is ahead of the best for a while, in every seed.

    Before each: whether it is of whole trainings, and for how many steps, to choose by.
    """
    for comparison, ranked in compared:
        best, *others = ranked.standings
        sooner = min(others, key=lambda other: _starts_s(other.group))
        known = costs.break_even(sooner.group, best.group)
        steps = [begins for begins in known.paid if begins > 0]
        if len(steps) == len(known.leads) > 1 and ranked.beats(best.group, sooner.group):
            low, high = (wording.number(end, 2) for end in (steps[0], steps[-1]))
            many = low if low == high else f"{low} to {high}"
            subject = _subject(comparison, [each for each, _ in compared])
            lead = f"is ahead of {best.name} for the first {many} steps of {subject}"
            whole = comparison.experiment.goal == "train"
            yield (whole, steps[0]), f"{sooner.name}, which starts sooner, {lead}"


def _starts_s(group: Replicates) -> float:
    line = costs.mean_line(group)
    return line.start_up_s if line else float("inf")


# Whether it may be trusted


def judged(groups: Sequence[Replicates], records: Sequence[Record]) -> tuple[Light, str]:
    """Red: the work is not equal, or a check failed. Amber: something limits what may be said."""
    red, amber = list(_red(groups, records)), list(_amber(groups, records))
    if red:
        return "red", f"Not to be trusted as it stands: {_reasons([*red, *amber])}."
    if amber:
        return "amber", f"To be trusted with a reservation: {_reasons(amber)}."
    return "green", (
        "To be trusted: equal work is shown for every framework, the clock was audited, no run was "
        "disturbed, and every difference is judged over several seeds."
    )


def _reasons(reasons: Sequence[str]) -> str:
    """The first ones, and how many more there are."""
    more = len(reasons) - MOST_REASONS
    rest = f"; and {wording.counted(more, 'more reason')} (below)" if more > 0 else ""
    return "; ".join(reasons[:MOST_REASONS]) + rest


def _red(groups: Sequence[Replicates], records: Sequence[Record]) -> Iterator[str]:
    unequal = [
        f"{wording.framework(group.experiment)} ({trust.failing(certificate)})"
        for group in groups
        if group.measured
        and (certificate := group.certificate) is not None
        and certificate.failure is None
        and not certificate.passed
    ]
    if unequal:
        yield f"equal work is refuted for {_and(dict.fromkeys(unequal))}"
    otherwise = sum(not _as_asked(record) for record in records)
    if otherwise:
        yield f"{wording.counted(otherwise, 'run')} did not do what its row says"


def _as_asked(record: Record) -> bool:
    """Whether the run's own checks found what was asked for; of none that it was."""
    done = record.measurement
    if done is None:
        return True
    steps = sum(segment.steps for segment in done.segments)
    counted = done.steps_counted in (None, steps)
    again = done.recheck
    return counted and (again is None or again.execution == record.experiment.execution)


def _amber(groups: Sequence[Replicates], records: Sequence[Record]) -> Iterator[str]:
    found = groups[0].evidence.audit
    measured = [group for group in groups if group.measured]
    missing = [
        group
        for group in measured
        if trust.why_not(group) not in (None, trust.ONE_FRAMEWORK)
        and not group.experiment.native
        and (group.certificate is None or group.certificate.failure is not None)
    ]
    if missing:
        yield f"equal work is not certified for {wording.all_or(len(missing), len(measured))} rows"
    own = [group for group in measured if group.experiment.native]
    if own:
        rows = wording.all_or(len(own), len(measured))
        yield f"{rows} rows use a framework's own defaults, so their work is not equal"
    if any(len(group.measured) == 1 for group in measured):
        yield "with one seed there is no telling a difference from noise"
    if found is None:
        yield "the clock was not audited, so the noise floor is not known"
    if disturbance := audit.disturbance(groups):
        yield disturbance
    failed = sum(len(group.failed) for group in groups)
    if failed:
        yield f"{failed} of {len(records)} runs did not end well"
    unasked = [sentence.partition(":")[0] for sentence in trust.unasked_sentences(groups)]
    if unasked:
        yield f"settings differ that nobody asked for ({', '.join(dict.fromkeys(unasked))})"
    for sentence in audit.sentences(found, records):
        if sentence.startswith("Warning: "):
            yield _short(sentence)


def _short(warning: str) -> str:
    """What was seen, without what to do: that is on the page of the folder."""
    seen = re.split("[:.] ", warning.removeprefix("Warning: "))[0]
    return seen[0].lower() + seen[1:].rstrip(".")


def _and(words: Iterable[str], last: str = "and") -> str:
    listed = list(words)
    return f" {last} ".join(filter(None, (", ".join(listed[:-1]), *listed[-1:])))

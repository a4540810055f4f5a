"""A whole suite: a plan is checked, run and reported, and leaves a results folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench import plan
from bench.checks import auditing, certify
from bench.cli import Options
from bench.experiment import Run
from bench.plan import FEWEST_SEEDS, Plan
from bench.presets import PRESETS
from bench.report import wording
from bench.report.comparison import FRAMEWORK, comparisons, only
from bench.results.folder import ResultsError, differences
from bench.results.record import Record
from bench.run import scheduler
from bench.run.progress import display, minutes
from bench.stats import runs, verdict
from bench.stats.runs import Replicates


def carry_out(planned: Plan, options: Options, command: Sequence[str]) -> int:
    """Check, run what is missing, write the report whatever happened; return the exit code.

    ``command``: how it was started, without the words that follow; kept in the folder.
    """
    results = planned.site.results
    with results.lock():
        todo = missing(planned, options)  # refuses before anything is written
        results.evidence()  # refuses what is broken before minutes go into checking
        for note in planned.notes:
            print(note, file=sys.stderr)
        results.note_command([*command, *sys.argv[1:]])
        _note_facts(planned, options)
        interrupted = False
        try:
            if todo and not options.unchecked:
                _check(planned)
            _run(planned, options)
        except KeyboardInterrupt:
            interrupted = True
        return _conclude(planned, options, interrupted)


def missing(planned: Plan, options: Options) -> list[Run]:
    """The runs still to do in the folder, which is locked by now.

    Raises ResultsError where its records cannot stand beside new ones.
    """
    plan.check_folder(planned.site.results, options)
    if not options.allow_mixed:
        _refuse_differences(planned)
    return _undone(planned, planned.runs, options)


def _undone(planned: Plan, runs: Sequence[Run], options: Options) -> list[Run]:
    """Those of ``runs`` that have no record yet, or a failed one that is to be run again."""
    records = planned.site.results.records()
    done = {r.run_id for r in records if r.status == "ok" or not options.retry_failed}
    return [run for run in runs if run.id not in done]


def _own_records(planned: Plan) -> list[Record]:
    """Those of the plan's experiments; an earlier command may have left others in the folder."""
    planned_ids = {experiment.id for experiment in planned.experiments}
    records = planned.site.results.records()
    return [record for record in records if record.experiment.id in planned_ids]


def _refuse_differences(planned: Plan) -> None:
    site = planned.site
    fingerprints = {key: facts.fingerprint for key, (_, facts) in site.data.items()}
    sentences = differences(site.results.records(), site.machine, site.versions, fingerprints)
    if sentences:
        raise ResultsError(
            f"{site.results.folder} holds records that do not fit:\n"
            + "\n".join(f"  {sentence}" for sentence in sentences)
            + "\nchoose another --out, or add --allow-mixed to mix them all the same"
        )


def _note_facts(planned: Plan, options: Options) -> None:
    """Keep the price; what an earlier command said of why it stopped is no longer true."""
    results = planned.site.results
    earlier = results.evidence().suite
    price = earlier.price_per_h if options.price_per_h is None else options.price_per_h
    facts = replace(earlier, price_per_h=price, seeds_stopped=None)
    if facts != earlier:
        results.save_evidence(facts)


def _check(planned: Plan) -> None:
    """Audit clock and machine, and certify what has no certificate yet."""
    site = planned.site
    print("checking the clock, then that all frameworks do the same work ...", file=sys.stderr)
    latest = auditing.short(planned.experiments, site)
    site.results.save_evidence(auditing.joined(site.results.evidence().audit, latest))
    for certificate in certify.for_suite(planned.experiments, site):
        site.results.save_certificate(certificate)


def _run(planned: Plan, options: Options) -> None:
    """Run what is missing, seed by seed where the number of seeds is to be found out."""
    for todo in _rounds(planned, options):
        show = display(todo, [planned.estimate_s(run) for run in todo])
        try:
            scheduler.run_all(todo, planned.site, show)
        finally:
            show.close()


def _rounds(planned: Plan, options: Options) -> Iterator[list[Run]]:
    """What is to be run next, until there is no more or it is enough."""
    if options.between is None:
        yield _undone(planned, planned.runs, options)
        return
    goal = Goal(between=options.between, within=options.within, budget_s=options.budget_s)
    began = time.monotonic()
    for seed in range(MOST):
        runs = scheduler.round_robin(planned.experiments, [seed])
        yield _undone(planned, runs, options)
        reason = stop(goal, _own_records(planned), time.monotonic() - began)
        if reason:
            results = planned.site.results
            results.save_evidence(replace(results.evidence().suite, seeds_stopped=reason))
            return


def _conclude(planned: Plan, options: Options, interrupted: bool) -> int:
    """Study and report what there is; return the exit code."""
    from bench.report import page  # late: it imports matplotlib, and no run is to wait for that

    results = planned.site.results
    try:
        if PRESETS[options.preset].study and not interrupted:
            _study(planned)
    finally:
        if results.records():
            print(page.write(results))
    if interrupted:
        print(
            f"interrupted; go on with the same command, --out {results.folder} and --resume",
            file=sys.stderr,
        )
        return 130
    return 1 if _any_failed(_own_records(planned), options) else 0


def _study(planned: Plan) -> None:
    from bench.study.page import carry_out as study  # late: it needs many packages

    data_folders = {key: folder for key, (folder, _) in planned.site.data.items()}
    for page in study(planned.site.results, data_folders):
        print(f"The study: {page}")


def _any_failed(records: Sequence[Record], options: Options) -> bool:
    """Whether a run failed, or nothing ran.

    A framework or its device that is not installed is a failure only if it was asked for by name.
    """
    asked = options.devices or ()
    bad = {record.status for record in records if record.status != "ok"}
    if bad - {"not installed"} or not any(record.status == "ok" for record in records):
        return True
    return any(
        record.experiment.framework in (options.frameworks or ())
        or (record.experiment.device != "cpu" and record.experiment.device in asked)
        for record in records
        if record.status != "ok"
    )


# ``--seeds auto``: whether the seeds run so far are enough to tell a named ratio.
#
# Seeds are added until the interval of the ratio of the two frameworks' throughputs is narrow
# enough in every set of experiments in which both stand, or until the time is spent. Which of
# the two ended it is said in the report. Looking at an interval again and again and stopping
# when it is narrow favours intervals that happen to be narrow: hence at least FEWEST_SEEDS.


MOST = 100  # seeds: beyond this a narrower interval is not to be had by more of the same


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What is to be told, and what it may cost."""

    between: tuple[str, ...]  # two frameworks
    within: float  # the interval's upper end over its lower one, less 1
    budget_s: float


@dataclass(frozen=True, kw_only=True)
class Width:
    """How far one ratio is known."""

    subject: str
    width: float | None  # upper over lower end, less 1; None: there is no interval


def stop(goal: Goal, records: Sequence[Record], spent_s: float) -> str | None:
    """Why no further seed is needed or allowed, as a sentence; None: go on.

    ``records``: of the experiments that are run, and of no others.
    """
    seeds = len({record.seed for record in records})
    names, ran = " and ".join(goal.between), wording.counted(seeds, "seed")
    if seeds >= FEWEST_SEEDS:
        found = list(widths(goal, records))
        if found and all(one.width is not None and one.width <= goal.within for one in found):
            return (
                f"Stopped after {ran}: the interval of the ratio of {names} is "
                f"narrower than {goal.within:.1%} ({_said(found)})."
            )
    if spent_s >= goal.budget_s or seeds >= MOST:
        spent = f"the time budget of {minutes(goal.budget_s)} is spent"
        why = spent if spent_s >= goal.budget_s else f"{MOST} seeds are the most"
        return (
            f"Stopped after {ran}: {why}, before the interval of the ratio of {names} was "
            f"narrower than {goal.within:.1%} ({_said(list(widths(goal, records)))})."
        )
    return None


def widths(goal: Goal, records: Sequence[Record]) -> Iterator[Width]:
    """Of the ratio of throughputs, in every set of experiments in which both frameworks stand."""
    for comparison in comparisons(runs.replicates(records), FRAMEWORK):
        firsts, seconds = (only(comparison.groups, framework=name) for name in goal.between)
        for one in firsts:
            for other in seconds:
                paired = verdict.compare(one, other, runs.throughput_images_per_s)
                interval = paired.interval if paired else None
                yield Width(
                    subject=_subject(one),
                    width=interval.high / interval.low - 1 if interval else None,
                )


def _subject(group: Replicates) -> str:
    place = wording.heading_conditions(group.experiment, ("device", "batch_size", "goal"))
    return f"{wording.subject(group.experiment, group.data)}, {place}"


def _said(found: Sequence[Width]) -> str:
    return "; ".join(
        f"{one.subject}: {'no interval' if one.width is None else f'{one.width:.1%}'}"
        for one in found
    )

"""A whole suite: a plan is checked, run and reported, and leaves a results folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench import audit, evidence, parity, plan, report, results, scheduler, seeds
from bench.cli import Options
from bench.experiment import Run
from bench.plan import Plan
from bench.presets import PRESETS
from bench.progress import display
from bench.record import Record

RUN_ALL = ("python", "run_all.py")


def carry_out(planned: Plan, options: Options, program: Sequence[str] = RUN_ALL) -> int:
    """Check, run what is missing, write the report whatever happened; return the exit code.

    ``program``: what was started, for the folder to say how it was made.
    """
    folder = planned.site.folder
    with results.lock(folder):
        todo = missing(planned, options)  # refuses before anything is written
        evidence.load(folder)  # refuses what is broken before minutes go into checking
        for note in planned.notes:
            print(note, file=sys.stderr)
        results.note_command(folder, sys.argv[1:], program)
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
    plan.check_folder(planned.site.folder, options)
    saved = results.load_some(planned.site.folder)
    if not options.allow_mixed:
        _refuse_differences(planned, saved)
    return _undone(planned.runs, saved, options)


def _undone(runs: Sequence[Run], saved: Sequence[Record], options: Options) -> list[Run]:
    done = {record.run_id for record in saved if record.status == "ok" or not options.retry_failed}
    return [run for run in runs if run.id not in done]


def _refuse_differences(planned: Plan, saved: Sequence[Record]) -> None:
    site = planned.site
    prints = {key: facts.fingerprint for key, (_, facts) in site.data.items()}
    found = results.differences(saved, site.machine, site.versions, prints)
    if found:
        raise results.ResultsError(
            f"{site.folder} holds records that do not fit:\n"
            + "\n".join(f"  {sentence}" for sentence in found)
            + "\nchoose another --out, or add --allow-mixed to mix them all the same"
        )


def _note_facts(planned: Plan, options: Options) -> None:
    """Keep the price; what an earlier command said of why it stopped is no longer true."""
    facts = evidence.load(planned.site.folder).suite
    price = facts.price_per_h if options.price_per_h is None else options.price_per_h
    noted = replace(facts, price_per_h=price, seeds_stopped=None)
    if noted != facts:
        evidence.save_suite(planned.site.folder, noted)


def _check(planned: Plan) -> None:
    """Audit clock and machine, and certify what has no certificate yet."""
    folder, site = planned.site.folder, planned.site
    print("checking the clock, then that all frameworks do the same work ...", file=sys.stderr)
    found = audit.short(planned.experiments, site)
    audit.save(folder, audit.joined(evidence.load(folder).audit, found))
    for certificate in parity.certify(planned.experiments, site):
        parity.save(folder, certificate)


def _run(planned: Plan, options: Options) -> None:
    """Run what is missing, seed by seed where the number of seeds is to be found out."""
    for runs in _rounds(planned, options):
        show = display(runs, [planned.estimate_s(run) for run in runs])
        try:
            scheduler.run_all(runs, planned.site, show)
        finally:
            show.close()


def _rounds(planned: Plan, options: Options) -> Iterator[list[Run]]:
    """What is to be run next, until there is no more or it is enough."""
    folder = planned.site.folder
    if options.between is None:
        yield _undone(planned.runs, results.load_some(folder), options)
        return
    goal = seeds.Goal(between=options.between, within=options.within, budget_s=options.budget_s)
    began = time.monotonic()
    ours = {experiment.id for experiment in planned.experiments}
    for seed in range(seeds.MOST):
        runs = scheduler.round_robin(planned.experiments, [seed])
        yield _undone(runs, results.load_some(folder), options)
        saved = [one for one in results.load_some(folder) if one.experiment.id in ours]
        stopped = seeds.stop(goal, saved, time.monotonic() - began)
        if stopped:
            evidence.save_suite(folder, replace(evidence.load(folder).suite, seeds_stopped=stopped))
            return


def _conclude(planned: Plan, options: Options, interrupted: bool) -> int:
    folder = planned.site.folder
    try:
        if PRESETS[options.preset].study and not interrupted:
            _study(planned)
    finally:
        records = results.load_some(folder)
        if records:
            print(report.write(folder, records, command="\n".join(results.commands(folder))))
    if interrupted:
        print(
            f"interrupted; go on with the same command, --out {folder} and --resume",
            file=sys.stderr,
        )
        return 130
    ours = {experiment.id for experiment in planned.experiments}
    return 1 if _any_failed([r for r in records if r.experiment.id in ours], options) else 0


def _study(planned: Plan) -> None:
    from bench.study.carry_out import carry_out as study  # late: it needs many packages

    site = planned.site
    places = {key: place for key, (place, _) in site.data.items()}
    for page in study(site.folder, places):
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

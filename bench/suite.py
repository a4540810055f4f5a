"""A whole suite: a plan is checked, run and reported, and leaves a results folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench import audit, parity, plan, report, scheduler, seeds
from bench.cli import Options
from bench.experiment import Run
from bench.plan import Plan
from bench.presets import PRESETS
from bench.progress import display
from bench.record import Record
from bench.results import ResultsError, differences


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
    latest = audit.short(planned.experiments, site)
    site.results.save_evidence(audit.joined(site.results.evidence().audit, latest))
    for certificate in parity.certify(planned.experiments, site):
        site.results.save_certificate(certificate)


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
    if options.between is None:
        yield _undone(planned, planned.runs, options)
        return
    goal = seeds.Goal(between=options.between, within=options.within, budget_s=options.budget_s)
    began = time.monotonic()
    for seed in range(seeds.MOST):
        runs = scheduler.round_robin(planned.experiments, [seed])
        yield _undone(planned, runs, options)
        reason = seeds.stop(goal, _own_records(planned), time.monotonic() - began)
        if reason:
            results = planned.site.results
            results.save_evidence(replace(results.evidence().suite, seeds_stopped=reason))
            return


def _conclude(planned: Plan, options: Options, interrupted: bool) -> int:
    """Study and report what there is; return the exit code."""
    results = planned.site.results
    try:
        if PRESETS[options.preset].study and not interrupted:
            _study(planned)
    finally:
        if results.records():
            print(report.write(results))
    if interrupted:
        print(
            f"interrupted; go on with the same command, --out {results.folder} and --resume",
            file=sys.stderr,
        )
        return 130
    return 1 if _any_failed(_own_records(planned), options) else 0


def _study(planned: Plan) -> None:
    from bench.study.carry_out import carry_out as study  # late: it needs many packages

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

"""A whole suite: a plan is checked, run and reported, and leaves a results folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench import plan
from bench.checks import auditing, certify
from bench.cli import Options
from bench.experiment import Run
from bench.machine import hardware
from bench.plan import Plan
from bench.presets import PRESETS
from bench.report import seeds
from bench.results import images
from bench.results.folder import ResultsError
from bench.results.record import Record
from bench.run import leftovers, material, scheduler, versions
from bench.run.progress import display
from bench.run.scheduler import Site


def carry_out(planned: Plan, options: Options, command: Sequence[str]) -> int:
    """Check, run what is missing, write the report whatever happened; return the exit code.

    ``command``: how it was started, without the words that follow; kept in the folder.
    """
    results = planned.site.results
    with results.lock():
        leftovers.sweep(results.folder)
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
    return undone(planned, planned.runs, options)


def undone(planned: Plan, runs: Sequence[Run], options: Options) -> list[Run]:
    """Those of ``runs`` that have no record yet, or a failed one that is to be run again."""
    records = planned.site.results.records()
    done = {r.run_id for r in records if r.status == "ok" or not options.retry_failed}
    return [run for run in runs if run.id not in done]


def _own_records(planned: Plan) -> list[Record]:
    """Those of the plan's experiments; an earlier command may have left others in the folder."""
    planned_ids = {experiment.id for experiment in planned.experiments}
    records = planned.site.results.records()
    return [record for record in records if record.experiment.id in planned_ids]


def differences(records: Sequence[Record], site: Site) -> list[str]:
    """What keeps saved records from being set beside new ones: one sentence for each thing."""
    fingerprints = {key: facts.fingerprint for key, (_, facts) in site.data.items()}
    sentences = (
        sentence
        for record in records
        for sentence in (
            *hardware.differences(record.machine, site.machine),
            *versions.differences(record, site.versions),
            *material.differences(record.data, fingerprints),
        )
    )
    return list(dict.fromkeys(sentences))  # keeps the order and drops what repeats


def _refuse_differences(planned: Plan) -> None:
    site = planned.site
    sentences = differences(site.results.records(), site)
    if sentences:
        raise ResultsError(
            f"{site.results.folder} holds records that do not fit:\n"
            + "\n".join(f"  {sentence}" for sentence in sentences)
            + "\nchoose another --out, or add --allow-mixed to mix them all the same"
        )


def _note_facts(planned: Plan, options: Options) -> None:
    """Keep the price, and the commit; why an earlier command stopped is no longer true."""
    results = planned.site.results
    earlier, commit = results.evidence().suite, versions.commit()
    price = earlier.price_per_h if options.price_per_h is None else options.price_per_h
    alone = commit == earlier.commit or not results.records()
    facts = replace(
        earlier, price_per_h=price, seeds_stopped=None, commit=commit if alone else None
    )
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
        yield undone(planned, planned.runs, options)
        return
    goal = seeds.Goal(between=options.between, within=options.within, budget_s=options.budget_s)
    audit = planned.site.results.evidence().audit
    print(seeds.beforehand(audit.arms if audit else None, goal.within) or "", file=sys.stderr)
    began = time.monotonic()
    for seed in range(seeds.MOST):
        runs = scheduler.round_robin(planned.experiments, [seed])
        yield undone(planned, runs, options)
        reason = seeds.stop(goal, _own_records(planned), time.monotonic() - began)
        if reason:
            results = planned.site.results
            results.save_evidence(replace(results.evidence().suite, seeds_stopped=reason))
            return


def _conclude(planned: Plan, options: Options, interrupted: bool) -> int:
    """Study and report what there is; return the exit code."""
    results = planned.site.results
    if not options.shard:  # blocks have one report together
        from bench.report import closing, page  # late: matplotlib, for which no run is to wait

        try:
            images.leave(results, planned.site.data)
            if PRESETS[options.preset].study and not interrupted:
                _study(planned)
            if PRESETS[options.preset].ensembles and not interrupted:
                _time_ensembles(planned)
        finally:
            if results.records():
                page.write(results)
                closing.show(results, browser=options.open)
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
    for page in study(planned.site.results, data_folders, planned.site.pythons):
        print(f"The study: {page}")


def _time_ensembles(planned: Plan) -> None:
    from bench.study import ensembling  # late: it needs many packages

    devices = sorted(e.device for e in planned.experiments if e.framework == "pytorch")
    if devices:
        ensembling.in_suite(planned.site.results, devices[0])  # on the CPU, where it is used


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

"""Runs many experiments: each in a process of its own, in turn, whatever becomes of the others."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import numpy as np

from bench.experiment import Experiment, Run
from bench.machine import pulse
from bench.results.folder import Results, ResultsError
from bench.results.record import Data, Machine, Record
from bench.run import worker
from bench.run.processes import Child, Ending, failure
from bench.run.progress import Display
from bench.run.worker import RunProgress, RunRequest

ORDER_STREAM = 2  # keeps the order of runs apart from what else is drawn from a seed


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where and with what the runs of a suite happen."""

    results: Results  # the folder in which they leave their records
    data: Mapping[tuple[str, str], tuple[Path, Data]]  # (task, source) -> cached arrays, facts
    machine: Machine
    timeout_s: float  # for each run, start-up included
    pythons: Mapping[str, Path]  # framework -> interpreter, where it is not this one
    versions: Mapping[str, dict[str, str]]  # framework -> what it would run with
    energy: bool = False  # whether each run reads the energy of training
    repeats: int = 0  # of a run that other programs disturb, at most

    def python(self, framework: str) -> Path:
        """The interpreter that runs a framework."""
        return self.pythons.get(framework, Path(sys.executable))


def round_robin(experiments: Sequence[Experiment], seeds: Iterable[int]) -> list[Run]:
    """All experiments with the first seed, then all with the next, each time in another order.

    So a machine that slows down in the course of a suite slows all experiments alike, and none is
    always the one after the same other. The order is drawn from the seed: --resume draws it again.
    """
    return [
        Run(experiment=experiments[index], seed=seed, position=position)
        for seed in seeds
        for position, index in enumerate(
            np.random.default_rng((seed, 0, ORDER_STREAM)).permutation(len(experiments))
        )
    ]


def run_all(runs: Sequence[Run], site: Site, display: Display) -> None:
    """Run each and save its record at once; what other programs disturb is run again.

    The last try stays, however fast or slow it was, with the files that it left. On a machine that
    is always busy only so many are repeated as a fifth of all runs, and three at the least.
    Raises KeyboardInterrupt after ending the run in hand, which leaves no record; OSError where
    the disk has no room for one; ResultsError where the folder is taken away.
    """
    repeats_left = max(3, len(runs) // 5)
    for run in runs:
        display.started(run)
        record = run_one(run, site, display)
        while record.disturbed and record.tries <= site.repeats and repeats_left:
            repeats_left -= 1
            display.disturbed(record)
            record = _again(record, run_one(run, site, display), site.results)
        display.ended(record)


def _again(earlier: Record, later: Record, results: Results) -> Record:
    """The later of two tries, unless it failed; the other is kept apart."""
    kept, other = (later, earlier) if later.status == "ok" else (earlier, later)
    results.keep_disturbed(other, earlier.tries)
    kept = replace(kept, tries=earlier.tries + 1)
    results.save(kept)
    return kept


def run_one(run: Run, site: Site, display: Display, *, injected_s: float = 0.0) -> Record:
    """Run one in a new process and return its record, which lies in the folder by then.

    ``injected_s``: a delay in every call of train(), by which the audit tries the clock.
    """
    beat = pulse.take()  # before the clock of the process starts
    started_at, start = datetime.now(UTC), time.monotonic()
    path = site.results.record_path(run.id)
    before = _written_ns(path)  # of an earlier try, kept until there is a new one
    log = site.results.log_path(run.id)
    log.parent.mkdir(parents=True, exist_ok=True)
    folder, data = site.data[run.experiment.task, run.experiment.source]
    request = RunRequest(
        run=run,
        data_folder=str(folder.resolve()),
        results_folder=str(site.results.folder.resolve()),
        machine=site.machine,
        started_at=started_at,
        pulse=beat,
        energy=site.energy,
        injected_s=injected_s,
    )
    with log.open("w+b") as log_file:
        ending = _work(request, site, display, log_file)
    if not log.exists():
        raise ResultsError(
            f"{site.results.folder} was removed while a run was measured, with all that was in it; "
            "give the command again"
        )
    written = site.results.record(run.id) if _written_ns(path) != before else None
    if written is not None:
        return written
    if ending.exit_code == worker.NO_ROOM:  # the next would find none either; --resume repeats it
        raise OSError(errno.ENOSPC, "no room for the record of a run", str(path))
    status, reason = failure(ending)
    record = Record(
        run_id=run.id,
        experiment=run.experiment,
        seed=run.seed,
        status=status,
        reason=reason,
        started_at=started_at.isoformat(timespec="milliseconds"),
        wall_s=time.monotonic() - start,
        machine=site.machine,
        versions=site.versions[run.experiment.framework],
        data=data,
        pulse=beat,
        position=run.position,
    )
    site.results.save(record)
    return record


def _written_ns(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _work(request: RunRequest, site: Site, display: Display, log: IO[bytes]) -> Ending:
    """Have a worker do it, and show its progress until it ends."""
    experiment = request.run.experiment
    with Child(
        worker.__name__,
        request,
        limit_s=site.timeout_s,
        experiment=experiment,
        python=site.python(experiment.framework),
        log=log,
    ) as child:
        for progress in child.messages(RunProgress):
            display.advanced(progress.phase, progress.done, progress.total)
    return child.ending

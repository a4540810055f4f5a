"""Runs many experiments: each in a process of its own, in turn, whatever becomes of the others."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec
import psutil

from bench import pulse, results
from bench.experiment import Experiment, Run
from bench.progress import Display
from bench.record import Data, Machine, Pulse, Record, Status, decode
from bench.trainers import FRAMEWORKS
from bench.versions import PROJECT
from bench.worker import Job, Said

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
POLL_S = 0.1  # how often time limits are looked at


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where and with what the runs of a suite happen."""

    folder: Path  # the results folder
    data: Mapping[tuple[str, str], tuple[Path, Data]]  # (task, source) -> cached arrays, facts
    machine: Machine
    timeout_s: float  # for each run, start-up included
    pythons: Mapping[str, Path]  # framework -> interpreter, where it is not this one
    versions: Mapping[str, dict[str, str]]  # framework -> what it would run with
    energy: bool = False  # whether each run reads the energy of training

    def python(self, framework: str) -> Path:
        """The interpreter that runs a framework."""
        return self.pythons.get(framework, Path(sys.executable))


def round_robin(experiments: Sequence[Experiment], seeds: Iterable[int]) -> list[Run]:
    """All experiments with the first seed, then all with the next.

    So a machine that slows down in the course of a suite slows all experiments alike.
    """
    return [Run(experiment=experiment, seed=seed) for seed in seeds for experiment in experiments]


def run_all(runs: Sequence[Run], site: Site, display: Display) -> None:
    """Run each and save its record at once.

    Raises KeyboardInterrupt after ending the run in hand, which leaves no record.
    """
    for run in runs:
        display.started(run)
        record = run_one(run, site, display)
        display.ended(record)


def run_one(run: Run, site: Site, display: Display, *, injected_s: float = 0.0) -> Record:
    """Run one in a new process and return its record, which lies in the folder by then.

    ``injected_s``: a delay in every call of train(), by which the audit tries the clock.
    """
    beat = pulse.take()  # before the clock of the process starts
    started_at, start = datetime.now(UTC), time.monotonic()
    path = results.record_path(site.folder, run.id)
    before = _written_ns(path)  # of an earlier try, kept until there is a new one
    log = results.log_path(site.folder, run.id)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as log_file:
        process = _start(run, site, log_file)
        _hand_over(process, _job(run, site, started_at, beat, injected_s))
        try:
            in_time = _attend(process, start + site.timeout_s, display, log_file)
        finally:
            end_tree(process)
    if _written_ns(path) != before:
        return decode(path.read_bytes(), path)
    status, reason = failure(in_time, process.returncode, site.timeout_s, log)
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
        data=site.data[run.experiment.task, run.experiment.source][1],
        pulse=beat,
    )
    results.save(site.folder, record)
    return record


def _written_ns(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


def _job(run: Run, site: Site, started_at: datetime, beat: Pulse, injected_s: float) -> Job:
    return Job(
        run=run,
        data_folder=str(site.data[run.experiment.task, run.experiment.source][0].resolve()),
        results_folder=str(site.folder.resolve()),
        machine=site.machine,
        started_at=started_at,
        pulse=beat,
        energy=site.energy,
        injected_s=injected_s,
    )


def _start(run: Run, site: Site, log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [site.python(run.experiment.framework), "-m", "bench.worker"],
        cwd=PROJECT,
        env=environment(run.experiment, os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        # away from the terminal: Ctrl-C is ours to pass on, and the display's alone to show
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # Windows' word for it
    )


def _hand_over(process: subprocess.Popen[bytes], job: Job) -> None:
    """Give the worker its job; its standard input stays open while we live."""
    if process.stdin is not None:
        try:
            process.stdin.write(msgspec.json.encode(job) + b"\n")
            process.stdin.flush()
        except OSError:
            pass  # it died at once: its exit code and its log say why


def environment(experiment: Experiment, base: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker: the framework's own variables, and no GPU for CPU runs."""
    own = dict(base) | dict(FRAMEWORKS[experiment.framework].environment)
    own["PYTHONPATH"] = os.pathsep.join(filter(None, [str(PROJECT), base.get("PYTHONPATH", "")]))
    if experiment.device == "cpu":
        own["CUDA_VISIBLE_DEVICES"] = "-1"
    if experiment.device == "cuda":
        own["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # the driver's order: the GPU that is metered
    if experiment.threads is not None:  # NumPy's threads start before a worker can confine itself
        own |= dict.fromkeys(THREAD_VARIABLES, str(experiment.threads))
    return own


def _attend(
    process: subprocess.Popen[bytes], deadline: float, display: Display, log: IO[bytes]
) -> bool:
    """Show the worker's progress until it ends; False where the deadline came first."""
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    while time.monotonic() < deadline:
        try:
            line = lines.get(timeout=POLL_S)
        except queue.Empty:
            continue
        if line is None:
            return _ends_by(process, deadline)
        try:
            said = msgspec.json.decode(line, type=Said)
        except msgspec.MsgspecError:
            log.write(line)  # an interpreter may print before the worker has its say
        else:
            display.advanced(said.phase, said.done, said.total)
    return False


def _read(process: subprocess.Popen[bytes], lines: queue.SimpleQueue[bytes | None]) -> None:
    if process.stdout is not None:
        with process.stdout as stdout:  # closed here, where nothing else is reading
            for line in stdout:
                lines.put(line)
    lines.put(None)


def _ends_by(process: subprocess.Popen[bytes], deadline: float) -> bool:
    try:
        process.wait(timeout=max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """End a worker and all that it started (compilers, data loaders), if they still run."""
    family = _descendants(process)
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own session: also orphans of its own
    process.kill()
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Those of a worker that still runs: the number of one that has ended may be another's."""
    if process.poll() is not None:
        return []
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def failure(in_time: bool, code: int | None, timeout_s: float, log: Path) -> tuple[Status, str]:
    """What to say of a run that left no record."""
    if not in_time:
        return "timed out", f"not done after {timeout_s:g} s; give it more with --timeout"
    said = _last_line(log)
    if code is not None and code < 0:
        hint = "; often the system is out of memory" if code == -9 else ""
        return "crashed", f"the process was ended by signal {-code}{hint}; {said}"
    return "crashed", f"the process ended with exit code {code} and no record; {said}"


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return f"last words: {lines[-1][:200]}" if lines else "it said nothing"

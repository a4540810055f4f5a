"""One run in one process: joins data, trainer and clock, and writes the record.

Started by ``bench.scheduler`` as ``python -m bench.worker``; a Job comes as one line of JSON
on standard input, which then stays open for as long as the scheduler lives. Progress goes out
on standard output, one line of JSON each; whatever a framework prints goes to standard error.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec
from safetensors.numpy import save

import datasets
from bench import affinity, energy, machine, material, results, settings, trainers, versions
from bench.audit.delay import Delayed
from bench.experiment import Experiment, Run
from bench.measure import Diverged, Listener, measure
from bench.record import Data, Machine, Measurement, Pulse, Record, Status
from bench.trainers import Trainer, Weights
from models import ARCHITECTURES

Result = TypeVar("Result")
SaveNetwork = Callable[[Path], None]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a worker is told."""

    run: Run
    data_folder: str  # of arrays cached by datasets.prepare
    results_folder: str
    machine: Machine  # as the scheduler saw it: reading it again would only cost start-up
    started_at: datetime  # of this process, UTC
    pulse: Pulse | None = None  # of the machine just before
    energy: bool = False  # whether to read the energy of training
    injected_s: float = 0.0  # a delay in every call of train(), by which the audit tries the clock


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a worker says of itself while it runs: one line of JSON."""

    phase: str
    done: int  # training images so far
    total: int  # training images in all; 0 in phases without a count


def main() -> int:
    """Do the job on standard input; the record on the disk is the answer."""
    out = _claim_stdout()
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    _end_with_the_scheduler(_claim_stdin())

    def say(phase: str, done: int, total: int) -> None:
        out.write(msgspec.json.encode(Said(phase=phase, done=done, total=total)) + b"\n")

    results.save(Path(job.results_folder), perform(job, say))
    return 0


def perform(job: Job, say: Listener) -> Record:
    """Run it; whatever happens inside becomes a record."""
    data, opening_s = _timed(lambda: material.dataset(Path(job.data_folder), job.run.experiment))
    record = _blank(job, data)
    save_network: SaveNetwork | None = None
    try:
        settings, measurement, save_network = _measure(job, data, opening_s, say)
        record = replace(record, status="ok", settings=settings, measurement=measurement)
    except Exception as error:  # noqa: BLE001 - a failed run is a record with its error
        traceback.print_exc()
        status, reason = classify(error)
        record = replace(record, status=status, reason=reason)
    record = replace(record, wall_s=(datetime.now(UTC) - job.started_at).total_seconds())
    return record if save_network is None else _leave_model(job, record, save_network)


def _leave_model(job: Job, record: Record, save_network: SaveNetwork) -> Record:
    """Write the model ready for use, the record in its card: after every clock has stopped.

    A disk that is full must not cost what has been measured: the record then says so.
    """
    # late: a run's start is measured, and ends before this
    from bench.saved_models import card_of, write_model

    ending = trainers.FRAMEWORKS[job.run.experiment.framework].model_ending
    path = results.model_path(Path(job.results_folder), job.run.id, ending)
    try:
        write_model(path, card_of(record), save_network)
    except Exception as error:  # noqa: BLE001 - kept beside the settings, and shown
        traceback.print_exc()
        reason = f"{type(error).__name__}: {error}"
        return replace(record, settings=record.settings | {"model not saved": reason})
    return record


def classify(error: Exception) -> tuple[Status, str]:
    """The status and the reason that a record gives for an error."""
    text = str(error).strip() or "no message"
    reason = f"{type(error).__name__}: {text.splitlines()[0]}"
    if isinstance(error, trainers.FrameworkMissing):
        return "not installed", text
    if isinstance(error, Diverged):
        return "diverged", text
    if _is_out_of_memory(error):
        return "out of memory", reason
    return "failed", reason


def _is_out_of_memory(error: Exception) -> bool:
    """By name and words: the frameworks' own classes cannot be imported here."""
    names = {cls.__name__ for cls in type(error).__mro__}
    words = ("RESOURCE_EXHAUSTED", "can't allocate memory", "not enough memory", "out of memory")
    return bool(names & {"MemoryError", "OutOfMemoryError", "ResourceExhaustedError"}) or any(
        word in str(error) for word in words
    )


def _measure(
    job: Job, data: datasets.Dataset, opening_s: float, say: Listener
) -> tuple[dict[str, str], Measurement, SaveNetwork | None]:
    """Settings, measurement, and what saves the network; None where accuracy was no goal."""
    run = job.run
    if run.experiment.threads is not None:
        affinity.limit(run.experiment.threads)  # before a framework counts the processors
    # The data had to be opened before: a run that fails on them is a record of them.
    start_s = (datetime.now(UTC) - job.started_at).total_seconds() - opening_s
    say("import", 0, 0)
    module, import_s = _timed(lambda: trainers.load(run.experiment.framework))
    say("data", 0, 0)
    (setup, test), data_s = _timed(lambda: material.setup(run, data))
    made, device_s = _timed(lambda: module.create(setup))  # frameworks find their device here
    trainer: Trainer = Delayed(made, job.injected_s) if job.injected_s else made
    subject = material.subject(trainer, setup, test, data)
    best: Weights = {}

    def keep(weights: Weights) -> None:
        path = results.checkpoint_path(Path(job.results_folder), run.id)
        results.write_atomically(path, save(weights))
        best.update(weights)

    def save_best(path: Path) -> None:
        trainer.load_weights(best)  # energy is measured by training on
        trainer.save(path)

    measured = measure(
        subject,
        start_s=start_s,
        import_s=import_s + device_s,
        data_s=opening_s + data_s,
        keep=keep,
        listen=say,
        read_energy=partial(energy.read, run.experiment.device) if job.energy else None,
    )
    peak = machine.peak_process_memory_bytes()
    measured = replace(measured, peak_process_memory_bytes=peak)
    return _settings(trainer), measured, save_best if best else None


def _settings(trainer: Trainer) -> dict[str, str]:
    """Read back at the end; a driver that refuses must not cost what has been measured."""
    found: dict[str, str] = {}
    for read in (settings.read, trainer.settings):
        try:
            found |= read()
        except Exception as error:  # noqa: BLE001 - kept beside the settings, and shown
            traceback.print_exc()
            found["settings not read"] = f"{type(error).__name__}: {error}"
    return found


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def _blank(job: Job, data: datasets.Dataset) -> Record:
    """The record as it is before anything has been measured."""
    return Record(
        run_id=job.run.id,
        experiment=job.run.experiment,
        seed=job.run.seed,
        status="failed",
        started_at=job.started_at.isoformat(timespec="milliseconds"),
        wall_s=0.0,
        machine=job.machine,
        versions=versions.installed(_packages(job.run.experiment)),
        data=describe(data),
        pulse=job.pulse,
    )


def _packages(experiment: Experiment) -> tuple[str, ...]:
    """The distributions that decide what is measured: the framework's, and the network's own."""
    framework = trainers.FRAMEWORKS[experiment.framework]
    return (*framework.packages, *ARCHITECTURES[experiment.architecture].packages)


def describe(data: datasets.Dataset) -> Data:
    """The part of a record that says which images were used."""
    return Data(
        task=data.task,
        source=data.source,
        drawn=data.drawn,
        fingerprint=data.fingerprint,
        class_names=data.class_names,
        train_images=len(data.train.labels),
        validation_images=len(data.validation.labels),
        test_images=len(data.test.labels),
        duplicates_removed=data.duplicates_removed,
        pixel_mean=data.pixel_mean,
        pixel_std=data.pixel_std,
    )


def _claim_stdout() -> BinaryIO:
    """Keep standard output for progress; prints of this process go to standard error instead."""
    own = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return own


def _claim_stdin() -> int:
    """Keep standard input for the scheduler's end; what this process starts gets none of it."""
    own = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return own


def _end_with_the_scheduler(stdin: int) -> None:
    """End at once when standard input closes: a scheduler that was killed leaves no orphan."""

    def wait() -> None:
        os.read(stdin, 1)  # unbuffered: a buffered read would hold a lock that exit() waits for
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())

"""One run in one process: joins data, trainer and clock, and writes the record.

``bench.run.scheduler`` sends it a RunRequest and hears RunProgress, as ``bench.run.processes``
describes.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import datasets
from bench import trainers
from bench.experiment import Experiment, Run
from bench.machine import hardware, settings
from bench.results.folder import Results
from bench.results.record import Machine, Measurement, Pulse, Record
from bench.run import energy, material, versions
from bench.run.leaving import Checkpoint, SaveNetwork, classify, leave_model, leave_record
from bench.run.measure import Listener, measure
from bench.run.processes import Parent
from bench.run.recheck import recheck
from bench.trainers import Trainer
from models import ARCHITECTURES

Result = TypeVar("Result")
NO_ROOM = 74  # the exit code where the record cannot be written: EX_IOERR of sysexits.h


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What a worker is told."""

    run: Run
    data_folder: str  # of arrays cached by datasets.prepare
    results_folder: str
    machine: Machine  # as the scheduler saw it: reading it again would only cost start-up
    started_at: datetime  # of this process, UTC
    # the same by a clock that nobody sets, and that all processes of a machine share (Python 3.10)
    started_s: float = field(default_factory=time.perf_counter)
    pulse: Pulse | None = None  # of the machine just before
    energy: bool = False  # whether to read the energy of training
    injected_s: float = 0.0  # a delay in every call of train(), by which the audit tries the clock

    @property
    def results(self) -> Results:
        """The results folder."""
        return Results(Path(self.results_folder))


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """How far a worker is."""

    phase: str
    done: int  # training images so far
    total: int  # training images in all; 0 in phases without a count


def main() -> int:
    """Do what is requested; the record on the disk is the answer."""
    parent = Parent()
    request = parent.request(RunRequest)

    def say(phase: str, done: int, total: int) -> None:
        parent.tell(RunProgress(phase=phase, done=done, total=total))

    return 0 if leave_record(request.results, perform(request, say)) else NO_ROOM


def perform(request: RunRequest, say: Listener) -> Record:
    """Run it; whatever happens inside becomes a record."""
    folder, experiment = Path(request.data_folder), request.run.experiment
    data, opening_s = _timed(lambda: material.dataset(folder, experiment))
    record = _blank(request, data)
    save_network: SaveNetwork | None = None
    try:
        settings, measurement, save_network = _measure(request, data, opening_s, say)
        record = replace(record, status="ok", settings=settings, measurement=measurement)
    except Exception as error:  # noqa: BLE001 - a failed run is a record with its error
        traceback.print_exc()
        status, reason = classify(error)
        record = replace(record, status=status, reason=reason)
    record = replace(record, wall_s=time.perf_counter() - request.started_s)
    return record if save_network is None else leave_model(request.results, record, save_network)


def _measure(
    request: RunRequest, data: datasets.Dataset, opening_s: float, say: Listener
) -> tuple[dict[str, str], Measurement, SaveNetwork | None]:
    """Settings, measurement, and what saves the network; None where accuracy was no goal."""
    run = request.run
    if run.experiment.threads is not None:
        hardware.confine(run.experiment.threads)  # before a framework counts the processors
    # The data had to be opened before: a run that fails on them is a record of them.
    start_s = time.perf_counter() - request.started_s - opening_s
    say("import", 0, 0)
    module, import_s = _timed(
        lambda: trainers.load(run.experiment.framework, run.experiment.architecture)
    )
    say("data", 0, 0)
    (setup, test), data_s = _timed(lambda: material.setup(run, data))
    trainer, device_s = _timed(lambda: module.create(setup))  # frameworks find their device here
    subject = material.subject(trainer, setup, test, data)
    best = Checkpoint(request.results.checkpoint_path(run.id))

    def save_best(path: Path) -> None:
        trainer.load_weights(best.weights)  # energy is measured by training on
        trainer.save(path)

    measured = measure(
        subject,
        start_s=start_s,
        import_s=import_s + device_s,
        data_s=opening_s + data_s,
        keep=best.keep,
        listen=say,
        read_energy=partial(energy.read, run.experiment.device) if request.energy else None,
        train=delayed(trainer.train, request.injected_s) if request.injected_s else None,
    )
    peak = hardware.peak_process_memory_bytes()
    observed = _settings(trainer) | best.notes
    say("recheck", 0, 0)
    again = recheck(trainer, setup, Path(request.data_folder))
    measured = replace(measured, peak_process_memory_bytes=peak, recheck=again)
    return observed, measured, save_best if best.weights else None


def delayed(
    train: Callable[[], None], seconds: float, sleep: Callable[[float], None] = time.sleep
) -> Callable[[], None]:
    """Training that takes so many seconds longer: a clock that is right finds the delay.

    The warm-up, which is the trainer's own, is not delayed.

    Args:
        train: a trainer's.
        seconds: of each call, at least; the system oversleeps by some 0.1 ms.
        sleep: passes the time. Asleep and not busy, so that a clock which counts processor
            time instead of time misses it, and so that no framework's threads are disturbed.
    """

    def train_later() -> None:
        sleep(seconds)  # before: a device that works on its own would work through a later sleep
        train()

    return train_later


def _settings(trainer: Trainer) -> dict[str, str]:
    """Read back at the end; a driver that refuses must not cost what has been measured."""
    observed: dict[str, str] = {}
    for read in (settings.read, trainer.settings):
        try:
            observed |= read()
        except Exception as error:  # noqa: BLE001 - kept beside the settings, and shown
            traceback.print_exc()
            observed["settings not read"] = f"{type(error).__name__}: {error}"
    return observed


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def _blank(request: RunRequest, data: datasets.Dataset) -> Record:
    """The record as it is before anything has been measured."""
    return Record(
        run_id=request.run.id,
        experiment=request.run.experiment,
        seed=request.run.seed,
        status="failed",
        started_at=request.started_at.isoformat(timespec="milliseconds"),
        wall_s=0.0,
        machine=request.machine,
        versions=versions.installed(_packages(request.run.experiment)),
        data=material.describe(data),
        pulse=request.pulse,
        position=request.run.position,
    )


def _packages(experiment: Experiment) -> tuple[str, ...]:
    """The distributions that decide what is measured: the framework's, and the network's own."""
    framework = trainers.FRAMEWORKS[experiment.framework]
    return (*framework.packages, *ARCHITECTURES[experiment.architecture].packages)


if __name__ == "__main__":
    sys.exit(main())

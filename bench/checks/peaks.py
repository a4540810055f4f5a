"""What a device does, measured apart from any run: the most that it can, and how it works on alone.

Its peaks: large matrix products and copies, the best of several. In float32 on the CPU by NumPy
and by PyTorch, whose libraries differ; everything else by PyTorch. The ``Peak`` names whose it is,
and of several the highest counts.

A clock that does not wait for the device, beside one that does: a GPU is given work and does it on
its own; a clock read before it is done has measured the giving. It is the commonest mistake of
benchmarks, made here on purpose.

Each is measured in a process of its own, ``python -m bench.checks.peaks``.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, cast

import numpy as np

from bench import trainers
from bench.checks import AuditError, arms
from bench.experiment import Experiment, Precision, kind_of
from bench.machine import hardware, settings
from bench.machine.clock import Clock, Stopwatch, fastest_s
from bench.results.evidence import Peak, Unsynchronised
from bench.run import processes
from bench.trainers import FrameworkMissing, Trainer

TIMEOUT_S = 120.0  # importing a framework from a cold disk has taken half a minute


class Kind(NamedTuple):
    """What a peak is of."""

    device: str
    precision: Precision
    threads: int | None  # as of Experiment.threads


@dataclass(frozen=True, kw_only=True)
class DeviceRequest:
    """What the process is told; it answers with a Peak or with an Unsynchronised."""

    what: Literal["peak", "unsynchronised"]
    framework: str  # by whose library
    kind: Kind


class Library(Protocol):
    """A module that multiplies and copies as fast as it can."""

    def measure_peaks(
        self, device: str, precision: Precision
    ) -> tuple[float, float, float | None, str]:
        """FLOP/s of a product, bytes/s of a copy (read and written), s a launch, and by what."""
        ...


def kinds(experiments: Sequence[Experiment]) -> list[Kind]:
    """The peaks that say something of these experiments, each once, in their order."""
    return list(dict.fromkeys(Kind(e.device, e.precision, e.threads) for e in experiments))


def libraries(kind: Kind) -> tuple[str, ...]:
    """The frameworks whose libraries can measure it, of 'numpy' and 'pytorch'."""
    in_both = (kind.device, kind.precision) == ("cpu", "fp32")
    return ("numpy", "pytorch") if in_both else ("pytorch",)


def measure_peak(kind: Kind, library: str, python: Path) -> Peak:
    """Measure one peak in a process of its own; raises AuditError where it cannot be."""
    request = DeviceRequest(what="peak", framework=library, kind=kind)
    experiment = replace(arms.experiment(library, kind.device, epochs=1), threads=kind.threads)
    try:
        return processes.ask(
            __name__, request, Peak, limit_s=TIMEOUT_S, experiment=experiment, python=python
        )
    except processes.NoAnswer as error:
        raise AuditError(f"{kind.precision} on {kind.device}: {error}") from error


# The processor's peaks by NumPy, in float32.


SIZE = 2048  # rows and columns: 17 GFLOP, a tenth of a second on two cores
COPY_BYTES = 2**28  # of each array: beyond any cache but a large server's


def measure_peaks(device: str, precision: Precision) -> tuple[float, float, None, str]:
    """See ``bench.checks.peaks.Library``; ``device`` is 'cpu' and ``precision`` 'fp32'."""
    cores = len(settings.processors())
    by = f"NumPy {np.__version__}, {_blas()}, {cores} processors"
    return _flop_per_s(), _bytes_per_s(cores), None, by


def _blas() -> str:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}"


def _flop_per_s() -> float:
    """A product of two n x n matrices is n² sums of n products: 2 n³ FLOP."""
    random = np.random.default_rng(0)
    left, right = (random.standard_normal((SIZE, SIZE), dtype=np.float32) for _ in range(2))
    out = np.empty_like(left)
    return 2 * SIZE**3 / fastest_s(lambda: np.matmul(left, right, out=out))


def _bytes_per_s(cores: int) -> float:
    """A copy by as many threads as there are processors: one alone does not fill the memory bus."""
    source = np.ones(COPY_BYTES // 4, dtype=np.float32)
    target = np.zeros_like(source)
    pairs = list(zip(*(np.array_split(array, cores) for array in (target, source)), strict=True))
    with ThreadPoolExecutor(cores) as pool:  # NumPy lets go of Python's lock while it copies
        copy_s = fastest_s(lambda: list(pool.map(lambda pair: np.copyto(*pair), pairs)))
    return 2 * COPY_BYTES / copy_s


# A clock that does not wait for the device


IMAGES = 8192
BATCH_SIZE = 2048  # of the CNN: far more work for a GPU than giving it the work is for us
STRETCHES = 5  # of each kind, in turn


def measure_unsynchronised(framework: str, device: str, python: Path) -> Unsynchronised:
    """Compare the two clocks in a process of the framework; where that cannot be done, say why."""
    if device == "cpu":
        return Unsynchronised(
            device=device, unavailable="PyTorch on a CPU does the work before the call returns"
        )
    try:
        return processes.ask(
            __name__,
            DeviceRequest(
                what="unsynchronised", framework=framework, kind=Kind(device, "fp32", None)
            ),
            Unsynchronised,
            limit_s=TIMEOUT_S,
            experiment=_experiment(framework, device),
            python=python,
        )
    except processes.NoAnswer as error:
        return Unsynchronised(device=device, unavailable=f"{framework} on {device}: {error}")


def compare_clocks(trainer: Trainer, clock: Clock = time.perf_counter) -> tuple[float, float]:
    """Median seconds of the same stretch, not waiting and waiting, in turn.

    The trainer is warm and arranged. The device is idle whenever a stretch begins.
    """
    careless = Stopwatch(synchronize=lambda: None, clock=clock)
    careful = Stopwatch(synchronize=trainer.synchronize, clock=clock)
    false_s: list[float] = []
    true_s: list[float] = []
    for _ in range(STRETCHES):
        trainer.synchronize()
        false_s.append(careless.time("train", trainer.train)[1])
        trainer.synchronize()
        true_s.append(careful.time("train", trainer.train)[1])
    return statistics.median(false_s), statistics.median(true_s)


def _experiment(framework: str, device: str) -> Experiment:
    experiment = arms.experiment(framework, device, epochs=1)
    return replace(experiment, architecture="cnn", batch_size=BATCH_SIZE)


# Inside the process


def main() -> int:
    """Inside that process; its environment has already told NumPy how many threads to start."""
    parent = processes.Parent()
    request = parent.request(DeviceRequest)
    hardware.confine(request.kind.threads)
    try:
        parent.tell(_peak(request) if request.what == "peak" else _compare_clocks(request))
    except FrameworkMissing as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _peak(request: DeviceRequest) -> Peak:
    modules = {"numpy": "bench.checks.peaks", "pytorch": "bench.trainers.torch_device"}
    library = cast(Library, importlib.import_module(modules[request.framework]))
    kind = request.kind
    peaks = library.measure_peaks(kind_of(kind.device), kind.precision)
    flop_per_s, bytes_per_s, launch_s, by = peaks
    return Peak(
        **kind._asdict(),
        flop_per_s=flop_per_s,
        bytes_per_s=bytes_per_s,
        launch_s=launch_s,
        by=by,
    )


def _compare_clocks(request: DeviceRequest) -> Unsynchronised:
    experiment = _experiment(request.framework, request.kind.device)
    trainer = trainers.load(request.framework).create(arms.setup(experiment, IMAGES))
    trainer.build()
    trainer.transfer()
    trainer.warm_up()
    trainer.arrange(np.arange(IMAGES, dtype=np.int64))
    false_s, true_s = compare_clocks(trainer)
    return Unsynchronised(device=request.kind.device, false_s=false_s, true_s=true_s)


if __name__ == "__main__":
    sys.exit(main())

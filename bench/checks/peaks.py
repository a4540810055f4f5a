"""The most that this machine can do: large matrix products and copies, the best of several.

In float32 on the CPU by NumPy and by PyTorch, whose libraries differ; everything else by PyTorch;
each in a process of its own, ``python -m bench.checks.peaks``. The ``Peak`` names whose it is,
and of several the highest counts.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from bench.checks import AuditError, arms
from bench.experiment import Experiment, Precision
from bench.machine import hardware, settings
from bench.machine.clock import fastest_s
from bench.results.evidence import Peak
from bench.run import processes
from bench.trainers import FrameworkMissing

TIMEOUT_S = 120.0


class Kind(NamedTuple):
    """What a peak is of."""

    device: str
    precision: Precision
    threads: int | None  # as of Experiment.threads


@dataclass(frozen=True, kw_only=True)
class PeakRequest:
    """What the process is told."""

    kind: Kind
    library: str  # of ``libraries``


class Library(Protocol):
    """A module that multiplies and copies as fast as it can."""

    def measure_peaks(self, device: str, precision: Precision) -> tuple[float, float, str]:
        """FLOP/s of a product, bytes/s of a copy (read and written), and by what."""
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
    try:
        return processes.ask(
            __name__,
            PeakRequest(kind=kind, library=library),
            Peak,
            limit_s=TIMEOUT_S,
            experiment=replace(
                arms.experiment(library, kind.device, epochs=1), threads=kind.threads
            ),
            python=python,
        )
    except processes.NoAnswer as error:
        raise AuditError(f"{kind.precision} on {kind.device}: {error}") from error


def main() -> int:
    """Inside that process; its environment has already told NumPy how many threads to start."""
    parent = processes.Parent()
    request = parent.request(PeakRequest)
    kind = request.kind
    if kind.threads is not None:
        hardware.confine(kind.threads)

    try:
        library = _library(request.library)
        flop_per_s, bytes_per_s, by = library.measure_peaks(kind.device, kind.precision)
    except FrameworkMissing as error:
        print(error, file=sys.stderr)
        return 1
    parent.tell(Peak(**kind._asdict(), flop_per_s=flop_per_s, bytes_per_s=bytes_per_s, by=by))
    return 0


def _library(name: str) -> Library:
    names = {"numpy": "bench.checks.peaks", "pytorch": "bench.trainers.torch_device"}
    return cast(Library, importlib.import_module(names[name]))


# The processor's peaks by NumPy, in float32.


SIZE = 2048  # rows and columns: 17 GFLOP, a tenth of a second on two cores
COPY_BYTES = 2**28  # of each array: beyond any cache but a large server's


def measure_peaks(device: str, precision: Precision) -> tuple[float, float, str]:
    """See ``bench.checks.peaks.Library``; ``device`` is 'cpu' and ``precision`` 'fp32'."""
    cores = len(settings.processors())
    by = f"NumPy {np.__version__}, {_blas()}, {cores} processors"
    return _flop_per_s(), _bytes_per_s(cores), by


def _blas() -> str:
    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found['name']} {found['version']}"


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
    pairs = list(zip(_parts(target, cores), _parts(source, cores), strict=True))
    with ThreadPoolExecutor(cores) as pool:  # NumPy lets go of Python's lock while it copies
        copy_s = fastest_s(lambda: list(pool.map(lambda pair: np.copyto(*pair), pairs)))
    return 2 * COPY_BYTES / copy_s


def _parts(array: NDArray[np.float32], count: int) -> Iterator[NDArray[np.float32]]:
    yield from np.array_split(array, count)


if __name__ == "__main__":
    sys.exit(main())

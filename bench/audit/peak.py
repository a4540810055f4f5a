"""The most that this machine can do: large matrix products and copies, the best of several.

In float32 on the CPU by NumPy and by PyTorch, whose libraries differ; everything else by PyTorch;
each in a process of its own, ``python -m bench.audit.peak``. The ``Peak`` names whose it is, and of
several the highest counts.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from bench import processes
from bench.audit import AuditError
from bench.evidence import Peak
from bench.experiment import Experiment, Precision

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


def measure(kind: Kind, library: str, python: Path) -> Peak:
    """Measure one peak in a process of its own; raises AuditError where it cannot be."""
    from bench.audit import subject  # late: that process is confined before it imports NumPy

    try:
        return processes.ask(
            __name__,
            PeakRequest(kind=kind, library=library),
            Peak,
            limit_s=TIMEOUT_S,
            experiment=subject.experiment(library, kind.device, epochs=1),
            python=python,
        )
    except processes.NoAnswer as error:
        raise AuditError(f"{kind.precision} on {kind.device}: {error}") from error


def main() -> int:
    """Inside that process; NumPy and PyTorch are imported after it is confined."""
    from bench import machine

    parent = processes.Parent()
    request = parent.request(PeakRequest)
    kind = request.kind
    if kind.threads is not None:
        machine.confine(kind.threads)
    from bench.trainers import FrameworkMissing

    try:
        library = _library(request.library)
        flop_per_s, bytes_per_s, by = library.measure_peaks(kind.device, kind.precision)
    except FrameworkMissing as error:
        print(error, file=sys.stderr)
        return 1
    parent.tell(Peak(**kind._asdict(), flop_per_s=flop_per_s, bytes_per_s=bytes_per_s, by=by))
    return 0


def _library(name: str) -> Library:
    names = {"numpy": "bench.audit.numpy_peak", "pytorch": "bench.trainers.torch_device"}
    return cast(Library, importlib.import_module(names[name]))


if __name__ == "__main__":
    sys.exit(main())

"""The most that this machine can do: large matrix products and copies, the best of several.

    python -m bench.audit.peak LIBRARY DEVICE PRECISION THREADS     # in a process of its own

In float32 on the CPU by NumPy and by PyTorch, whose libraries differ; everything else by PyTorch.
The ``Peak`` names whose it is, and of several the highest counts.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from bench.audit import AuditError, child
from bench.audit_record import Peak
from bench.experiment import Experiment, Precision

TIMEOUT_S = 120.0


class Kind(NamedTuple):
    """What a peak is of."""

    device: str
    precision: Precision
    threads: int | None  # as of Experiment.threads


class Library(Protocol):
    """A module that multiplies and copies as fast as it can."""

    def measure(self, device: str, precision: Precision) -> tuple[float, float, str]:
        """FLOP/s of a product, bytes/s of a copy (read and written), and by what."""
        ...


def kinds(experiments: Sequence[Experiment]) -> list[Kind]:
    """The peaks that say something of these experiments, each once, in their order."""
    return list(dict.fromkeys(Kind(e.device, e.precision, e.threads) for e in experiments))


def libraries(kind: Kind) -> tuple[str, ...]:
    """The frameworks whose libraries can measure it, of 'numpy' and 'pytorch'."""
    in_both = (kind.device, kind.precision) == ("cpu", "fp32")
    return ("numpy", "pytorch") if in_both else ("pytorch",)


def measure(kind: Kind, library: str, python: Path, environment: Mapping[str, str]) -> Peak:
    """Measure one peak in a process of its own; raises AuditError where it cannot be."""
    words = (library, kind.device, kind.precision, str(kind.threads or 0))
    try:
        return child.ask(python, __name__, words, environment, Peak, timeout_s=TIMEOUT_S)
    except AuditError as error:
        raise AuditError(f"{kind.precision} on {kind.device}: {error}") from error


def main(library: str, device: str, precision: str, threads: str) -> int:
    """Inside that process; NumPy and PyTorch are imported after it is confined."""
    from bench import affinity

    kind = Kind(device, cast(Precision, precision), int(threads) or None)
    if kind.threads is not None:
        affinity.limit(kind.threads)
    from bench.trainers import FrameworkMissing

    try:
        flop_per_s, bytes_per_s, by = _library(library).measure(kind.device, kind.precision)
    except FrameworkMissing as error:
        print(error, file=sys.stderr)
        return 1
    child.answer(Peak(**kind._asdict(), flop_per_s=flop_per_s, bytes_per_s=bytes_per_s, by=by))
    return 0


def _library(name: str) -> Library:
    names = {"numpy": "bench.audit.numpy_peak", "pytorch": "bench.trainers.torch_peak"}
    return cast(Library, importlib.import_module(names[name]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Parity: does a framework do the same work as a plain NumPy float64 referee, and how nearly?

subject.py     what a certificate is about, and which of a plan lack one
sample.py      the few hundred images it is made with
trial.py       what is asked of a trainer: the code paths that are timed, and no others
referee.py     the same of the float64 networks of models/*_numpy.py
deviation.py   how far two quantities are apart
tolerances.py  how far they may be, and why
examine.py     one trainer beside the referee
child.py       the process of a framework in which that happens: a certificate
processes.py   starts those processes
wording.py     a certificate as it is printed
command.py     python -m bench parity
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.certificate import Certificate
from bench.experiment import Experiment

if TYPE_CHECKING:
    from bench.scheduler import Site


def certify(experiments: Sequence[Experiment], site: Site) -> Iterator[Certificate]:
    """Make a certificate for each subject of a plan that has none with today's versions.

    Each is yielded as it comes: a framework takes seconds. One that is not installed, or whose
    process dies or hangs, yields a certificate that says so.

    Args:
        experiments: of the plan, at least one; the images are those of the first task
            that has enough of them, or drawn.
        site: where they will run, and whose folder may hold certificates already.
    """
    from bench.parity.processes import for_plan  # late: a child needs none of the scheduler

    return for_plan(experiments, site)


def save(folder: Path, certificate: Certificate) -> Path:
    """Write ``certificates/NAME.json`` into a results folder, whole or not at all.

    One that could not be made leaves an earlier one of its name as it is.
    """
    import msgspec

    from bench.results import write_atomically

    path = folder / "certificates" / f"{certificate.name}.json"
    if certificate.failure is not None and path.exists():
        return path
    write_atomically(path, msgspec.json.format(msgspec.json.encode(certificate), indent=1) + b"\n")
    return path

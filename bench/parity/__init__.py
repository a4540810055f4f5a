"""Parity: does a framework do the same work as a plain NumPy float64 referee, and how nearly?

subject.py     what a certificate is about, and which of a plan lack one
sample.py      the few hundred images it is made with
trial.py       what is asked of a trainer: the code paths that are timed, and no others
referee.py     the same of the float64 networks of models/*_numpy.py
deviation.py   how far two quantities are apart
tolerances.py  how far they may be, and why
examine.py     one trainer beside the referee
processes.py   the process of a framework in which that happens: a certificate
wording.py     a certificate as it is printed
command.py     python -m bench parity
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bench.evidence import Certificate
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
    from bench.parity.processes import for_plan  # late: it is run as a program too

    return for_plan(experiments, site)

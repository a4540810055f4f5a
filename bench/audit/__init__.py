"""An audit of the clock and of the machine: could a reading have been wrong, and was it?

command.py         python -m bench audit
auditing.py        everything below into one Audit
subject.py         the experiment that is run for it
arms.py            one experiment as two equal arms and a delayed one, in processes of their own
unsynchronised.py  a clock that does not wait for the device, beside one that does
peak.py            the most that the machine can do: products and copies
numpy_peak.py      the same by NumPy
advice.py          what is to be warned of, and what to do

What comes out is a ``bench.evidence.Audit``. The timer's own resolution and cost are read by
``bench.stopwatch``, the delay is made by ``bench.worker``. Importing this package imports nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.evidence import Audit
    from bench.experiment import Experiment
    from bench.scheduler import Site


class AuditError(Exception):
    """The audit, or a part of it, could not be made; the message says why."""


def short(experiments: Sequence[Experiment], site: Site) -> Audit:
    """The audit at the start of a suite: about 20 s on two cores, longer with a GPU.

    Args:
        experiments: those of the suite: the peaks of their devices, precisions and numbers of
            threads are measured.
        site: where and with what the suite runs; its results folder is left alone.

    What cannot be measured is absent, with a warning that says why.
    """
    from bench.audit.auditing import short_audit

    return short_audit(experiments, site)


def joined(earlier: Audit | None, later: Audit) -> Audit:
    """The later audit of the same machine, with what the earlier one knew beyond it.

    Of peaks the highest count, and those of other devices stay; so does a comparison of the
    equal arms that had more rounds. Of another machine nothing stays.
    """
    from bench.audit.auditing import join

    return later if earlier is None else join(earlier, later)

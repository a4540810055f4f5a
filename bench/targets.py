"""How the runs of an experiment did on a target accuracy, the misses kept."""

from __future__ import annotations

import math

from bench import stats
from bench.record import Record
from bench.stats import Replicates
from bench.survival import Observed


def observed(group: Replicates, target: float) -> Observed:
    """Training seconds to the target, and how long those trained that never met it.

    A miss counts as watched no shorter than the slowest run that met the target. All runs of an
    experiment stop after the same epochs; one that got through them in fewer seconds would
    otherwise be taken as lost from sight before the others, and what is known of it, that the whole
    training was not enough, would be forgotten.

    A run that diverged never gets there, however long it trains, and one that was ended by its
    time limit had not got there either. Runs that failed in another way tell nothing of learning
    and are left out, as are those that were never evaluated.
    """
    evaluated = [r for r in group.measured if r.measurement and r.measurement.evaluations]
    found = [(stats.time_to_accuracy_s(record, target), record) for record in evaluated]
    times = tuple(time for time, _ in found if time is not None)
    slowest = max(times, default=0.0)
    diverged = sum(record.status in ("diverged", "timed out") for record in group.failed)
    return Observed(
        times=times,
        censored=(
            *(max(_trained_s(record), slowest) for time, record in found if time is None),
            *(math.inf,) * diverged,
        ),
    )


def all_reached(group: Replicates, target: float) -> bool:
    """Whether there are runs, and every one met the target."""
    seen = observed(group, target)
    return bool(seen.times) and not seen.censored


def _trained_s(record: Record) -> float:
    """Training seconds at the last look at the validation set."""
    evaluations = record.measurement.evaluations if record.measurement else ()
    return evaluations[-1].train_s

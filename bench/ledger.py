"""Where a run's wall time went, phase by phase, and how long a step took. Pure functions."""

from __future__ import annotations

from bench import stats
from bench.record import Record


def rest_s(record: Record) -> float | None:
    """Wall seconds that lie in no phase: opening the data, ordering images, writing the record.

    In records of the first schema the start of the process is among them. None where the run
    did not end well.
    """
    if record.measurement is None:
        return None
    phases = (stats.phase_s(record, name) for name in stats.PHASES)
    return record.wall_s - sum(seconds for seconds in phases if seconds is not None)


def wall_s(record: Record) -> float | None:
    """Seconds from the start of the process to its record; None where it did not end well."""
    return record.wall_s if record.measurement else None


def share(record: Record, seconds: float | None) -> float | None:
    """So many seconds as a fraction of the run's wall time."""
    return None if seconds is None or record.wall_s <= 0 else seconds / record.wall_s


def cold_start_to_last_step_s(record: Record) -> float | None:
    """Start-up and all training steps; what happens between two stretches of steps left out."""
    start_up_s, train_s = stats.start_up_s(record), stats.train_s(record)
    return None if start_up_s is None or train_s is None else start_up_s + train_s


def steps(record: Record) -> int | None:
    """Optimiser steps that were timed; None where there were none."""
    if record.measurement is None:
        return None
    return sum(segment.steps for segment in record.measurement.segments) or None


def step_s(record: Record) -> float | None:
    """Mean seconds of a training step after the warm-up."""
    count = steps(record)
    if record.measurement is None or count is None:
        return None
    return sum(segment.train_s for segment in record.measurement.segments) / count


def images_per_step(record: Record) -> float | None:
    """Mean images of a step: less than the batch size where an epoch's last batch is short."""
    count = steps(record)
    if record.measurement is None or count is None:
        return None
    return sum(segment.images for segment in record.measurement.segments) / count

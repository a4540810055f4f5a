"""Frameworks side by side: speed, time to accuracy, accuracy, inference, memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bench import stats
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.tables import columns
from bench.report.tables.table import Column, Section, Table, equal_in_all_rows
from bench.stats import Replicates, Statistic


def build(groups: Sequence[Replicates]) -> Table:
    """A section for each set of experiments that differ in framework and execution alone."""
    return Table(
        name="frameworks",
        title="Frameworks side by side",
        explanation=(
            "Throughput counts training images over all steps after the warm-up. Time to "
            "accuracy is training time until the validation set is first read at the target or "
            "above. Test accuracy is of the checkpoint with the lowest validation loss. "
            "Inference goes from host memory to host memory; latency is of one image."
        ),
        needs="a run",
        sections=tuple(map(_section, comparisons(groups, FRAMEWORK))),
    )


def _section(comparison: Comparison) -> Section:
    experiment = comparison.experiment
    place = wording.conditions(experiment, ("device", "batch_size", "goal"))
    return Section(
        heading=f"{wording.subject(experiment, comparison.data)}, {place}",
        note=equal_in_all_rows(comparison),
        columns=_columns(comparison),
        rows=tuple((group,) for group in comparison.groups),
    )


def _columns(comparison: Comparison) -> tuple[Column, ...]:
    return (
        *columns.experiment(),
        columns.framework((group,) for group in comparison.groups),
        columns.outcome(),
        columns.throughput(),
        *map(columns.time, comparison.targets),
        columns.accuracy(),
        _inference(comparison),
        *(_latency(name, fraction) for name, fraction in stats.LATENCY_PERCENTILES.items()),
        _memory("process", stats.peak_process_memory_bytes),
        _memory("device", stats.peak_device_memory_bytes),
    )


def _inference(comparison: Comparison) -> Column:
    runs = [record for group in comparison.groups for record in group.measured]
    sizes = {size for record in runs if (size := stats.inference_batch_size(record))}
    at = " or ".join(f"{size:,}" for size in sorted(sizes))
    return columns.quantity(
        f"inference at batch {at} (images/s)",
        "inference",
        "images_per_s",
        stats.inference_images_per_s,
    )


def _latency(name: str, fraction: float) -> Column:
    return columns.quantity(
        f"latency {name} (ms)",
        f"latency_{name}",
        "s",
        partial(stats.latency_s, fraction=fraction),
        scale=1000,
    )


def _memory(of: str, statistic: Statistic) -> Column:
    return columns.quantity(
        f"peak {of} memory (MiB)",
        f"peak_{of}_memory",
        "bytes",
        statistic,
        scale=1 / wording.MIB,
        decimals=0,
    )

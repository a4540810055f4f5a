"""Frameworks side by side: speed, time to accuracy, accuracy, inference, memory."""

from __future__ import annotations

from collections.abc import Sequence

from bench import run_statistics as stats
from bench.report import matched, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.ranking import ranking
from bench.report.tables import columns, judged
from bench.report.tables.table import Column, Row, Section, Table, of_frameworks
from bench.run_statistics import Replicates, Statistic
from bench.verdict import Judged


def build(groups: Sequence[Replicates]) -> Table:
    """A section for each set of experiments that differ in framework and execution alone."""
    return Table(
        name="frameworks",
        title="Frameworks side by side",
        explanation=(
            "Throughput counts training images over all steps after the warm-up; beside it, its "
            "ratio to that of the row with the highest, seed by seed, and what may be said of it, "
            "corrected by Holm's method for all pairs of the section. Time to accuracy is training "
            "time until the validation set is first read at the target or above: the Kaplan–Meier "
            "median, in which misses count (∞: too few runs to bound it). Test accuracy is of the "
            "checkpoint with the lowest validation loss. Brackets hold 95 % intervals; that of the "
            "accuracy is Wilson's for the number of test images, not multiplied by the seeds, "
            "which are all asked the same images. ± is the standard deviation over seeds. "
            "Inference goes from host memory to host memory; latency is of one image."
        ),
        needs="a run",
        sections=tuple(map(_section, comparisons(groups, FRAMEWORK))),
    )


def _section(comparison: Comparison) -> Section:
    return of_frameworks(comparison, _columns(comparison))


def _columns(comparison: Comparison) -> tuple[Column, ...]:
    return (
        *columns.experiment(),
        columns.framework((group,) for group in comparison.groups),
        columns.outcome(),
        matched.column(),
        columns.throughput(),
        *_beside_the_highest(comparison),
        *map(columns.time, comparison.targets),
        columns.accuracy(),
        columns.inference(comparison),
        *columns.latencies(),
        _memory("process", stats.peak_process_memory_bytes),
        _memory("device", stats.peak_device_memory_bytes),
    )


def _beside_the_highest(comparison: Comparison) -> tuple[Column, ...]:
    """Ratio of throughput to the highest of the section, and what may be said of it."""
    ranked = ranking(comparison.groups, stats.throughput_images_per_s, best="highest")
    best = ranked.standings[0].group if len(ranked.standings) > 1 else None

    def find(row: Row) -> Judged | None:
        return ranked.between(row[0], best) if best else None

    def alone(row: Row) -> str:
        if row[0] is best:
            return "the highest"
        return "no seed in common" if row[0].measured else wording.NOT_MEASURED

    name = "throughput_to_highest"
    return (
        judged.ratio("of the highest", name, find),
        judged.p_value("", name, find),
        judged.verdict("beside the highest", name, find, ("faster", "slower"), alone=alone),
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

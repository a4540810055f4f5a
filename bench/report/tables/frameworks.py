"""Frameworks side by side: the first table, a row a framework."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons, ranking
from bench.report.tables import beside, columns
from bench.report.tables.columns import Columns
from bench.report.tables.table import Column, Row, Section, Table, labelled, section_of
from bench.stats import runs
from bench.stats.runs import Replicates, Statistic
from bench.stats.verdict import Judged


def side_by_side(groups: Sequence[Replicates]) -> Table:
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
        sections=tuple(map(_side_by_side, comparisons(groups, FRAMEWORK))),
    )


def _side_by_side(comparison: Comparison) -> Section:
    return framework_section(
        comparison,
        (
            columns.throughput(),
            *_beside_the_highest(comparison),
            *map(columns.time, comparison.targets),
            columns.accuracy(),
            columns.inference(comparison),
            *columns.latencies(),
            _memory("process", runs.peak_process_memory_bytes),
            _memory("device", runs.peak_device_memory_bytes),
        ),
        wording.slow_convolutions(comparison.measured),
    )


def framework_section(comparison: Comparison, measured: Iterable[Column], *notes: str) -> Section:
    """A section with a row a framework: what it is, how its runs ended, what was measured.

    ``notes`` follow what is equal in all its rows. Other tables with a row a framework use it too.
    """
    return section_of(
        comparison,
        (columns.experiment(), columns.FRAMEWORK, columns.OUTCOME, columns.WORK, *measured),
        labelled((group,) for group in comparison.groups),
        *notes,
    )


def _beside_the_highest(comparison: Comparison) -> Columns:
    """Ratio of throughput to the highest of the section, and what may be said of it."""
    ranked = ranking(comparison.groups, runs.throughput_images_per_s, best="highest")
    best = ranked.standings[0].group if len(ranked.standings) > 1 else None

    def judged(row: Row) -> Judged | None:
        return ranked.between(row.first, best) if best else None

    def absent(row: Row) -> str:
        if row.first is best:
            return "the highest"
        return "no seed in common" if row.first.measured else wording.NOT_MEASURED

    return beside.judgement(
        "throughput_to_highest",
        judged,
        ("faster", "slower"),
        headers=("of the highest", "", "beside the highest"),
        absent=absent,
    )


def _memory(of: str, statistic: Statistic) -> Column:
    name, scale = f"peak_{of}_memory", 1 / wording.MIB
    header = f"peak {of} memory (MiB)"
    return columns.quantity(header, name, "bytes", statistic, scale=scale, decimals=0)

"""The whole ledger: where every second went, from the start of the process to its record."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bench import run_statistics as stats
from bench.report import matched, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.tables import columns
from bench.report.tables.table import Cell, Column, Row, Section, Table, of_frameworks
from bench.run_statistics import Replicates, Statistic

DECIMALS = 2  # of seconds, in all columns alike, so that a reader can add them up


def build(groups: Sequence[Replicates]) -> Table:
    """A section for each set of experiments that differ in framework and execution alone."""
    return Table(
        name="ledger",
        title="The whole ledger",
        explanation=(
            "Seconds of each phase from the start of the process to its record, and their share "
            "of the wall time; with several seeds the means. Start-up is everything before the "
            "first step that counts: starting Python, importing the framework and finding its "
            "device, normalising the data, building the network, bringing the data to the "
            "device, and the warm-up, in which a compiled execution compiles. The rest is what "
            "lies in no phase: opening the data, putting images in order, writing the record. "
            "Phases and rest add up to the wall time."
        ),
        needs="a run that ended well",
        sections=tuple(
            map(_section, comparisons(groups, FRAMEWORK, keep=lambda found: bool(found.measured)))
        ),
    )


def _section(comparison: Comparison) -> Section:
    return of_frameworks(comparison, _columns(comparison))


def _columns(comparison: Comparison) -> tuple[Column, ...]:
    return (
        *columns.experiment(),
        columns.framework((group,) for group in comparison.groups),
        columns.outcome(),
        matched.column(),
        *map(_phase, stats.PHASES),
        _seconds("rest", "rest", stats.rest_s),
        columns.quantity("wall (s)", "wall", "s", stats.wall_s, decimals=DECIMALS),
        columns.quantity(
            "start-up in all (s)", "start_up", "s", stats.start_up_s, decimals=DECIMALS
        ),
        columns.quantity(
            "cold start to last step (s)",
            "cold_start_to_last_step",
            "s",
            stats.cold_start_to_last_step_s,
            decimals=DECIMALS,
        ),
    )


def _phase(name: str) -> Column:
    subject = name.removesuffix("_s")
    return _seconds(subject.replace("_", "-"), subject, partial(stats.phase_s, name=name))


def _seconds(header: str, name: str, statistic: Statistic) -> Column:
    """Seconds and their share of the wall time; deviations in the CSV alone."""

    def cell(row: Row) -> Cell:
        seconds = row[0].summary(statistic)
        share = row[0].summary(lambda record: stats.share_of_wall(record, statistic(record)))
        if seconds is None or share is None:
            return Cell(shown=wording.NOT_MEASURED, raw=(*columns.numbers(seconds), None))
        shown = f"{seconds.mean:,.{DECIMALS}f} ({100 * share.mean:.1f} %)"
        return Cell(shown=shown, raw=(*columns.numbers(seconds), share.mean))

    names = (f"{name}_mean_s", f"{name}_std_s", f"{name}_n", f"{name}_mean_share_of_wall_fraction")
    return Column(header=f"{header} (s)", names=names, cell=cell)

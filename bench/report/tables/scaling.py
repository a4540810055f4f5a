"""What replicas buy: strong and weak scaling, as it was predicted and as it was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.tables import beside, columns
from bench.report.tables.table import Cell, Column, Row, Section, Table, section_of
from bench.stats import runs, scaling, verdict
from bench.stats.runs import Replicates
from bench.stats.scaling import Link, Scaled

VARYING = (*FRAMEWORK, "replicas", "batch_size")


@dataclass(frozen=True, kw_only=True)
class ScaledRow(Row):
    """A row of the table."""

    scaled: Scaled


def panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """The sets of runs in which some have replicas, beside others to judge them by."""
    return comparisons(groups, VARYING, lambda each: any(scaling.scaled(each.groups)))


def build(groups: Sequence[Replicates]) -> Table:
    """A section a subject; a row a group of runs and what it is judged by."""
    return Table(
        name="scaling",
        title="What replicas buy",
        explanation=(
            "Data-parallel training beside one replica. Strong: all share out the batch that one "
            "has; weak: each has as many images as one alone; machinery: one replica beside the "
            "same framework without any, which is what sharing costs before there is anything to "
            "share. Efficiency is throughput over that of one replica, and over the number of "
            "replicas where each has a GPU of its own; on a CPU they share out the same "
            "processors, so that all of it would be one replica's throughput. The prediction was "
            "made before training, from a replica's own step and an all-reduce of the gradients, "
            "timed apart and added. Latency and rate are those of a line through all-reduces of "
            "three sizes."
        ),
        needs="runs of one framework on one replica and on several, such as --replicas 1,2",
        sections=tuple(map(_section, panels(groups))),
    )


def _section(comparison: Comparison) -> Section:
    rows = tuple(
        ScaledRow(groups=(each.many, each.one), label=each.many.experiment.framework, scaled=each)
        for each in scaling.scaled(comparison.groups)
    )
    return section_of(
        comparison,
        (
            columns.experiment(),
            columns.FRAMEWORK,
            columns.words("scaling", "scaling", lambda row: row.scaled.kind),
            columns.text("replicas", lambda group: str(group.experiment.replicas)),
            columns.text("batch size", lambda group: f"{group.experiment.batch_size:,}"),
            columns.words("beside", "beside", _beside),
            columns.throughput(),
            beside.ratio("over that", "throughput_over_one", _over_one, sign=" ×"),
            _share("efficiency", "efficiency_fraction", lambda row: row.scaled.measured),
            _share("predicted", "predicted_fraction", lambda row: row.scaled.predicted),
            _share("off by", "off_fraction", lambda row: row.scaled.off, signed=True),
            columns.quantity("own step (ms)", "own_step", "s", scaling.own_step_s, scale=1e3),
            columns.quantity("all-reduce (ms)", "all_reduce", "s", scaling.exchange_s, scale=1e3),
            _link("latency (µs)", "all_reduce_latency_s", 1e6, lambda link: link.latency_s),
            _link("rate (GB/s)", "all_reduce_bytes_per_s", 1e-9, lambda link: link.bytes_per_s),
            columns.WORK,
            columns.OUTCOME,
        ),
        rows,
        *_reasons(rows),
        heading=comparison.heading("device", "goal", leave_out=("replicas",)),
    )


def _beside(row: ScaledRow) -> str:
    """What a row is judged by."""
    one = row.scaled.one.experiment
    if row.scaled.kind == "machinery":
        return one.execution
    return f"1 replica, batch size {one.batch_size:,}"


def _over_one(row: ScaledRow) -> verdict.Paired | None:
    return verdict.compare(row.first, row.second, runs.throughput_images_per_s)


def _share(
    header: str, name: str, fact: Callable[[ScaledRow], float | None], *, signed: bool = False
) -> Column:
    def cell(known: float) -> Cell:
        return Cell(shown=wording.percent(known, 0, signed=signed), raw=(known,))

    return columns.column(header, name, fact, cell, absent=beside.ABSENT)


def _link(header: str, name: str, scale: float, of: Callable[[Link], float]) -> Column:
    """A number of the line through the all-reduces of a row's first run."""

    def fact(row: ScaledRow) -> float | None:
        known = [each for record in row.first.measured if (each := scaling.rehearsed(record))]
        return of(scaling.link(known[0].exchanges)) if known else None

    return columns.number(header, name, fact, scale=scale)


def _reasons(rows: Sequence[ScaledRow]) -> Iterator[str]:
    """A sentence for each prediction that fails, and one for what is not predicted."""
    for row in rows:
        if why := scaling.why_off(row.scaled):
            replicas = wording.counted(row.first.experiment.replicas, "replica")
            off = wording.percent(row.scaled.off or 0, 0, signed=True)
            said = f"{row.label}, {replicas}, {row.scaled.kind}"
            yield f"{said}: the prediction is off by {off}: {why}."
    unknown = dict.fromkeys(
        row.label for row in rows if row.scaled.kind != "machinery" and row.scaled.predicted is None
    )
    if unknown:
        yield (
            f"Nothing is predicted for {' and '.join(unknown)}: replicas that are devices of one "
            "process share its threads, so that a step of one alone says nothing of all at once."
        )

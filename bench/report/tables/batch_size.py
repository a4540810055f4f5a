"""The batch-size sweep: training throughput of each framework at each batch size."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby

from bench import run_statistics as stats
from bench.report import matched, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons, only
from bench.report.tables import columns
from bench.report.tables.table import Column, Row, Section, Table, equal_in_all_rows
from bench.run_statistics import Replicates


def build(groups: Sequence[Replicates]) -> Table:
    """A section a subject, device and goal; a row a framework, a column a batch size."""
    return Table(
        name="batch-size",
        title="Training throughput over batch size",
        explanation=(
            "Training images per second over all steps after the warm-up. A larger batch gives "
            "the device more to do at once; what it does to accuracy is not shown here."
        ),
        needs="the same experiments at two or more batch sizes",
        sections=tuple(map(_section, sweeps(groups))),
    )


def sweeps(groups: Sequence[Replicates]) -> list[Comparison]:
    """Sets of experiments that differ in framework and in batch size."""
    return comparisons(
        groups, (*FRAMEWORK, "batch_size"), keep=lambda found: len(found.values("batch_size")) > 1
    )


def _section(comparison: Comparison) -> Section:
    experiment = comparison.experiment
    place = wording.place(experiment, ("device", "goal"))
    rows = [
        tuple(members)
        for _, members in groupby(sorted(comparison.groups, key=_row), lambda g: _row(g)[:-1])
    ]
    return Section(
        heading=f"{wording.subject(experiment, comparison.data)}, {place}",
        note=equal_in_all_rows(comparison),
        columns=_columns(rows, comparison.values("batch_size")),
        rows=tuple(rows),
    )


def _row(group: Replicates) -> tuple[str, str, str, int]:
    one = group.experiment
    return one.framework, one.execution, wording.versions(group.versions), one.batch_size


def _columns(rows: Sequence[Row], batch_sizes: Sequence[int]) -> tuple[Column, ...]:
    return (
        *columns.experiment(leave_out=("batch_size",)),
        columns.framework(rows),
        *(
            columns.quantity(
                f"batch {size:,} (images/s)",
                f"batch_{size}_throughput",
                "images_per_s",
                stats.throughput_images_per_s,
                pick=partial(_at, size=size),
            )
            for size in batch_sizes
        ),
        matched.column(),
        columns.failed(lambda group: f"batch {group.experiment.batch_size:,}"),
    )


def _at(row: Row, size: int) -> Replicates | None:
    found = only(row, batch_size=size)
    return found[0] if found else None

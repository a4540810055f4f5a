"""The architecture swap: every architecture on every task."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby

from bench.report import matched, wording
from bench.report.comparison import (
    FRAMEWORK,
    HEADING,
    RECIPE,
    SCHEDULE,
    Comparison,
    differences,
    only,
    swaps,
)
from bench.report.tables import columns
from bench.report.tables.table import Column, Row, Section, Table
from bench.run_statistics import Replicates

OF_A_PAIR = ("task", "source", *RECIPE, *SCHEDULE, "data_fingerprint")  # a row has several of each


def build(groups: Sequence[Replicates]) -> Table:
    """A section for each framework, device and batch size; a row an architecture."""
    return Table(
        name="swap",
        title="Architecture swap",
        explanation=(
            "Each network on each task. Read down a column to see what the network buys on one "
            "task, along a row to see how much harder the other task is for it. Brackets hold "
            "Wilson's 95 % interval of the accuracy for the number of test images."
        ),
        needs="runs of two architectures with goal 'train', alike in all else",
        sections=tuple(map(_section, swaps(groups))),
    )


def _section(comparison: Comparison) -> Section:
    experiment = comparison.experiment
    by_architecture = groupby(
        sorted(comparison.groups, key=lambda group: group.experiment.architecture),
        lambda group: group.experiment.architecture,
    )
    return Section(
        heading=f"{wording.framework(experiment)}, "
        + wording.place(experiment, ("device", "batch_size")),
        note=_note(comparison),
        columns=_columns(comparison),
        rows=tuple(tuple(members) for _, members in by_architecture),
    )


def _note(comparison: Comparison) -> str:
    equal = comparison.constant(leave_out=(*HEADING, *FRAMEWORK))
    own = differences(comparison)
    notices = wording.notices(group.data for group in comparison.groups)
    return " ".join((f"Equal in all cells: {equal}.", *([f"{own}."] if own else []), *notices))


def _columns(comparison: Comparison) -> tuple[Column, ...]:
    places = sorted({(g.experiment.task, g.experiment.source) for g in comparison.groups})
    return (
        *columns.experiment(leave_out=OF_A_PAIR),
        columns.text("network", lambda group: wording.architecture(group.experiment.architecture)),
        *(column for task, source in places for column in _task_columns(task, source)),
        matched.column(),
        columns.failed(lambda group: wording.images(group.data)),
    )


def _task_columns(task: str, source: str) -> tuple[Column, Column]:
    pick = partial(_pick, task=task, source=source)
    of, name = f"{task} ({source}):", f"{task}_{source.replace('-', '_')}_"
    return (
        columns.accuracy(of=of, name=name, pick=pick),
        columns.throughput(of=of, name=name, pick=pick),
    )


def _pick(row: Row, task: str, source: str) -> Replicates | None:
    found = only(row, task=task, source=source)
    return found[0] if found else None

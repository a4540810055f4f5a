"""Columns for rows of two groups of runs, such as CPU and CUDA, or two results folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from bench import run_statistics as stats
from bench import survival, verdict
from bench.report import wording
from bench.report.tables import columns, judged
from bench.report.tables.columns import first
from bench.report.tables.table import Cell, Column, Row
from bench.run_statistics import Replicates
from bench.verdict import Judged, Paired


def second(row: Row) -> Replicates:
    """The other group of a row of two."""
    return row[1]


SIDES = (first, second)


def slug(name: str) -> str:
    """A name as the CSV writes it: '2 threads' is '2_threads'."""
    return name.lower().replace(" ", "_")


def throughputs(names: tuple[str, str], ratio: str) -> tuple[Column, ...]:
    """Training throughput of both, and the second's over the first's under the header ``ratio``."""
    return (
        *(
            columns.throughput(of=name, name=f"{slug(name)}_", pick=side)
            for name, side in zip(names, SIDES, strict=True)
        ),
        judged.paired(
            ratio, f"{slug(names[1])}_over_{slug(names[0])}_throughput", throughput_ratio, sign=" ×"
        ),
    )


def throughput_ratio(row: Row) -> Paired | None:
    """Throughput of a row's second group over that of its first, seed by seed."""
    return verdict.compare(row[1], row[0], stats.throughput_images_per_s)


def verdicts(rows: Sequence[Row], names: tuple[str, str]) -> tuple[Column, ...]:
    """What may be said of the second group's throughput, corrected for all rows."""
    judged_rows = {
        (id(one.second), id(one.first)): one
        for one in verdict.judge_pairs(
            [(row[1], row[0]) for row in rows], stats.throughput_images_per_s
        )
    }

    def find(row: Row) -> Judged | None:
        return judged_rows.get((id(row[0]), id(row[1])))

    name = f"{slug(names[1])}_over_{slug(names[0])}_throughput"
    return (
        judged.p_value("p (Holm)", name, find),
        judged.verdict(f"{names[1]} is", name, find, ("faster", "slower")),
    )


def times(names: tuple[str, str], target: float) -> tuple[Column, ...]:
    """Time to a target of both."""
    return tuple(
        columns.time(target, of=name, pick=side) for name, side in zip(names, SIDES, strict=True)
    )


def time_ratio(names: tuple[str, str], target: float) -> Column:
    """Time to a target, the second's over the first's; absent where either has a miss."""
    name = f"{slug(names[1])}_over_{slug(names[0])}_time_to_{100 * target:g}_percent"
    return judged.paired(
        f"{names[1]} / {names[0]}", name, partial(_time_ratio, target=target), sign=" ×"
    )


def _time_ratio(row: Row, target: float) -> Paired | None:
    if not all(survival.all_reached(group, target) for group in row):
        return None
    return verdict.compare(row[1], row[0], partial(stats.time_to_accuracy_s, target=target))


def accuracies(names: tuple[str, str]) -> tuple[Column, ...]:
    """Test accuracy of both."""
    return tuple(
        columns.accuracy(of=name, name=f"{slug(name)}_", pick=side)
        for name, side in zip(names, SIDES, strict=True)
    )


def accuracy_difference(names: tuple[str, str]) -> Column:
    """Test accuracy, the second's less the first's, seed by seed."""
    return judged.difference(
        f"{names[1]} - {names[0]} (points)",
        f"{slug(names[1])}_less_{slug(names[0])}_test_accuracy",
        lambda row: verdict.difference(row[1], row[0], stats.test_accuracy),
    )


def outcomes(names: tuple[str, str]) -> tuple[Column, ...]:
    """How many runs each has, and what failed."""
    return tuple(
        Column(
            header=f"{name} runs",
            names=(f"{slug(name)}_runs",),
            cell=partial(_outcome, side),
            words=True,
        )
        for name, side in zip(names, SIDES, strict=True)
    )


def _outcome(side: Callable[[Row], Replicates], row: Row) -> Cell:
    said = wording.outcome(side(row))
    return Cell(shown=said, raw=(said,))

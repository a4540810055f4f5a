"""Every two frameworks of a section: by how much they differ, and whether it may be said."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import combinations

from bench import run_statistics as stats
from bench import survival, verdict
from bench.report import matched, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.ranking import Ranking, ranking
from bench.report.tables import columns, judged
from bench.report.tables.table import Cell, Column, Row, Section, Table, equal_in_all_rows, heading
from bench.run_statistics import Replicates
from bench.verdict import Judged

SIDES = ("first", "second")


def build(groups: Sequence[Replicates]) -> Table:
    """A section for each set that differs in framework and execution alone; a row a pair."""
    sections = map(_section, comparisons(groups, FRAMEWORK))
    return Table(
        name="differences",
        title="Differences between frameworks",
        explanation=(
            "The first over the second, seed by seed: the same initial weights and batches. "
            "Brackets hold 95 % intervals over the pairs. p is of Student's paired t test on the "
            "logarithms, corrected by Holm's method for all pairs of the section. A framework is "
            "called faster only if the interval does not hold 1, the corrected p is below 0.05 "
            "and the difference is larger than the noise floor, where the machine was audited. "
            "Times to a target are compared where every run of both reached it. "
            "How the models differ on the test images themselves: the table of models."
        ),
        needs="two frameworks with a seed in common, alike in all else",
        sections=tuple(section for section in sections if section.rows),
    )


def pairs(comparison: Comparison) -> tuple[Row, ...]:
    """Every two of its groups that have a run, the one with the higher throughput first."""
    ranked = ranking(comparison.groups, stats.throughput_images_per_s, best="highest")
    return tuple(combinations([one.group for one in ranked.standings], 2))


def names(comparison: Comparison) -> tuple[Column, ...]:
    """Which two frameworks a row is of, and what their runs were."""
    labels = wording.distinct_labels(comparison.groups)
    told = dict(zip(map(_key, comparison.groups), labels, strict=True))
    return (
        *columns.experiment(leave_out=(*FRAMEWORK, "versions")),
        *(_name(side, place, told) for place, side in enumerate(SIDES)),
    )


def _key(group: Replicates) -> tuple[str, str, str]:
    one = group.experiment
    return one.framework, one.execution, wording.versions(group.versions)


def _name(side: str, place: int, told: dict[tuple[str, str, str], str]) -> Column:
    def cell(row: Row) -> Cell:
        key = _key(row[place])
        return Cell(shown=told[key], raw=key)

    parts = ("framework", "execution", "versions")
    return Column(header=side, names=tuple(f"{side}_{p}" for p in parts), cell=cell, words=True)


def _section(comparison: Comparison) -> Section:
    return Section(
        heading=heading(comparison),
        note=equal_in_all_rows(comparison),
        columns=(
            *names(comparison),
            *_speed(comparison),
            *(column for target in comparison.targets for column in _time(comparison, target)),
            judged.difference(
                "test accuracy, first - second (points)",
                "test_accuracy_difference",
                lambda row: verdict.difference(row[0], row[1], stats.test_accuracy),
            ),
            matched.column(),
        ),
        rows=pairs(comparison),
    )


def _speed(comparison: Comparison) -> tuple[Column, ...]:
    ranked = ranking(comparison.groups, stats.throughput_images_per_s, best="highest")
    find = partial(_between, ranked)
    return (
        judged.ratio("throughput, first / second", "throughput", find),
        Column(header="pairs", names=(), cell=lambda row: _pairs(find(row))),
        judged.p_value("p (Holm)", "throughput", find),
        judged.verdict("the first is", "throughput", find, ("faster", "slower")),
    )


def _time(comparison: Comparison, target: float) -> tuple[Column, ...]:
    reached = [group for group in comparison.groups if survival.all_reached(group, target)]
    time = partial(stats.time_to_accuracy_s, target=target)
    find = partial(_between, ranking(reached, time, best="lowest"))
    said, name = wording.target(target), f"time_to_{100 * target:g}_percent"
    return (
        judged.ratio(f"time to {said}, first / second", name, find),
        judged.p_value(f"p to {said} (Holm)", name, find),
        judged.verdict(f"to {said} the first is", name, find, ("slower", "sooner")),
    )


def _between(ranked: Ranking, row: Row) -> Judged | None:
    return ranked.between(row[0], row[1])


def _pairs(found: Judged | None) -> Cell:
    return Cell(shown=str(found.paired.n) if found else judged.ABSENT, raw=())

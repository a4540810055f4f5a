"""Every two frameworks of a section: by how much they differ, and whether it may be said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, Ranking, comparisons, ranking
from bench.report.tables import columns
from bench.report.tables.table import Cell, Column, Row, Section, Table, equal_in_all_rows, heading
from bench.results.record import Record
from bench.stats import runs, survival, uncertainty, verdict
from bench.stats.runs import Replicates
from bench.stats.verdict import Judged

SIDES = ("first", "second")


def build_differences(groups: Sequence[Replicates]) -> Table:
    """A section for each set that differs in framework and execution alone; a row a pair."""
    sections = map(_differences_section, comparisons(groups, FRAMEWORK))
    return Table(
        name="differences",
        title="Differences between frameworks",
        explanation=(
            "The first over the second, seed by seed: the same initial weights and batches. "
            "Brackets hold 95 % intervals over the pairs. p is of Student's paired t test on the "
            "logarithms, corrected by Holm's method for all pairs of the section. A framework is "
            "called faster only if the interval does not include 1, the corrected p is below 0.05 "
            "and the difference is larger than the noise floor, where the machine was audited. "
            "Times to a target are compared where every run of both reached it. "
            "How the models differ on the test images themselves: the table of models."
        ),
        needs="two frameworks with a seed in common, alike in all else",
        sections=tuple(section for section in sections if section.rows),
    )


def pairs(comparison: Comparison) -> list[tuple[Replicates, Replicates]]:
    """Every two of its groups that have a run, the one with the higher throughput first."""
    ranked = ranking(comparison.groups, runs.throughput_images_per_s, best="highest")
    return list(combinations([standing.group for standing in ranked.standings], 2))


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
        key = _key(row.groups[place])
        return Cell(shown=told[key], raw=key)

    parts = ("framework", "execution", "versions")
    return Column(header=side, names=tuple(f"{side}_{p}" for p in parts), cell=cell, words=True)


def _differences_section(comparison: Comparison) -> Section:
    return Section(
        heading=heading(comparison),
        note=equal_in_all_rows(comparison),
        columns=(
            *names(comparison),
            *_speed(comparison),
            *(column for target in comparison.targets for column in _time(comparison, target)),
            columns.difference(
                "test accuracy, first - second (points)",
                "test_accuracy_difference",
                lambda row: verdict.difference(row.first, row.second, runs.test_accuracy),
            ),
            columns.WORK,
        ),
        rows=[Row(groups=pair) for pair in pairs(comparison)],
    )


def _speed(comparison: Comparison) -> tuple[Column, ...]:
    ranked = ranking(comparison.groups, runs.throughput_images_per_s, best="highest")
    find = partial(_between, ranked)
    return (
        columns.ratio("throughput, first / second", "throughput", find),
        Column(header="pairs", names=(), cell=lambda row: _pairs(find(row))),
        columns.p_value("p (Holm)", "throughput", find),
        columns.verdict("the first is", "throughput", find, ("faster", "slower")),
    )


def _time(comparison: Comparison, target: float) -> tuple[Column, ...]:
    reached = [group for group in comparison.groups if survival.all_reached(group, target)]
    time = partial(runs.time_to_accuracy_s, target=target)
    find = partial(_between, ranking(reached, time, best="lowest"))
    said, name = wording.target(target), f"time_to_{100 * target:g}_percent"
    return (
        columns.ratio(f"time to {said}, first / second", name, find),
        columns.p_value(f"p to {said} (Holm)", name, find),
        columns.verdict(f"to {said} the first is", name, find, ("slower", "sooner")),
    )


def _between(ranked: Ranking, row: Row) -> Judged | None:
    return ranked.between(row.first, row.second)


def _pairs(found: Judged | None) -> Cell:
    return Cell(shown=str(found.paired.n) if found else columns.ABSENT, raw=())


# Two models on the same test images: on which they disagree, by McNemar's test.


NOT_KEPT = "not kept"


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """Two models on the same test images."""

    first_only: int  # images that the first alone gets wrong
    second_only: int

    @property
    def p(self) -> float:
        """Of no difference, not corrected."""
        return uncertainty.mcnemar(self.first_only, self.second_only)


@dataclass(frozen=True, kw_only=True)
class ModelsRow(Row):
    """Two models of one seed."""

    disagreement: Disagreement | None  # None: a record does not name the wrong images
    p: float | None  # corrected for all rows of the section


def build_models(groups: Sequence[Replicates]) -> Table:
    """A section for each set that differs in framework and execution alone; a row a seed's pair."""
    sections = map(_models_section, comparisons(groups, FRAMEWORK))
    return Table(
        name="models",
        title="Models on the same test images",
        explanation=(
            "For two models of the same seed, the test images that one of them alone gets wrong. "
            "p is McNemar's, exact, corrected by Holm's method for all rows of the section: that "
            "two models which err alike disagree so unevenly. It tells these two models apart, "
            "and two frameworks only if it does so at seed after seed."
        ),
        needs="two frameworks with a seed in common whose records name the wrong test images",
        sections=tuple(section for section in sections if section.rows),
    )


def disagreement(first: Record, second: Record) -> Disagreement | None:
    """On which test images two runs disagree; None where a record does not name the wrong ones."""
    ours, theirs = _wrong(first), _wrong(second)
    if ours is None or theirs is None:
        return None
    return Disagreement(first_only=len(ours - theirs), second_only=len(theirs - ours))


def rows(comparison: Comparison) -> list[ModelsRow]:
    """Every two groups at every seed that was tested in both; none where no pair can be told."""
    pairs_by_seed = [
        (replace(first, records=(one,)), replace(second, records=(other,)))
        for first, second in pairs(comparison)
        for one, other in zip(*_common(first, second), strict=True)
    ]
    seen = [disagreement(first.records[0], second.records[0]) for first, second in pairs_by_seed]
    told = [each for each in seen if each is not None]
    corrected = iter(uncertainty.holm([each.p for each in told]))
    return [
        ModelsRow(groups=pair, disagreement=each, p=None if each is None else next(corrected))
        for pair, each in zip(pairs_by_seed if told else (), seen if told else (), strict=True)
    ]


def tested(comparison: Comparison) -> list[float]:
    """The corrected p of every row that has one."""
    return [row.p for row in rows(comparison) if row.p is not None]


def _common(first: Replicates, second: Replicates) -> tuple[list[Record], list[Record]]:
    """The runs of both at the seeds that both were tested at, in the same order."""
    ours, theirs = (
        {r.seed: r for r in group.measured if r.measurement and r.measurement.test}
        for group in (first, second)
    )
    seeds = sorted(ours.keys() & theirs.keys())
    return [ours[seed] for seed in seeds], [theirs[seed] for seed in seeds]


def _wrong(record: Record) -> frozenset[int] | None:
    test = record.measurement.test if record.measurement else None
    return None if test is None or test.wrong is None else frozenset(test.wrong)


def _models_section(comparison: Comparison) -> Section:
    return Section(
        heading=heading(comparison),
        note=equal_in_all_rows(comparison),
        columns=(
            *names(comparison),
            Column(header="seed", names=("seed",), cell=_seed),
            _count("first alone wrong", "first_only_wrong_n", lambda seen: seen.first_only),
            _count("second alone wrong", "second_only_wrong_n", lambda seen: seen.second_only),
            Column(header="p (Holm)", names=("mcnemar_p", "mcnemar_p_holm"), cell=_p_value),
            Column(header="the first is", names=("mcnemar_verdict",), cell=_outcome, words=True),
            columns.WORK,
        ),
        rows=rows(comparison),
    )


def _seed(row: Row) -> Cell:
    seed = row.first.records[0].seed
    return Cell(shown=str(seed), raw=(seed,))


def _count(header: str, name: str, of: Callable[[Disagreement], int]) -> Column:
    def cell(row: ModelsRow) -> Cell:
        if row.disagreement is None:
            return Cell(shown=NOT_KEPT, raw=(None,))
        return Cell(shown=str(of(row.disagreement)), raw=(of(row.disagreement),))

    return Column(header=header, names=(name,), cell=cell)


def _p_value(row: ModelsRow) -> Cell:
    if row.disagreement is None or row.p is None:
        return Cell(shown=NOT_KEPT, raw=(None, None))
    return Cell(shown=wording.p_value(row.p), raw=(row.disagreement.p, row.p))


def _outcome(row: ModelsRow) -> Cell:
    if row.disagreement is None or row.p is None:
        return Cell(shown=NOT_KEPT, raw=(None,))
    verdict = _verdict(row.disagreement, row.p)
    return Cell(shown=verdict, raw=(verdict,))


def _verdict(seen: Disagreement, p: float) -> str:
    if p >= uncertainty.SIGNIFICANCE:
        return "not told apart"
    return "more accurate" if seen.first_only < seen.second_only else "less accurate"

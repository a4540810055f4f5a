"""Every two frameworks of a section, by their runs and by their models on the test images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Best, Comparison, comparisons, contender, ranking
from bench.report.tables import beside, columns
from bench.report.tables.columns import Columns, Side
from bench.report.tables.table import Cell, Column, Row, Section, Table, section_of
from bench.results.record import Record
from bench.stats import runs, survival, uncertainty, verdict
from bench.stats.runs import Replicates, Statistic
from bench.stats.verdict import Judged

SIDES = columns.sides("first", "second")


def between_frameworks(groups: Sequence[Replicates]) -> Table:
    """A section for each set that differs in framework and execution alone; a row a pair."""
    sections = (
        _section(comparison, _differences(comparison), [Row(groups=p) for p in pairs(comparison)])
        for comparison in comparisons(groups, FRAMEWORK)
    )
    return Table(
        name="differences",
        title="Differences between frameworks",
        explanation=(
            "The first over the second, seed by seed: the same initial weights and batches. "
            "Brackets hold 95 % intervals over the pairs. p is of Student's t test on the "
            "logarithms, seed by seed, with the noise of all pairs of the section together where "
            "all have the same seeds, corrected for all of them by Holm's method. A framework is "
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


def names(comparison: Comparison) -> Columns:
    """Which two frameworks a row is of, and what their runs were."""
    labels = wording.distinct_labels(comparison.groups)
    label_of = dict(zip(map(contender, comparison.groups), labels, strict=True))

    def name(side: Side) -> Column:
        parts = (f"{side.name}{part}" for part in ("framework", "execution", "versions"))
        return columns.column(
            side.header,
            parts,
            side.pick,
            lambda group: Cell(shown=label_of[contender(group)], raw=contender(group)),
            words=True,
        )

    return (columns.experiment(leave_out=(*FRAMEWORK, "versions")), *map(name, SIDES))


def _section(comparison: Comparison, about: Columns, rows: Sequence[Row]) -> Section:
    """Rows of two groups: which they are, what these columns are about, whether work is equal."""
    return section_of(comparison, (*names(comparison), *about, columns.WORK), rows)


def _differences(comparison: Comparison) -> Columns:
    return (
        *_speed(comparison),
        *(column for target in comparison.targets for column in _time(comparison, target)),
        beside.difference(
            "test accuracy, first - second (points)",
            "test_accuracy_difference",
            lambda row: verdict.difference(row.first, row.second, runs.test_accuracy),
        ),
    )


def _speed(comparison: Comparison) -> Columns:
    judged = _judged(comparison.groups, runs.throughput_images_per_s, best="highest")
    ratio, p_value, verdict = beside.judgement(
        "throughput",
        judged,
        ("faster", "slower"),
        headers=("throughput, first / second", "p (Holm)", "the first is"),
    )
    pairs = columns.column(
        "pairs",
        (),
        judged,
        lambda known: Cell(shown=str(known.paired.n), raw=()),
        absent=beside.ABSENT,
    )
    return ratio, pairs, p_value, verdict


def _time(comparison: Comparison, target: float) -> Columns:
    reached = [group for group in comparison.groups if survival.all_reached(group, target)]
    goal = wording.target(target)
    return beside.judgement(
        columns.time_name(target),
        _judged(reached, partial(runs.time_to_accuracy_s, target=target), best="lowest"),
        ("slower", "sooner"),
        headers=(
            f"time to {goal}, first / second",
            f"p to {goal} (Holm)",
            f"to {goal} the first is",
        ),
    )


def _judged(
    groups: Sequence[Replicates], statistic: Statistic, best: Best
) -> Callable[[Row], Judged | None]:
    """What may be said of a row's first group beside its second."""
    ranked = ranking(groups, statistic, best=best)
    return lambda row: ranked.between(row.first, row.second)


# Two models on the same test images: on which they disagree, by McNemar's test

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


def between_models(groups: Sequence[Replicates]) -> Table:
    """A section for each set that differs in framework and execution alone; a row a seed's pair."""
    sections = (
        _section(comparison, MODELS, rows(comparison))
        for comparison in comparisons(groups, FRAMEWORK)
    )
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
        (replace(first, records=(record,)), replace(second, records=(other,)))
        for first, second in pairs(comparison)
        for record, other in _common(first, second)
    ]
    compared = [
        (pair, disagreement(pair[0].records[0], pair[1].records[0])) for pair in pairs_by_seed
    ]
    corrected = uncertainty.holm([models.p for _, models in compared if models])
    p_values = iter(corrected)
    return [
        ModelsRow(groups=pair, disagreement=models, p=next(p_values) if models else None)
        for pair, models in compared
        if corrected
    ]


def tested(comparison: Comparison) -> list[float]:
    """The corrected p of every row that has one."""
    return [row.p for row in rows(comparison) if row.p is not None]


def _common(first: Replicates, second: Replicates) -> list[tuple[Record, Record]]:
    """The runs of both at each seed that both were tested at."""
    ours, theirs = (
        {r.seed: r for r in group.measured if r.measurement and r.measurement.test}
        for group in (first, second)
    )
    return [(ours[seed], theirs[seed]) for seed in sorted(ours.keys() & theirs.keys())]


def _wrong(record: Record) -> frozenset[int] | None:
    test = record.measurement.test if record.measurement else None
    return None if test is None or test.wrong is None else frozenset(test.wrong)


def _seed(row: Row) -> Cell:
    seed = row.first.records[0].seed
    return Cell(shown=str(seed), raw=(seed,))


def _count(header: str, name: str, of: Callable[[Disagreement], int]) -> Column:
    def cell(row: ModelsRow) -> Cell:
        count = None if row.disagreement is None else of(row.disagreement)
        return Cell(shown=NOT_KEPT if count is None else str(count), raw=(count,))

    return Column(header=header, names=(name,), cell=cell)


def _p_value(row: ModelsRow) -> Cell:
    if row.disagreement is None or row.p is None:
        return Cell(shown=NOT_KEPT, raw=(None, None))
    return Cell(shown=wording.p_value(row.p), raw=(row.disagreement.p, row.p))


def _verdict(row: ModelsRow) -> str | None:
    if row.disagreement is None or row.p is None:
        return None
    if row.p >= uncertainty.SIGNIFICANCE:
        return "not told apart"
    fewer = row.disagreement.first_only < row.disagreement.second_only
    return "more accurate" if fewer else "less accurate"


MODELS = (
    Column(header="seed", names=("seed",), cell=_seed),
    _count("first alone wrong", "first_only_wrong_n", lambda models: models.first_only),
    _count("second alone wrong", "second_only_wrong_n", lambda models: models.second_only),
    Column(header="p (Holm)", names=("mcnemar_p", "mcnemar_p_holm"), cell=_p_value),
    columns.words("the first is", "mcnemar_verdict", _verdict, absent=NOT_KEPT),
)

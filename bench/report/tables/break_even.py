"""Break-even: after how many steps a longer start-up has paid for itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from bench import costs
from bench import run_statistics as stats
from bench.costs import BreakEven
from bench.report import matched, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.tables import columns
from bench.report.tables.beside import second
from bench.report.tables.columns import Pick, first
from bench.report.tables.table import Cell, Column, Row, Section, Table, equal_in_all_rows
from bench.run_statistics import Replicates

VARYING = (*FRAMEWORK, "device")


def build(groups: Sequence[Replicates]) -> Table:
    """A section a subject, batch size and goal; a row a question."""
    trained = any(group.measured and group.experiment.goal == "train" for group in groups)
    sections = (_section(comparison, trained) for comparison in comparisons(groups, VARYING))
    return Table(
        name="break-even",
        title="When a longer start-up pays",
        explanation=(
            "Two ways to train, the one with more to do before its first step against the "
            "other: not compiled against compiled, the CPU against an accelerator, one framework "
            "against another. The second is ahead after (difference of start-ups) / (difference "
            "of seconds a step) steps: 'at once' where it starts no later and is faster, 'never' "
            "where its steps are no faster. Found for each seed by itself; of several seeds the "
            "median and the range. An epoch's evaluation is not counted."
        ),
        needs="two ways to train the same network that ended well",
        sections=tuple(section for section in sections if section.rows),
    )


def _section(comparison: Comparison, trained: bool) -> Section:
    experiment = comparison.experiment
    place = wording.place(experiment, ("batch_size", "goal"))
    return Section(
        heading=f"{wording.subject(experiment, comparison.data)}, {place}",
        note=equal_in_all_rows(comparison),
        columns=_columns(),
        rows=tuple(pairs(comparison, trained)),
    )


def pairs(comparison: Comparison, trained: bool) -> Iterator[Row]:
    """The questions, in the order of the title.

    Frameworks are set against one another by whole trainings where there are any (``trained``):
    a sweep of batch sizes would ask the same many times over.
    """
    groups = comparison.measured
    yield from costs.eager_and_compiled(groups)
    yield from costs.cpu_and_accelerator(groups)
    if comparison.experiment.goal == "train" or not trained:
        yield from costs.framework_pairs(groups)


def _columns() -> tuple[Column, ...]:
    return (
        *columns.experiment(leave_out=(*VARYING, "versions")),
        *(_name(header, pick) for header, pick in (("first", first), ("second", second))),
        *(_start_up(header, pick) for header, pick in (("first", first), ("second", second))),
        *(_step(header, pick) for header, pick in (("first", first), ("second", second))),
        _verdict(),
        _epochs(),
        _seconds(),
        matched.column(),
    )


def _name(header: str, pick: Callable[[Row], Replicates]) -> Column:
    def cell(row: Row) -> Cell:
        one = pick(row).experiment
        said = f"{wording.framework(one)}, {wording.device(one.device)}"
        return Cell(shown=said, raw=(one.framework, one.execution, one.device))

    names = (f"{header}_framework", f"{header}_execution", f"{header}_device")
    return Column(header=header, names=names, cell=cell, words=True)


def _start_up(header: str, pick: Pick) -> Column:
    return columns.quantity(
        f"{header}: start-up (s)", f"{header}_start_up", "s", stats.start_up_s, pick=pick
    )


def _step(header: str, pick: Pick) -> Column:
    return columns.quantity(
        f"{header}: a step (ms)", f"{header}_step", "s", stats.step_s, scale=1000, pick=pick
    )


def _verdict() -> Column:
    def cell(row: Row) -> Cell:
        found = costs.break_even(*row)
        raw = (*_range(found.paid), len(found.leads), found.never, *_range(found.lost))
        return Cell(shown=said(found), raw=raw)

    return Column(
        header="second is ahead",
        names=(
            *(f"break_even_{which}_steps" for which in ("median", "min", "max")),
            "seeds_n",
            "never_ahead_n",
            *(f"ahead_until_{which}_steps" for which in ("median", "min", "max")),
        ),
        cell=cell,
        words=True,
    )


def said(found: BreakEven) -> str:
    """When the second of two ways is ahead, in words; of several seeds, in how many."""
    seeds = len(found.leads)
    if not seeds:
        return "no seed in common"
    parts = (
        (f"after {_steps(found.paid)}" if any(found.paid) else "at once", len(found.paid)),
        (f"until {_steps(found.lost)}", len(found.lost)),
        ("never", found.never),
    )
    return "; ".join(
        words if count == seeds else f"{words} in {count} of {seeds}"
        for words, count in parts
        if count
    )


def _steps(values: Sequence[float]) -> str:
    return f"{_spread(values, _whole)} steps"


def _whole(steps: float) -> str:
    """The first whole step at which it is so; rounding errors do not make one more."""
    return f"{math.ceil(round(steps, 6)):,}"


def _epochs() -> Column:
    def cell(row: Row) -> Cell:
        an_epoch = costs.epoch_steps(row[0])
        return _numbers([steps / an_epoch for steps in costs.break_even(*row).paid])

    return Column(header="epochs", names=_names("epochs"), cell=cell)


def _seconds() -> Column:
    return Column(
        header="since cold start (s)",
        names=_names("s_since_cold_start"),
        cell=lambda row: _numbers(costs.break_even(*row).paid_s),
    )


def _names(unit: str) -> tuple[str, ...]:
    return tuple(f"break_even_{which}_{unit}" for which in ("median", "min", "max"))


def _numbers(values: Sequence[float]) -> Cell:
    return Cell(shown=_spread(values), raw=_range(values))


def _range(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    return (median(values), min(values), max(values)) if values else (None, None, None)


def _spread(values: Sequence[float], shown: Callable[[float], str] = wording.number) -> str:
    """The median, and of several seeds the range: '1,200 (1,100 to 1,350)'."""
    middle, low, high = (shown(value) if value is not None else "–" for value in _range(values))
    return middle if len(values) < 2 else f"{middle} ({low} to {high})"

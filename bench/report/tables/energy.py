"""Energy and price: joules of training, and what the machine costs, to the targets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bench import costs
from bench import run_statistics as stats
from bench.record import Record
from bench.report import matched, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.tables import columns
from bench.report.tables.table import Cell, Column, Row, Section, Table, of_frameworks
from bench.run_statistics import Replicates, Statistic


def build(groups: Sequence[Replicates]) -> Table:
    """A section for each set of experiments that differ in framework and execution alone."""
    return Table(
        name="energy",
        title="Energy and price",
        explanation=(
            "Joules are read off the hardware's own counters while training goes on for some "
            "seconds after everything else was measured. They are those of the whole processor "
            "package or the whole GPU, idle power included, and of nothing else in the machine. "
            "Energy to a target is the joules of an image times the training images up to it. "
            "The price of a target is the machine's price an hour times start-up and training "
            "time, in the user's currency. Evaluations are left out of both."
        ),
        needs="runs with --energy, or --price",
        sections=tuple(map(_section, comparisons(groups, FRAMEWORK, keep=_asked))),
    )


def _asked(comparison: Comparison) -> bool:
    priced = bool(comparison.targets) and comparison.experiment.goal == "train"
    return any(
        _energies(group) or (priced and _price(group) is not None) for group in comparison.measured
    )


def _section(comparison: Comparison) -> Section:
    return of_frameworks(comparison, _columns(comparison))


def _columns(comparison: Comparison) -> tuple[Column, ...]:
    measured = any(group.summary(costs.joules_per_image) for group in comparison.groups)
    price = next((p for g in comparison.groups if (p := _price(g)) is not None), None)
    return (
        *columns.experiment(),
        columns.framework((group,) for group in comparison.groups),
        columns.outcome(),
        matched.column(),
        _meter(),
        columns.quantity("power (W)", "power", "w", costs.watts),
        columns.quantity("an image (mJ)", "image", "j", costs.joules_per_image, scale=1000),
        *(_energy_to(target) for target in comparison.targets if measured),
        *(_price_to(target, price) for target in comparison.targets if price is not None),
    )


def _energy_to(target: float) -> Column:
    return _reached(
        f"energy to {wording.target(target)} (J)",
        f"energy_to_{100 * target:g}_percent",
        "j",
        partial(costs.joules_to_target, target=target),
        target,
    )


def _price_to(target: float, price_per_h: float) -> Column:
    return _reached(
        f"price to {wording.target(target)}, at {price_per_h:g} an hour",
        f"price_to_{100 * target:g}_percent",
        "currency",
        partial(costs.price_to_target, target=target, price_per_h=price_per_h),
        target,
    )


def _reached(header: str, name: str, unit: str, statistic: Statistic, target: float) -> Column:
    """A quantity of the runs that met a target, the misses counted."""

    def cell(row: Row) -> Cell:
        missed = sum(_missed(record, target) for record in row[0].measured)
        summary = row[0].summary(statistic)
        shown = _misses(wording.spread(summary), missed, len(row[0].measured))
        return Cell(shown=shown, raw=(*columns.numbers(summary), missed))

    names = (f"{name}_mean_{unit}", f"{name}_std_{unit}", f"{name}_n", f"{name}_not_reached_n")
    return Column(header=header, names=names, cell=cell)


def _missed(record: Record, target: float) -> bool:
    """Whether a run that read its accuracy never met the target."""
    evaluated = bool(record.measurement and record.measurement.evaluations)
    return evaluated and stats.time_to_accuracy_s(record, target) is None


def _misses(said: str, missed: int, runs: int) -> str:
    """The misses first, whatever the others did."""
    if not runs:
        return said
    if said == wording.NOT_MEASURED or not missed:
        return "not reached" if missed == runs else said
    return f"not reached in {missed} of {runs}; the others {said}"


def _meter() -> Column:
    """What was read; or why nothing could be, which is never left blank."""

    def cell(row: Row) -> Cell:
        said = _energies(row[0])
        return Cell(shown="; ".join(said) or "not asked for", raw=("; ".join(said) or None,))

    return Column(header="energy", names=("meter",), cell=cell, words=True)


def _energies(group: Replicates) -> list[str]:
    found = (record.measurement.energy for record in group.measured if record.measurement)
    said = (
        energy.meter if energy.unavailable is None else f"not measurable here: {energy.unavailable}"
        for energy in found
        if energy is not None
    )
    return list(dict.fromkeys(said))


def _price(group: Replicates) -> float | None:
    return group.evidence.suite.price_per_h

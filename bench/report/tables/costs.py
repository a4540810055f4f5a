"""Cost and limits: operations a second, and what they are of what the machine can do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.tables import columns
from bench.report.tables.columns import Pick, first, second
from bench.report.tables.table import (
    Cell,
    Column,
    Row,
    Section,
    Table,
    equal_in_all_rows,
    of_frameworks,
)
from bench.results.record import Record
from bench.stats import costs
from bench.stats import runs as stats
from bench.stats.costs import BreakEven
from bench.stats.runs import Replicates, Statistic

GIGA = 1e-9
TOO_LOW = (
    "A row above it shows that it was measured too low: run python -m bench audit again on a "
    "quiet machine."
)


def build_roofline(groups: Sequence[Replicates]) -> Table:
    """A section for each set of experiments that differ in framework and execution alone."""
    return Table(
        name="costs",
        title="Cost and limits",
        explanation=(
            "FLOP are floating-point operations of the products, counted from the layers: 2 for "
            "a multiply-add, forward and backward. Intensity is FLOP for each byte that a step "
            "must move if every product finds its caches empty. The roof is the most that the "
            "machine, as measured by the audit, can do at that intensity. Where neither "
            "computing nor moving bytes explains half of a step's time it is launch-bound: on a "
            "GPU that is launching kernels, on a CPU any overhead, Python's, the framework's or "
            "of products too small to be efficient. '(cache)': faster than memory could bring "
            "the bytes, so the caches kept some of them; such a row is judged by computing alone."
        ),
        needs="a run that ended well of an architecture with an entry in models/cost.py",
        sections=tuple(map(_roofline_section, comparisons(groups, FRAMEWORK, keep=_known))),
    )


def _known(comparison: Comparison) -> bool:
    return any(group.summary(costs.training_flop_per_s) for group in comparison.groups)


def _roofline_section(comparison: Comparison) -> Section:
    return of_frameworks(
        comparison, _roofline_columns(comparison), work(comparison), machine(comparison)
    )


def work(comparison: Comparison) -> str:
    """What one image costs, in words."""
    record = comparison.measured[0].measured[0]
    training = costs.training_flop_per_image(record)
    inference = costs.inference_flop_per_image(record)
    if training is None or inference is None:
        return ""
    return (
        f"An image costs {training / 1e6:,.2f} MFLOP in training and "
        f"{inference / 1e6:,.2f} in inference."
    )


def machine(comparison: Comparison) -> str:
    """The roof, in words."""
    peak = costs.peak(comparison.measured[0])
    if peak is None:
        return "No peak of this machine was measured: python -m bench audit measures it."
    measured = (
        f"Peak measured by {peak.by}: {wording.number(peak.flop_per_s * GIGA)} GFLOP/s, "
        f"{wording.number(peak.bytes_per_s * GIGA)} GB/s."
    )
    places = map(costs.roofline_point, comparison.measured)
    too_low = any(place.above_peak for place in places if place)
    return f"{measured} {TOO_LOW}" if too_low else measured


def _roofline_columns(comparison: Comparison) -> tuple[Column, ...]:
    return (
        *columns.experiment(),
        columns.FRAMEWORK,
        columns.outcome(),
        columns.WORK,
        _constant("training_flop_per_image", costs.training_flop_per_image),
        columns.quantity(
            "reached (GFLOP/s)",
            "training",
            "flop_per_s",
            costs.training_flop_per_s,
            scale=GIGA,
        ),
        _constant(
            "intensity_flop_per_byte", costs.intensity_flop_per_byte, "intensity (FLOP/byte)"
        ),
        _of_place("roof (GFLOP/s)", "roof_flop_per_s", lambda it: it.roof_flop_per_s, GIGA),
        _of_place(
            "share of peak (%)",
            "share_of_peak_fraction",
            lambda it: it.share_of_peak,
            100,
        ),
        _of_place(
            "share of roof (%)",
            "share_of_roof_fraction",
            lambda it: it.share_of_roof,
            100,
        ),
        _limit(),
    )


def _constant(name: str, statistic: Statistic, header: str = "") -> Column:
    """A number that is the same in all runs of a row; without a header in the CSV only."""

    def cell(row: Row) -> Cell:
        summary = row.first.summary(statistic)
        if summary is None:
            return Cell(shown=wording.NOT_MEASURED, raw=(None,))
        return Cell(shown=wording.number(summary.mean), raw=(summary.mean,))

    return Column(header=header, names=(name,), cell=cell)


def _of_place(
    header: str, name: str, of: Callable[[costs.RooflinePoint], float], scale: float = 1.0
) -> Column:
    def cell(row: Row) -> Cell:
        place = costs.roofline_point(row.first)
        if place is None:
            return Cell(shown=wording.NOT_MEASURED, raw=(None,))
        return Cell(shown=wording.number(of(place) * scale), raw=(of(place),))

    return Column(header=header, names=(name,), cell=cell)


def _limit() -> Column:
    def cell(row: Row) -> Cell:
        place = costs.roofline_point(row.first)
        if place is None:
            return Cell(shown="", raw=(None, None))
        shown = f"{place.limit} (cache)" if place.cached else place.limit
        return Cell(shown=shown, raw=(place.limit, place.cached))

    return Column(header="bound by", names=("limit", "cached"), cell=cell, words=True)


# Energy and price: joules of training, and what the machine costs, to the targets.


def build_energy(groups: Sequence[Replicates]) -> Table:
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
        sections=tuple(map(_energy_section, comparisons(groups, FRAMEWORK, keep=_asked))),
    )


def _asked(comparison: Comparison) -> bool:
    priced = bool(comparison.targets) and comparison.experiment.goal == "train"
    return any(
        _energies(group) or (priced and _price(group) is not None) for group in comparison.measured
    )


def _energy_section(comparison: Comparison) -> Section:
    return of_frameworks(comparison, _energy_columns(comparison))


def _energy_columns(comparison: Comparison) -> tuple[Column, ...]:
    measured = any(group.summary(costs.joules_per_image) for group in comparison.groups)
    price = next((p for g in comparison.groups if (p := _price(g)) is not None), None)
    return (
        *columns.experiment(),
        columns.FRAMEWORK,
        columns.outcome(),
        columns.WORK,
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
        missed = sum(_missed(record, target) for record in row.first.measured)
        summary = row.first.summary(statistic)
        shown = _misses(wording.spread(summary), missed, len(row.first.measured))
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
        said = _energies(row.first)
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


# Break-even: after how many steps a longer start-up has paid for itself.


VARYING = (*FRAMEWORK, "device")


def build_break_even(groups: Sequence[Replicates]) -> Table:
    """A section a subject, batch size and goal; a row a question."""
    trained = any(group.measured and group.experiment.goal == "train" for group in groups)
    sections = (
        _break_even_section(comparison, trained) for comparison in comparisons(groups, VARYING)
    )
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


def _break_even_section(comparison: Comparison, trained: bool) -> Section:
    experiment = comparison.experiment
    place = wording.place(experiment, ("batch_size", "goal"))
    return Section(
        heading=f"{wording.subject(experiment, comparison.data)}, {place}",
        note=equal_in_all_rows(comparison),
        columns=_break_even_columns(),
        rows=[Row(groups=pair) for pair in pairs(comparison, trained)],
    )


def pairs(comparison: Comparison, trained: bool) -> Iterator[tuple[Replicates, Replicates]]:
    """The questions, in the order of the title.

    Frameworks are set against one another by whole trainings where there are any (``trained``):
    a sweep of batch sizes would ask the same many times over.
    """
    groups = comparison.measured
    yield from costs.eager_and_compiled(groups)
    yield from costs.cpu_and_accelerator(groups)
    if comparison.experiment.goal == "train" or not trained:
        yield from costs.framework_pairs(groups)


def _break_even_columns() -> tuple[Column, ...]:
    return (
        *columns.experiment(leave_out=(*VARYING, "versions")),
        *(_name(header, pick) for header, pick in (("first", first), ("second", second))),
        *(_start_up(header, pick) for header, pick in (("first", first), ("second", second))),
        *(_step(header, pick) for header, pick in (("first", first), ("second", second))),
        _verdict(),
        _epochs(),
        _seconds(),
        columns.WORK,
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
        found = costs.break_even(*row.groups)
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
        an_epoch = costs.epoch_steps(row.first)
        return _numbers([steps / an_epoch for steps in costs.break_even(*row.groups).paid])

    return Column(header="epochs", names=_names("epochs"), cell=cell)


def _seconds() -> Column:
    return Column(
        header="since cold start (s)",
        names=_names("s_since_cold_start"),
        cell=lambda row: _numbers(costs.break_even(*row.groups).paid_s),
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

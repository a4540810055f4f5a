"""What training reaches of what the machine can do; its joules and price; when a start-up pays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.tables import columns
from bench.report.tables.columns import Side
from bench.report.tables.frameworks import framework_section
from bench.report.tables.table import Cell, Column, Row, Section, Table, section_of
from bench.results.record import Record
from bench.stats import costs, runs
from bench.stats.costs import BreakEven
from bench.stats.runs import Replicates, Statistic

GIGA = 1e-9
TOO_LOW = (
    "A row above it shows that it was measured too low: run python -m bench audit again on a "
    "quiet machine."
)


def limits(groups: Sequence[Replicates]) -> Table:
    """A section for each set of experiments that differ in framework and execution alone."""
    return Table(
        name="costs",
        title="Cost and limits",
        explanation=(
            "FLOP are floating-point operations of the products, counted from the layers: 2 for "
            "a multiply-add, forward and backward. Intensity is FLOP for each byte that a step "
            "must move if every product finds its caches empty. The roof is the most that the "
            "machine, as measured by the audit, can do at that intensity. Where neither "
            "computing nor moving bytes explains half of a step's time, 'launch-bound' says that "
            "the device was seen to wait for its work: a few steps given to it while idle were "
            "done as soon as they were given. Else it is 'not explained': Python, the framework, "
            "or products and convolutions that are not efficient. "
            "'(cache)': faster than memory could bring "
            "the bytes, so the caches kept some of them; such a row is judged by computing alone."
        ),
        needs="a run that ended well of an architecture with an entry in models/cost.py",
        sections=tuple(
            framework_section(comparison, LIMITS, work(comparison), machine(comparison))
            for comparison in comparisons(groups, FRAMEWORK)
            if any(group.summary(costs.training_flop_per_s) for group in comparison.groups)
        ),
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
    points = map(costs.roofline_point, comparison.measured)
    too_low = any(point.above_peak for point in points if point)
    return f"{measured} {TOO_LOW}" if too_low else measured


def _constant(header: str, name: str, statistic: Statistic) -> Column:
    """A number that is the same in all runs of a row; without a header in the CSV only."""

    def mean(row: Row) -> float | None:
        summary = row.first.summary(statistic)
        return summary.mean if summary else None

    return columns.number(header, name, mean)


def _of_point(header: str, name: str, field: str, scale: float) -> Column:
    """One field of where a row lies under the roof."""

    def value(row: Row) -> float | None:
        return getattr(_point(row), field, None)

    return columns.number(header, name, value, scale=scale)


def _point(row: Row) -> costs.RooflinePoint | None:
    return costs.roofline_point(row.first)


def _limit(point: costs.RooflinePoint) -> Cell:
    shown = f"{point.limit} (cache)" if point.cached else point.limit
    return Cell(shown=shown, raw=(point.limit, point.cached))


LIMITS = (
    _constant("", "training_flop_per_image", costs.training_flop_per_image),
    columns.quantity(
        "reached (GFLOP/s)", "training", "flop_per_s", costs.training_flop_per_s, scale=GIGA
    ),
    _constant("intensity (FLOP/byte)", "intensity_flop_per_byte", costs.intensity_flop_per_byte),
    _of_point("roof (GFLOP/s)", "roof_flop_per_s", "roof_flop_per_s", GIGA),
    _of_point("share of peak (%)", "share_of_peak_fraction", "share_of_peak", 100),
    _of_point("share of roof (%)", "share_of_roof_fraction", "share_of_roof", 100),
    _of_point("", "waiting_for_launches_fraction", "waiting", 100),
    columns.column("bound by", ("limit", "cached"), _point, _limit, absent="", words=True),
)


# Energy and price: joules of training, and what the machine costs, to the targets


def energy(groups: Sequence[Replicates]) -> Table:
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
        sections=tuple(
            framework_section(comparison, _energy_columns(comparison))
            for comparison in comparisons(groups, FRAMEWORK, keep=_asked)
        ),
    )


def _asked(comparison: Comparison) -> bool:
    priced = bool(comparison.targets) and comparison.experiment.goal == "train"
    return any(
        _meters(group) or (priced and group.evidence.suite.price_per_h is not None)
        for group in comparison.measured
    )


def _energy_columns(comparison: Comparison) -> tuple[Column, ...]:
    measured = any(group.summary(costs.joules_per_image) for group in comparison.groups)
    price = comparison.groups[0].evidence.suite.price_per_h
    return (
        columns.words("energy", "meter", lambda row: _meters(row.first), absent="not asked for"),
        columns.quantity("power (W)", "power", "w", costs.watts),
        columns.quantity("an image (mJ)", "image", "j", costs.joules_per_image, scale=1000),
        *(_energy_to(target) for target in comparison.targets if measured),
        *(_price_to(target, price) for target in comparison.targets if price is not None),
    )


def _energy_to(target: float) -> Column:
    header = f"energy to {wording.target(target)} (J)"
    joules = partial(costs.joules_to_target, target=target)
    return _reached(header, "energy", "j", joules, target)


def _price_to(target: float, price_per_h: float) -> Column:
    header = f"price to {wording.target(target)}, at {price_per_h:g} an hour"
    price = partial(costs.price_to_target, target=target, price_per_h=price_per_h)
    return _reached(header, "price", "currency", price, target)


def _reached(header: str, name: str, unit: str, statistic: Statistic, target: float) -> Column:
    """A quantity of the runs that met a target, the misses counted."""

    def cell(group: Replicates) -> Cell:
        missed = sum(_missed(record, target) for record in group.measured)
        summary = group.summary(statistic)
        shown = _misses(wording.spread(summary), missed, len(group.measured))
        return Cell(shown=shown, raw=(*columns.numbers(summary), missed))

    name = f"{name}_to_{100 * target:g}_percent"
    names = (*columns.spread_names(name, unit), f"{name}_not_reached_n")
    return columns.column(header, names, lambda row: row.first, cell)


def _missed(record: Record, target: float) -> bool:
    """Whether a run that read its accuracy never met the target."""
    evaluated = bool(record.measurement and record.measurement.evaluations)
    return evaluated and runs.time_to_accuracy_s(record, target) is None


def _misses(spread: str, missed: int, total: int) -> str:
    """The misses first, whatever the others did."""
    if not total:
        return spread
    if spread == wording.NOT_MEASURED or not missed:
        return "not reached" if missed == total else spread
    return f"not reached in {missed} of {total}; the others {spread}"


def _meters(group: Replicates) -> str | None:
    """What was read; or why nothing could be, which is never left blank; None: not asked for."""
    readings = [r.measurement.energy for r in group.measured if r.measurement]
    meters = (
        energy.meter if energy.unavailable is None else f"not measurable here: {energy.unavailable}"
        for energy in readings
        if energy is not None
    )
    return "; ".join(dict.fromkeys(meters)) or None


# Break-even: after how many steps a longer start-up has paid for itself

VARYING = (*FRAMEWORK, "device")


@dataclass(frozen=True, kw_only=True)
class BreakEvenRow(Row):
    """Two ways to train, and when the second is ahead."""

    break_even: BreakEven


def break_even(groups: Sequence[Replicates]) -> Table:
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
    return section_of(
        comparison,
        BREAK_EVEN,
        [
            BreakEvenRow(groups=pair, break_even=costs.break_even(*pair))
            for pair in pairs(comparison, trained)
        ],
        heading=comparison.heading("batch_size", "goal"),
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


def _name(side: Side) -> Column:
    def cell(group: Replicates) -> Cell:
        experiment = group.experiment
        shown = f"{wording.framework(experiment)}, {wording.device(experiment.device)}"
        return Cell(
            shown=shown, raw=(experiment.framework, experiment.execution, experiment.device)
        )

    names = (f"{side.name}{part}" for part in ("framework", "execution", "device"))
    return columns.column(side.header.rstrip(":"), names, side.pick, cell, words=True)


def ahead(break_even: BreakEven) -> str:
    """When the second of two ways is ahead, in words; of several seeds, in how many."""
    seeds = len(break_even.leads)
    if not seeds:
        return "no seed in common"
    paid, lost = break_even.paid, break_even.lost
    parts = (
        (f"after {_spread(paid, _whole)} steps" if any(paid) else "at once", len(paid)),
        (f"until {_spread(lost, _whole)} steps", len(lost)),
        ("never", break_even.never),
    )
    return "; ".join(
        words if count == seeds else f"{words} in {count} of {seeds}"
        for words, count in parts
        if count
    )


def _whole(steps: float) -> str:
    """The first whole step at which it is so; rounding errors do not make one more."""
    return f"{math.ceil(round(steps, 6)):,}"


def _ahead_cell(row: BreakEvenRow) -> Cell:
    known = row.break_even
    raw = (*_range(known.paid), len(known.leads), known.never, *_range(known.lost))
    return Cell(shown=ahead(known), raw=raw)


def _epochs_cell(row: BreakEvenRow) -> Cell:
    an_epoch = costs.epoch_steps(row.first)
    return _range_cell([steps / an_epoch for steps in row.break_even.paid])


def _range_names(name: str, unit: str) -> tuple[str, str, str]:
    return f"{name}_median_{unit}", f"{name}_min_{unit}", f"{name}_max_{unit}"


def _range_cell(values: Sequence[float]) -> Cell:
    return Cell(shown=_spread(values), raw=_range(values))


def _range(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    return (median(values), min(values), max(values)) if values else (None, None, None)


def _spread(values: Sequence[float], shown: Callable[[float], str] = wording.number) -> str:
    """The median, and of several seeds the range: '1,200 (1,100 to 1,350)'."""
    middle, low, high = (shown(value) if value is not None else "–" for value in _range(values))
    return middle if len(values) < 2 else f"{middle} ({low} to {high})"


SIDES = columns.sides("first:", "second:")
BREAK_EVEN = (
    columns.experiment(leave_out=(*VARYING, "versions")),
    *map(_name, SIDES),
    *(columns.quantity("start-up (s)", "start_up", "s", runs.start_up_s, side=s) for s in SIDES),
    *(
        columns.quantity("a step (ms)", "step", "s", runs.step_s, scale=1000, side=side)
        for side in SIDES
    ),
    Column(
        header="second is ahead",
        names=(
            *_range_names("break_even", "steps"),
            "seeds_n",
            "never_ahead_n",
            *_range_names("ahead_until", "steps"),
        ),
        cell=_ahead_cell,
        words=True,
    ),
    Column(header="epochs", names=_range_names("break_even", "epochs"), cell=_epochs_cell),
    Column(
        header="since cold start (s)",
        names=_range_names("break_even", "s_since_cold_start"),
        cell=lambda row: _range_cell(row.break_even.paid_s),
    ),
    columns.WORK,
)

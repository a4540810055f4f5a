"""Cost and limits: operations a second, and what they are of what the machine can do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench import costs
from bench.report import matched, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.tables import columns
from bench.report.tables.table import Cell, Column, Row, Section, Table, of_frameworks
from bench.run_statistics import Replicates, Statistic

GIGA = 1e-9
TOO_LOW = (
    "A row above it shows that it was measured too low: run python -m bench audit again on a "
    "quiet machine."
)


def build(groups: Sequence[Replicates]) -> Table:
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
        sections=tuple(map(_section, comparisons(groups, FRAMEWORK, keep=_known))),
    )


def _known(comparison: Comparison) -> bool:
    return any(group.summary(costs.training_flop_per_s) for group in comparison.groups)


def _section(comparison: Comparison) -> Section:
    return of_frameworks(comparison, _columns(comparison), work(comparison), machine(comparison))


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


def _columns(comparison: Comparison) -> tuple[Column, ...]:
    return (
        *columns.experiment(),
        columns.framework((group,) for group in comparison.groups),
        columns.outcome(),
        matched.column(),
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
        summary = row[0].summary(statistic)
        if summary is None:
            return Cell(shown=wording.NOT_MEASURED, raw=(None,))
        return Cell(shown=wording.number(summary.mean), raw=(summary.mean,))

    return Column(header=header, names=(name,), cell=cell)


def _of_place(
    header: str, name: str, of: Callable[[costs.RooflinePoint], float], scale: float = 1.0
) -> Column:
    def cell(row: Row) -> Cell:
        place = costs.roofline_point(row[0])
        if place is None:
            return Cell(shown=wording.NOT_MEASURED, raw=(None,))
        return Cell(shown=wording.number(of(place) * scale), raw=(of(place),))

    return Column(header=header, names=(name,), cell=cell)


def _limit() -> Column:
    def cell(row: Row) -> Cell:
        place = costs.roofline_point(row[0])
        if place is None:
            return Cell(shown="", raw=(None, None))
        shown = f"{place.limit} (cache)" if place.cached else place.limit
        return Cell(shown=shown, raw=(place.limit, place.cached))

    return Column(header="bound by", names=("limit", "cached"), cell=cell, words=True)

"""What runs reach of what the machine can do, and how steady it was."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes

from bench.experiment import Experiment
from bench.machine.pulse import PRODUCTS, SIZE, steadiness
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, by_machine, comparisons
from bench.report.plots import findings, style
from bench.report.plots.style import LOOKS, PLAIN, Plot
from bench.results.evidence import Peak
from bench.results.record import Pulse
from bench.stats import costs
from bench.stats.costs import EXPLAINED, RooflinePoint
from bench.stats.runs import Replicates

# The roofline: what experiments reach, under the most that their machine can do

GIGA = 1e-9
ROOFS = ("-", "--", "-.", ":")  # lines of the roofs of several precisions or numbers of threads
MARGIN = 2.0  # factor of room around the points
APART = 0.009  # of the axis between the points of two frameworks, which have the same intensity


def _points(panel: Comparison) -> list[tuple[Replicates, RooflinePoint]]:
    return costs.each(panel.measured, costs.roofline_point)


def _draw_roofline(axes: Axes, panel: Comparison) -> None:
    points = _points(panel)
    _roofline_scales(axes, [point for _, point in points])
    _draw_roofs(axes, [point.peak for _, point in points])
    names = sorted({wording.framework(group.experiment) for group, _ in points})
    left, right = axes.get_xlim()
    for group, point in points:
        name, look = wording.framework(group.experiment), style.look_of(group.experiment)
        aside = APART * (names.index(name) - (len(names) - 1) / 2)
        axes.plot(
            point.intensity * (right / left) ** aside,
            point.flop_per_s * GIGA,
            look.marker,
            color=look.colour,
            markeredgecolor="white",
            markersize=10,
            label=name,
            zorder=3,
        )
    _name_columns(axes, points)


def _draw_roofs(axes: Axes, peaks: Iterable[Peak]) -> None:
    """A roof a peak, and half of it, below which neither limit explains a point."""
    intensity = np.geomspace(*axes.get_xlim(), 400)
    for number, peak in enumerate(dict.fromkeys(peaks)):
        roof = np.array([costs.roof_flop_per_s(peak, float(x)) for x in intensity]) * GIGA
        axes.plot(intensity, roof, color="black", linestyle=ROOFS[number % len(ROOFS)])
        axes.fill_between(intensity, EXPLAINED * roof, color="0.5", alpha=0.10, linewidth=0)
        style.write_beside(
            axes,
            _peak(peak),
            (intensity[0], roof[-1]),
            (4, 4),
            fontsize=11,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )


def _peak(peak: Peak) -> str:
    """What a roof is of: '181 GFLOP/s and 14 GB/s (fp32)'."""
    threads = "" if peak.threads is None else f", {wording.counted(peak.threads, 'thread')}"
    return (
        f"{wording.number(peak.flop_per_s * GIGA)} GFLOP/s and "
        f"{wording.number(peak.bytes_per_s * GIGA)} GB/s ({peak.precision}{threads})"
    )


def _name_columns(axes: Axes, points: Sequence[tuple[Replicates, RooflinePoint]]) -> None:
    """Name the batch size under the points that have it: all frameworks' lie in one column.

    Intensity follows from the work alone, so a label a column does for any number of points.
    """
    ordered = sorted((point.intensity, _column(group.experiment)) for group, point in points)
    low, _ = axes.get_ylim()
    for name, members in groupby(ordered, lambda column: column[1]):
        x = float(np.mean([intensity for intensity, _ in members]))
        axes.axvline(x, color="0.75", linewidth=1, linestyle=":", zorder=1)
        style.write_beside(axes, name, (x, low), (3, 5), rotation=90, va="bottom", fontsize=11)


def _column(experiment: Experiment) -> str:
    precision = "" if experiment.precision == "fp32" else f", {experiment.precision}"
    return f"batch {experiment.batch_size:,}{precision}"


def _roofline_scales(axes: Axes, points: Sequence[RooflinePoint]) -> None:
    """Both axes over all points with room, and over the corner of every roof."""
    corners = [point.peak.flop_per_s / point.peak.bytes_per_s for point in points]
    across = [*(point.intensity for point in points), *corners]
    reached = [point.flop_per_s * GIGA for point in points]
    top = max(*reached, *(point.peak.flop_per_s * GIGA for point in points))
    axes.loglog()
    axes.set_xlim(min(across) / MARGIN, max(across) * MARGIN)
    axes.set_ylim(min(reached) / MARGIN**2, top * MARGIN)
    style.log_ticks(axes.xaxis)
    style.log_ticks(axes.yaxis)
    axes.set_xlabel("arithmetic intensity (FLOP/byte, log scale)")
    axes.set_ylabel("reached in training\n(GFLOP/s, log scale)")


def _peak_notes(panels: Sequence[Comparison]) -> Iterator[str]:
    points = [point for panel in panels for _, point in _points(panel)]
    libraries = dict.fromkeys(point.peak.by for point in points)
    yield f"Black: the most this machine did, measured by {', '.join(libraries)}."
    if any(point.above_peak for point in points):
        yield "A point lies above it: it was measured too low, audit again."


def _roofline_finding(panels: Sequence[Comparison]) -> str:
    """The largest share of the machine's peak that training reaches."""
    points = [
        (point, group, panel)
        for panel in panels
        for group in panel.measured
        if (point := costs.roofline_point(group)) and not point.above_peak
    ]
    if not points:
        return ""
    point, group, panel = max(points, key=lambda each: each[0].share_of_peak)
    return (
        f"Training reaches at most {wording.percent(point.share_of_peak, 0)} of the machine's "
        f"peak: {wording.framework(group.experiment)} with {findings.names([panel], panels)}"
    )


ROOFLINE = Plot(
    name="roofline",
    title="What training reaches of what the machine can do",
    caption=(
        "The black roof is the most that the machine can do: on the left the memory is the limit, "
        "on the right the arithmetic. A point is an experiment; with several seeds it is their "
        "mean. Points of one batch size have the same intensity and are drawn a little apart so "
        "that each can be seen. FLOP are counted from the layers; bytes are those that a step must "
        "move if every product starts with empty caches. In the grey, below half of the roof, "
        "neither limit explains the time; whether a GPU waited for its work is in the table of "
        "costs. Points above the roof on the left got their bytes from the caches; they are judged "
        "by arithmetic alone."
    ),
    needs="runs that ended well, and an audit of the same machine (python -m bench audit)",
    panels=partial(
        comparisons,
        varying=(*FRAMEWORK, "batch_size", "precision", "threads"),
        keep=lambda panel: bool(_points(panel)),
    ),
    draw=_draw_roofline,
    finding=_roofline_finding,
    appendix=True,
    notes=_peak_notes,
)


# How steady the machine was over a suite: its pulse before each run

PRODUCT, BUSY = LOOKS[:2]
MIN_S = 60.0


def _steadiness_panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """One for each machine, of everything that was run there."""
    return [panel for panel in by_machine(groups) if panel.measured and _pulses(panel)]


def _pulses(panel: Comparison) -> list[tuple[datetime, Pulse]]:
    """When each run was started, in this order, and the pulse that was taken before it."""
    records = [record for group in panel.groups for record in group.records]
    ordered = sorted(records, key=lambda record: (record.started_at, record.run_id))
    return [(datetime.fromisoformat(r.started_at), r.pulse) for r in ordered if r.pulse]


def _draw_steadiness(axes: Axes, panel: Comparison) -> None:
    """One point a run, whatever its framework."""
    pulses = _pulses(panel)
    first, _ = pulses[0]
    minutes = [(start - first).total_seconds() / MIN_S for start, _ in pulses]
    products_ms = [1e3 * statistics.median(pulse.product_s) for _, pulse in pulses]
    typical = statistics.median(products_ms)
    axes.plot(minutes, products_ms, PRODUCT.marker, color=PRODUCT.colour, label="product")
    axes.axhline(typical, color=PRODUCT.colour, linestyle="--", label="its median")
    axes.set_ylim(0, 1.25 * max(products_ms))
    axes.yaxis.set_major_formatter(PLAIN)
    axes.set_xlabel("time since the first run began (min)")
    axes.set_ylabel("one product (ms)")
    busy = [(x, p.busy) for x, (_, p) in zip(minutes, pulses, strict=True) if p.busy is not None]
    if busy:
        _draw_busy(axes, busy)


def _draw_busy(axes: Axes, busy: Sequence[tuple[float, float]]) -> None:
    """What others took, as bars from below on an axis of its own, up to all there is.

    ``busy``: minutes, and the share of the processors' time.
    """
    minutes, shares = zip(*busy, strict=True)
    right = axes.twinx()
    right.vlines(minutes, 0, [100 * share for share in shares], color=BUSY.colour, linewidth=5)
    right.set_ylim(0, 100)
    right.set_ylabel("processors' time taken by others (%)")
    right.grid(visible=False)
    right.spines["right"].set_visible(True)
    axes.set_zorder(right.get_zorder() + 1)  # the points before the bars
    axes.patch.set_visible(False)
    axes.plot([], [], color=BUSY.colour, linewidth=5, label="taken by others (right)")


def _machine_heading(panel: Comparison) -> str:
    images = dict.fromkeys(wording.images(group.data) for group in panel.groups)
    return f"{panel.host.cpu}, {panel.host.cores} cores; runs on {', '.join(images)}"


def _steadiness_finding(panels: Sequence[Comparison]) -> str:
    """How far the slowest pulse was from the usual one."""
    records = [record for panel in panels for g in panel.groups for record in g.records]
    pulses = [record.pulse for record in sorted(records, key=lambda r: (r.started_at, r.run_id))]
    known = steadiness([pulse for pulse in pulses if pulse])
    if known is None:
        return ""
    others = (
        ""
        if known.busiest is None
        else (
            f"; other programs took at most {wording.percent(known.busiest, 0)} of the processors"
        )
    )
    slowest = wording.percent(known.slowest, 0)
    return f"The same product took at most {slowest} longer than usual{others}"


STEADINESS = Plot(
    name="steadiness",
    title="Steadiness of the machine",
    caption=(
        f"The same small matrix product ({SIZE} × {SIZE}, float32, NumPy), timed just before each "
        f"run: a point is the median of {PRODUCTS}. On a steady machine the points lie on the "
        "dashed line; points that climb slowly mean heat or a low battery, a jump means another "
        "program. The bars are the share of the processors' time that other programs took "
        "meanwhile. The plot says nothing about any framework."
    ),
    needs="a run whose machine's pulse was taken",
    panels=_steadiness_panels,
    draw=_draw_steadiness,
    finding=_steadiness_finding,
    appendix=True,
    shows_failures=True,
    heading=_machine_heading,
)

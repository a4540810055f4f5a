"""What runs cost: the roofline, break-even of start-ups, and how steady the machine was."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import combinations, groupby
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes

from bench.experiment import Experiment
from bench.machine.pulse import PRODUCTS, SIZE
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, by_machine, comparisons
from bench.report.plots import style
from bench.report.plots.style import LOOKS, PLAIN, Plot
from bench.results.evidence import Peak
from bench.results.record import Pulse
from bench.stats import costs
from bench.stats.costs import EXPLAINED, Line, RooflinePoint
from bench.stats.runs import Replicates

Reading = TypeVar("Reading")


def _each(
    panel: Comparison, reading: Callable[[Replicates], Reading | None]
) -> list[tuple[Replicates, Reading]]:
    """The experiments of a panel that have a reading, each with its reading."""
    readings = ((group, reading(group)) for group in panel.measured)
    return [(group, known) for group, known in readings if known is not None]


# The roofline: what experiments reach, under the most that their machine can do

GIGA = 1e-9
ROOFS = ("-", "--", "-.", ":")  # lines of the roofs of several precisions or numbers of threads
MARGIN = 2.0  # factor of room around the points
APART = 0.009  # of the axis between the points of two frameworks, which have the same intensity


def _points(panel: Comparison) -> list[tuple[Replicates, RooflinePoint]]:
    return _each(panel, costs.roofline_point)


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


def _peak_note(panel: Comparison) -> str:
    points = [point for _, point in _points(panel)]
    libraries = dict.fromkeys(point.peak.by for point in points)
    note = f"Black: the most this machine did, measured by {', '.join(libraries)}."
    if any(point.above_peak for point in points):
        note += "\nA point lies above it: it was measured too low, audit again."
    return note


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
    note=_peak_note,
)


# Seconds since the cold start over training steps: where lines cross, a start-up has paid

MOST_EPOCHS = 100  # a crossing after more epochs than anyone trains is not drawn
ROOM = 20.0  # factor by which lines go on behind the last crossing: its words need it
CLOSE = 1.35  # factor in steps within which only the first of two crossings is named
POINTS = 400  # of a line, which is curved on logarithmic axes

Crossing = tuple[float, float, bool]  # steps, seconds, and whether the lead of all changes there


def _draw_break_even(axes: Axes, panel: Comparison) -> None:
    lines = _each(panel, costs.mean_line)
    epoch_steps = costs.epoch_steps(panel.groups[0])
    overtakings = crossings([line for _, line in lines], epoch_steps * MOST_EPOCHS)
    last = max([epoch_steps, *(steps for steps, _, _ in overtakings)]) * ROOM
    for group, line in lines:
        _draw_line(axes, group.experiment, np.geomspace(1, last, POINTS), line)
    _mark(axes, overtakings)
    axes.axvline(epoch_steps, color="0.6", linewidth=1, linestyle=":")
    style.write_beside(
        axes,
        "1 epoch",
        (epoch_steps, 0.98),
        (-3, 0),
        xycoords=("data", "axes fraction"),
        rotation=90,
        ha="right",
        va="top",
        fontsize=11,
    )
    axes.loglog()
    axes.set_xlim(1, last)
    axes.xaxis.set_major_formatter(style.PLAIN)
    style.log_ticks(axes.yaxis)
    axes.set_xlabel("training steps (log scale)")
    axes.set_ylabel("time since cold start\n(s, log scale)")


def _draw_line(axes: Axes, experiment: Experiment, steps: np.ndarray, line: Line) -> None:
    name, look = wording.framework(experiment), style.look_of(experiment)
    on_cpu = experiment.device == "cpu"
    axes.plot(
        steps,
        [line.at(float(step)) for step in steps],
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        markevery=(POINTS // 10, POINTS // 4),
        markerfacecolor=look.colour if on_cpu else "white",
        label=name if on_cpu else f"{name}, {wording.device(experiment.device)}",
    )


def crossings(lines: Sequence[Line], most: float) -> list[Crossing]:
    """Where one line overtakes another within so many steps, by steps."""
    overtakings = []
    for pair in combinations(lines, 2):
        later, earlier = sorted(pair, key=lambda line: line.step_s)
        steps = costs.crossing(earlier, later)
        if 0 < steps <= most:
            seconds = earlier.at(steps)
            leads = all(seconds <= line.at(steps) * (1 + 1e-9) for line in lines)
            overtakings.append((steps, seconds, leads))
    return sorted(overtakings)


def _mark(axes: Axes, overtakings: Sequence[Crossing]) -> None:
    """A dot a crossing; its steps in words where the lead of all changes."""
    named = 0.0
    for steps, seconds, leads in overtakings:
        axes.plot(steps, seconds, "o", color="black", markersize=7 if leads else 4, zorder=4)
        if leads and steps > named * CLOSE:
            named = steps
            words = f"{steps:,.0f} steps, {wording.number(seconds)} s"
            style.write_beside(axes, words, (steps, seconds), (8, -14), fontsize=12)


BREAK_EVEN = Plot(
    name="break-even",
    title="When a longer start-up pays",
    caption=(
        "Seconds from the start of the process until so many training steps are done, without "
        "evaluations; the lowest line is ahead. A dot is where one line overtakes another. A "
        "large dot, with its steps and seconds, is where the lowest line changes. With several "
        "seeds the lines are of the mean start-up and the mean step; the table tells how far the "
        "seeds differ. Hollow marks: not on the CPU."
    ),
    needs="two ways to train the same network that ended well",
    # of whole trainings and of sweeps alike
    panels=partial(
        comparisons,
        varying=(*FRAMEWORK, "device"),
        keep=lambda panel: len(_each(panel, costs.mean_line)) > 1,
    ),
    draw=_draw_break_even,
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
    shows_failures=True,
    heading=_machine_heading,
)

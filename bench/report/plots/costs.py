"""The roofline: what experiments reach, under the most that their machine can do."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import combinations, groupby

import numpy as np
from matplotlib.axes import Axes

from bench.machine.pulse import PRODUCTS, SIZE
from bench.report import wording
from bench.report.comparison import EXPERIMENT_FIELDS, FRAMEWORK, Comparison, comparisons
from bench.report.plots import style
from bench.report.plots.style import LOOKS, PLAIN, Palette, Plot
from bench.results.evidence import Peak
from bench.results.record import Pulse, Record
from bench.stats import costs
from bench.stats.costs import EXPLAINED, Line, RooflinePoint
from bench.stats.runs import Host, Replicates

GIGA = 1e-9
ROOFS = ("-", "--", "-.", ":")  # lines of the roofs of several precisions or numbers of threads
MARGIN = 2.0  # factor of room around the points
APART = 0.009  # of the axis between the points of two frameworks, which have the same intensity

Placed = tuple[Replicates, RooflinePoint]


def _roofline_panels(groups: Sequence[Replicates]) -> list[Comparison]:
    varying = (*FRAMEWORK, "batch_size", "precision", "threads")
    return comparisons(groups, varying, keep=lambda panel: bool(_placed(panel)))


def _placed(panel: Comparison) -> list[Placed]:
    return [(group, point) for group in panel.measured if (point := costs.roofline_point(group))]


def _draw_roofline(axes: Axes, panel: Comparison, palette: Palette) -> None:
    placed = _placed(panel)
    _roofline_scales(axes, [point for _, point in placed])
    _roofs(axes, [point.peak for _, point in placed])
    names = sorted({wording.framework(group.experiment) for group, _ in placed})
    left, right = axes.get_xlim()
    for group, point in placed:
        name = wording.framework(group.experiment)
        aside = APART * (names.index(name) - (len(names) - 1) / 2)
        axes.plot(
            point.intensity * (right / left) ** aside,
            point.flop_per_s * GIGA,
            palette[name].marker,
            color=palette[name].colour,
            markeredgecolor="white",
            markersize=10,
            label=name,
            zorder=3,
        )
    _name_columns(axes, placed)


def _roofs(axes: Axes, peaks: Iterable[Peak]) -> None:
    """A roof a peak, and half of it, below which a point is launch-bound."""
    intensity = np.geomspace(*axes.get_xlim(), 400)
    for number, peak in enumerate(dict.fromkeys(peaks)):
        roof = np.array([costs.roof_flop_per_s(peak, float(at)) for at in intensity]) * GIGA
        axes.plot(intensity, roof, color="black", linestyle=ROOFS[number % len(ROOFS)])
        axes.fill_between(intensity, EXPLAINED * roof, color="0.5", alpha=0.10, linewidth=0)
        axes.annotate(
            _peak(peak),
            (intensity[0], roof[-1]),
            xytext=(4, 4),
            textcoords="offset points",
            fontsize=11,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )


def _peak(peak: Peak) -> str:
    """What a roof is of: '181 GFLOP/s, 14 GB/s (fp32)'."""
    threads = "" if peak.threads is None else f", {wording.counted(peak.threads, 'thread')}"
    return (
        f"{wording.number(peak.flop_per_s * GIGA)} GFLOP/s and "
        f"{wording.number(peak.bytes_per_s * GIGA)} GB/s ({peak.precision}{threads})"
    )


def _name_columns(axes: Axes, placed: Sequence[Placed]) -> None:
    """Name the batch size under the points that have it: all frameworks' lie in one column.

    Intensity follows from the work alone, so a label a column does for any number of points.
    """
    ordered = sorted((point.intensity, _column(group)) for group, point in placed)
    low, _ = axes.get_ylim()
    for name, members in groupby(ordered, lambda labelled: labelled[1]):
        at = float(np.mean([intensity for intensity, _ in members]))
        axes.axvline(at, color="0.75", linewidth=1, linestyle=":", zorder=1)
        axes.annotate(
            name,
            (at, low),
            xytext=(3, 5),
            textcoords="offset points",
            rotation=90,
            va="bottom",
            fontsize=11,
        )


def _column(group: Replicates) -> str:
    experiment = group.experiment
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


def _note(panel: Comparison) -> str:
    points = [point for _, point in _placed(panel)]
    libraries = dict.fromkeys(point.peak.by for point in points)
    roof = f"Black: the most this machine did, measured by {', '.join(libraries)}."
    too_low = any(point.above_peak for point in points)
    return (
        f"{roof}\nA point lies above it: it was measured too low, audit again." if too_low else roof
    )


ROOFLINE = Plot(
    name="roofline",
    title="What training reaches of what the machine can do",
    caption=(
        "The black roof is the most that the machine can do: to the left its memory brings too "
        "few bytes, to the right its arithmetic is the limit. A point is an experiment; with "
        "several seeds the mean. Those of one batch size have the same intensity and are set a "
        "little apart to be seen. FLOP are counted from the layers, bytes are those that a step "
        "must move if every product finds its caches empty. In the grey, below half of the "
        "roof, neither explains the time: it is launch-bound, which on a CPU means overhead of "
        "any kind. Points above the roof to the left had their bytes from the caches, and "
        "are judged by computing alone."
    ),
    needs="runs that ended well, and an audit of the same machine (python -m bench audit)",
    panels=_roofline_panels,
    draw=_draw_roofline,
    note=_note,
)


# Seconds since the cold start over training steps: where lines cross, a start-up has paid.


MOST_EPOCHS = 100  # a crossing after more epochs than anyone trains is not drawn
ROOM = 20.0  # factor by which lines go on behind the last crossing: its words need it
CLOSE = 1.35  # factor in steps within which only the first of two crossings is named
POINTS = 400  # of a line, which is curved on logarithmic axes

Drawn = tuple[Replicates, Line]
Crossing = tuple[float, float, bool]  # steps, seconds, and whether the lead of all changes there


def _break_even_panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """Of whole trainings and of sweeps alike, wherever there are two lines or more."""
    return comparisons(groups, (*FRAMEWORK, "device"), keep=lambda panel: len(_drawn(panel)) > 1)


def _drawn(panel: Comparison) -> list[Drawn]:
    return [(group, line) for group in panel.measured if (line := costs.mean_line(group))]


def _draw_break_even(axes: Axes, panel: Comparison, palette: Palette) -> None:
    drawn = _drawn(panel)
    an_epoch = costs.epoch_steps(panel.groups[0])
    overtakings = list(crossings([line for _, line in drawn], an_epoch * MOST_EPOCHS))
    last = max([an_epoch, *(steps for steps, _, _ in overtakings)]) * ROOM
    steps = np.geomspace(1, last, POINTS)
    for group, line in drawn:
        _line(axes, group, steps, line, palette)
    _mark(axes, overtakings)
    axes.axvline(an_epoch, color="0.6", linewidth=1, linestyle=":")
    axes.annotate(
        "1 epoch",
        (an_epoch, 0.98),
        xycoords=("data", "axes fraction"),
        xytext=(-3, 0),
        textcoords="offset points",
        rotation=90,
        ha="right",
        va="top",
        fontsize=11,
    )
    _break_even_scales(axes, last)


def _line(axes: Axes, group: Replicates, steps: np.ndarray, line: Line, palette: Palette) -> None:
    name = wording.framework(group.experiment)
    device = group.experiment.device
    look = palette[name]
    axes.plot(
        steps,
        [line.at(float(step)) for step in steps],
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        markevery=(POINTS // 10, POINTS // 4),
        markerfacecolor=look.colour if device == "cpu" else "white",
        label=name if device == "cpu" else f"{name}, {wording.device(device)}",
    )


def crossings(lines: Sequence[Line], most: float) -> Iterator[Crossing]:
    """Where one line overtakes another within so many steps, by steps."""
    overtakings = []
    for pair in combinations(lines, 2):
        later, earlier = sorted(pair, key=lambda line: line.step_s)
        steps = costs.crossing(earlier, later)
        if 0 < steps <= most:
            seconds = earlier.at(steps)
            leads = all(seconds <= line.at(steps) * (1 + 1e-9) for line in lines)
            overtakings.append((steps, seconds, leads))
    yield from sorted(overtakings)


def _mark(axes: Axes, overtakings: Sequence[Crossing]) -> None:
    """A dot a crossing; its steps in words where the lead of all changes."""
    named = 0.0
    for steps, seconds, leads in overtakings:
        axes.plot(steps, seconds, "o", color="black", markersize=7 if leads else 4, zorder=4)
        if leads and steps > named * CLOSE:
            named = steps
            axes.annotate(
                f"{steps:,.0f} steps, {wording.number(seconds)} s",
                (steps, seconds),
                xytext=(8, -14),
                textcoords="offset points",
                fontsize=12,
            )


def _break_even_scales(axes: Axes, last: float) -> None:
    axes.loglog()
    axes.set_xlim(1, last)
    axes.xaxis.set_major_formatter(style.PLAIN)
    style.log_ticks(axes.yaxis)
    axes.set_xlabel("training steps (log scale)")
    axes.set_ylabel("time since cold start (s, log scale)")


BREAK_EVEN = Plot(
    name="break-even",
    title="When a longer start-up pays",
    caption=(
        "Seconds from the start of the process until so many training steps are done, "
        "evaluations left out; the lowest line is ahead. A dot is where one way overtakes "
        "another; a large one, with its steps and seconds, where the lead of all changes hands. "
        "With several seeds the lines are of the mean start-up and the mean step; how far the "
        "seeds differ is in the table. Hollow marks: not on the CPU."
    ),
    needs="two ways to train the same network that ended well",
    panels=_break_even_panels,
    draw=_draw_break_even,
)


# How steady the machine was over a suite: its pulse before each run.


PRODUCT, BUSY = LOOKS[0], LOOKS[1]
MIN_S = 60.0


def _steadiness_panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """One for each machine, of everything that was run there, on real or on drawn images."""
    ordered = sorted(groups, key=_place)
    panels = (
        Comparison(varying=frozenset(EXPERIMENT_FIELDS), groups=tuple(members))
        for _, members in groupby(ordered, _place)
    )
    return [panel for panel in panels if panel.measured and _beats(panel)]


def _place(group: Replicates) -> tuple[Host, bool]:
    return group.host, group.data.drawn


def _beats(panel: Comparison) -> list[tuple[Record, Pulse]]:
    """Runs with their pulses, in the order in which they were started."""
    records = [record for group in panel.groups for record in group.records]
    ordered = sorted(records, key=lambda record: (record.started_at, record.run_id))
    return [(record, record.pulse) for record in ordered if record.pulse is not None]


def _draw_steadiness(axes: Axes, panel: Comparison, palette: Palette) -> None:
    """One point a run; the palette is of frameworks, and a pulse is of none of them."""
    beats = _beats(panel)
    minutes = _minutes([record for record, _ in beats])
    products_ms = [1e3 * statistics.median(pulse.product_s) for _, pulse in beats]
    typical = statistics.median(products_ms)
    axes.plot(minutes, products_ms, PRODUCT.marker, color=PRODUCT.colour, label="product")
    axes.axhline(typical, color=PRODUCT.colour, linestyle="--", label="its median")
    axes.set_ylim(0, 1.25 * max(products_ms))
    axes.yaxis.set_major_formatter(PLAIN)
    axes.set_xlabel("time since the first run began (min)")
    axes.set_ylabel("one product (ms)")
    _draw_busy(axes, minutes, [pulse.busy for _, pulse in beats])


def _draw_busy(axes: Axes, minutes: Sequence[float], busy: Sequence[float | None]) -> None:
    """What others took, as bars from below on an axis of its own, up to all there is."""
    known = [
        (at, 100 * share) for at, share in zip(minutes, busy, strict=True) if share is not None
    ]
    if not known:
        return
    beside = axes.twinx()
    beside.vlines(
        [at for at, _ in known], 0, [share for _, share in known], color=BUSY.colour, linewidth=5
    )
    beside.set_ylim(0, 100)
    beside.set_ylabel("processors' time taken by others (%)")
    beside.grid(visible=False)
    beside.spines["right"].set_visible(True)
    axes.set_zorder(beside.get_zorder() + 1)  # the points before the bars
    axes.patch.set_visible(False)
    axes.plot([], [], color=BUSY.colour, linewidth=5, label="taken by others (right)")


def _minutes(records: Sequence[Record]) -> list[float]:
    starts = [datetime.fromisoformat(record.started_at) for record in records]
    return [(start - starts[0]).total_seconds() / MIN_S for start in starts]


def _heading(panel: Comparison) -> str:
    images = dict.fromkeys(wording.images(group.data) for group in panel.groups)
    return f"{panel.host.cpu}, {panel.host.cores} cores; runs on {', '.join(images)}"


STEADINESS = Plot(
    name="steadiness",
    title="Steadiness of the machine",
    caption=(
        f"The same small matrix product ({SIZE} × {SIZE}, float32, NumPy), timed just before each "
        f"run: a point is the median of {PRODUCTS}. On a steady machine the points lie on the "
        "dashed line; a climb is heat or a tired battery, a jump is another program. The bars are "
        "the share of the processors' time that other programs took meanwhile. It says nothing of "
        "any framework."
    ),
    needs="a run whose machine's pulse was taken",
    panels=_steadiness_panels,
    draw=_draw_steadiness,
    shows_failures=True,
    heading=_heading,
)

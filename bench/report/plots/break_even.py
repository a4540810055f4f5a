"""Seconds since the cold start over training steps: where lines cross, a start-up has paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes

from bench import costs
from bench.costs import Line
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import style
from bench.report.plots.plot import Plot
from bench.report.plots.style import Palette
from bench.run_statistics import Replicates

MOST_EPOCHS = 100  # a crossing after more epochs than anyone trains is not drawn
ROOM = 20.0  # factor by which lines go on behind the last crossing: its words need it
CLOSE = 1.35  # factor in steps within which only the first of two crossings is named
POINTS = 400  # of a line, which is curved on logarithmic axes

Drawn = tuple[Replicates, Line]
Crossing = tuple[float, float, bool]  # steps, seconds, and whether the lead of all changes there


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """Of whole trainings and of sweeps alike, wherever there are two lines or more."""
    return comparisons(groups, (*FRAMEWORK, "device"), keep=lambda panel: len(_drawn(panel)) > 1)


def _drawn(panel: Comparison) -> list[Drawn]:
    return [(group, line) for group in panel.measured if (line := costs.mean_line(group))]


def _draw(axes: Axes, panel: Comparison, palette: Palette) -> None:
    drawn = _drawn(panel)
    an_epoch = costs.epoch_steps(panel.groups[0])
    found = list(crossings([line for _, line in drawn], an_epoch * MOST_EPOCHS))
    last = max([an_epoch, *(steps for steps, _, _ in found)]) * ROOM
    steps = np.geomspace(1, last, POINTS)
    for group, line in drawn:
        _line(axes, group, steps, line, palette)
    _mark(axes, found)
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
    _scales(axes, last)


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
    found = []
    for one, other in combinations(lines, 2):
        later, earlier = sorted((one, other), key=lambda line: line.step_s)
        steps = costs.crossing(earlier, later)
        if 0 < steps <= most:
            seconds = earlier.at(steps)
            leads = all(seconds <= line.at(steps) * (1 + 1e-9) for line in lines)
            found.append((steps, seconds, leads))
    yield from sorted(found)


def _mark(axes: Axes, found: Sequence[Crossing]) -> None:
    """A dot a crossing; its steps in words where the lead of all changes."""
    named = 0.0
    for steps, seconds, leads in found:
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


def _scales(axes: Axes, last: float) -> None:
    axes.loglog()
    axes.set_xlim(1, last)
    axes.xaxis.set_major_formatter(style.PLAIN)
    style.log_ticks(axes.yaxis)
    axes.set_xlabel("training steps (log scale)")
    axes.set_ylabel("time since cold start (s, log scale)")


PLOT = Plot(
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
    panels=_panels,
    draw=_draw,
)

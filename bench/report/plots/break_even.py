"""When a longer start-up pays: two ways to train, and where one overtakes the other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from statistics import geometric_mean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from bench.experiment import Experiment
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import findings, layout, style
from bench.report.plots.layout import End
from bench.report.plots.style import Plot
from bench.report.tables.costs import ahead
from bench.stats import costs, uncertainty
from bench.stats.costs import Line
from bench.stats.runs import Replicates
from bench.stats.uncertainty import Interval

VARYING = (*FRAMEWORK, "device")
MOST_EPOCHS = 100  # a crossing after more epochs than anyone trains is not drawn
ROOM = 6.0  # factor by which lines go on behind the crossing
POINTS = 400  # of a line, which is curved on logarithmic axes
LATE = 0.5  # from this share of the axis on there is more room left of a crossing than right

Pair = tuple[Replicates, Replicates]


def _break_even_panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """A panel a question: what starts earlier, and what may overtake it."""
    trained = any(group.measured and group.experiment.goal == "train" for group in groups)
    panels = []
    for comparison in comparisons(groups, VARYING):
        pairs = {tuple(map(id, pair)): pair for pair in _questions(comparison, trained)}
        panels += [replace(comparison, groups=pair) for pair in pairs.values()]
    return panels


def _questions(comparison: Comparison, trained: bool) -> Iterator[Pair]:
    """Compiled or not, the CPU or another device; of frameworks, those that hand on the lead.

    Of frameworks by whole trainings alone, where there are any (``trained``), as in the table.
    """
    groups = comparison.measured
    yield from costs.eager_and_compiled(groups)
    yield from costs.cpu_and_accelerator(groups)
    if comparison.experiment.goal == "train" or not trained:
        yield from leaders(costs.each(comparison.measured, costs.mean_line))


def leaders(lines: Sequence[tuple[Replicates, Line]]) -> Iterator[Pair]:
    """Each that has the lead of all from the start or for a while, with the one that takes it."""
    for first, second in permutations(lines, 2):
        steps = costs.crossing(first[1], second[1])
        if 0 < steps < math.inf:
            seconds = first[1].at(steps)
            if all(seconds <= line.at(steps) * (1 + 1e-9) for _, line in lines):
                yield first[0], second[0]


def _lines(panel: Comparison) -> list[Line]:
    """Of the two; empty where one of them did not end well."""
    lines = [line for _, line in costs.each(panel.measured, costs.mean_line)]
    return lines if len(lines) == len(panel.groups) else []


def _crosses(panel: Comparison) -> bool:
    """Whether the second overtakes the first while anyone still trains."""
    lines = _lines(panel)
    most = costs.epoch_steps(panel.groups[0]) * MOST_EPOCHS
    return bool(lines) and 0 < costs.crossing(*lines) <= most


def _draw_break_even(axes: Axes, panel: Comparison) -> None:
    lines = _lines(panel)
    epoch_steps, steps = costs.epoch_steps(panel.groups[0]), costs.crossing(*lines)
    last = max(epoch_steps, steps) * ROOM
    across = np.geomspace(1, last, POINTS)
    ends = []
    for group, line in zip(panel.groups, lines, strict=True):
        look = style.look_of(group.experiment)
        axes.plot(
            across, line.start_up_s + across * line.step_s, color=look.colour, linestyle=look.line
        )
        ends.append(
            End(
                x=last,
                y=line.at(last),
                colour=look.colour,
                marker=look.marker,
                label=_way(group.experiment),
            )
        )
    axes.loglog()
    axes.set_xlim(1, last)
    _mark(axes, panel, steps, lines[0].at(steps))
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
    axes.xaxis.set_major_formatter(style.PLAIN)
    axes.xaxis.set_minor_locator(NullLocator())
    style.log_ticks(axes.yaxis)
    axes.set_xlabel("training steps (log scale)")
    axes.set_ylabel("time since cold start\n(s, log scale)")
    layout.label_ends(axes, ends)


def _way(experiment: Experiment) -> str:
    """'pytorch compiled', and the device where it is not the CPU."""
    name = wording.framework(experiment)
    on_cpu = experiment.device == "cpu"
    return name if on_cpu else f"{name}, {wording.device(experiment.device)}"


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """After how many steps one of two ways to train has overtaken the other, over seeds."""

    steps: float  # geometric mean
    interval: Interval | None  # None of one seed


def crossing(panel: Comparison) -> Crossing | None:
    """Of a panel of two; None where it does not come, and stay, with every seed."""
    known = costs.break_even(*panel.groups)
    if not known.paid or len(known.paid) < len(known.leads) or known.paid[0] <= 0:
        return None
    return Crossing(steps=geometric_mean(known.paid), interval=uncertainty.of_ratio(known.paid))


def _mark(axes: Axes, panel: Comparison, steps: float, seconds: float) -> None:
    """Where the second overtakes the first, with its interval over seeds, and in words."""
    seeds = crossing(panel)
    words = ahead(costs.break_even(*panel.groups)).replace(" in ", "\nin ", 1)
    if seeds:
        steps, interval = seeds.steps, seeds.interval
        words = f"after {wording.estimate(steps, interval)} steps"
        if interval:
            ends = [interval.low, interval.high]
            axes.plot(ends, [seconds] * 2, "|-", color="black", linewidth=1.6, markersize=9)
    inside = "black" if seeds else "white"
    axes.plot(steps, seconds, "o", color="black", mfc=inside, markersize=7, zorder=4)
    low, high = axes.get_xlim()
    late = math.log(steps / low) > LATE * math.log(high / low)
    style.write_beside(
        axes,
        words,
        (steps, seconds),
        (-8, 10) if late else (8, -16),
        ha="right" if late else "left",
        fontsize=12,
    )


def _question(panel: Comparison) -> str:
    first, second = (_way(group.experiment) for group in panel.groups)
    return f"{wording.subject(panel.experiment, panel.data)}: {first} or {second}?"


def _notes(panels: Sequence[Comparison]) -> Iterator[str]:
    """A sentence of those whose lines are not drawn, since they do not cross."""
    said = [_ahead(panel) for panel in panels if _lines(panel) and not _crosses(panel)]
    if said:
        yield f"Not drawn, as lines that do not cross: {'; '.join(said)}."


def _ahead(panel: Comparison) -> str:
    first, second = (_way(group.experiment) for group in panel.groups)
    subject = wording.subject(panel.experiment, panel.data)
    when = ahead(costs.break_even(*panel.groups))
    return f"{second} is {when} ahead of {first} ({subject})"


def _finding(panels: Sequence[Comparison]) -> str:
    """After how many steps the one that starts later is ahead; panels are of two each."""
    known = {id(panel): each.steps for panel in panels if (each := crossing(panel))}
    claims = []
    for panel in panels:
        first, second = (_way(group.experiment) for group in panel.groups)
        steps = known.get(id(panel))
        when = (
            f"after {wording.number(steps, 2)} steps"
            if steps
            else ahead(costs.break_even(*panel.groups))
        )
        claims.append(f"{second} passes {first} with {findings.names([panel], panels)} {when}")
    if findings.fits(said := "; ".join(claims)) or not known:
        return said
    return f"A longer start-up has paid after {findings.span(list(known.values()))} steps"


BREAK_EVEN = Plot(
    name="break-even",
    title="When a longer start-up pays",
    caption=(
        "Seconds from the start of the process until so many training steps are done, without "
        "evaluations; the lower line is ahead. The dot is where the one that starts later "
        "overtakes: the geometric mean over seeds, with its 95 % interval in brackets and as a "
        "bar; where it does not with every seed it is hollow, and where the lines cross. The lines "
        "are of the mean start-up and the mean step. Asked is whether compiling "
        "pays, whether an accelerator does, and which framework takes the lead from which."
    ),
    needs="two ways to train the same network that ended well, one of which overtakes the other",
    panels=_break_even_panels,
    shown=_crosses,
    draw=_draw_break_even,
    finding=_finding,
    notes=_notes,
    heading=_question,
)

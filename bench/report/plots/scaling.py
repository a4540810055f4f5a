"""What replicas reach of what they promise: efficiency, measured and predicted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from bench.experiment import Experiment
from bench.report import wording
from bench.report.comparison import Comparison
from bench.report.plots import style
from bench.report.plots.style import PLAIN, Plot
from bench.report.tables import scaling as table
from bench.stats import scaling
from bench.stats.scaling import Kind, Scaled
from bench.trainers import FRAMEWORKS

LINES: dict[Kind, str] = {"strong": "-", "weak": "--"}


def _series(panel: Comparison) -> Iterator[tuple[str, Kind, list[Scaled]]]:
    """Framework, kind, and what was measured of it by ascending replicas."""
    known = [each for each in scaling.scaled(panel.groups) if each.measured is not None]
    for framework in dict.fromkeys(each.many.experiment.framework for each in known):
        for kind in LINES:
            of = [e for e in known if (e.many.experiment.framework, e.kind) == (framework, kind)]
            bases = dict.fromkeys(each.one.experiment.batch_size for each in of)
            for size in bases:
                beside = [each for each in of if each.one.experiment.batch_size == size]
                name = f"{framework}, {kind}" + (f", batch {size:,}" if len(bases) > 1 else "")
                yield name, kind, sorted(beside, key=lambda each: each.many.experiment.replicas)


def _look(experiment: Experiment) -> style.Look:
    """The framework's own, as of the first of its executions: here it stands for one alone."""
    first = FRAMEWORKS[experiment.framework].executions[0]
    return style.look_of(replace(experiment, execution=first, replicas=1))


def _draw(axes: Axes, panel: Comparison) -> None:
    replicas = [1]
    for name, kind, listed in _series(panel):
        look = _look(listed[0].many.experiment)
        across = [each.many.experiment.replicas for each in listed]
        replicas += across
        measured = [100 * (each.measured or 0) for each in listed]
        axes.plot(
            [1, *across],
            [100, *measured],
            color=look.colour,
            marker=look.marker,
            linestyle=LINES[kind],
            label=name,
        )
        predicted = [each.predicted for each in listed]
        told = [(x, 100 * y) for x, y in zip(across, predicted, strict=True) if y]
        axes.plot(
            [x for x, _ in told],
            [y for _, y in told],
            look.marker,
            color=look.colour,
            markerfacecolor="none",
            markersize=15,
        )
    axes.plot([], [], "o", color="0.35", markerfacecolor="none", markersize=15, label="predicted")
    axes.axhline(100, color="0.35", linewidth=1, linestyle=(0, (4, 4)))
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(sorted(set(replicas))))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(PLAIN)
    axes.margins(x=0.08)
    axes.margins(y=0.08)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("replicas (log scale)")
    axes.set_ylabel("efficiency (%)")


def _finding(panels: Sequence[Comparison]) -> str:
    """What the most replicas reach, at best and at worst."""
    ends = [(listed[-1], name) for panel in panels for name, _, listed in _series(panel)]
    if not ends:
        return ""
    most = max(each.many.experiment.replicas for each, _ in ends)
    reached = [each.measured or 0 for each, _ in ends if each.many.experiment.replicas == most]
    low, high = (wording.percent(of(reached), 0) for of in (min, max))
    span = high if low == high else f"{low} to {high}"
    return f"{wording.counted(most, 'replica')} reach {span} of what one promises"


SCALING = Plot(
    name="scaling",
    title="What replicas reach of what they promise",
    caption=(
        "Efficiency of data-parallel training over the number of replicas: training throughput "
        "beside that of one replica, over what it would be if nothing were lost. That is as many "
        "times as there are replicas where each has a GPU of its own; on a CPU they share out the "
        "same processors, and it is one replica's throughput. Lines: as measured, solid where all "
        "share out one batch (strong), dashed where the batch grows with them (weak). Large "
        "hollow marks: as predicted before training, from a replica's own step and an all-reduce "
        "of the gradients, timed apart."
    ),
    needs="runs of one framework on one replica and on several, such as --replicas 1,2",
    panels=lambda groups: [
        panel for panel in table.panels(groups) if any(True for _ in _series(panel))
    ],
    draw=_draw,
    finding=_finding,
)

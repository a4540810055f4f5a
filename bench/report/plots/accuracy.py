"""Validation accuracy over training seconds."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import style
from bench.report.plots.curves import Curve, mean
from bench.report.plots.plot import Plot
from bench.report.plots.style import Palette
from bench.run_statistics import Replicates


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    return comparisons(groups, FRAMEWORK, keep=lambda found: any(map(_curves, found.groups)))


def _curves(group: Replicates) -> list[Curve]:
    """Training seconds and validation accuracy in percent, of each run that was evaluated."""
    found = (record.measurement.evaluations for record in group.measured if record.measurement)
    return [[(seen.train_s, 100 * seen.accuracy) for seen in run] for run in found if run]


def _draw(axes: Axes, panel: Comparison, palette: Palette) -> None:
    for label, group in zip(wording.distinct_labels(panel.groups), panel.groups, strict=True):
        curves = _curves(group)
        if not curves:
            continue
        look = palette[wording.framework(group.experiment)]
        if len(curves) > 1:
            for curve in curves:
                axes.plot(*zip(*curve, strict=True), color=look.colour, linewidth=0.9, alpha=0.45)
        axes.plot(
            *mean(curves),
            color=look.colour,
            marker=look.marker,
            linestyle=look.line,
            markevery=1 + len(curves[0]) // style.MARKERS,
            label=label,
        )
    _scales(axes, panel)


def _scales(axes: Axes, panel: Comparison) -> None:
    axes.set_xscale("log")  # frameworks differ by factors, and a factor is a distance here
    style.log_ticks(axes.xaxis)
    axes.set_xlabel("training time (s, log scale)")
    axes.set_ylabel("validation accuracy (%)")
    axes.margins(y=0.12)  # the words on the highest target stay inside
    for target in panel.targets:
        axes.axhline(100 * target, color="0.35", linewidth=1, linestyle=(0, (4, 4)))
        axes.annotate(
            f"target {wording.target(target)}",
            (0, 100 * target),
            xycoords=("axes fraction", "data"),
            xytext=(6, 3),
            textcoords="offset points",
            color="0.25",
            fontsize=11,
        )


PLOT = Plot(
    name="accuracy",
    title="Validation accuracy over training time",
    caption=(
        "How soon each framework is how good: further left is faster, higher is better. Reading "
        "the validation set is not on this clock. With several seeds the thick line is their "
        "mean and each thin line is one seed."
    ),
    needs="a run with goal 'train' that ended well",
    panels=_panels,
    draw=_draw,
)

"""Training throughput over batch size, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from bench import run_statistics as stats
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import style
from bench.report.plots.plot import Plot
from bench.report.plots.style import Look, Palette
from bench.run_statistics import Replicates


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    return comparisons(groups, (*FRAMEWORK, "batch_size"), keep=_is_sweep)


def _is_sweep(found: Comparison) -> bool:
    return len({group.experiment.batch_size for group in found.measured}) > 1


def _draw(axes: Axes, panel: Comparison, palette: Palette) -> None:
    ordered = sorted(panel.measured, key=lambda group: (*_series(group), _size(group)))
    lines = [list(members) for _, members in groupby(ordered, _series)]
    labels = wording.distinct_labels(line[0] for line in lines)
    for label, line in zip(labels, lines, strict=True):
        _line(axes, line, palette[wording.framework(line[0].experiment)], label)
    _scales(axes, panel)


def _series(group: Replicates) -> tuple[str, str]:
    return wording.framework(group.experiment), wording.versions(group.versions)


def _size(group: Replicates) -> int:
    return group.experiment.batch_size


def _line(axes: Axes, groups: Sequence[Replicates], look: Look, label: str) -> None:
    points = [
        (_size(group), summary)
        for group in groups
        if (summary := group.summary(stats.throughput_images_per_s))
    ]
    axes.errorbar(
        [size for size, _ in points],
        [summary.mean for _, summary in points],
        # not-a-number draws no whisker: one run has no deviation
        yerr=[math.nan if summary.std is None else summary.std for _, summary in points],
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        capsize=5,
        label=label,
    )


def _scales(axes: Axes, panel: Comparison) -> None:
    axes.loglog()
    style.log_ticks(axes.yaxis)
    axes.xaxis.set_major_formatter(style.PLAIN)
    axes.xaxis.set_major_locator(FixedLocator(panel.values("batch_size")))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("batch size (images a step, log scale)")
    axes.set_ylabel("training throughput\n(images/s, log scale)")


PLOT = Plot(
    name="batch-size",
    title="Training throughput over batch size",
    caption=(
        "Where a line rises, a larger batch keeps the device busier; where it is flat, the "
        "device has all the work it can do. Both axes are logarithmic: equal distances are "
        "equal factors. With several seeds a point is their mean, its whisker their standard "
        "deviation."
    ),
    needs="the same experiments at two or more batch sizes",
    panels=_panels,
    draw=_draw,
)

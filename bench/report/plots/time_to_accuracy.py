"""The share of seeds that have reached a target accuracy by a time, the misses kept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from bench import survival
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import style
from bench.report.plots.plot import Plot
from bench.report.plots.style import Look, Palette
from bench.run_statistics import Replicates
from bench.survival import Observed

MARGIN = 1.15  # from the first and last event to the edges, as factors


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """A panel a comparison and target."""
    found = comparisons(groups, FRAMEWORK, keep=lambda panel: bool(panel.measured))
    return [
        replace(panel, groups=tuple(_for(group, target) for group in panel.groups))
        for panel in found
        for target in panel.targets
        if any(survival.observed(group, target).n for group in panel.groups)
    ]


def _for(group: Replicates, target: float) -> Replicates:
    """The same runs, read for one target alone."""
    return replace(group, experiment=replace(group.experiment, targets=(target,)))


def _draw(axes: Axes, panel: Comparison, palette: Palette) -> None:
    (target,) = panel.targets
    seen = [survival.observed(group, target) for group in panel.groups]
    first, last = _window(seen)
    labels = wording.distinct_labels(panel.groups)
    for group, observed, label in zip(panel.groups, seen, labels, strict=True):
        if observed.n:
            look = palette[wording.framework(group.experiment)]
            _steps(axes, observed, look, label, (first, last))
            _censored(axes, observed, look, last)
    _scales(axes, target, (first, last))


def _window(seen: Sequence[Observed]) -> tuple[float, float]:
    """The times from just before the first event to just after the last."""
    ends = [t for one in seen for t in (*one.times, *one.censored) if math.isfinite(t) and t > 0]
    return min(ends, default=1.0) / MARGIN, max(ends, default=1.0) * MARGIN


def _steps(
    axes: Axes, observed: Observed, look: Look, label: str, window: tuple[float, float]
) -> None:
    """From the left edge on, upwards at each time; on to the right edge where some are left."""
    first, last = window
    points = survival.share_reached_by(observed)
    x = [max(time, first) for time, _ in points]
    y = [share for _, share in points]
    end = max((t for t in observed.censored if t > x[-1]), default=x[-1])
    axes.step(
        [*x, min(end, last)],
        [*y, y[-1]],
        where="post",
        color=look.colour,
        marker=look.marker,
        markevery=range(1, len(x)),
        linestyle=look.line,
        label=label,
        clip_on=False,
    )


def _censored(axes: Axes, observed: Observed, look: Look, last: float) -> None:
    """An upright stroke on the line where a seed stopped short of the target."""
    points = survival.share_reached_by(observed)
    for end in observed.censored:
        height = max(share for time, share in points if time <= end)
        axes.plot(
            min(end, last), height, "|", color=look.colour, markersize=18, markeredgewidth=2.5
        )


def _scales(axes: Axes, target: float, window: tuple[float, float]) -> None:
    axes.set_xscale("log")  # frameworks differ by factors, and a factor is a distance here
    style.log_ticks(axes.xaxis)
    axes.set_xlim(*window)
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks((0, 0.25, 0.5, 0.75, 1))  # one half: the median
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_xlabel("training time (s, log scale)")
    axes.set_ylabel(f"seeds that have reached {wording.target(target)}")


PLOT = Plot(
    name="time-to-accuracy",
    title="Share of seeds that have reached a target accuracy",
    caption=(
        "One minus the Kaplan–Meier estimate: by each time of training, the share of seeds whose "
        "validation set has been read at the target or above; further left is faster. An upright "
        "stroke is a seed that stopped short of the target: it needs longer than it ran, and a "
        "line that ends below 100 % has such seeds. Where a line crosses 50 % is the median of "
        "the tables."
    ),
    needs="a run with goal 'train' and a target that ended well",
    panels=_panels,
    draw=_draw,
    note=lambda _: "An upright stroke: a seed that stopped short of the target.",
)

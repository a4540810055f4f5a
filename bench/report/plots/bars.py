"""Horizontal bars with their seeds, for the plots that have a bar a framework."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.ticker import MaxNLocator, PercentFormatter

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import style
from bench.report.plots.style import LOOKS, PLAIN, Look, Palette, Plot
from bench.stats import runs, survival, uncertainty
from bench.stats.runs import Replicates
from bench.stats.survival import Observed
from bench.stats.uncertainty import Interval

FEWEST = 4  # rows a panel has room for at least
CHARACTER = 0.0165  # width of a character, as a share of a panel's, two panels to a row


def panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """A panel a comparison of frameworks: of whole trainings where there are any.

    Of mere training steps only where there is nothing else.
    """
    found = comparisons(groups, FRAMEWORK, keep=lambda panel: bool(panel.measured))
    trained = [panel for panel in found if panel.experiment.goal == "train"]
    return trained or found


def bar(
    axes: Axes, place: float, values: Sequence[float], look: Look, says: str, height: float = 0.62
) -> None:
    """The mean of one or more values, with its 95 % interval, each value, and words."""
    summary = runs.summarize(values)
    if summary is None:
        return
    interval = uncertainty.of_mean(values)
    axes.barh(
        place,
        summary.mean,
        height=height,
        color=look.colour,
        hatch=look.hatch,
        edgecolor="white",
        xerr=_whiskers(summary.mean, interval) if interval else None,
        error_kw={"ecolor": "black", "capsize": 5, "elinewidth": 1.6},
    )
    if len(values) > 1:
        dots = [place + height / 3] * len(values)  # beside the whisker, not under it
        axes.plot(values, dots, "o", color="white", markeredgecolor="black", markersize=5)
    say(axes, place, max(interval.high if interval else summary.mean, *values, 0), says)


def _whiskers(mean: float, interval: Interval) -> list[list[float]]:
    """How far they reach to the left and to the right."""
    return [[mean - interval.low], [interval.high - mean]]


def absent(axes: Axes, place: float, why: str) -> None:
    """Words in the place of a bar."""
    say(axes, place, 0, why)


def say(axes: Axes, place: float, end: float, words: str) -> None:
    """Words at the end of a bar."""
    axes.annotate(
        words, (end, place), xytext=(6, 0), textcoords="offset points", va="center", fontsize=12
    )


def name_places(axes: Axes, labels: Sequence[str]) -> None:
    """Name the bars from the top down, and leave room for the words at their ends."""
    axes.set_yticks(range(len(labels)), labels)
    spare = max(FEWEST - len(labels), 0) / 2  # a bar alone would fill the page
    axes.set_ylim(len(labels) - 0.5 + spare, -0.5 - spare)
    axes.set_xlim(0, max((_room(text) for text in axes.texts), default=0) or 1)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(PLAIN)


def _room(text: Text) -> float:
    """How far the axis must go for words to fit behind the end of their bar."""
    end = text.xy[0] if isinstance(text, Annotation) else 0.0
    return end / max(1 - CHARACTER * (len(text.get_text()) + 2), 0.2)


# Training throughput by framework, as bars.


def _draw_throughput(axes: Axes, panel: Comparison, palette: Palette) -> None:
    labels = wording.distinct_labels(panel.groups)
    for place, group in enumerate(panel.groups):
        values = [v for r in group.measured if (v := runs.throughput_images_per_s(r)) is not None]
        if values:
            look = palette[wording.framework(group.experiment)]
            bar(axes, place, values, look, _says(values))
        else:
            absent(axes, place, group.failed[0].status if group.failed else "not measured")
    name_places(axes, labels)
    axes.set_xlabel("training throughput (images/s)")


def _says(values: Sequence[float]) -> str:
    return wording.estimate(fmean(values), uncertainty.of_mean(values))


THROUGHPUT = Plot(
    name="throughput",
    title="Training throughput by framework",
    caption=(
        "Training images per second over all steps after the warm-up; longer is faster. With "
        "several seeds the bar is their mean, the whisker its 95 % interval and each dot one "
        "seed. Two whiskers may overlap where each seed says the same: whether two frameworks "
        "differ is told by their ratio, seed by seed, in the table of differences."
    ),
    needs="a run that ended well",
    panels=panels,
    draw=_draw_throughput,
    shows_failures=True,
)


# Start-up phases as stacked bars.


def _draw_start_up(axes: Axes, panel: Comparison, palette: Palette) -> None:
    for place, group in enumerate(panel.groups):
        if group.measured:
            _stack(axes, place, group)
        else:
            absent(axes, place, group.failed[0].status)
    name_places(axes, wording.distinct_labels(panel.groups))
    axes.set_xlabel("time before the first step that counts (s)")


def _stack(axes: Axes, place: int, group: Replicates) -> None:
    end = 0.0
    for name, look in zip(runs.START_UP_PHASES, LOOKS, strict=False):
        phase = group.summary(partial(runs.phase_s, name=name))
        if phase is None:
            continue
        axes.barh(
            place,
            phase.mean,
            left=end,
            height=0.62,
            color=look.colour,
            hatch=look.hatch,
            edgecolor="white",
            label=name.removesuffix("_s").replace("_", "-"),
        )
        end += phase.mean
    say(axes, place, end, f"{wording.spread(group.summary(runs.start_up_s))}")


START_UP = Plot(
    name="start-up",
    title="Start-up phases",
    caption=(
        "Seconds before the first step that counts, from the start of the process on, in the order "
        "in which they pass; with several seeds the means. Warm-up is where a compiled execution "
        "compiles. The number at the end is the sum."
    ),
    needs="a run that ended well",
    panels=panels,
    draw=_draw_start_up,
    shows_failures=True,
)


# The share of seeds that have reached a target accuracy by a time, the misses kept.


MARGIN = 1.15  # from the first and last event to the edges, as factors


def _time_to_accuracy_panels(groups: Sequence[Replicates]) -> list[Comparison]:
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


def _draw_time_to_accuracy(axes: Axes, panel: Comparison, palette: Palette) -> None:
    (target,) = panel.targets
    seen = [survival.observed(group, target) for group in panel.groups]
    first, last = _window(seen)
    labels = wording.distinct_labels(panel.groups)
    for group, observed, label in zip(panel.groups, seen, labels, strict=True):
        if observed.n:
            look = palette[wording.framework(group.experiment)]
            _steps(axes, observed, look, label, (first, last))
            _censored(axes, observed, look, last)
    _time_to_accuracy_scales(axes, target, (first, last))


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


def _time_to_accuracy_scales(axes: Axes, target: float, window: tuple[float, float]) -> None:
    axes.set_xscale("log")  # frameworks differ by factors, and a factor is a distance here
    style.log_ticks(axes.xaxis)
    axes.set_xlim(*window)
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks((0, 0.25, 0.5, 0.75, 1))  # one half: the median
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_xlabel("training time (s, log scale)")
    axes.set_ylabel(f"seeds that have reached {wording.target(target)}")


TIME_TO_ACCURACY = Plot(
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
    panels=_time_to_accuracy_panels,
    draw=_draw_time_to_accuracy,
    note=lambda _: "An upright stroke: a seed that stopped short of the target.",
)

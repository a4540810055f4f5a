"""How frameworks compare at a glance: throughput, start-up, and seeds that reached a target."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.ticker import MaxNLocator, PercentFormatter

from bench.report import audit, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import style
from bench.report.plots.style import LOOKS, PLAIN, Look, Plot
from bench.stats import runs, survival, uncertainty
from bench.stats.runs import Replicates, Summary
from bench.stats.survival import Observed

# Horizontal bars, one a framework, with words at their ends

FEWEST = 4  # rows a panel has room for at least
CHARACTER = 0.0165  # width of a character, as a share of a panel's, two panels to a row
HEIGHT = 0.62  # of a bar; 1 would touch the next

_measured = partial(comparisons, varying=FRAMEWORK, keep=lambda panel: bool(panel.measured))


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """A panel a comparison of frameworks: of whole trainings where there are any.

    Of mere training steps only where there is nothing else.
    """
    panels = _measured(groups)
    return [panel for panel in panels if panel.experiment.goal == "train"] or panels


def _draw_bars(
    axes: Axes,
    panel: Comparison,
    statistic: runs.Statistic,
    draw: Callable[[Axes, int, Replicates, Summary], None],
) -> None:
    """A bar from the top down for each framework, or why it has none; room for the words."""
    labels = [
        f"{label} {audit.MARK}" if group.disturbed else label
        for label, group in zip(wording.distinct_labels(panel.groups), panel.groups, strict=True)
    ]
    for row, group in enumerate(panel.groups):
        if summary := group.summary(statistic):
            draw(axes, row, group, summary)
        else:
            _write_at_end(axes, row, 0, style.why_absent(group))
    axes.set_yticks(range(len(labels)), labels)
    spare = max(FEWEST - len(labels), 0) / 2  # a bar alone would fill the page
    axes.set_ylim(len(labels) - 0.5 + spare, -0.5 - spare)
    axes.set_xlim(0, max((_room(text) for text in axes.texts), default=0) or 1)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(PLAIN)


def _draw_bar(axes: Axes, row: int, length: float, look: Look, **bar: object) -> None:
    axes.barh(
        row,
        length,
        height=HEIGHT,
        color=look.colour,
        hatch=look.hatch,
        edgecolor="white",
        **bar,  # type: ignore[arg-type]
    )


def _write_at_end(axes: Axes, row: int, end: float, words: str) -> None:
    style.write_beside(axes, words, (end, row), (6, 0), va="center", fontsize=12)


def _room(text: Text) -> float:
    """How far the axis must go for words to fit behind the end of their bar."""
    end = text.xy[0] if isinstance(text, Annotation) else 0.0
    return end / max(1 - CHARACTER * (len(text.get_text()) + 2), 0.2)


# Training throughput


def _draw_throughput(axes: Axes, panel: Comparison) -> None:
    _draw_bars(axes, panel, runs.throughput_images_per_s, _draw_interval)
    axes.set_xlabel("training throughput (images/s)")


def _draw_interval(axes: Axes, row: int, group: Replicates, throughput: Summary) -> None:
    """The mean, its 95 % interval, and each seed."""
    known = map(runs.throughput_images_per_s, group.measured)
    values = [value for value in known if value is not None]
    mean, interval = throughput.mean, uncertainty.of_mean(values)
    _draw_bar(
        axes,
        row,
        mean,
        style.look_of(group.experiment),
        xerr=[[mean - interval.low], [interval.high - mean]] if interval else None,
        error_kw={"ecolor": "black", "capsize": 5, "elinewidth": 1.6},
    )
    if len(values) > 1:
        dots = [row + HEIGHT / 3] * len(values)  # beside the whisker, not under it
        axes.plot(values, dots, "o", color="white", markeredgecolor="black", markersize=5)
    end = max(interval.high if interval else mean, *values, 0)
    _write_at_end(axes, row, end, wording.estimate(mean, interval))


THROUGHPUT = Plot(
    name="throughput",
    title="Training throughput by framework",
    caption=(
        "Training images per second over all steps after the warm-up; longer is faster. With "
        "several seeds the bar is their mean, the whisker its 95 % interval and each dot one "
        "seed. Two whiskers can overlap although the same framework is faster with every seed: "
        "the table of differences compares seed by seed, and tells whether two frameworks differ."
    ),
    needs="a run that ended well",
    panels=_panels,
    draw=_draw_throughput,
    shows_failures=True,
)


# Start-up, its phases stacked


def _draw_start_up(axes: Axes, panel: Comparison) -> None:
    _draw_bars(axes, panel, runs.start_up_s, _draw_phases)
    axes.set_xlabel("time before the first step that counts (s)")


def _draw_phases(axes: Axes, row: int, group: Replicates, start_up: Summary) -> None:
    end = 0.0
    for name, look in zip(runs.START_UP_PHASES, LOOKS, strict=False):
        if phase := group.summary(partial(runs.phase_s, name=name)):
            label = name.removesuffix("_s").replace("_", "-")
            _draw_bar(axes, row, phase.mean, look, left=end, label=label)
            end += phase.mean
    _write_at_end(axes, row, end, wording.spread(start_up))


START_UP = Plot(
    name="start-up",
    title="Start-up phases",
    caption=(
        "Seconds from the start of the process to the first step that counts, phase by phase; "
        "with several seeds the means. A compiled execution compiles in the warm-up. The number "
        "at the end is the sum."
    ),
    needs="a run that ended well",
    panels=_panels,
    draw=_draw_start_up,
    shows_failures=True,
)


# The share of seeds that have reached a target accuracy by a time, the misses kept

MARGIN = 1.15  # from the first and last event to the edges, as factors


def _target_panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """A panel a comparison and target."""
    return [
        replace(panel, groups=tuple(_read_for(group, target) for group in panel.groups))
        for panel in _measured(groups)
        for target in panel.targets
        if any(survival.observed(group, target).n for group in panel.groups)
    ]


def _read_for(group: Replicates, target: float) -> Replicates:
    """The same runs, read for one target alone."""
    return replace(group, experiment=replace(group.experiment, targets=(target,)))


def _draw_time_to_accuracy(axes: Axes, panel: Comparison) -> None:
    (target,) = panel.targets
    watched = [survival.observed(group, target) for group in panel.groups]
    first, last = _window(watched)
    for (_, look, label), observed in zip(style.series(panel.groups), watched, strict=True):
        if observed.n:
            _draw_share(axes, observed, look, label, (first, last))
    style.time_axis(axes)
    axes.set_xlim(first, last)
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks((0, 0.25, 0.5, 0.75, 1))  # one half: the median
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.set_ylabel(f"seeds that reached {wording.target(target)}")


def _window(watched: Sequence[Observed]) -> tuple[float, float]:
    """The times from just before the first event to just after the last."""
    times = [time for observed in watched for time in (*observed.times, *observed.censored)]
    shown = [time for time in times if math.isfinite(time) and time > 0]
    return min(shown, default=1.0) / MARGIN, max(shown, default=1.0) * MARGIN


def _draw_share(
    axes: Axes, observed: Observed, look: Look, label: str, window: tuple[float, float]
) -> None:
    """The share in steps, and an upright stroke where a seed stopped short of the target."""
    first, last = window
    points = survival.share_reached_by(observed)
    x = [max(time, first) for time, _ in points]
    y = [share for _, share in points]
    end = max((time for time in observed.censored if time > x[-1]), default=x[-1])
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
    for stop in observed.censored:
        height = max(share for time, share in points if time <= stop)
        axes.plot(
            min(stop, last), height, "|", color=look.colour, markersize=18, markeredgewidth=2.5
        )


TIME_TO_ACCURACY = Plot(
    name="time-to-accuracy",
    title="Share of seeds that have reached a target accuracy",
    caption=(
        "The share of seeds whose validation accuracy has reached the target by each time of "
        "training (one minus the Kaplan–Meier estimate); further left is faster. An upright "
        "stroke is a seed that stopped short of the target: it needs longer than it ran. A line "
        "that ends below 100 % has such seeds. A line crosses 50 % at the median that the tables "
        "give."
    ),
    needs="a run with goal 'train' and a target that ended well",
    panels=_target_panels,
    draw=_draw_time_to_accuracy,
    note=lambda _: "An upright stroke: a seed that stopped short of the target.",
)

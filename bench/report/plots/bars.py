"""A row a framework or a network: throughput, start-up, time to accuracy, the architecture swap."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator

from bench.report import audit, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons, differences, only, swaps
from bench.report.plots import findings, layout, style
from bench.report.plots.style import LOOKS, PLAIN, Look, Plot
from bench.results.record import Record
from bench.stats import runs, survival, uncertainty
from bench.stats.runs import Replicates, Summary
from bench.stats.survival import Observed

# Rows with words at their ends

Row = tuple[str, Replicates | None]  # its label; None: nothing was measured

FEWEST = 4  # rows a panel has room for at least
HEIGHT = 0.62  # of a bar; 1 would touch the next
WORDS, BESIDE = 12, 0.2  # size of what stands at an end, in points; inches it needs besides

_measured = partial(comparisons, varying=FRAMEWORK, keep=lambda panel: bool(panel.measured))


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """A panel a comparison of frameworks: of whole trainings where there are any.

    Of mere training steps only where there is nothing else.
    """
    panels = _measured(groups)
    return [panel for panel in panels if panel.experiment.goal == "train"] or panels


def _rows(panel: Comparison, order: Callable[[Replicates], float | None]) -> list[Row]:
    """Each framework with its label, ascending by a value; those without one come last."""
    labels = wording.distinct_labels(panel.groups)

    def key(row: Row) -> tuple[bool, float]:
        value = order(row[1]) if row[1] else None
        return value is None, value or 0.0

    marked = (
        f"{label} {audit.MARK}" if group.disturbed else label
        for label, group in zip(labels, panel.groups, strict=True)
    )
    return sorted(zip(marked, panel.groups, strict=True), key=key)


def _lay_rows(axes: Axes, rows: Sequence[Row]) -> None:
    """Name the rows from the top down."""
    labels = [label for label, _ in rows]
    axes.set_yticks(range(len(labels)), labels)
    spare = max(FEWEST - len(labels), 0) / 2  # a row alone would fill the page
    axes.set_ylim(len(labels) - 0.5 + spare, -0.5 - spare)
    axes.grid(visible=False, axis="y")


def _reach(axes: Axes, ends: Iterable[tuple[float, str]]) -> float:
    """How far an axis must go for words to fit behind ends, both counted from its beginning."""
    inches = axes.bbox.width / axes.figure.dpi
    return max(
        (end / max(1 - (_width(words) + BESIDE) / inches, 0.2) for end, words in ends),
        default=0,
    )


def _width(words: str) -> float:
    return max(layout.width(line, WORDS) for line in words.splitlines())


def _write_at_end(axes: Axes, row: int, end: float, words: str) -> None:
    """Not ``in_layout``: room is made within the panel, when its size is known."""
    style.write_beside(
        axes, words, (end, row), (9, 0), va="center", fontsize=WORDS, in_layout=False
    )


def _draw_bars(
    axes: Axes,
    rows: Sequence[Row],
    statistic: runs.Statistic,
    draw: Callable[[Axes, int, Replicates, Summary], tuple[float, str]],
) -> Callable[[], object]:
    """A bar for each row from the top down, or why it has none; the rest makes room for words."""
    ends = []
    for number, (_, group) in enumerate(rows):
        summary = group.summary(statistic) if group else None
        if group and summary:
            ends.append(draw(axes, number, group, summary))
        else:
            ends.append((0.0, style.why_absent(group)))
        _write_at_end(axes, number, *ends[-1])
    _lay_rows(axes, rows)
    axes.set_xlim(0, max(end for end, _ in ends) or 1)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(PLAIN)
    return lambda: axes.set_xlim(0, _reach(axes, ends) or 1)


def _draw_bar(axes: Axes, row: int, length: float, look: Look, **bar: object) -> None:
    axes.barh(
        row,
        length,
        height=HEIGHT,
        color=look.colour,
        edgecolor="white",
        **bar,  # type: ignore[arg-type]
    )


def _draw_interval(
    axes: Axes, row: int, group: Replicates, mean: float, statistic: runs.Statistic
) -> float:
    """The mean as a bar, its 95 % interval, and each seed; return where all of it ends."""
    values = [value for value in map(statistic, group.measured) if value is not None]
    interval = uncertainty.of_mean(values)
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
    return max(interval.high if interval else mean, *values, 0)


# Training throughput


def _draw_throughput(axes: Axes, panel: Comparison) -> Callable[[], object]:
    statistic = runs.throughput_images_per_s
    rows = _rows(panel, lambda group: -s.mean if (s := group.summary(statistic)) else None)
    axes.set_xlabel("training throughput (images/s)")
    return _draw_bars(axes, rows, statistic, _draw_rate)


def _draw_rate(axes: Axes, row: int, group: Replicates, rate: Summary) -> tuple[float, str]:
    statistic = runs.throughput_images_per_s
    values = [value for value in map(statistic, group.measured) if value is not None]
    end = _draw_interval(axes, row, group, rate.mean, statistic)
    return end, wording.estimate(rate.mean, uncertainty.of_mean(values))


THROUGHPUT = Plot(
    name="throughput",
    title="Training throughput by framework",
    caption=(
        "Training images per second over all steps after the warm-up, the fastest first. With "
        "several seeds the bar is their mean, the whisker its 95 % interval and each dot one "
        "seed. Two whiskers can overlap although the same framework is faster with every seed: "
        "the table of differences compares seed by seed, and tells whether two frameworks differ. "
        "Executions of one framework have one colour, and differ in lightness."
    ),
    needs="a run that ended well",
    panels=_panels,
    draw=_draw_throughput,
    finding=findings.throughput,
    shows_failures=True,
)


# Start-up, its phases stacked


def _draw_start_up(axes: Axes, panel: Comparison) -> Callable[[], object]:
    statistic = runs.start_up_s
    rows = _rows(panel, lambda group: s.mean if (s := group.summary(statistic)) else None)
    axes.set_xlabel("time before the first step that counts (s)")
    return _draw_bars(axes, rows, statistic, _draw_phases)


def _draw_phases(axes: Axes, row: int, group: Replicates, start_up: Summary) -> tuple[float, str]:
    end = 0.0
    for name, look in zip(runs.START_UP_PHASES, LOOKS, strict=False):
        if phase := group.summary(partial(runs.phase_s, name=name)):
            label = name.removesuffix("_s").replace("_", "-")
            _draw_bar(axes, row, phase.mean, look, left=end, label=label)
            end += phase.mean
    return end, wording.spread(start_up)


START_UP = Plot(
    name="start-up",
    title="Start-up phases",
    caption=(
        "Seconds from the start of the process to the first step that counts, phase by phase, in "
        "the order of the legend; with several seeds the means. A compiled execution compiles in "
        "the warm-up. The number at the end is the sum."
    ),
    needs="a run that ended well",
    panels=_panels,
    draw=_draw_start_up,
    finding=findings.start_up,
    shows_failures=True,
)


# Time to a target accuracy, a dot a seed, the misses kept

DECADES = 2.5  # from so many on each has one tick
MARGIN = 1.15  # from the first event to the edge, as a factor
JITTER = 0.09  # of a row, between the dots of two seeds


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


def _reached(panel: Comparison) -> bool:
    """Whether any run met the target."""
    (target,) = panel.targets
    return any(survival.observed(group, target).times for group in panel.groups)


def _draw_time_to_accuracy(axes: Axes, panel: Comparison) -> Callable[[], object]:
    (target,) = panel.targets
    rows = _rows(panel, partial(_soonest, target=target))
    watched = [survival.observed(group, target) for _, group in rows if group]
    known = [time for seen in watched for time in _finite(seen)]
    first = min(known) / MARGIN
    ends = []
    for number, ((_, group), seen) in enumerate(zip(rows, watched, strict=True)):
        words = wording.time_to_target(seen) if seen.n else style.why_absent(group)
        words = words.replace("; ", ";\n")  # in one line they would leave no room for the dots
        last = max(_finite(seen), default=first)
        ends.append((math.log(last / first), words))
        if group:
            _draw_seeds(axes, number, seen, style.look_of(group.experiment))
        _write_at_end(axes, number, last, words)
    style.time_axis(axes)
    _lay_rows(axes, rows)
    axes.set_xlim(first, max(known) * MARGIN)
    axes.set_xlabel(f"time to {wording.target(target)} validation accuracy (s, log scale)")
    return partial(_end_time_axis, axes, first, ends)


def _end_time_axis(axes: Axes, first: float, ends: Sequence[tuple[float, str]]) -> None:
    """Make room for the words, ``ends``: from the first time on, on the logarithmic axis."""
    reach = _reach(axes, ends)
    axes.set_xlim(first, first * math.exp(reach))
    if reach > DECADES * math.log(10):
        axes.xaxis.set_major_locator(LogLocator())


def _soonest(group: Replicates, target: float) -> float | None:
    """The median; of those half of whose seeds never get there the end of their training."""
    seen = survival.observed(group, target)
    if not seen.n:
        return None
    middle = survival.median(seen).time
    return middle if middle is not None else 1e6 * max(_finite(seen), default=1.0)


def _finite(seen: Observed) -> list[float]:
    return [time for time in (*seen.times, *seen.censored) if math.isfinite(time) and time > 0]


def _draw_seeds(axes: Axes, row: int, seen: Observed, look: Look) -> None:
    """A dot a seed, a hollow one where it stopped short of the target; a bar at the median."""
    for times, fill in ((seen.times, look.colour), (seen.censored, "white")):
        for number, time in enumerate(times):
            if math.isfinite(time):
                axes.plot(
                    time,
                    row + JITTER * (number - (len(times) - 1) / 2),
                    look.marker,
                    markerfacecolor=fill,
                    markeredgecolor="white" if fill == look.colour else look.colour,
                )
    if seen.times and (middle := survival.median(seen).time) is not None:
        axes.plot([middle] * 2, [row - 0.38, row + 0.38], color="0.25", linewidth=3, zorder=1)


def _target_notes(panels: Sequence[Comparison]) -> Iterator[str]:
    """How a row is read; and the targets that no run met, whose panels are not drawn."""
    yield "A bar is the median, a hollow mark a seed that stopped short of the target."
    missed: dict[float, list[str]] = {}
    for panel in panels:
        (target,) = panel.targets
        if not _reached(panel):
            subject = wording.subject(panel.experiment, panel.data)
            missed.setdefault(target, []).append(subject)
    if missed:
        of_each = (f"{wording.target(t)} ({', '.join(of)})" for t, of in missed.items())
        yield f"No run reached {'; '.join(of_each)}."


TIME_TO_ACCURACY = Plot(
    name="time-to-accuracy",
    title="Training time to a target accuracy",
    caption=(
        "Seconds of training until the validation accuracy is first read at the target or above, "
        "a dot a seed; further left is faster. The upright bar is the Kaplan–Meier median, which "
        "stands in words at the end with its 95 % interval (∞: too few seeds to bound it). A "
        "hollow mark is a seed that stopped short of the target: it needs longer than it ran."
    ),
    needs="a run with goal 'train' that reached a target",
    panels=_target_panels,
    shown=_reached,
    draw=_draw_time_to_accuracy,
    finding=findings.time_to_accuracy,
    shows_failures=True,
    notes=_target_notes,
)


# The architecture swap: each network on each task, a panel a framework


def _swap_panels(groups: Sequence[Replicates]) -> list[Comparison]:
    panels = swaps(groups)
    return panels if any(panel.measured for panel in panels) else []


def _test_error(record: Record) -> float | None:
    accuracy = runs.test_accuracy(record)
    return None if accuracy is None else 100 * (1 - accuracy)


def _draw_swap(axes: Axes, panel: Comparison) -> Callable[[], object]:
    tasks = sorted({(g.experiment.task, g.experiment.source) for g in panel.groups})
    rows = [
        (
            f"{wording.architecture(network)}, {task}",
            next(iter(only(panel.groups, architecture=network, task=task, source=source)), None),
        )
        for (task, source), network in product(tasks, panel.values("architecture"))
    ]
    axes.set_xlabel("test error (%)")
    return _draw_bars(axes, rows, _test_error, _draw_error)


def _draw_error(axes: Axes, row: int, group: Replicates, error: Summary) -> tuple[float, str]:
    end = _draw_interval(axes, row, group, error.mean, _test_error)
    rate = group.summary(runs.throughput_images_per_s)
    speed = f", {wording.number(rate.mean)} images/s" if rate else ""
    return end, f"{error.mean:.2f} %{speed}"


SWAP = Plot(
    name="swap",
    title="Architecture swap: test error, and training throughput",
    caption=(
        "Each network on each task: the share of the test images that it gets wrong; shorter is "
        "better. Behind the bar that share, and training images per second. With several seeds "
        "the bar is their mean, the whisker its 95 % interval and each dot one seed."
    ),
    needs="runs of two architectures with goal 'train', alike in all else",
    panels=_swap_panels,
    draw=_draw_swap,
    finding=findings.swap,
    panels_a_page=6,
    shows_failures=True,
    notes=lambda panels: map(differences, panels),
)

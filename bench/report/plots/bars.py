"""Horizontal bars with their seeds, for the plots that have a bar a framework."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from matplotlib.ticker import MaxNLocator

from bench import run_statistics as stats
from bench import uncertainty
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots.style import PLAIN, Look
from bench.run_statistics import Replicates
from bench.uncertainty import Interval

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
    summary = stats.summarize(values)
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

"""The class's picture: a dot a laptop, its frameworks' ratios to its own PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from bench.report import wording
from bench.report.classroom.laptops import BASELINE, Ratio, Subject
from bench.report.plots import style

MOST_PANELS = 4
TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20, 50, 100)
GOLDEN = 0.618  # its multiples spread dots evenly, however many there are
SPREAD = 0.5  # of a row's height, over which they are
LABELLED = 40  # laptops: of more, odd ones are no longer named in the picture


def draw(subjects: Sequence[Subject]) -> Figure:
    """A panel a subject, of the first ones; ``subjects``: at least one."""
    shown = subjects[:MOST_PANELS]
    with style.applied():
        figure, grid = style.page(len(shown))
        for axes, subject in zip(grid, shown, strict=True):
            _draw(axes, subject)
        style.frame(figure, grid, finding(shown[0]), _notes(subjects))
    return figure


def finding(subject: Subject) -> str:
    """What the first panel shows, in one line."""
    fastest = subject.fastest_first[0]
    ratios = subject.ratios[fastest]
    ahead = sum(ratio.ahead for ratio in ratios)
    name, pytorch = " ".join(fastest), " ".join(BASELINE)
    first, second = (name, pytorch) if 2 * ahead >= len(ratios) else (pytorch, name)
    return (
        f"{first} is ahead of {second} on "
        f"{wording.all_or(max(ahead, len(ratios) - ahead), len(ratios))} laptops: "
        f"{wording.subject(subject.comparison.experiment, subject.comparison.data)}"
    )


def _draw(axes: Axes, subject: Subject) -> None:
    contenders = subject.fastest_first
    for row, contender in enumerate(contenders):
        _draw_row(axes, row, subject.ratios[contender])
    axes.axvline(1, color="black", linewidth=1.4, linestyle="--")
    axes.set_yticks(range(len(contenders)), [" ".join(each) for each in contenders])
    axes.set_ylim(len(contenders) - 0.4, -0.6)  # the fastest on top
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_major_formatter(style.PLAIN)
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.68), max(high, 1.55))  # at least the ticks beside 1
    axes.set_xlabel("times as fast as the laptop's own PyTorch (log scale)")
    axes.set_title(f"{subject.heading}\n{wording.counted(len(subject.baselines), 'laptop')}")


def _draw_row(axes: Axes, row: int, ratios: Sequence[Ratio]) -> None:
    look = style.look_of(ratios[0].group.experiment)
    middle = median(ratio.paired.ratio for ratio in ratios)
    if len(ratios) > 2:  # of fewer it would hide the dots
        axes.plot([middle] * 2, [row - 0.36, row + 0.36], color="0.25", linewidth=3, zorder=3)
    for number, ratio in enumerate(ratios):
        height = row + SPREAD * ((number * GOLDEN) % 1 - 0.5)
        axes.plot(
            ratio.paired.ratio,
            height,
            color=look.colour,
            marker=look.marker,
            markeredgecolor="black" if ratio.odd else "white",
            markeredgewidth=1.6 if ratio.odd else 0.6,
            linestyle="",
        )
        if ratio.odd and len(ratios) <= LABELLED:
            beside = (ratio.paired.ratio, height)
            style.write_beside(axes, ratio.laptop.letter, beside, (7, -4), fontweight="bold")


def _notes(subjects: Sequence[Subject]) -> list[str]:
    shown = subjects[:MOST_PANELS]
    return [
        *wording.notices(subject.comparison.data for subject in shown),
        "A dot is a laptop, a bar the class's median; right of the dashed line a framework is "
        "faster than PyTorch on the same laptop. Ringed, with its letter: odd.",
    ]

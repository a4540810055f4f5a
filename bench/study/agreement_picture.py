"""How far the errors of models overlap, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from matplotlib.axes import Axes

from bench.report.plots import style
from bench.study.agreement import KINDS, Comparison
from bench.study.artifact import Picture

DRAWN = 36  # bars on the slide, at most
ROOMY = 20  # bars up to which their names are as large as all words


def picture(found: Sequence[Comparison], what: str) -> Picture:
    """A bar a comparison, the largest overlap first; a mark at what chance would make of it."""
    title = f"Do they fail on the same images? {what}"
    known = sorted((one for one in found if one.jaccards), key=lambda one: -fmean(one.jaccards))
    shown = known[:DRAWN]
    notes = ["test images that both get wrong, of those that either gets wrong"]
    if len(shown) < len(known):
        notes.append(f"{len(known) - len(shown)} comparisons with less overlap are not shown")
    with style.applied():
        figure, (axes,) = style.page(1)
        _bars(axes, shown)
        _marks(axes, shown)
        size = 13 if len(shown) <= ROOMY else 10
        axes.set_yticks(range(len(shown)), [_named(one) for one in shown], fontsize=size)
        axes.set_ylim(max(len(shown), 4) - 0.5, -0.5)  # a few bars are not made thick
        axes.set_xlim(left=0)
        axes.set_xlabel("overlap of errors (%)")
        axes.grid(axis="y", visible=False)
        style.frame(figure, [axes], title, notes)
    return Picture(
        name="overlap",
        title=title,
        caption=(
            "Bars: of the test images that either of two models gets wrong, the share that both "
            "do, mean over seeds; dots: each seed; diamonds: what chance would make of it if the "
            "errors of the two had nothing to do with each other. All that is right of a diamond "
            "is images that are hard for both. Two seeds of one model show how much can be "
            "expected: two models that overlap as much err alike."
        ),
        figure=figure,
    )


def _bars(axes: Axes, shown: Sequence[Comparison]) -> None:
    for of_seeds, look in zip(KINDS, style.LOOKS[1::-1], strict=True):
        places = [place for place, one in enumerate(shown) if one.of_seeds == of_seeds]
        if places:
            axes.barh(
                places,
                [100 * fmean(shown[place].jaccards) for place in places],
                height=0.62,
                color=look.colour,
                hatch=look.hatch,
                edgecolor="white",
                label=KINDS[of_seeds],
            )


def _marks(axes: Axes, shown: Sequence[Comparison]) -> None:
    dots = [
        (100 * value, place)
        for place, one in enumerate(shown)
        if len(one.jaccards) > 1
        for value in one.jaccards
    ]
    if dots:
        x, y = zip(*dots, strict=True)
        axes.plot(
            x, y, "o", color="white", markeredgecolor="black", markersize=5, label="each seed"
        )
    chance = [
        (100 * each.jaccard_by_chance, place)
        for place, one in enumerate(shown)
        for each in one.overlaps
        if each.jaccard_by_chance is not None
    ]
    x, y = zip(*chance, strict=True)
    axes.plot(x, y, "D", color="black", markersize=7, label="by chance")


def _named(one: Comparison) -> str:
    return f"{one.first}, two seeds" if one.of_seeds else f"{one.first} | {one.second}"

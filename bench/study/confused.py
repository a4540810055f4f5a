"""The pairs of classes that are taken for each other most often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
from matplotlib.axes import Axes

from bench.report.plots import style
from bench.study.answered import Answered
from bench.study.artifact import Picture, Sheet
from bench.study.matrix import summed
from bench.study.per_class import most_confused

LISTED = 15  # pairs of a model in the table
DRAWN = 8  # and in the picture
PANELS = 6  # models a picture
COLUMNS = ("model", "truth", "said", "times_a_seed", "the_other_way_a_seed", "share_of_errors")


def sheet(models: Sequence[Answered], names: Sequence[str], what: str) -> Sheet:
    """A row a model and pair, the worst first."""
    rows = [row for model in models for row in _rows(model, names)]
    return Sheet(
        name="confused_pairs",
        title=f"The pairs confused most, {what}",
        caption=(
            f"Of each model the {LISTED} pairs of classes that are taken for each other most "
            "often, the more frequent way first; test images, mean over seeds. The last column: "
            "both ways together, of all errors of the model."
        ),
        frame=pd.DataFrame(rows, columns=list(COLUMNS)),
        formats={**dict.fromkeys(COLUMNS[3:5], ".1f"), "share_of_errors": ".1%"},
    )


def _rows(model: Answered, names: Sequence[str]) -> Iterator[dict[str, object]]:
    matrix, seeds = summed(model), len(model.said)
    errors = int(matrix.sum() - matrix.trace())
    for first, second, there, back in most_confused(matrix, LISTED):
        row = (model.title, names[first], names[second], there / seeds, back / seeds)
        yield dict(zip(COLUMNS, (*row, (there + back) / errors), strict=True))


def pictures(models: Sequence[Answered], names: Sequence[str], what: str) -> Iterator[Picture]:
    """A panel a model, on as many slides as that takes; models without an error have none."""
    wrong = [model for model in models if most_confused(summed(model), 1)]
    for start in range(0, len(wrong), PANELS):
        yield _picture(wrong[start : start + PANELS], names, what, start // PANELS + 1)


def _picture(models: Sequence[Answered], names: Sequence[str], what: str, slide: int) -> Picture:
    title = f"The pairs confused most, {what}" + (f" ({slide})" if slide > 1 else "")
    with style.applied():
        figure, panels = style.page(len(models))
        for axes, model in zip(panels, models, strict=True):
            _bars(axes, model, names)
            axes.set_title(model.title)
        style.frame(figure, panels, title, ["test images, mean over seeds; truth → said"])
    return Picture(
        name="confused_pairs" + (f"_{slide}" if slide > 1 else ""),
        title=title,
        caption=(
            "How often one class is taken for another (full, from the axis) and the other for the "
            "one (hatched, behind it). Two long parts are shapes that overlap; a bar without a "
            "hatched part is a habit of the model. 'truth → said' names the full part."
        ),
        figure=figure,
    )


def _bars(axes: Axes, model: Answered, names: Sequence[str]) -> None:
    pairs, seeds = most_confused(summed(model), DRAWN), len(model.said)
    places = range(len(pairs))
    there, back = ([pair[way] / seeds for pair in pairs] for way in (2, 3))
    full, hatched = style.LOOKS[:2]
    axes.barh(places, there, color=full.colour, label="as named")
    axes.barh(
        places,
        back,
        left=there,
        color=hatched.colour,
        hatch=hatched.hatch,
        edgecolor="white",
        label="the other way",
    )
    for place in places:
        end = there[place] + back[place]
        axes.text(end, place, f" {there[place]:.3g} + {back[place]:.3g}", va="center", fontsize=12)
    axes.set_yticks(places, [f"{names[a]} → {names[b]}" for a, b, _, _ in pairs])
    axes.set_ylim(max(len(pairs), 4) - 0.5, -0.5)  # a few bars are not made thick
    axes.margins(x=0.2)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("test images")

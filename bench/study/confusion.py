"""The confusion matrix of one model: as a picture whose errors are not drowned, and in full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.study import answers
from bench.study.answers import Answered
from bench.study.artifact import Picture, Sheet

# Confusion matrix, precision, recall and F1, as the field defines them. NumPy only.
#
# A quotient without a denominator is not defined, and is nan: the precision of a class that was
# never said, the recall of one that never came. It is not 0, which would say something.


Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PerClass:
    """Of each class, in label order; all (classes,)."""

    support: Counts  # images of it
    said: Counts  # images that were taken for it
    accuracy: Floats  # share of all images that are rightly said to be of it or not
    precision: Floats  # share of those said that are right
    recall: Floats  # share of those there that were found: the accuracy within the class
    f1: Floats  # their harmonic mean


def confusion_counts(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> Counts:
    """(classes, classes): rows are the truth, columns what was said."""
    flat = np.bincount(labels * classes + predicted, minlength=classes**2)
    return flat.reshape(classes, classes).astype(np.int64)


def per_class(matrix: Counts) -> PerClass:
    """Of a confusion matrix with the truth in its rows."""
    right = np.diag(matrix)
    support, said, images = matrix.sum(axis=1), matrix.sum(axis=0), matrix.sum(keepdims=True)[0]
    return PerClass(
        support=support,
        said=said,
        accuracy=_share(images - support - said + 2 * right, images),
        precision=_share(right, said),
        recall=_share(right, support),
        f1=_share(2 * right, said + support),
    )


def mean(values: Iterable[float] | Floats) -> float:
    """Of those that are defined; nan where none is."""
    known = [float(value) for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def most_confused(matrix: Counts, count: int) -> list[tuple[int, int, int, int]]:
    """The pairs of classes that are taken for each other most often, the worst first.

    Each is (a, b, times that a was taken for b, times that b was taken for a), the more frequent
    way first; pairs that never happen are left out.
    """
    errors = matrix - np.diag(np.diag(matrix))
    both = np.triu(errors + errors.T)
    order = np.argsort(-both, axis=None, kind="stable")[:count]
    found = []
    for a, b in zip(*np.unravel_index(order, both.shape), strict=True):
        if both[a, b] == 0:
            break
        first, second = (a, b) if errors[a, b] >= errors[b, a] else (b, a)
        found.append(
            (int(first), int(second), int(errors[first, second]), int(errors[second, first]))
        )
    return found


def _share(part: Counts, whole: Counts) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(whole > 0, part / np.maximum(whole, 1), np.nan))


TOP, BOTTOM = 0.88, 0.11  # of the slide's height: where the matrix begins and ends
ROOM = 55  # letters below a square matrix, and half of those below a wide one
SQUARE = 12  # classes up to which cells are square; more need the whole width for their numbers
SMALLEST = 8.0  # points: smaller numbers cannot be read, and are left to the colour bar
LINE = 0.62  # height of a number, as a share of its cell's


def summed(model: Answered) -> Counts:
    """The matrix of all seeds added up: rows are the truth, columns what was said."""
    parts = [
        confusion_counts(s.labels, s.predicted, s.logits.shape[1]) for s in model.said.values()
    ]
    return np.asarray(np.sum(parts, axis=0))


def picture(model: Answered, names: Sequence[str], what: str) -> Picture:
    """Counts in the cells, colour of the errors alone."""
    matrix, seeds = summed(model), wording.counted(len(model.said), "seed")
    title = f"What is taken for what: {model.title}, {what}"
    with style.applied():
        figure = answers.slide(title, f"Test images, added up over {seeds}; rows: the truth")
        axes = _axes(figure, names)
        errors = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
        most = max(2, int(errors.max()))
        image = axes.imshow(
            np.ma.masked_equal(errors, 0), cmap="Oranges", norm=LogNorm(0.5, most), aspect="auto"
        )
        size = min(15.0, LINE * _cell(names))
        _label(axes, names, size)
        if size >= SMALLEST:
            _write_counts(axes, matrix, most, size)
        else:
            _colour_bar(figure, axes, image)
    return Picture(
        name=f"confusion_{model.name}",
        title=title,
        caption=(
            "Rows are the truth, columns what the model says; numbers count test images, "
            f"added up over {seeds}. Only errors are coloured, on a logarithmic scale, so that "
            "the diagonal, which is right, does not drown them; an empty cell never happened."
        ),
        figure=figure,
    )


def sheet(model: Answered, names: Sequence[str], what: str) -> Sheet:
    """The same numbers, a row a true class."""
    columns = [f"said {name}" for name in names]
    frame = pd.DataFrame(summed(model), columns=columns)
    frame.insert(0, "truth", list(names))
    seeds = wording.counted(len(model.said), "seed")
    return Sheet(
        name=f"confusion_{model.name}",
        title=f"Confusion matrix: {model.title}, {what}",
        caption=f"Test images by their class and by what the model says, added up over {seeds}.",
        frame=frame,
        formats=dict.fromkeys(columns, ",d"),
    )


def _axes(figure: Figure, names: Sequence[str]) -> Axes:
    bottom, height = _bottom(names), TOP - _bottom(names)
    if len(names) <= SQUARE:
        width = height * style.HEIGHT / style.WIDTH
        return figure.add_axes((0.5 - width / 2, bottom, width, height))
    return figure.add_axes((0.1, bottom, 0.84, height))


def _upright(names: Sequence[str]) -> bool:
    """Whether names below the matrix would run into each other side by side."""
    room = ROOM if len(names) <= SQUARE else 2 * ROOM
    return max(map(len, names)) > room // len(names)


def _bottom(names: Sequence[str]) -> float:
    """Of the slide's height; upright names reach further down."""
    return BOTTOM if not _upright(names) else min(0.3, 0.08 + 0.015 * max(map(len, names)))


def _cell(names: Sequence[str]) -> float:
    """The height of a cell, points."""
    return 72 * style.HEIGHT * (TOP - _bottom(names)) / len(names)


def _label(axes: Axes, names: Sequence[str], size: float) -> None:
    places, size = range(len(names)), max(size, 7.0)
    axes.set_xticks(places, names, fontsize=size, rotation=90 if _upright(names) else 0)
    axes.set_yticks(places, names, fontsize=size)
    axes.set_xlabel("said")
    axes.set_ylabel("truth")
    axes.grid(False)
    axes.set_xticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="0.92", linewidth=0.6)
    axes.tick_params(which="minor", length=0)


def _write_counts(axes: Axes, matrix: Counts, most: int, size: float) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        if not count:
            continue
        error = row != column
        axes.text(
            column,
            row,
            f"{count:,}",
            ha="center",
            va="center",
            fontsize=size,
            color="white" if error and count > most / 3 else "black" if error else "0.45",
            fontweight="bold" if error else "normal",
        )


def _colour_bar(figure: Figure, axes: Axes, image: AxesImage) -> None:
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.01)
    bar.ax.set_ylabel("errors, test images (log scale)")
    style.log_ticks(bar.ax.yaxis)


# The pairs of classes that are taken for each other most often.


LISTED = 15  # pairs of a model in the table
DRAWN = 8  # and in the picture
PANELS = 6  # models a picture
COLUMNS = ("model", "truth", "said", "times_a_seed", "the_other_way_a_seed", "share_of_errors")


def pairs_sheet(models: Sequence[Answered], names: Sequence[str], what: str) -> Sheet:
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

"""What is taken for what: the confusion matrix of a model, and the pairs confused most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.report.tables.table import Table, fact_table
from bench.study import pictures
from bench.study.artifact import Answered, Picture, Study

Counts = NDArray[np.int64]

# The matrix

TOP, BOTTOM = 0.88, 0.11  # of the slide's height: where the matrix begins and ends
SQUARE = 12  # classes up to which cells are square; more need the whole width for their numbers
SMALLEST = 8.0  # points: smaller numbers cannot be read, and are left to the colour bar
LINE = 0.62  # height of a number, as a share of its cell's


def confusion_counts(model: Answered) -> Counts:
    """(classes, classes) test images of all seeds: rows are the truth, columns the answers."""
    from sklearn.metrics import confusion_matrix

    runs = model.predictions.values()
    labels = np.concatenate([run.labels for run in runs])
    predicted = np.concatenate([run.predicted for run in runs])
    classes = range(model.shown.logits.shape[1])
    return np.asarray(confusion_matrix(labels, predicted, labels=classes))


def matrix_picture(study: Study, model: Answered) -> Picture:
    """The matrix on a slide, with numbers where they can be read."""
    matrix, seeds = confusion_counts(model), wording.counted(len(model.predictions), "seed")
    names = study.dataset.class_names
    area = _area(names)
    size = min(15.0, LINE * 72 * style.HEIGHT * area[3] / len(names))  # points
    figure = pictures.slide()
    axes = figure.add_axes(area)
    errors = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
    most = max(2, int(errors.max()))
    image = axes.imshow(
        np.ma.masked_equal(errors, 0), cmap="Oranges", norm=LogNorm(0.5, most), aspect="auto"
    )
    _label(axes, names, size)
    if size >= SMALLEST:
        _write_counts(axes, matrix, most, size)
    else:
        _colour_bar(figure, axes, image)
    return pictures.titled(
        figure,
        f"Test images, added up over {seeds}; rows: the truth",
        name=f"confusion_{model.name}",
        title=f"What is taken for what: {model.title}, {study.subject}",
        caption=(
            "Rows are the truth, columns what the model says; numbers count test images, "
            f"added up over {seeds}. Only errors are coloured, on a logarithmic scale, so that "
            "the diagonal, which is right, does not drown them; an empty cell never happened."
        ),
    )


def matrix_table(study: Study, model: Answered) -> Table:
    """The same numbers, a row a true class."""
    names = study.dataset.class_names
    columns = [f"said {name}" for name in names]
    seeds = wording.counted(len(model.predictions), "seed")
    return fact_table(
        name=f"confusion_{model.name}",
        title=f"Confusion matrix: {model.title}, {study.subject}",
        explanation=(
            f"Test images by their class and by what the model says, added up over {seeds}."
        ),
        rows=[
            {"truth": name, **dict(zip(columns, counts, strict=True))}
            for name, counts in zip(names, confusion_counts(model), strict=True)
        ],
        formats={",d": columns},
    )


def _upright(names: Sequence[str]) -> bool:
    """Whether names below the matrix would run into each other side by side."""
    return pictures.crowded(names, share=0.5 if len(names) <= SQUARE else 1)


def _area(names: Sequence[str]) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of the matrix, as shares of the slide."""
    bottom = min(0.3, 0.08 + 0.015 * max(map(len, names))) if _upright(names) else BOTTOM
    height = TOP - bottom
    if len(names) > SQUARE:
        return 0.1, bottom, 0.84, height
    width = height * style.HEIGHT / style.WIDTH
    return 0.5 - width / 2, bottom, width, height


def _label(axes: Axes, names: Sequence[str], size: float) -> None:
    rows, size = np.arange(len(names)), max(size, 7.0)
    axes.set_xticks(rows, names, fontsize=size, rotation=90 if _upright(names) else 0)
    axes.set_yticks(rows, names, fontsize=size)
    axes.set(xlabel="said", ylabel="truth")
    axes.grid(False)
    axes.set_xticks(rows[:-1] + 0.5, minor=True)
    axes.set_yticks(rows[:-1] + 0.5, minor=True)
    axes.grid(which="minor", color="0.92", linewidth=0.6)
    axes.tick_params(which="minor", length=0)


def _write_counts(axes: Axes, matrix: Counts, most: int, size: float) -> None:
    for row, column in np.argwhere(matrix):
        count, error = matrix[row, column], row != column
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


# The pairs of classes that are taken for each other most often

LISTED = 15  # pairs of a model in the table
DRAWN = 8  # and in the picture
PANELS = 6  # models a picture


class ConfusedPair(NamedTuple):
    """Two classes and how often each is taken for the other; the more frequent way is first."""

    truth: int
    answer: int
    times: int
    times_the_other_way: int


def most_confused(matrix: Counts, count: int) -> list[ConfusedPair]:
    """At most ``count`` pairs of classes, the worst first; pairs never confused are left out."""
    pairs = []
    for pair in combinations(range(len(matrix)), 2):
        a, b = pair if matrix[pair] >= matrix[pair[::-1]] else pair[::-1]
        if matrix[a, b]:
            pairs.append(ConfusedPair(a, b, int(matrix[a, b]), int(matrix[b, a])))
    return sorted(pairs, key=lambda pair: -pair.times - pair.times_the_other_way)[:count]


def pairs_table(study: Study, models: Sequence[Answered]) -> Table:
    """A row a model and pair, the worst first."""
    return fact_table(
        name="confused_pairs",
        title=f"The pairs confused most, {study.subject}",
        explanation=(
            f"Of each model the {LISTED} pairs of classes that are taken for each other most "
            "often, the more frequent way first; test images, mean over seeds. The last column: "
            "both ways together, of all errors of the model."
        ),
        rows=[row for model in models for row in _rows(model, study.dataset.class_names)],
        formats={
            ".1f": ("times_a_seed", "the_other_way_a_seed"),
            ".1%": ("share_of_errors",),
        },
    )


def _rows(model: Answered, names: Sequence[str]) -> Iterator[dict[str, object]]:
    matrix, seeds = confusion_counts(model), len(model.predictions)
    errors = int(matrix.sum() - matrix.trace())
    for truth, answer, times, back in most_confused(matrix, LISTED):
        yield {
            "model": model.title,
            "truth": names[truth],
            "said": names[answer],
            "times_a_seed": times / seeds,
            "the_other_way_a_seed": back / seeds,
            "share_of_errors": (times + back) / errors,
        }


def pairs_pictures(study: Study, models: Sequence[Answered]) -> Iterator[Picture]:
    """A panel a model, each with an error, on as many slides as that takes."""
    for slide, start in enumerate(range(0, len(models), PANELS), start=1):
        yield _pairs_picture(study, models[start : start + PANELS], slide)


def _pairs_picture(study: Study, models: Sequence[Answered], slide: int) -> Picture:
    figure, panels = style.page(len(models))
    for axes, model in zip(panels, models, strict=True):
        _bars(axes, model, study.dataset.class_names)
        axes.set_title(model.title)
    return pictures.chart(
        figure,
        ["test images, mean over seeds; truth → said"],
        name="confused_pairs" + (f"_{slide}" if slide > 1 else ""),
        title=f"The pairs confused most, {study.subject}" + (f" ({slide})" if slide > 1 else ""),
        caption=(
            "How often one class is taken for another (full, from the axis) and the other for the "
            "one (hatched, behind it). Two long parts are shapes that overlap; a bar without a "
            "hatched part is a habit of the model. 'truth → said' names the full part."
        ),
    )


def _bars(axes: Axes, model: Answered, names: Sequence[str]) -> None:
    pairs, seeds = most_confused(confusion_counts(model), DRAWN), len(model.predictions)
    there = [pair.times / seeds for pair in pairs]
    back = [pair.times_the_other_way / seeds for pair in pairs]
    rows = range(len(pairs))
    full, hatched = style.LOOKS[:2]
    axes.barh(rows, there, color=full.colour, label="as named")
    axes.barh(
        rows,
        back,
        left=there,
        color=hatched.colour,
        hatch=hatched.hatch,
        edgecolor="white",
        label="the other way",
    )
    for row, (times, other) in enumerate(zip(there, back, strict=True)):
        axes.text(times + other, row, f" {times:.3g} + {other:.3g}", va="center", fontsize=12)
    axes.set_yticks(rows, [f"{names[pair.truth]} → {names[pair.answer]}" for pair in pairs])
    axes.set_ylim(max(len(pairs), 4) - 0.5, -0.5)  # a few bars are not made thick
    axes.margins(x=0.2)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("test images")

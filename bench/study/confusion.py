"""What is taken for what: a model's confusion matrix as a table, the worst pairs as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.report.tables.table import Table, fact_table
from bench.study import pictures
from bench.study.artifact import Answered, Picture, Study

Counts = NDArray[np.int64]

# The matrix


def confusion_counts(model: Answered) -> Counts:
    """(classes, classes) test images of all seeds: rows are the truth, columns the answers."""
    from sklearn.metrics import confusion_matrix

    runs = model.predictions.values()
    labels = np.concatenate([run.labels for run in runs])
    predicted = np.concatenate([run.predicted for run in runs])
    classes = range(model.shown.logits.shape[1])
    return np.asarray(confusion_matrix(labels, predicted, labels=classes))


def matrix_table(study: Study, model: Answered) -> Table:
    """How often each class is taken for each, a row a true class."""
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


# The pairs of classes that are taken for each other most often

LISTED = 15  # pairs of a model in the table
DRAWN = 8  # and in the picture
AS_NAMED, BACK = 4, 3  # images of each pair, at most, one way and the other
TOP, BOTTOM = 0.82, 0.1  # of the slide's height: where bars and images begin and end
BARS, IMAGES = 0.34, 0.555  # of its width: how wide bars are, and where images begin
TALLEST = 0.95  # inches of a row


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


def pairs_picture(study: Study, model: Answered) -> Picture | None:
    """A row a pair: how often, and some of the images; None where the model makes no error."""
    matrix, names = confusion_counts(model), study.dataset.class_names
    pairs, seeds = most_confused(matrix, DRAWN), wording.counted(len(model.predictions), "seed")
    if not pairs:
        return None
    rows = max(len(pairs), 4)
    inches = min((TOP - BOTTOM) * style.HEIGHT / rows, TALLEST)
    high, columns = rows * inches / style.HEIGHT, AS_NAMED + 1 + BACK
    figure = pictures.slide()
    _bars(figure.add_axes((0.15, TOP - high, BARS, high)), pairs, names, rows)
    strips = [
        [
            *_images(study, model, pair.truth, pair.answer, AS_NAMED),
            None,
            *_images(study, model, pair.answer, pair.truth, BACK),
        ]
        for pair in pairs
    ]
    wide = columns * inches / style.WIDTH
    pictures.mosaic(figure, (IMAGES, TOP - high, wide, high), strips, rows=rows, columns=columns)
    for column, words in ((AS_NAMED / 2, "as named"), (columns - BACK / 2, "the other way")):
        x = IMAGES + column * inches / style.WIDTH
        figure.text(x, TOP + 0.01, words, ha="center", va="bottom")
    worst, errors = pairs[0], int(matrix.sum() - matrix.trace())
    return pictures.titled(
        figure,
        f"test images, added up over {seeds}; truth → said",
        name=f"confusion_{model.name}",
        title=f"The pairs confused most: {model.title}, {study.subject}",
        finding=(
            f"{names[worst.truth]} and {names[worst.answer]} are confused most: "
            f"{worst.times + worst.times_the_other_way:,} of {errors:,} errors of the {model.title}"
        ),
        caption=(
            "The pairs of classes that are taken for each other most often, in whole test images "
            f"added up over {seeds}: first the way that is named, then the other. Two long parts "
            "are shapes that overlap; a bar without a second part is a habit of the model. "
            "Beside each pair some of the images, those first of which the model is surest. The "
            "table has the whole matrix."
        ),
    )


def _images(
    study: Study, model: Answered, truth: int, answer: int, count: int
) -> list[NDArray[np.uint8] | None]:
    """So many test images of a class that are taken for another, the surest first, then None."""
    certainty: dict[int, float] = {}
    for run in model.predictions.values():
        wrong = np.flatnonzero((run.labels == truth) & (run.predicted == answer))
        for index, sure in zip(wrong.tolist(), run.probabilities[wrong, answer], strict=True):
            certainty[index] = max(float(sure), certainty.get(index, 0.0))
    chosen = sorted(certainty, key=lambda index: (-certainty[index], index))[:count]
    images = [np.asarray(study.dataset.test.images[index]) for index in chosen]
    return [*images, *[None] * (count - len(images))]


def _bars(axes: Axes, pairs: Sequence[ConfusedPair], names: Sequence[str], rows: int) -> None:
    there = [pair.times for pair in pairs]
    back = [pair.times_the_other_way for pair in pairs]
    first, second = style.LOOKS[:2]
    positions = range(len(pairs))
    axes.barh(positions, there, height=0.6, color=first.colour, label="as named")
    axes.barh(positions, back, height=0.6, left=there, color=second.colour, label="the other way")
    for row, (times, other) in enumerate(zip(there, back, strict=True)):
        axes.text(times + other, row, f" {times:,} + {other:,}", va="center")
    labels = [f"{names[pair.truth]} → {names[pair.answer]}" for pair in pairs]
    size = pictures.fitting(labels, 72 * 0.13 * style.WIDTH, 15)
    axes.set_yticks(positions, labels, fontsize=size)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.margins(x=0.25)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlabel("test images")
    axes.legend(loc="lower right", frameon=False)

"""The best checkpoint: saved, loaded again, and asked of one batch and of the whole test set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from bench import intervals
from bench.report import wording
from bench.report.plots import style
from bench.study import thumbnails
from bench.study.answered import Answered, answered
from bench.study.artifact import Picture, Sheet, Study
from bench.study.per_class import Counts, confusion, per_class

TITLE = "The best checkpoint"
NEEDS = "a run that ended well"
BATCH = 20  # test images shown one by one: the batch size of the study
COUNTS_WRITTEN = 30  # classes up to which the matrix has its numbers in it


def make(study: Study) -> Iterator[Picture | Sheet]:
    """The table of all models, the one by class; then batch and matrix of each model."""
    models = answered(study)
    if not models:
        return
    what = wording.images(study.groups[0].data)
    yield _overall(models, what)
    yield _by_class(study, models, what)
    for model in models:
        yield _batch(study, model, what)
        yield _matrix(study, model, what)


# Tables


def _overall(models: Sequence[Answered], what: str) -> Sheet:
    return Sheet(
        name="evaluation",
        title=f"Test accuracy of the saved models, {what}",
        caption=(
            "Each run's checkpoint of the lowest validation loss, saved, loaded again from its "
            "file, and asked of every test image. The accuracy is the mean over seeds, beside the "
            "lowest and the highest; low and high bound it for other images of the kind: Wilson's "
            "95 % interval for the number of test images, which more seeds do not narrow. 'As "
            "recorded': wrong on exactly the images on which the network was wrong when it had "
            "been trained. Macro F1 is the mean over classes, each counting alike."
        ),
        frame=pd.DataFrame([_overall_row(model) for model in models]),
        formats={
            **dict.fromkeys(("accuracy", "low", "high", "lowest_seed", "highest_seed"), ".2%"),
            "macro_f1": ".4f",
            "parameters": ",d",
        },
    )


def _overall_row(model: Answered) -> dict[str, object]:
    accuracies = [float(1 - model.wrong(seed).mean()) for seed in model.said]
    images = len(model.shown.labels)
    accuracy = float(np.mean(accuracies))
    bounds = intervals.wilson(accuracy * images, images)
    some = next(iter(model.records.values())).measurement
    f1 = [float(np.nanmean(per_class(_confusion(model, seed)).f1)) for seed in model.said]
    return {
        "model": model.title,
        "parameters": some.parameter_count if some else None,
        "seeds": len(model.said),
        "accuracy": accuracy,
        "low": bounds.low if bounds else None,
        "high": bounds.high if bounds else None,
        "lowest_seed": min(accuracies),
        "highest_seed": max(accuracies),
        "macro_f1": float(np.mean(f1)),
        "as_recorded": "yes" if all(s.as_recorded for s in model.said.values()) else "NO",
    }


def _by_class(study: Study, models: Sequence[Answered], what: str) -> Sheet:
    rows = [row for model in models for row in _class_rows(study, model)]
    return Sheet(
        name="per_class",
        title=f"By class, {what}",
        caption=(
            "Precision: of the images taken for the class, the share that are of it. Recall: of "
            "the images of the class, the share that were found, which is the accuracy within it. "
            "F1: their harmonic mean. Means over seeds; empty where a class was never said. "
            "Images: of the class in the test set, so that a share of few is read with care."
        ),
        frame=pd.DataFrame(rows),
        formats=dict.fromkeys(("precision", "recall", "f1"), ".2%"),
    )


def _class_rows(study: Study, model: Answered) -> Iterator[dict[str, object]]:
    found = [per_class(_confusion(model, seed)) for seed in model.said]
    for label, name in enumerate(study.dataset.class_names):
        yield {
            "model": model.title,
            "class": name,
            "images": int(found[0].support[label]),
            "precision": _mean([one.precision[label] for one in found]),
            "recall": _mean([one.recall[label] for one in found]),
            "f1": _mean([one.f1[label] for one in found]),
        }


def _mean(values: Sequence[float]) -> float | None:
    known = [float(value) for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else None


def _confusion(model: Answered, seed: int) -> Counts:
    said = model.said[seed]
    return confusion(said.labels, said.predicted, said.logits.shape[1])


# Pictures


def _batch(study: Study, model: Answered, what: str) -> Picture:
    said = model.shown
    names = study.dataset.class_names
    # drawn, and the same for every model: data sets are often sorted by class
    chosen = np.random.default_rng(0).permutation(len(said.labels))[:BATCH]
    predicted, probabilities = said.predicted, said.probabilities
    title = f"One batch of {what}: {model.title}"
    with style.applied():
        figure = thumbnails.slide(
            title,
            f"{len(chosen)} test images drawn at random, seed {model.seed}: "
            "said (truth) probability",
        )
        thumbnails.grid(
            figure,
            [study.dataset.test.images[i] for i in chosen],
            [
                f"{names[predicted[i]]} ({names[said.labels[i]]})  "
                f"{probabilities[i, predicted[i]]:.1%}"
                for i in chosen
            ],
            columns=7 if len(chosen) > 10 else 5,
            wrong=[bool(predicted[i] != said.labels[i]) for i in chosen],
            size=15,
        )
    return Picture(
        name=f"batch_{model.name}",
        title=title,
        caption=(
            "Test images, the same for every model, as the saved model sees them. Below each: the "
            "class with the highest probability, the truth in brackets, and the probability that "
            "the model gives to what it says. A frame and a cross mark what it gets wrong."
        ),
        figure=figure,
    )


def _matrix(study: Study, model: Answered, what: str) -> Picture:
    matrix = np.sum([_confusion(model, seed) for seed in model.said], axis=0)
    title = f"What is taken for what: {model.title}, {what}"
    seeds = wording.counted(len(model.said), "seed")
    with style.applied():
        figure = thumbnails.slide(title, f"Test images, added up over {seeds}")
        axes = figure.add_axes((0.25, 0.07, 0.5, 0.81))
        errors = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
        most = max(2, int(errors.max()))
        axes.imshow(np.ma.masked_equal(errors, 0), cmap="Oranges", norm=LogNorm(0.5, most))
        _label(axes, study.dataset.class_names)
        if len(matrix) <= COUNTS_WRITTEN:
            _write_counts(axes, matrix, most)
    return Picture(
        name=f"confusion_{model.name}",
        title=title,
        caption=(
            "Rows are the truth, columns what the model says; the numbers count test images, "
            f"added up over {seeds}. Only errors are coloured, on a logarithmic scale, so that "
            "the diagonal, which is right, does not drown them; an empty cell never happened."
        ),
        figure=figure,
    )


def _label(axes: Axes, names: Sequence[str]) -> None:
    places = range(len(names))
    size = 15 if len(names) <= 12 else 12 if len(names) <= COUNTS_WRITTEN else 7
    axes.set_xticks(places, names, fontsize=size)
    axes.set_yticks(places, names, fontsize=size)
    axes.set_xlabel("said")
    axes.set_ylabel("truth")
    axes.grid(False)


def _write_counts(axes: Axes, matrix: Counts, most: int) -> None:
    size = 14 if len(matrix) <= 12 else 9
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            error = row != column
            colour = "white" if error and count > most / 3 else "black"
            weight = "bold" if error else "normal"
            axes.text(
                column,
                row,
                f"{count:,}",
                ha="center",
                va="center",
                fontsize=size,
                color=colour,
                fontweight=weight,
            )

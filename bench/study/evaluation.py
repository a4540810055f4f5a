"""The best checkpoint: saved, loaded again, and asked of one batch and of the whole test set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.report.tables.table import Table, fact_table
from bench.results.predictions import Predictions
from bench.stats import uncertainty
from bench.study import confusion, pictures
from bench.study.artifact import Answered, Artifact, Picture, Study, Tables, answered, facts

TITLE = "The best checkpoint"
NEEDS = "a run that ended well"


def make(study: Study) -> Iterator[Artifact]:
    """Tables of all models, all runs and all classes; then batch and matrix of each model."""
    models = answered(study)
    if not models:
        return
    yield _overall(study, models)
    yield _runs(study, models)
    yield _class_table(study, models)
    yield _class_picture(study, models)
    for model in models:
        yield _batch(study, model)
        if confused := confusion.pairs_picture(study, model):
            yield confused
        yield confusion.matrix_table(study, model)


def finding(tables: Tables) -> str:
    """The best and the worst model, the hardest class, and whether files answer as runs did."""
    rows = sorted(facts(tables, "evaluation"), key=lambda row: -row["accuracy"])
    if not rows:
        return ""
    others = [row["model"] for row in rows if row["as_recorded"] != "yes"]
    f1 = pd.DataFrame(facts(tables, "per_class")).groupby("class", sort=False)["f1"].mean()
    return " ".join(
        (
            f"Most test images are read rightly by the {_read(rows[0])}.",
            f"The fewest by the {_read(rows[-1])}." if len(rows) > 1 else "",
            f"The hardest class is {f1.idxmin()} (mean F1 {wording.percent(f1.min(), 1)}).",
            f"NOT as their runs recorded: {', '.join(others)}."
            if others
            else "Every saved model is wrong on exactly the images that its run recorded.",
        )
    ).replace("  ", " ")


def _read(row: Mapping[str, Any]) -> str:
    low, high = (100 * row[end] for end in ("low", "high"))
    accuracy = wording.percent(row["accuracy"])
    return f"{row['model']}: {accuracy} (95 % interval {low:.2f} to {high:.2f})"


# Overall, and run by run


def _overall(study: Study, models: Sequence[Answered]) -> Table:
    return fact_table(
        name="evaluation",
        title=f"Test accuracy of the saved models, {study.subject}",
        explanation=(
            "Each run's checkpoint of the lowest validation loss, saved, loaded again from its "
            "file, and asked of every test image. The accuracy is the mean over seeds, beside "
            "that of the lowest and of the highest seed. Low and high are Wilson's 95 % interval "
            "for the number of test images, which more seeds do not narrow. 'As recorded': the "
            "saved model is wrong on exactly the images that its run recorded. Macro F1 is the "
            "mean over classes, each counting alike."
        ),
        rows=map(_overall_row, models),
        formats={
            ".2%": ("accuracy", "low", "high", "lowest_seed", "highest_seed"),
            ".4f": ("macro_f1",),
            ",d": ("parameters",),
        },
    )


def _overall_row(model: Answered) -> dict[str, object]:
    runs = model.predictions.values()
    accuracies = [_accuracy(run) for run in runs]
    return {
        "model": model.title,
        "parameters": model.parameters,
        "seeds": len(runs),
        **_bounded(float(np.mean(accuracies)), len(model.shown.labels)),
        "lowest_seed": min(accuracies),
        "highest_seed": max(accuracies),
        "macro_f1": float(np.mean([by_class(run)["f1"].mean() for run in runs])),
        "as_recorded": "yes" if all(run.as_recorded for run in runs) else "NO",
    }


def _runs(study: Study, models: Sequence[Answered]) -> Table:
    rows = [
        _run_row(model, seed, run) for model in models for seed, run in model.predictions.items()
    ]
    return fact_table(
        name="evaluation_runs",
        title=f"Every saved model, {study.subject}",
        explanation=(
            "A row a run: what the table before it sums up. Loss: mean cross-entropy of a test "
            "image (nats). Macro precision and recall: means over the classes for which they are "
            "defined; a class that was never said has no precision."
        ),
        rows=rows,
        formats={
            ".2%": ("accuracy", "low", "high"),
            ".4f": ("loss", "macro_precision", "macro_recall", "macro_f1"),
            ",d": ("correct", "images"),
        },
    )


def _run_row(model: Answered, seed: int, run: Predictions) -> dict[str, object]:
    images, classes = len(run.labels), by_class(run)
    likelihood = run.probabilities[np.arange(images), run.labels]
    return {
        "model": model.title,
        "seed": seed,
        "correct": int((run.predicted == run.labels).sum()),
        "images": images,
        **_bounded(_accuracy(run), images),
        "loss": float(-np.log(np.maximum(likelihood, np.finfo(np.float64).tiny)).mean()),
        **{f"macro_{share}": classes[share].mean() for share in ("precision", "recall", "f1")},
        "as_recorded": "yes" if run.as_recorded else "NO",
        "file": run.model,
    }


def _bounded(accuracy: float, images: int) -> dict[str, float | None]:
    bounds = uncertainty.wilson(accuracy * images, images)
    return {
        "accuracy": accuracy,
        "low": bounds.low if bounds else None,
        "high": bounds.high if bounds else None,
    }


def _accuracy(run: Predictions) -> float:
    return float(1 - (run.predicted != run.labels).mean())


# Class by class


def by_class(run: Predictions) -> pd.DataFrame:
    """A row a class: its images, accuracy, precision, recall and F1.

    Accuracy: of all images, the share that are rightly told to be of the class or not of it.
    A share of nothing is nan, not 0: the precision of a class that was never said, the recall of
    one without images. Means over classes and seeds leave it out.
    """
    from sklearn.metrics import precision_recall_fscore_support

    classes = range(run.logits.shape[1])
    precision, recall, f1, images = precision_recall_fscore_support(
        run.labels, run.predicted, labels=classes, zero_division=np.nan
    )
    told = [(run.labels == label) == (run.predicted == label) for label in classes]
    accuracy = np.mean(told, axis=1)
    shares = {"accuracy": accuracy, "precision": precision, "recall": recall, "f1": f1}
    return pd.DataFrame({"images": images, **shares})


def _of_seeds(model: Answered, names: Sequence[str]) -> pd.DataFrame:
    """A row a class: means over seeds, and F1 beside its lowest and highest."""
    classes = pd.concat([by_class(run) for run in model.predictions.values()]).groupby(level=0)
    frame = classes.mean().astype({"images": int})
    frame.insert(0, "model", model.title)
    frame.insert(1, "class", names)
    return frame.assign(lowest_f1=classes["f1"].min(), highest_f1=classes["f1"].max())


def _class_table(study: Study, models: Sequence[Answered]) -> Table:
    names = study.dataset.class_names
    frame = pd.concat([_of_seeds(model, names) for model in models])
    return fact_table(
        name="per_class",
        title=f"By class, {study.subject}",
        explanation=(
            "Accuracy: of all test images, the share that are rightly said to be of the class or "
            "not; for a small class it is always high. Precision: of the images taken for the "
            "class, the share that are of it. Recall: of the images of the class, the share that "
            "were found, which others call the accuracy within it. F1: their harmonic mean. Means "
            "over seeds, F1 beside its lowest and highest; empty where not defined: a class that "
            "was never said has no precision. Images: of the class in the test set, so that a "
            "share of few is read with care."
        ),
        rows=frame.to_dict("records"),
        formats={
            ".2%": ("accuracy", "precision", "recall", "f1", "lowest_f1", "highest_f1"),
            ",d": ("images",),
        },
    )


def _class_picture(study: Study, models: Sequence[Answered]) -> Picture:
    """F1 of each class, the hardest first, of the best model and the best other network."""
    names, shown = study.dataset.class_names, _best_two(models)
    scores = [100 * _of_seeds(model, names)["f1"].to_numpy() for model in shown]
    hardest = np.argsort(np.mean(scores, axis=0), kind="stable")
    notes = ["test images, mean over seeds; the class that is hardest on average first"]
    if len(shown) < len(models):
        others = (model.title for model in models if model not in shown)
        notes.append(f"in the table alone: {', '.join(others)}")
    figure, (axes,) = style.page(1)
    if len(shown) > 1:
        first, second = (score[hardest] for score in scores)
        axes.vlines(range(len(names)), first, second, color="0.6", linewidth=2, zorder=1)
    for model, score, look in zip(shown, scores, style.LOOKS, strict=False):
        axes.plot(
            score[hardest],
            look.marker,
            color=look.colour,
            label=model.title,
            markersize=11,
            markeredgecolor="white",
        )
    pictures.name_classes(axes, [names[label] for label in hardest])
    axes.set_ylabel("F1 (%)")
    return pictures.chart(
        figure,
        notes,
        name="per_class",
        title=f"F1 of each class, {study.subject}",
        finding=_hardest(shown, scores, names[hardest[0]]),
        caption=(
            "The harmonic mean of precision and recall of each class, a mark a model: the one "
            "with the highest mean, and the best of the other networks. Where both marks are low "
            "the class itself is hard; where one is, that model has a weakness of its own."
        ),
        main=True,
    )


def _best_two(models: Sequence[Answered]) -> list[Answered]:
    """By the mean F1 over classes and seeds; the second is another network where there is one."""

    def macro_f1(model: Answered) -> float:
        return float(np.mean([by_class(run)["f1"].mean() for run in model.predictions.values()]))

    best, *others = sorted(models, key=macro_f1, reverse=True)
    others.sort(key=lambda model: model.network == best.network)  # stable
    return [best, *others[:1]]


def _hardest(shown: Sequence[Answered], scores: Sequence[NDArray[np.float64]], hardest: str) -> str:
    """Which model has the higher F1 in how many classes, and the hardest class."""
    if len(shown) < 2:
        return f"{hardest} is the hardest class for the {shown[0].title}"
    higher = wording.all_or(int((scores[0] > scores[1]).sum()), len(scores[0]))
    first, second = shown
    return (
        f"The {first.title} has a higher F1 than the {second.title} in {higher} classes; the "
        f"hardest is {hardest}"
    )


# One batch

BATCH = 20  # test images shown one by one: the batch size of the study
LONG = 9  # characters of an answer, from which on its probability stands below it


def _batch(study: Study, model: Answered) -> Picture:
    # drawn, and the same for every model: data sets are often sorted by class
    chosen = np.random.default_rng(0).permutation(len(model.shown.labels))[:BATCH]
    wrong = model.wrong(model.seed)[chosen]
    return pictures.image_slide(
        name=f"batch_{model.name}",
        title=f"One batch of {study.subject}: {model.title}",
        caption=(
            "Test images, the same for every model, as the saved model sees them. Below each: the "
            "class with the highest probability, the truth in brackets, and the probability that "
            "the model gives to what it says. A frame and a cross mark what it gets wrong."
        ),
        note=(
            f"{len(chosen)} test images drawn at random, seed {model.seed}, {int(wrong.sum())} "
            "of them wrong; below: said (truth) probability"
        ),
        images=study.dataset.test.images[chosen],
        lines=list(_answer_lines(model, study.dataset.class_names, chosen)),
        columns=7 if len(chosen) > 10 else 5,
        wrong=wrong,
    )


def _answer_lines(
    model: Answered, names: Sequence[str], chosen: NDArray[np.int64]
) -> Iterator[str]:
    predicted, labels, certainty = model.shown.predicted, model.shown.labels, model.certainty
    for index in chosen:
        answer = f"{names[predicted[index]]} ({names[labels[index]]})"
        between = "\n" if len(answer) > LONG else "  "
        yield f"{answer}{between}{certainty[index]:.1%}"

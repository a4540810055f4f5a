"""The best checkpoint: saved, loaded again, and asked of one batch and of the whole test set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.stats import uncertainty
from bench.study import answers, confusion
from bench.study.answers import Answered, answered
from bench.study.artifact import Picture, Sheet, Study
from bench.study.confusion import Floats, PerClass, confusion_counts, mean, per_class

# How well each class is told: the table, and where the models differ as a picture.


SHOWN = len(style.LOOKS)  # models in the picture: as many as can be told from one another
ROOM = 110  # letters below a slide-wide axis; names that need more stand upright
SHARES = ("accuracy", "precision", "recall", "f1", "lowest_f1", "highest_f1")


def of(model: Answered, seed: int) -> PerClass:
    """What one run reaches in each class."""
    said = model.said[seed]
    return per_class(confusion_counts(said.labels, said.predicted, said.logits.shape[1]))


def sheet(models: Sequence[Answered], names: Sequence[str], what: str) -> Sheet:
    """A row a model and class."""
    return Sheet(
        name="per_class",
        title=f"By class, {what}",
        caption=(
            "Accuracy: of all test images, the share that are rightly told to be of the class or "
            "not of it; it is high for every small class. Precision: of the images taken for the "
            "class, the share that are of it. Recall: of the images of the class, the share that "
            "were found, which others call the accuracy within it. F1: their harmonic mean. Means "
            "over seeds, F1 beside its lowest and highest; empty where not defined: a class that "
            "was never said has no precision. Images: of the class in the test set, so that a "
            "share of few is read with care."
        ),
        frame=pd.DataFrame([row for model in models for row in _rows(model, names)]),
        formats={**dict.fromkeys(SHARES, ".2%"), "images": ",d"},
    )


def _rows(model: Answered, names: Sequence[str]) -> Iterator[dict[str, object]]:
    found = [of(model, seed) for seed in model.said]
    for label, name in enumerate(names):
        f1 = [float(one.f1[label]) for one in found]
        yield {
            "model": model.title,
            "class": name,
            "images": int(found[0].support[label]),
            "accuracy": mean(one.accuracy[label] for one in found),
            "precision": mean(one.precision[label] for one in found),
            "recall": mean(one.recall[label] for one in found),
            "f1": mean(f1),
            "lowest_f1": min(f1),
            "highest_f1": max(f1),
        }


def picture(models: Sequence[Answered], names: Sequence[str], what: str) -> Picture:
    """F1 of each class, the hardest first; a mark a model."""
    title, shown = f"F1 of each class, {what}", models[:SHOWN]
    scores = [_f1(model, len(names)) for model in shown]
    hardest = np.argsort([mean(column) for column in np.transpose(scores)], kind="stable")
    notes = ["test images, mean over seeds; the class that is hardest on average first"]
    if len(shown) < len(models):
        notes.append(f"not shown: {', '.join(model.title for model in models[SHOWN:])}")
    with style.applied():
        figure, (axes,) = style.page(1)
        for model, score, look in zip(shown, scores, style.LOOKS, strict=False):
            axes.plot(
                100 * score[hardest],
                look.marker,
                color=look.colour,
                label=model.title,
                markersize=11,
                markeredgecolor="white",
            )
        crowded = max(map(len, names)) > ROOM // len(names)
        axes.set_xticks(range(len(names)), [names[label] for label in hardest])
        axes.tick_params(axis="x", rotation=90 if crowded else 0)
        axes.set_ylabel("F1 (%)")
        style.frame(figure, [axes], title, notes)
    return Picture(
        name="per_class",
        title=title,
        caption=(
            "The harmonic mean of precision and recall of each class, a mark a model. Where all "
            "marks are low the class itself is hard; where one is, that model has a weakness of "
            "its own."
        ),
        figure=figure,
    )


def _f1(model: Answered, classes: int) -> Floats:
    """(classes,) mean over seeds."""
    found = [of(model, seed).f1 for seed in model.said]
    return np.array([mean(f1[label] for f1 in found) for label in range(classes)])


TITLE = "The best checkpoint"
NEEDS = "a run that ended well"
BATCH = 20  # test images shown one by one: the batch size of the study
LONG = 9  # characters of an answer, from which on its probability stands below it


def make(study: Study) -> Iterator[Picture | Sheet]:
    """Tables of all models, all runs and all classes; then batch and matrix of each model."""
    models = answered(study)
    if not models:
        return
    what, names = wording.images(study.groups[0].data), study.dataset.class_names
    yield _overall(models, what)
    yield _runs(models, what)
    yield sheet(models, names, what)
    yield picture(models, names, what)
    for model in models:
        yield _batch(study, model, what)
        yield confusion.picture(model, names, what)
        yield confusion.sheet(model, names, what)


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
    accuracies = [_accuracy(model, seed) for seed in model.said]
    some = next(iter(model.records.values())).measurement
    f1 = [mean(of(model, seed).f1) for seed in model.said]
    return {
        "model": model.title,
        "parameters": some.parameter_count if some else None,
        "seeds": len(model.said),
        **_bounded(float(np.mean(accuracies)), len(model.shown.labels)),
        "lowest_seed": min(accuracies),
        "highest_seed": max(accuracies),
        "macro_f1": float(np.mean(f1)),
        "as_recorded": "yes" if all(s.as_recorded for s in model.said.values()) else "NO",
    }


def _runs(models: Sequence[Answered], what: str) -> Sheet:
    return Sheet(
        name="evaluation_runs",
        title=f"Every saved model, {what}",
        caption=(
            "A row a run: what the table before it sums up. Loss: mean cross-entropy of a test "
            "image (nats). Macro precision and recall: means over the classes for which they are "
            "defined; a class that was never said has no precision."
        ),
        frame=pd.DataFrame([_run_row(model, seed) for model in models for seed in model.said]),
        formats={
            **dict.fromkeys(("accuracy", "low", "high"), ".2%"),
            **dict.fromkeys(("loss", "macro_precision", "macro_recall", "macro_f1"), ".4f"),
            **dict.fromkeys(("correct", "images"), ",d"),
        },
    )


def _run_row(model: Answered, seed: int) -> dict[str, object]:
    said, found = model.said[seed], of(model, seed)
    images = len(said.labels)
    likelihood = said.probabilities[np.arange(images), said.labels]
    return {
        "model": model.title,
        "seed": seed,
        "correct": int((~model.wrong(seed)).sum()),
        "images": images,
        **_bounded(_accuracy(model, seed), images),
        "loss": float(-np.log(np.maximum(likelihood, np.finfo(np.float64).tiny)).mean()),
        "macro_precision": mean(found.precision),
        "macro_recall": mean(found.recall),
        "macro_f1": mean(found.f1),
        "as_recorded": "yes" if said.as_recorded else "NO",
        "file": said.model,
    }


def _bounded(accuracy: float, images: int) -> dict[str, float | None]:
    bounds = uncertainty.wilson(accuracy * images, images)
    return {
        "accuracy": accuracy,
        "low": bounds.low if bounds else None,
        "high": bounds.high if bounds else None,
    }


def _accuracy(model: Answered, seed: int) -> float:
    return float(1 - model.wrong(seed).mean())


# Pictures


def _batch(study: Study, model: Answered, what: str) -> Picture:
    said, names = model.shown, study.dataset.class_names
    # drawn, and the same for every model: data sets are often sorted by class
    chosen = np.random.default_rng(0).permutation(len(said.labels))[:BATCH]
    wrong = model.wrong(model.seed)[chosen]
    title = f"One batch of {what}: {model.title}"
    with style.applied():
        figure = answers.slide(
            title,
            f"{len(chosen)} test images drawn at random, seed {model.seed}, {int(wrong.sum())} "
            "of them wrong; below: said (truth) probability",
        )
        answers.grid(
            figure,
            [study.dataset.test.images[place] for place in chosen],
            list(_said(model, names, chosen)),
            columns=7 if len(chosen) > 10 else 5,
            wrong=[bool(one) for one in wrong],
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


def _said(model: Answered, names: Sequence[str], chosen: NDArray[np.int64]) -> Iterator[str]:
    predicted, labels, certainty = model.shown.predicted, model.shown.labels, model.certainty
    for place in chosen:
        answer = f"{names[predicted[place]]} ({names[labels[place]]})"
        between = "\n" if len(answer) > LONG else "  "
        yield f"{answer}{between}{certainty[place]:.1%}"

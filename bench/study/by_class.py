"""How well each class is told: the table, and where the models differ as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from bench.report.plots import style
from bench.study.answered import Answered
from bench.study.artifact import Picture, Sheet
from bench.study.per_class import Floats, PerClass, confusion, mean, per_class

SHOWN = len(style.LOOKS)  # models in the picture: as many as can be told from one another
ROOM = 110  # letters below a slide-wide axis; names that need more stand upright
SHARES = ("accuracy", "precision", "recall", "f1", "lowest_f1", "highest_f1")


def of(model: Answered, seed: int) -> PerClass:
    """What one run reaches in each class."""
    said = model.said[seed]
    return per_class(confusion(said.labels, said.predicted, said.logits.shape[1]))


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

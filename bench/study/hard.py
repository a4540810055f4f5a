"""Images that every model gets wrong, and those that one alone does."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.study import thumbnails
from bench.study.answered import Answered
from bench.study.artifact import Picture, Sheet, Study

EVERY = 24  # images that all get wrong, shown
ALONE = 10  # images that one alone gets wrong, shown of each
MODELS = 8  # rows of these on the slide
LABEL = 0.16  # width of what stands left of a row, as a share of the slide's
COLUMNS = ("index", "truth", "said_most", "by_runs", "runs", "mean_probability")

Rows = NDArray[np.int64]


def missed(models: Sequence[Answered]) -> Rows:
    """The test images that every run gets wrong, those first of whose answer they are surest."""
    said = [one for model in models for one in model.said.values()]
    wrong = np.flatnonzero(np.all([one.predicted != one.labels for one in said], axis=0))
    certainty = np.mean([one.probabilities.max(axis=1)[wrong] for one in said], axis=0)
    return np.asarray(wrong[np.argsort(-certainty, kind="stable")])


def missed_alone(model: Answered, others: Sequence[Answered]) -> Rows:
    """The test images that the model gets wrong with every seed, and no run of the others does."""
    own = np.all([model.wrong(seed) for seed in model.said], axis=0)
    theirs = np.any([other.wrong(seed) for other in others for seed in other.said], axis=0)
    return np.flatnonzero(own & ~theirs)


def sheet(study: Study, models: Sequence[Answered], what: str) -> Sheet:
    """A row an image that every run gets wrong."""
    names, which = study.dataset.class_names, missed(models)
    said = [one for model in models for one in model.said.values()]
    answers = np.array([one.predicted[which] for one in said]).reshape(len(said), len(which))
    certainty = np.mean([one.probabilities.max(axis=1)[which] for one in said], axis=0)
    rows = []
    for place, index in enumerate(which):
        votes = np.bincount(answers[:, place], minlength=len(names))
        truth, most = names[said[0].labels[index]], int(votes.argmax())
        row = (int(index), truth, names[most], int(votes[most]), len(said), certainty[place])
        rows.append(dict(zip(COLUMNS, row, strict=True)))
    return Sheet(
        name="missed_by_all",
        title=f"Test images that every run gets wrong, {what}",
        caption=(
            "The answer that most runs give, how many do, and the mean probability that each run "
            "gives to its own answer. Where all are sure of one and the same, look at the image: "
            "the label may be wrong. 'index' counts within the test set from 0."
        ),
        frame=pd.DataFrame(rows, columns=list(COLUMNS)),
        formats={"mean_probability": ".1%", "by_runs": "d", "runs": "d", "index": "d"},
    )


def missed_picture(study: Study, models: Sequence[Answered], what: str) -> Picture:
    """Those images, each with its truth and what most runs say."""
    rows = sheet(study, models, what).frame
    shown, runs = rows.head(EVERY), int(rows["runs"].iloc[0])
    title = f"Wrong in every model: {what}"
    note = (
        f"{len(shown)} of {wording.counted(len(rows), 'test image')} that all {runs} runs get "
        "wrong; below: truth → said by most (runs that do)"
    )
    with style.applied():
        figure = thumbnails.slide(title, note)
        thumbnails.grid(
            figure,
            [study.dataset.test.images[index] for index in shown["index"]],
            [
                f"{truth} → {said} ({votes})"
                for truth, said, votes in zip(
                    shown["truth"], shown["said_most"], shown["by_runs"], strict=True
                )
            ],
            columns=8,
            size=15,
        )
    return Picture(
        name="missed_by_all",
        title=title,
        caption=(
            "Test images that every run of every model gets wrong, those first of which they are "
            "surest. They are hard in themselves, unlike what was trained on, or labelled wrongly: "
            "no choice of network will mend them."
        ),
        figure=figure,
    )


def alone_picture(study: Study, models: Sequence[Answered], what: str) -> Picture:
    """A row a model: images that it alone gets wrong."""
    fewest = sorted(models, key=lambda model: int(model.wrong(model.seed).sum()))[:MODELS]
    title = f"Wrong in one model alone: {what}"
    with style.applied():
        figure = thumbnails.slide(
            title, "wrong with every seed of the model, right in every run of all others"
        )
        for place, model in enumerate(fewest):
            others = [other for other in models if other is not model]
            which = missed_alone(model, others)
            _strip(figure, place, min(len(models), MODELS), study, model, which)
    return Picture(
        name="wrong_alone",
        title=title,
        caption=(
            "A row a model, that with the fewest errors first: test images that it gets wrong and "
            "all others get right, below each the truth and what it says. What one alone gets "
            "wrong another could have told it, which is what ensembles live on."
        ),
        figure=figure,
    )


def _strip(
    figure: Figure, place: int, rows: int, study: Study, model: Answered, which: Rows
) -> None:
    """One model's row: its name and how many there are, and the first of them."""
    height, names, said = 0.86 / max(rows, 4), study.dataset.class_names, model.shown
    bottom = 0.88 - height * (place + 1)
    count = wording.counted(len(which), "image")
    figure.text(
        0.01, bottom + height / 2, f"{fill(model.title, 20)}\n{count}", fontsize=13, va="center"
    )
    width, side = (0.99 - LABEL) / ALONE, 0.9 * height * style.HEIGHT / style.WIDTH
    side = min(side, 0.66 * width)
    for column, index in enumerate(which[:ALONE]):
        left = LABEL + column * width
        axes = figure.add_axes((left, bottom, side, 0.9 * height))
        thumbnails.show(axes, study.dataset.test.images[index])
        answer = f"{names[said.labels[index]]}\n→ {names[said.predicted[index]]}"
        figure.text(left + side + 0.003, bottom + height / 2, answer, fontsize=13, va="center")

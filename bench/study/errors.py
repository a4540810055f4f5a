"""The errors: the most confident ones, the pairs confused most, and who errs on the same images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.study import agreement, confusion
from bench.study import answers as thumbnails
from bench.study.answers import Answered, answered
from bench.study.artifact import Picture, Sheet, Study

# Images that every model gets wrong, and those that one alone does.


EVERY = 24  # images that all get wrong, shown
ALONE = 10  # images that one alone gets wrong, in a line
MODELS = LINES = 8  # lines of these on the slide: one or more a model
LABEL = 0.16  # width of what stands left of a row, as a share of the slide's
COLUMNS = ("index", "truth", "said_most", "by_runs", "runs", "mean_probability")

Rows = NDArray[np.int64]


def missed(models: Sequence[Answered]) -> Rows:
    """The test images that every run gets wrong, those first of whose answer they are surest."""
    said = [one for model in models for one in model.predictions.values()]
    wrong = np.flatnonzero(np.all([one.predicted != one.labels for one in said], axis=0))
    certainty = np.mean([one.probabilities.max(axis=1)[wrong] for one in said], axis=0)
    return np.asarray(wrong[np.argsort(-certainty, kind="stable")])


def missed_alone(model: Answered, others: Sequence[Answered]) -> Rows:
    """The test images that the model gets wrong with every seed, and no run of the others does."""
    own = np.all([model.wrong(seed) for seed in model.predictions], axis=0)
    theirs = np.any([other.wrong(seed) for other in others for seed in other.predictions], axis=0)
    return np.flatnonzero(own & ~theirs)


def sheet(study: Study, models: Sequence[Answered], what: str) -> Sheet:
    """A row an image that every run gets wrong."""
    names, which = study.dataset.class_names, missed(models)
    said = [one for model in models for one in model.predictions.values()]
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
    figure = thumbnails.image_slide(
        title,
        note,
        [study.dataset.test.images[index] for index in shown["index"]],
        [
            f"{truth} → {said} ({votes})"
            for truth, said, votes in zip(
                shown["truth"], shown["said_most"], shown["by_runs"], strict=True
            )
        ],
        columns=8,
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
        height, lines = 0.86 / len(fewest), max(1, LINES // len(fewest))
        for place, model in enumerate(fewest):
            which = missed_alone(model, [other for other in models if other is not model])
            _strip(figure, 0.88 - height * place, height, lines, study, model, which)
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
    figure: Figure,
    top: float,
    height: float,
    lines: int,
    study: Study,
    model: Answered,
    which: Rows,
) -> None:
    """One model's share of the slide: its name, how many there are, and the first of them."""
    count = wording.counted(len(which), "image")
    name = f"{fill(model.title, 20)}\n{count}"
    figure.text(0.01, top - height / lines / 2, name, fontsize=13, va="center")
    names, said, width = study.dataset.class_names, model.shown, (0.99 - LABEL) / ALONE
    row = min(height / lines, 0.66 * width * style.WIDTH / style.HEIGHT)
    side = 0.9 * row * style.HEIGHT / style.WIDTH
    answers = [
        f"{names[said.labels[i]]}\n→ {names[said.predicted[i]]}" for i in which[: lines * ALONE]
    ]
    size = thumbnails.fitting(answers, 72 * style.WIDTH * (width - side), 13)
    for place, (index, answer) in enumerate(zip(which, answers, strict=False)):
        left, bottom = LABEL + place % ALONE * width, top - (place // ALONE + 1) * row
        axes = figure.add_axes((left, bottom, side, 0.9 * row))
        thumbnails.show(axes, study.dataset.test.images[index])
        figure.text(left + side + 0.003, bottom + row / 2, answer, fontsize=size, va="center")


TITLE = "The errors"
NEEDS = "a run that ended well"
MISTAKES = 24  # shown of a model


def make(study: Study) -> Iterator[Picture | Sheet]:
    """Mistakes of each model, confused pairs of all, and how their errors overlap."""
    models = answered(study)
    if not models:
        return
    what, names = wording.images(study.groups[0].data), study.dataset.class_names
    for model in models:
        if model.wrong(model.seed).any():
            yield _mistakes(study, model, what)
    yield confusion.pairs_sheet(models, names, what)
    yield from confusion.pairs_pictures(models, names, what)
    yield from _same_images(study, models, what)


def _same_images(study: Study, models: Sequence[Answered], what: str) -> Iterator[Picture | Sheet]:
    """Nothing of a single run: there is nothing to hold it against."""
    found = agreement.comparisons(models)
    if found:
        yield agreement.by_pair(found, what)
        yield agreement.by_seed(found, what)
    if any(one.jaccards for one in found):
        yield agreement.picture(found, what)
    if sum(len(model.predictions) for model in models) > 1 and len(missed(models)):
        yield missed_picture(study, models, what)
        yield sheet(study, models, what)
    if len(models) > 1:
        yield alone_picture(study, models, what)


def _mistakes(study: Study, model: Answered, what: str) -> Picture:
    said, names = model.shown, study.dataset.class_names
    wrong, certainty = np.flatnonzero(model.wrong(model.seed)), model.certainty
    chosen = wrong[np.argsort(-certainty[wrong], kind="stable")][:MISTAKES]
    title = f"The most confident mistakes: {model.title}, {what}"
    figure = thumbnails.image_slide(
        title,
        f"{len(chosen)} of {wording.counted(len(wrong), 'error')}, seed {model.seed}; "
        "below: truth → said, probability",
        [study.dataset.test.images[place] for place in chosen],
        [
            f"{names[said.labels[place]]} → {names[said.predicted[place]]}\n{certainty[place]:.2%}"
            for place in chosen
        ],
        columns=8,
    )
    return Picture(
        name=f"mistakes_{model.name}",
        title=title,
        caption=(
            "The test images that the model gets wrong while it is surest of its answer. Some are "
            "labelled wrongly or cannot be told by anybody; a network that is sure of the others "
            "does not know what it does not know."
        ),
        figure=figure,
    )

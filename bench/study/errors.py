"""The errors: the most confident ones, the pairs confused most, and who errs on the same images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bench.report import wording
from bench.report.plots import style
from bench.study import agreement, agreement_picture, confused, hard, thumbnails
from bench.study.answered import Answered, answered
from bench.study.artifact import Picture, Sheet, Study

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
    yield confused.sheet(models, names, what)
    yield from confused.pictures(models, names, what)
    yield from _same_images(study, models, what)


def _same_images(study: Study, models: Sequence[Answered], what: str) -> Iterator[Picture | Sheet]:
    """Nothing of a single run: there is nothing to hold it against."""
    found = agreement.comparisons(models)
    if found:
        yield agreement.by_pair(found, what)
        yield agreement.by_seed(found, what)
    if any(one.jaccards for one in found):
        yield agreement_picture.picture(found, what)
    if sum(len(model.said) for model in models) > 1 and len(hard.missed(models)):
        yield hard.missed_picture(study, models, what)
        yield hard.sheet(study, models, what)
    if len(models) > 1:
        yield hard.alone_picture(study, models, what)


def _mistakes(study: Study, model: Answered, what: str) -> Picture:
    said, names = model.shown, study.dataset.class_names
    wrong, certainty = np.flatnonzero(model.wrong(model.seed)), model.certainty
    chosen = wrong[np.argsort(-certainty[wrong], kind="stable")][:MISTAKES]
    title = f"The most confident mistakes: {model.title}, {what}"
    with style.applied():
        figure = thumbnails.slide(
            title,
            f"{len(chosen)} of {wording.counted(len(wrong), 'error')}, seed {model.seed}; "
            "below: truth → said, probability",
        )
        thumbnails.grid(
            figure,
            [study.dataset.test.images[place] for place in chosen],
            [
                f"{names[said.labels[place]]} → {names[said.predicted[place]]}\n"
                f"{certainty[place]:.2%}"
                for place in chosen
            ],
            columns=8,
            size=15,
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

"""The errors: the most confident ones, the pairs confused most, and who errs on the same images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import layout
from bench.report.tables.table import Table, fact_table
from bench.study import agreement, confusion
from bench.study.artifact import Answered, Artifact, Picture, Study, Tables, answered, facts, known
from bench.study.pictures import columns_for, image_slide

TITLE = "The errors"
NEEDS = "a run that ended well"


def make(study: Study) -> Iterator[Artifact]:
    """Mistakes of each model, a table of confused pairs, and how errors overlap."""
    models = answered(study)
    if not models:
        return
    for model in models:
        if model.errors:
            yield _mistakes(study, model)
    erring = [
        model for model in models if any(model.wrong(seed).any() for seed in model.predictions)
    ]
    if erring:
        yield confusion.pairs_table(study, erring)
    yield from _same_images(study, models)


def finding(tables: Tables) -> str:
    """Between what the overlaps of two models lie, and how many images all get wrong."""
    pairs = [
        row
        for row in facts(tables, "overlap")
        if row["of"] == agreement.KINDS[False] and known(row["overlap"])
    ]
    missed = facts(tables, "missed_by_all")
    sentences = []
    if pairs:
        least, most = (pick(pairs, key=lambda row: row["overlap"]) for pick in (min, max))
        chance = max(row["by_chance"] for row in pairs)
        sentences.append(
            "Of the test images that at least one of two models gets wrong, both get wrong "
            f"{_overlap(least)}" + (f" to {_overlap(most)}" if least is not most else "") + "; "
            f"unrelated errors would share at most {wording.percent(chance, 1)}."
        )
    if missed:
        images = wording.counted(len(missed), "test image")
        sentences.append(f"All {missed[0]['runs']} runs are wrong on the same {images}.")
    return " ".join(sentences)


def _overlap(row: Mapping[str, Any]) -> str:
    return f"{wording.percent(row['overlap'], 0)} ({row['first']}, {row['second']})"


def _same_images(study: Study, models: Sequence[Answered]) -> Iterator[Artifact]:
    """Nothing of a single run: there is nothing to hold it against."""
    compared = agreement.comparisons(models)
    if compared:
        yield from agreement.tables(study, compared)
    if any(comparison.jaccards for comparison in compared):
        yield agreement.picture(study, compared)
    missed = _missed_by_all(study, models)
    if sum(len(model.predictions) for model in models) > 1 and len(missed):
        yield _missed_picture(study, missed)
        yield _missed_table(study, missed)
    if len(models) > 1:
        yield _alone_picture(study, models)


# The most confident mistakes of a model

MISTAKES = 24  # shown


def _mistakes(study: Study, model: Answered) -> Picture:
    certainty = model.certainty
    wrong = np.flatnonzero(model.wrong(model.seed))
    shown = wrong[np.argsort(-certainty[wrong], kind="stable")][:MISTAKES]
    return image_slide(
        name=f"mistakes_{model.name}",
        title=f"The most confident mistakes: {model.title}, {study.subject}",
        caption=(
            "The test images that the model gets wrong while it is surest of its answer. Some are "
            "labelled wrongly or cannot be told by anybody. Of the others the network is wrongly "
            "sure."
        ),
        note=(
            f"{len(shown)} of {wording.counted(len(wrong), 'error')}, seed {model.seed}; "
            "below: truth → said, probability"
        ),
        images=study.dataset.test.images[shown],
        lines=[
            f"{answer}\n{probability:.2%}"
            for answer, probability in zip(
                _answers(study, model, shown), certainty[shown], strict=True
            )
        ],
        columns=columns_for(len(shown), 8),
    )


def _answers(study: Study, model: Answered, indices: NDArray[np.int64]) -> list[str]:
    """'truth → said' of these test images."""
    names, run = study.dataset.class_names, model.shown
    return [f"{names[run.labels[i]]} → {names[run.predicted[i]]}" for i in indices]


# Images that every run gets wrong

MISSED = 24  # shown


def _missed_by_all(study: Study, models: Sequence[Answered]) -> pd.DataFrame:
    """A row a test image that every run gets wrong, those first of whose answer they are surest."""
    from scipy.stats import mode

    names = study.dataset.class_names
    runs = [run for model in models for run in model.predictions.values()]
    wrong = np.flatnonzero(np.all([run.predicted != run.labels for run in runs], axis=0))
    certainty = np.mean([run.probabilities.max(axis=1)[wrong] for run in runs], axis=0)
    answers, votes = mode([run.predicted[wrong] for run in runs])  # of equals the lower label
    frame = pd.DataFrame(
        {
            "index": wrong,
            "truth": [names[label] for label in runs[0].labels[wrong]],
            "said_most": [names[label] for label in answers],
            "by_runs": votes,
            "runs": len(runs),
            "mean_probability": certainty,
        }
    )
    return frame.sort_values("mean_probability", ascending=False, kind="stable")


def _missed_table(study: Study, missed: pd.DataFrame) -> Table:
    return fact_table(
        name="missed_by_all",
        title=f"Test images that every run gets wrong, {study.subject}",
        explanation=(
            "The answer that most runs give, how many do, and the mean probability that each run "
            "gives to its own answer. Where all are sure of one and the same, look at the image: "
            "the label may be wrong. 'index' counts within the test set from 0."
        ),
        rows=missed.to_dict("records"),
        formats={".1%": ("mean_probability",)},
    )


def _missed_picture(study: Study, missed: pd.DataFrame) -> Picture:
    """Those images, each with its truth and what most runs say."""
    shown = missed.head(MISSED)
    return image_slide(
        name="missed_by_all",
        title=f"Wrong in every model: {study.subject}",
        caption=(
            "Test images that every run of every model gets wrong, those first of which they are "
            "surest. They are hard in themselves, unlike what was trained on, or labelled wrongly: "
            "no choice of network will mend them."
        ),
        note=(
            f"{len(shown)} of {wording.counted(len(missed), 'test image')} that all "
            f"{shown['runs'].iloc[0]} runs get wrong; below: truth → said by most (runs that do)"
        ),
        images=study.dataset.test.images[shown["index"]],
        lines=[f"{row.truth} → {row.said_most} ({row.by_runs})" for row in shown.itertuples()],
        columns=columns_for(len(shown), 8),
    )


# Images that one model alone gets wrong

MODELS = LINES = 8  # lines of images on the slide: one or more a model
ALONE = 10  # images in a line
NAMED = 2.3  # inches that a model's name has, left of its line


def _alone_picture(study: Study, models: Sequence[Answered]) -> Picture:
    """A row a model: images that it alone gets wrong."""
    fewest = sorted(models, key=lambda model: model.errors)[:MODELS]
    lines_each = LINES // len(fewest)
    images: list[NDArray[np.uint8] | None] = []
    answers, row_names = [], []
    for model in fewest:
        missed = _missed_alone(model, [other for other in models if other is not model])
        named = (*layout.wrapped(model.title, NAMED), wording.counted(len(missed), "image"))
        row_names += ["\n".join(named)]
        row_names += [""] * (lines_each - 1)
        shown, empty = missed[: lines_each * ALONE], lines_each * ALONE - len(missed)
        images += [*study.dataset.test.images[shown], *[None] * empty]
        answers += [*_answers(study, model, shown), *[""] * empty]
    return image_slide(
        name="wrong_alone",
        title=f"Wrong in one model alone: {study.subject}",
        caption=(
            "A row a model, that with the fewest errors first: test images that it gets wrong and "
            "all others get right, below each the truth and what it says. What one alone gets "
            "wrong another could have told it, which is what ensembles live on."
        ),
        note="wrong with every seed of the model, right in every run of all others",
        images=images,
        lines=answers,
        columns=ALONE,
        row_names=row_names,
        size=11,
    )


def _missed_alone(model: Answered, others: Sequence[Answered]) -> NDArray[np.int64]:
    """The test images that the model gets wrong with every seed, and no run of the others does."""
    own = np.all([model.wrong(seed) for seed in model.predictions], axis=0)
    theirs = np.any([other.wrong(seed) for other in others for seed in other.predictions], axis=0)
    return np.flatnonzero(own & ~theirs)

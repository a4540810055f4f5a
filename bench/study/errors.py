"""The errors: the most confident ones, the pairs confused most, and who errs on the same images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.significance import holm
from bench.study import thumbnails
from bench.study.answered import Answered, answered
from bench.study.artifact import Picture, Sheet, Study
from bench.study.overlap import Overlap, overlap
from bench.study.per_class import confusion, most_confused

TITLE = "The errors"
NEEDS = "a run that ended well"
MISTAKES = 24  # shown of a model
PAIRS = 8  # of classes, shown of a model
PANELS = 6  # models in the picture of the pairs
SHARED = 12  # images of a row in the picture of shared errors


def make(study: Study) -> Iterator[Picture | Sheet]:
    """Mistakes of each model, confused pairs of all, and how their errors overlap."""
    models = answered(study)
    if not models:
        return
    what = wording.images(study.groups[0].data)
    for model in models:
        if model.wrong(model.seed).any():
            yield _mistakes(study, model, what)
    yield _pairs_sheet(study, models, what)
    yield _pairs_picture(study, models[:PANELS], what)
    if len(models) > 1:
        yield _overlaps(models, what)
        yield _shared(study, models, what)


# The most confident mistakes


def _mistakes(study: Study, model: Answered, what: str) -> Picture:
    said, names = model.shown, study.dataset.class_names
    predicted, probabilities = said.predicted, said.probabilities
    certainty = probabilities[np.arange(len(predicted)), predicted]
    wrong = np.flatnonzero(model.wrong(model.seed))
    chosen = wrong[np.argsort(-certainty[wrong], kind="stable")][:MISTAKES]
    title = f"The most confident mistakes: {model.title}, {what}"
    with style.applied():
        figure = thumbnails.slide(
            title,
            f"{len(chosen)} of {wording.counted(len(wrong), 'error')}, seed {model.seed}: "
            "truth → said, probability",
        )
        thumbnails.grid(
            figure,
            [study.dataset.test.images[i] for i in chosen],
            [
                f"{names[said.labels[i]]} → {names[predicted[i]]}  {certainty[i]:.2%}"
                for i in chosen
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


# The pairs that are confused


def _pairs(study: Study, model: Answered) -> list[tuple[str, str, int, int]]:
    classes = len(study.dataset.class_names)
    matrix = np.sum(
        [confusion(said.labels, said.predicted, classes) for said in model.said.values()], axis=0
    )
    names = study.dataset.class_names
    return [(names[a], names[b], n, back) for a, b, n, back in most_confused(matrix, PAIRS)]


def _pairs_sheet(study: Study, models: Sequence[Answered], what: str) -> Sheet:
    rows = [
        {
            "model": model.title,
            "truth": a,
            "said": b,
            "times_a_seed": count / len(model.said),
            "the_other_way_a_seed": back / len(model.said),
        }
        for model in models
        for a, b, count, back in _pairs(study, model)
    ]
    columns = ["model", "truth", "said", "times_a_seed", "the_other_way_a_seed"]
    return Sheet(
        name="confused_pairs",
        title=f"The pairs confused most, {what}",
        caption=(
            f"Of each model the {PAIRS} pairs of classes that are taken for each other most often, "
            "the more frequent way first; test images, mean over seeds."
        ),
        frame=pd.DataFrame(rows, columns=columns),
        formats=dict.fromkeys(columns[3:], ".1f"),
    )


def _pairs_picture(study: Study, models: Sequence[Answered], what: str) -> Picture:
    title = f"The pairs confused most, {what}"
    with style.applied():
        figure, panels = style.page(len(models))
        for axes, model in zip(panels, models, strict=True):
            _bars(axes, _pairs(study, model), len(model.said))
            axes.set_title(model.title)
        style.frame(figure, panels, title, ["test images, mean over seeds"])
    return Picture(
        name="confused_pairs",
        title=title,
        caption=(
            "How often one class is taken for another (full, from the axis) and the other for the "
            "one (hatched, behind it). Long bars on both sides are shapes that overlap; a bar on "
            "one side is a habit of the model. 'truth → said' names the full part."
        ),
        figure=figure,
    )


def _bars(axes: Axes, pairs: Sequence[tuple[str, str, int, int]], seeds: int) -> None:
    there, back = style.LOOKS[0], style.LOOKS[1]
    for place, (_, _, count, other) in enumerate(pairs):
        axes.barh(
            place,
            count / seeds,
            color=there.colour,
            label="as named" if place == 0 else None,
        )
        axes.barh(
            place,
            other / seeds,
            left=count / seeds,
            color=back.colour,
            hatch=back.hatch,
            edgecolor="white",
            label="the other way" if place == 0 else None,
        )
    axes.set_yticks(range(len(pairs)), [f"{a} → {b}" for a, b, _, _ in pairs])
    axes.invert_yaxis()
    axes.set_xlabel("test images")


# The same images?


def _overlaps(models: Sequence[Answered], what: str) -> Sheet:
    rows = [*_between_models(models), *_between_seeds(models)]
    return Sheet(
        name="overlap",
        title=f"Do they fail on the same images? {what}",
        caption=(
            "Two models on the same test images, at the lowest seed that both have. Overlap: of "
            "the images that either gets wrong, the share that both do (Jaccard), beside what it "
            "would be if their errors had nothing to do with each other. Same answer: of the "
            "images both get wrong, the share on which they say the same. p: McNemar's exact "
            "test that both err alike often, corrected by Holm for all pairs of models; the last "
            "rows set two seeds of one model beside each other, as a measure of what overlap is "
            "to be expected of the same network and recipe."
        ),
        frame=pd.DataFrame(rows),
        formats={
            "overlap": ".1%",
            "by_chance": ".1%",
            "same_answer": ".1%",
            "p": ".2g",
        },
    )


def _between_models(models: Sequence[Answered]) -> list[dict[str, object]]:
    found: list[tuple[str, str, Overlap]] = []
    for first, second in combinations(models, 2):
        common = sorted(first.said.keys() & second.said.keys())
        if common:
            seed = common[0]
            found.append((first.title, second.title, overlap(first.said[seed], second.said[seed])))
    corrected = holm([one.p for _, _, one in found])
    return [_row(a, b, one, p) for (a, b, one), p in zip(found, corrected, strict=True)]


def _between_seeds(models: Sequence[Answered]) -> list[dict[str, object]]:
    rows = []
    for model in models:
        seeds = sorted(model.said)[:2]
        if len(seeds) == 2:
            one = overlap(model.said[seeds[0]], model.said[seeds[1]])
            rows.append(_row(f"{model.title}, seed {seeds[0]}", f"seed {seeds[1]}", one, None))
    return rows


def _row(first: str, second: str, one: Overlap, p: float | None) -> dict[str, object]:
    return {
        "first": first,
        "second": second,
        "both_right": one.both_right,
        "first_alone_wrong": one.first_only,
        "second_alone_wrong": one.second_only,
        "both_wrong": one.both_wrong,
        "overlap": one.jaccard,
        "by_chance": one.jaccard_by_chance,
        "same_answer": one.same_answer / one.both_wrong if one.both_wrong else None,
        "p": p,
    }


def _shared(study: Study, models: Sequence[Answered], what: str) -> Picture:
    """Images that all get wrong, and for the best two models those that one alone does."""
    wrong = np.array([model.wrong(model.seed) for model in models])
    every = np.flatnonzero(wrong.all(axis=0))
    best = sorted(range(len(models)), key=lambda index: int(wrong[index].sum()))[:2]
    rows = [("wrong in all", every)]
    for index, other in (best, best[::-1]):
        alone = np.flatnonzero(wrong[index] & ~wrong[other])
        rows.append((f"{models[index].title} wrong, {models[other].title} right", alone))
    title = f"Wrong in all models, or in one: {what}"
    with style.applied():
        figure = thumbnails.slide(
            title, f"{len(models)} models, each its lowest seed; below: truth"
        )
        for place, (name, which) in enumerate(rows):
            _row_of_images(figure, 0.62 - 0.28 * place, f"{name}: {len(which):,}", study, which)
    return Picture(
        name="shared_errors",
        title=title,
        caption=(
            f"First row: test images that all {len(models)} models get wrong, "
            f"{len(every)} in all. Then, of the two models with the fewest errors, those that one "
            "gets wrong and the other does not. What all get wrong is hard in itself or labelled "
            "wrongly; what one alone gets wrong another could have told it, which is what "
            "ensembles live on."
        ),
        figure=figure,
    )


def _row_of_images(
    figure: Figure, bottom: float, name: str, study: Study, which: NDArray[np.int64]
) -> None:
    """The first images of a kind in a row, their truth below; ``bottom``: a share of the height."""
    test, names = study.dataset.test, study.dataset.class_names
    figure.text(0.02, bottom + 0.215, name, fontsize=15, fontweight="bold", va="bottom")
    for place, index in enumerate(which[:SHARED]):
        axes = figure.add_axes((0.02 + 0.081 * place, bottom + 0.04, 0.075, 0.165))
        thumbnails.show(axes, test.images[index])
        axes.set_xlabel(names[test.labels[index]], fontsize=15)
    if not len(which):
        figure.text(0.04, bottom + 0.1, "none", fontsize=15)

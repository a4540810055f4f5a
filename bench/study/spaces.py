"""The same test images in several spaces: raw pixels, and each model's penultimate layer.

What the clusters and the Embedding Projector show. NumPy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.study.answered import Answered, answered
from bench.study.artifact import Study
from datasets import Dataset

POINTS = 3_000  # images at most: t-SNE takes seconds, and a slide holds no more
SEED = 0  # of what is drawn here and in bench.study.embedding


@dataclass(frozen=True, kw_only=True)
class Points:
    """The test images that are shown, the same in every space."""

    places: NDArray[np.int64]  # (n,) among all test images, ascending
    images: NDArray[np.uint8]  # (n, 28, 28)
    labels: NDArray[np.int64]  # (n,)
    class_names: tuple[str, ...]
    total: int  # test images there are


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a model says of the images that are shown."""

    model: str  # 'CNN in pytorch'
    predicted: NDArray[np.int64]  # (n,)
    probability: NDArray[np.float64]  # (n,) of the predicted class


@dataclass(frozen=True, kw_only=True)
class Space:
    """The images as vectors of one kind."""

    name: str  # of its files: 'pixels', 'cnn_pytorch'
    title: str  # 'raw pixels', 'penultimate layer of the CNN in pytorch'
    vectors: NDArray[np.float32]  # (n, d)
    answers: Answers | None  # of the space's own model; of the best one for raw pixels


def choose(dataset: Dataset) -> Points:
    """At most ``POINTS`` test images, every class in its proportion."""
    places = stratified(dataset.test.labels, POINTS)
    return Points(
        places=places,
        images=np.asarray(dataset.test.images[places]),
        labels=dataset.test.labels[places].astype(np.int64),
        class_names=dataset.class_names,
        total=len(dataset.test.labels),
    )


def stratified(labels: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """Places of ``count`` labels, ascending, every class in its proportion; all where fewer.

    Each class is shuffled, and its i-th of k stands at (i + ½) / k of the way through it: those
    that stand earliest are taken.
    """
    shuffled = np.random.default_rng(SEED).permutation(len(labels))
    way = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        way[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.sort(np.argsort(way, kind="stable")[:count])


def spaces(study: Study, points: Points) -> Iterator[Space]:
    """Raw pixels first, then the penultimate layer of each model that has one (lowest seed)."""
    models = _models(study)
    best = max(models, key=_correct, default=None)
    yield Space(
        name="pixels",
        title="raw pixels",
        vectors=points.images.reshape(len(points.images), -1).astype(np.float32),
        answers=_answers(best, points) if best else None,
    )
    for model in models:
        if model.shown.features is not None:
            yield Space(
                name=model.name,
                title=f"penultimate layer of the {model.title}",
                vectors=model.shown.features[points.places],
                answers=_answers(model, points),
            )


def _models(study: Study) -> list[Answered]:
    """One for each architecture, framework and augmentation, though recipes may differ more."""
    by_title: dict[str, Answered] = {}
    for model in answered(study):
        by_title.setdefault(model.title, model)
    return list(by_title.values())


def _correct(model: Answered) -> int:
    return int((~model.wrong(model.seed)).sum())


def _answers(model: Answered, points: Points) -> Answers:
    return Answers(
        model=model.title,
        predicted=model.shown.predicted[points.places],
        probability=model.certainty[points.places],
    )

"""The same test images in several spaces: raw pixels, and each model's penultimate layer.

What the clusters and the Embedding Projector show. NumPy only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.experiment import Experiment
from bench.predictions import Predictions
from bench.report import wording
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


@dataclass(frozen=True, kw_only=True)
class _Model:
    name: str
    title: str
    said: Predictions


def choose(dataset: Dataset) -> Points:
    """At most ``POINTS`` test images, every class in its proportion."""
    places = stratified(dataset.test.labels, POINTS)
    return Points(
        places=places,
        images=np.asarray(dataset.test.images[places]),
        labels=dataset.test.labels[places].astype(np.int64),
        class_names=dataset.class_names,
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
    """Raw pixels first, then the penultimate layer of each model that has one."""
    models = _models(study)
    best = max(models, key=_correct, default=None)
    yield Space(
        name="pixels",
        title="raw pixels",
        vectors=points.images.reshape(len(points.images), -1).astype(np.float32),
        answers=_answers(best, points) if best else None,
    )
    for model in models:
        if model.said.features is not None:
            yield Space(
                name=model.name,
                title=f"penultimate layer of the {model.title}",
                vectors=model.said.features[points.places],
                answers=_answers(model, points),
            )


def _models(study: Study) -> list[_Model]:
    """One for each architecture, framework and augmentation: the run of the lowest seed."""
    found: dict[tuple[object, ...], _Model] = {}
    for group in study.groups:
        one = group.experiment
        for record in group.measured:  # in the order of their seeds
            if record.run_id in study.predictions:
                said = study.predictions[record.run_id]
                kind = (one.architecture, one.framework, one.augmentation)
                found.setdefault(kind, _Model(name=_name(one), title=_title(one), said=said))
    return list(found.values())


def _name(experiment: Experiment) -> str:
    ending = "_augmented" if experiment.augmentation else ""
    return f"{experiment.architecture}_{experiment.framework}{ending}"


def _title(experiment: Experiment) -> str:
    ending = ", augmented" if experiment.augmentation else ""
    return f"{wording.architecture(experiment.architecture)} in {experiment.framework}{ending}"


def _correct(model: _Model) -> int:
    return int((model.said.predicted == model.said.labels).sum())


def _answers(model: _Model, points: Points) -> Answers:
    predicted = model.said.predicted[points.places]
    probabilities = model.said.probabilities[points.places]
    return Answers(
        model=model.title,
        predicted=predicted,
        probability=np.take_along_axis(probabilities, predicted[:, None], axis=1)[:, 0],
    )

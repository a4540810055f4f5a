"""Accuracy against the number of members: of a saved ensemble's first member, first two, ...

The members are read from the saved model and asked about the test images in NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from safetensors.numpy import load_file

import datasets
from bench import run_statistics as stats
from bench.record import Record
from bench.report import wording
from bench.report.plots import style
from bench.report.plots.curves import mean
from bench.results import Results
from bench.run_statistics import Replicates
from bench.study.artifact import Picture
from bench.study.ensemble_pictures import LOOKS, label, notes
from models import members

GROWING = ("ensemble-mlp", "adaboost-mlp")
ALONE = ("mlp-small", "mlp-wide")  # shown as levels

Weights = Mapping[str, NDArray[np.float32]]


def pictures(
    groups: Sequence[Replicates], dataset: datasets.Dataset, results: Results
) -> Iterator[Picture]:
    """One picture, where a saved model of an ensemble is in the results folder."""
    curves = {
        label(group, groups): (group, found)
        for group in groups
        if group.experiment.architecture in GROWING and (found := _curves(group, dataset, results))
    }
    if curves:
        yield _picture(curves, groups)


def accuracies(weights: Weights, images: members.Array, labels: NDArray[np.integer]) -> list[float]:
    """Of the first member alone, of the first two together, ... of all that are fitted.

    Independent members answer with the mean of their probabilities, boosted ones, whose weights
    have ``vote/alphas``, by weighted votes.

    Args:
        weights: in the neutral layout; see ``models.members``.
        images: (n, 28, 28) float32, normalised as in training.
        labels: (n,).
    """
    logits = members.logits(weights, images)
    if "vote/alphas" in weights:
        fitted = max(1, int(weights["vote/fitted"][0]))
        answers = members.weighted_votes(logits[:fitted], weights["vote/alphas"][:fitted])
    else:
        answers = members.mean_probabilities(logits)
    return [float(np.mean(answer.argmax(axis=1) == labels)) for answer in answers]


def _curves(
    group: Replicates, dataset: datasets.Dataset, results: Results
) -> list[list[tuple[float, float]]]:
    """Members and accuracy in percent, of each run whose saved model is there."""
    found = []
    for record in group.measured:
        path = results.model_path(record.run_id, ".safetensors")
        if path.exists():
            of_run = accuracies(load_file(path), _images(record, dataset), dataset.test.labels)
            found.append([(k + 1.0, 100 * accuracy) for k, accuracy in enumerate(of_run)])
    return found


def _images(record: Record, dataset: datasets.Dataset) -> members.Array:
    """The test images as that run normalised them."""
    data = record.data
    return datasets.normalise(dataset.test.images, mean=data.pixel_mean, std=data.pixel_std)


def _picture(
    curves: Mapping[str, tuple[Replicates, list[list[tuple[float, float]]]]],
    groups: Sequence[Replicates],
) -> Picture:
    title = f"Accuracy against members: {wording.images(groups[0].data)}"
    with style.applied():
        figure, (axes,) = style.page(1)
        for name, (group, of_runs) in curves.items():
            _line(axes, of_runs, LOOKS[group.experiment.architecture], name)
        for group in groups:
            if group.experiment.architecture in ALONE:
                _level(axes, group, label(group, groups))
        axes.set(xlabel="members", ylabel="test accuracy (%)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        style.frame(figure, (axes,), title, notes(groups))
    return Picture(
        name="ensembles_members",
        title=title,
        caption=(
            "Test accuracy of the first member, of the first two together, and so on to the whole "
            "of the saved model: independent members with averaged probabilities, boosted ones by "
            "weighted votes. Thick: the mean over the seeds; thin: each seed. The levels without "
            "a mark are networks that are one: a single small MLP, and one as large as all "
            "members together. Each member of the ensemble had all epochs; the boosted members "
            "share them, so that the first of them is trained less than the single network."
        ),
        figure=figure,
    )


def _line(
    axes: Axes, of_runs: Sequence[Sequence[tuple[float, float]]], look: style.Look, name: str
) -> None:
    for curve in of_runs if len(of_runs) > 1 else ():
        axes.plot(*zip(*curve, strict=True), color=look.colour, linewidth=0.9, alpha=0.45)
    shortest = min(map(len, of_runs))  # a run may have been best before its last member
    x, y = mean([curve[:shortest] for curve in of_runs])
    axes.plot(x, y, color=look.colour, marker=look.marker, linestyle=look.line, label=name)


def _level(axes: Axes, group: Replicates, name: str) -> None:
    look = LOOKS[group.experiment.architecture]
    found = [a for record in group.measured if (a := stats.test_accuracy(record)) is not None]
    axes.axhline(100 * fmean(found), color=look.colour, linestyle=look.line, label=name)

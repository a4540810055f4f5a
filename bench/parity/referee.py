"""The referee: the same quantities by the float64 networks and optimisers of plain NumPy.

What it rounds away is 2^-53, half a billion times less than float32: beside any framework it
may stand for exact arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

import models
from bench.experiment import Recipe
from bench.parity.sample import Sample
from bench.parity.subject import Subject
from bench.parity.trial import (
    OPTIMIZERS,
    Array,
    Arrays,
    Observed,
    Start,
    Trajectory,
    experiment,
)
from bench.trainers.optimizers_numpy import choose
from models.layers_numpy import Network, softmax_cross_entropy


def shapes(architecture: str, classes: int) -> Mapping[str, Array]:
    """Arrays with the names and shapes of a network's weights, in the neutral layout."""
    return _build(architecture, classes).parameters


def observe(subject: Subject, sample: Sample, start: Start, *, gradients: Arrays) -> Observed:
    """What a trainer should have shown.

    Args:
        subject: of the trainer.
        sample: the images that it was given.
        start: the weights and the order that it was given.
        gradients: of its own first step. The referee's first updates are made of these, so that
            they judge the optimiser alone: Adam divides by |g|, and would magnify into a whole
            update what rounding does to a gradient near zero.
    """
    network = _network(subject, sample, start)
    logits = network.forward(sample.evaluation_images).copy()
    _backward(network, sample, start.batches[0])
    return Observed(
        logits=logits,
        gradients={name: array.copy() for name, array in network.gradients.items()},
        trajectories={
            name: _trajectory(subject, recipe, sample, start, gradients)
            for name, recipe in OPTIMIZERS.items()
        },
    )


def _trajectory(
    subject: Subject, recipe: Recipe, sample: Sample, start: Start, gradients: Arrays
) -> Trajectory:
    network = _network(subject, sample, start)
    optimizer = choose(experiment(subject, recipe))
    losses = []
    for batch in start.batches:
        losses.append(_backward(network, sample, batch))
        optimizer.step(network.parameters, network.gradients)
    return Trajectory(
        update=_first_update(subject, recipe, gradients),
        losses=np.array(losses),
        logits=network.forward(sample.evaluation_images).copy(),
    )


def _first_update(subject: Subject, recipe: Recipe, gradients: Arrays) -> Arrays:
    """What the first step adds to weights: what it makes of zeros."""
    weights = {name: np.zeros_like(array) for name, array in gradients.items()}
    choose(experiment(subject, recipe)).step(weights, gradients)
    return weights


def _backward(network: Network, sample: Sample, batch: NDArray[np.int64]) -> float:
    """Leave the gradients of a batch in the network; return its mean loss."""
    logits = network.forward(sample.train_images[batch], training=True)
    loss, gradient = softmax_cross_entropy(logits, sample.train_labels[batch])
    network.backward(gradient)
    return loss


def _network(subject: Subject, sample: Sample, start: Start) -> Network:
    network = _build(subject.architecture, sample.classes)
    for name, array in network.parameters.items():
        array[...] = start.weights[name]
    return network


def _build(architecture: str, classes: int) -> Network:
    built: Network = models.load(architecture, "numpy").build(
        classes, dropout=False, dtype=np.float64
    )
    return built

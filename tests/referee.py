"""What every framework must compute: the NumPy networks in float64, dropout off."""

import numpy as np
from numpy.typing import NDArray

import models
from bench.trainers import Images, Labels, Logits, Setup, Weights, optimizers_numpy
from models.layers_numpy import Array, Network, softmax_cross_entropy


def network(architecture: str, weights: Weights) -> Network:
    """The float64 network of ten classes with these weights."""
    built: Network = models.load(architecture, "numpy").build(10, dropout=False, dtype=np.float64)
    for name, array in built.parameters.items():
        array[...] = weights[name]
    return built


def logits(architecture: str, weights: Weights, images: Images) -> Array:
    """(n, 28, 28) images -> (n, 10) float64."""
    return network(architecture, weights).forward(images)


def mean_cross_entropy(scores: Logits | Array, labels: Labels) -> float:
    """Mean over the images, natural logarithm."""
    return softmax_cross_entropy(scores.astype(np.float64), labels)[0]


def trained(
    setup: Setup, start: Weights, order: NDArray[np.int64]
) -> tuple[dict[str, Array], float]:
    """The weights after one call of ``train``, and the mean loss of it."""
    referee = network(setup.experiment.architecture, start)
    optimizer = optimizers_numpy.choose(setup.experiment)
    size = setup.experiment.batch_size
    loss_sum = 0.0
    for first in range(0, len(order), size):
        batch = order[first : first + size]
        scores = referee.forward(setup.train_images[batch], training=True)
        loss, gradient = softmax_cross_entropy(scores, setup.train_labels[batch])
        referee.backward(gradient)
        optimizer.step(referee.parameters, referee.gradients)
        loss_sum += loss * len(batch)
    return referee.parameters, loss_sum / len(order)

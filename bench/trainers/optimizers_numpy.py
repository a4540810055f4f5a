"""The optimisers in plain NumPy, each one formula. They change parameters in place.

``parameters`` and ``gradients`` are alike keyed and shaped; what an optimiser remembers from
step to step is kept by the same names.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.experiment import Experiment

Array = NDArray[Any]  # float32 or float64
Arrays = Mapping[str, Array]

BETA_1, BETA_2 = 0.9, 0.999  # Adam's; Kingma and Ba, 2015, section 2, and every framework


class Optimizer(Protocol):
    """What both can do."""

    steps_done: int

    def step(self, parameters: Arrays, gradients: Arrays) -> None:
        """Change the parameters, in place, by one update."""
        ...


def choose(experiment: Experiment) -> Optimizer:
    """The optimiser of an experiment, before its first step."""
    if experiment.optimizer == "sgd":
        return SGD(experiment.learning_rate, experiment.momentum)
    return Adam(experiment.learning_rate, experiment.adam_epsilon)


class SGD:
    """Stochastic gradient descent, with momentum (Sutskever and others, 2013, section 2).

        v ← μ·v + g        w ← w - lr·v        v = 0 before the first step

    PyTorch writes it like this. Keras keeps lr inside v (v ← μ·v - lr·g, w ← w + v): the same
    weights for as long as lr stays the same.
    """

    def __init__(self, learning_rate: float, momentum: float = 0.0) -> None:
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._velocity: dict[str, Array] = {}
        self.steps_done = 0

    def step(self, parameters: Arrays, gradients: Arrays) -> None:
        self.steps_done += 1
        for name, gradient in gradients.items():
            direction = self._direction(name, gradient) if self._momentum else gradient
            parameters[name][...] -= self._learning_rate * direction

    def _direction(self, name: str, gradient: Array) -> Array:
        velocity = self._velocity.setdefault(name, np.zeros_like(gradient))
        velocity *= self._momentum
        velocity += gradient
        return velocity


class Adam:
    """Adam in its 'epsilon hat' form (Kingma and Ba, 2015, end of section 2).

        m ← β₁·m + (1 - β₁)·g
        v ← β₂·v + (1 - β₂)·g²
        w ← w - lr·√(1 - β₂ᵗ)/(1 - β₁ᵗ) · m / (√v + ε̂)

    m and v are zero before step t = 1; what that start does to the means is undone in the rate.
    Algorithm 1 of the same paper, which PyTorch follows, adds ε to √(v / (1 - β₂ᵗ)) instead: it
    is this with ε̂ = ε·√(1 - β₂ᵗ).
    """

    def __init__(self, learning_rate: float, epsilon: float) -> None:
        self._learning_rate = learning_rate
        self._epsilon = epsilon
        self.steps_done = 0
        self._m: dict[str, Array] = {}
        self._v: dict[str, Array] = {}

    def step(self, parameters: Arrays, gradients: Arrays) -> None:
        self.steps_done += 1
        correction = math.sqrt(1 - BETA_2**self.steps_done) / (1 - BETA_1**self.steps_done)
        for name, gradient in gradients.items():
            update = self._update(name, gradient)
            update *= self._learning_rate * correction
            parameters[name][...] -= update

    def _update(self, name: str, gradient: Array) -> Array:
        """m / (√v + ε̂), with both means brought up to date."""
        m = self._m.setdefault(name, np.zeros_like(gradient))
        v = self._v.setdefault(name, np.zeros_like(gradient))
        m += (1 - BETA_1) * (gradient - m)
        v += (1 - BETA_2) * (gradient * gradient - v)
        update = np.sqrt(v)
        update += self._epsilon
        return np.divide(m, update, out=update)

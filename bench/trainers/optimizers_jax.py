"""The optimisers in plain JAX, each one formula; ``optimizers_numpy.py`` explains them.

An optimiser is a pure function: it is given what it remembers and returns it anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from bench.experiment import Experiment
from bench.trainers.optimizers_numpy import BETA_1, BETA_2

Arrays = dict[str, jax.Array]  # weights, gradients and what is remembered: by the same names


class Memory(NamedTuple):
    """What an optimiser knows of the steps before."""

    steps: jax.Array  # int32: how many there were
    m: Arrays  # Adam's mean of gradients, or SGD's velocity
    v: Arrays  # Adam's mean of squared gradients


Update = Callable[[Arrays, Arrays, Memory], tuple[Arrays, Memory]]  # weights, gradients, memory


def begin(weights: Arrays) -> Memory:
    """Before the first step, all is zero."""
    zeros = [{name: jnp.zeros_like(array) for name, array in weights.items()} for _ in range(2)]
    return Memory(jnp.zeros((), jnp.int32), *zeros)


def choose(experiment: Experiment) -> Update:
    """The optimiser of an experiment."""
    if experiment.optimizer == "sgd":
        return sgd(experiment.learning_rate, experiment.momentum)
    return adam(experiment.learning_rate, experiment.adam_epsilon)


def sgd(learning_rate: float, momentum: float) -> Update:
    """v ← μ·v + g, w ← w - lr·v; without momentum nothing is remembered but the steps."""

    def update(weights: Arrays, gradients: Arrays, memory: Memory) -> tuple[Arrays, Memory]:
        m, steps = memory.m, memory.steps + 1
        if momentum:
            m = gradients = {name: momentum * m[name] + g for name, g in gradients.items()}
        weights = {name: w - learning_rate * gradients[name] for name, w in weights.items()}
        return weights, Memory(steps, m, memory.v)

    return update


def adam(learning_rate: float, epsilon: float) -> Update:
    """Adam in its 'epsilon hat' form."""

    def update(weights: Arrays, gradients: Arrays, memory: Memory) -> tuple[Arrays, Memory]:
        steps = memory.steps + 1
        m = {name: BETA_1 * memory.m[name] + (1 - BETA_1) * g for name, g in gradients.items()}
        v = {name: BETA_2 * memory.v[name] + (1 - BETA_2) * g**2 for name, g in gradients.items()}
        rate = learning_rate * jnp.sqrt(_one_less_power(BETA_2, steps))
        rate /= _one_less_power(BETA_1, steps)
        weights = {
            name: w - rate * m[name] / (jnp.sqrt(v[name]) + epsilon) for name, w in weights.items()
        }
        return weights, Memory(steps, m, v)

    return update


def _one_less_power(beta: float, steps: jax.Array) -> jax.Array:
    """1 - βᵗ; taken straight, float32 would keep four digits of it in the first steps."""
    return -jnp.expm1(steps * math.log(beta))

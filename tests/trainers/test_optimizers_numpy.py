"""The NumPy optimisers, against their formulas worked out by hand or in another form."""

import numpy as np
import pytest

from bench.trainers.optimizers_numpy import SGD, Adam, Array, choose
from tests.fakes import an_experiment

GRADIENTS = np.random.default_rng(0).standard_normal((5, 3))
START = np.array([1.0, -2.0, 0.5])


def descend(optimizer: SGD | Adam) -> Array:
    """The weights after a step for each row of GRADIENTS."""
    weights = {"w": START.copy()}
    for gradient in GRADIENTS:
        optimizer.step(weights, {"w": gradient})
    return weights["w"]


def test_plain_descent_follows_the_sum_of_the_gradients() -> None:
    np.testing.assert_allclose(descend(SGD(0.1)), START - 0.1 * GRADIENTS.sum(axis=0))


def test_momentum_is_that_of_keras_too_as_long_as_the_rate_stays() -> None:
    weights, velocity = START.copy(), np.zeros(3)
    for gradient in GRADIENTS:
        velocity = 0.9 * velocity - 0.1 * gradient  # the rate inside
        weights += velocity
    np.testing.assert_allclose(descend(SGD(0.1, momentum=0.9)), weights)


def test_adam_is_algorithm_1_of_its_paper_with_an_epsilon_that_grows() -> None:
    weights, m, v = START.copy(), np.zeros(3), np.zeros(3)
    for t, gradient in enumerate(GRADIENTS, start=1):
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        epsilon = 1e-3 / np.sqrt(1 - 0.999**t)
        weights -= 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + epsilon)
    np.testing.assert_allclose(descend(Adam(0.01, epsilon=1e-3)), weights)


def test_the_first_step_of_adam_is_the_rate_where_epsilon_is_small() -> None:
    weights = {"w": np.zeros(2)}
    Adam(0.01, epsilon=1e-12).step(weights, {"w": np.array([5.0, -3e-3])})
    np.testing.assert_allclose(weights["w"], [-0.01, 0.01], rtol=1e-6)


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, momentum=0.9), Adam(0.01, 1e-7)])
def test_weights_change_in_place_and_stay_float32_while_gradients_stay(
    optimizer: SGD | Adam,
) -> None:
    weights, gradient = np.ones(4, np.float32), np.full(4, 0.5, np.float32)
    optimizer.step({"w": weights}, {"w": gradient})
    assert weights.dtype == np.float32
    assert (weights < 1).all()
    assert (gradient == 0.5).all()


def test_the_experiment_decides() -> None:
    gradient = {"w": np.array([1.0])}
    moved = []
    for changes in (
        {"optimizer": "sgd", "learning_rate": 0.5},
        {"optimizer": "sgd", "learning_rate": 0.5, "momentum": 0.9},
        {"optimizer": "adam", "learning_rate": 0.5, "adam_epsilon": 1e-12},
    ):
        weights, optimizer = {"w": np.array([0.0])}, choose(an_experiment(**changes))
        for _ in range(2):
            optimizer.step(weights, gradient)
        moved.append(float(weights["w"][0]))
    assert moved == pytest.approx([-1.0, -0.5 * (1 + 1.9), -1.0])

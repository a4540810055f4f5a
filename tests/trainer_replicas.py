"""Keras on two replicas: certified, and mistakes caught. Run by ``test_keras_parallel.py``."""

import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import trainers
from bench.checks import faults
from bench.experiment import PARALLEL
from bench.trainers import Trainer, WrongWorld
from tests import referee
from tests.small_trainers import (
    BATCH_SIZE,
    FRAMEWORK,
    ORDER,
    TEST_IMAGES,
    assert_same,
    create,
    frameworks_own_warnings,
    small_setup,
    train,
)
from tests.trainer_contract_training import FLOAT32, deviation

pytestmark = frameworks_own_warnings

TWO: dict[str, Any] = {
    "execution": PARALLEL,
    "replicas": 2,
    "dropout": False,
    "optimizer": "sgd",
    "learning_rate": 0.05,
}
CLEARLY = 100  # times what rounding does


@pytest.fixture(scope="module")
def shared() -> Trainer:
    """One for all tests: the weights with which each begins are of no account."""
    trainer = create(**TWO)
    before = trainer.weights()
    trainer.warm_up()
    assert_same(before, trainer.weights())
    assert trainer.steps_done() == 0
    return trainer


def strayed(trainer: Trainer, order: NDArray[np.int64]) -> float:
    """How far training on this order leads from the referee's, which knows no replicas."""
    start = trainer.weights()
    wanted, _ = referee.trained(small_setup(**TWO), start, order)
    train(trainer, order)
    return deviation(trainer.weights(), wanted, start)


def test_two_replicas_do_the_work_of_the_referee_on_the_whole_batch(shared: Trainer) -> None:
    """Two batches, and a short one that can be shared out evenly."""
    assert strayed(shared, ORDER[: 2 * BATCH_SIZE + 6]) < FLOAT32


@pytest.mark.parametrize("fault", [faults.TakesHalves, faults.SeesTheSame])
def test_one_that_learns_from_its_share_alone_and_shares_that_are_the_same_are_caught(
    fault: type[faults.Wrapper], shared: Trainer
) -> None:
    """Where gradients are not averaged the weights are the first one's, of its share."""
    faulty: Any = fault(shared, small_setup(**TWO))
    assert strayed(faulty, ORDER[:BATCH_SIZE]) > CLEARLY * FLOAT32


def test_a_short_batch_of_odd_size_is_shared_out_and_all_count_alike(shared: Trainer) -> None:
    """ORDER ends on five of 32 images."""
    _, mean_loss = referee.trained(small_setup(**TWO), shared.weights(), ORDER)
    steps = shared.steps_done()
    assert strayed(shared, ORDER) < FLOAT32
    assert shared.mean_loss() == pytest.approx(mean_loss, rel=1e-5)
    assert shared.steps_done() - steps == 4


def test_one_device_answers_with_the_weights_of_all_and_what_ran_is_told(shared: Trainer) -> None:
    train(shared)
    wanted = referee.logits("mlp", shared.weights(), TEST_IMAGES)
    np.testing.assert_allclose(shared.infer(TEST_IMAGES[:1]), wanted[:1], atol=2e-5)
    np.testing.assert_allclose(shared.logits(TEST_IMAGES), wanted, atol=2e-5)
    assert shared.observed_execution() == PARALLEL
    assert shared.settings()["replicas"] == "2"


def test_more_replicas_than_there_are_devices_is_an_error() -> None:
    """What a process does in which nobody asked for more: a world of one is the usual mistake."""
    setup = small_setup(**TWO)
    setup = replace(setup, experiment=replace(setup.experiment, replicas=4))
    with pytest.raises((WrongWorld, RuntimeError), match=r"4 replicas|cannot be modified"):
        trainers.load(FRAMEWORK).create(setup).build()


assert os.environ["GLYPHBENCH_TEST_EXECUTION"] == PARALLEL

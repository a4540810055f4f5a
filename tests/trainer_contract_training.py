"""What every trainer promises of its training and warm-up, for one framework a process.

Run by ``test_trainers.py``, or by hand:
``GLYPHBENCH_TEST_FRAMEWORK=keras-jax pytest tests/trainer_contract_training.py``.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.trainers import Weights
from models.weights import initial_weights
from tests import referee
from tests.small_trainers import (
    BATCH_SIZE,
    EXECUTION,
    FRAMEWORK,
    ORDER,
    TEST_IMAGES,
    assert_same,
    create,
    differ,
    each_architecture,
    frameworks_own_warnings,
    small_setup,
    train,
    trained,
)

pytestmark = frameworks_own_warnings


# Rounding alone: 1e-5 was seen in Keras, which takes 1 - β₂ᵗ in float32 and so loses three
# digits of it in the first steps, and less than 5e-6 in the others.
FLOAT32 = 5e-5
RECIPES = {
    "sgd": {"optimizer": "sgd", "learning_rate": 0.05},
    "momentum": {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9},
    "adam": {"optimizer": "adam", "learning_rate": 1e-3, "adam_epsilon": 1e-7},
}


@each_architecture
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_without_dropout_an_epoch_is_the_referees(architecture: str, recipe: Any) -> None:
    setup = small_setup(architecture, dropout=False, **recipe)
    trainer = create(architecture, dropout=False, **recipe)
    start = trainer.weights()
    wanted, mean_loss = referee.trained(setup, start, ORDER)
    trainer.arrange(ORDER)
    trainer.train()
    assert trainer.mean_loss() == pytest.approx(mean_loss, rel=1e-5)
    assert deviation(trainer.weights(), wanted, start) < FLOAT32


def test_an_adam_of_another_epsilon_would_be_seen() -> None:
    setup = small_setup(dropout=False)
    start = create(dropout=False).weights()
    other = dataclasses.replace(setup.experiment, adam_epsilon=1e-8)
    wanted, _ = referee.trained(setup, start, ORDER)
    strayed, _ = referee.trained(dataclasses.replace(setup, experiment=other), start, ORDER)
    assert deviation(strayed, wanted, start) > 100 * FLOAT32


def deviation(weights: Weights, wanted: Weights, start: Weights) -> float:
    """How far weights are from where they should be, by how far they should have moved.

    Means over a tensor, and of the tensors the worst.
    """
    return max(
        float(np.abs(weights[name] - array).mean() / np.abs(array - start[name]).mean())
        for name, array in wanted.items()
    )


@each_architecture
def test_warm_up_leaves_everything_as_it_began(architecture: str) -> None:
    cold = create(architecture)
    start = cold.weights()
    cold.arrange(ORDER)
    cold.train()
    warmed = create(architecture)
    warmed.warm_up()
    warmed.warm_up_predictions()
    assert_same(start, warmed.weights())
    warmed.arrange(ORDER)
    warmed.train()  # would differ if the optimiser or dropout had gone on
    assert_same(cold.weights(), warmed.weights())
    assert warmed.mean_loss() == cold.mean_loss()


@pytest.mark.skipif(
    EXECUTION in ("eager", "resident", "cuda-graph")
    or (FRAMEWORK, EXECUTION) == ("pytorch", "tuned"),
    reason="compiles nothing",
)
def test_nothing_is_compiled_after_the_warm_up() -> None:
    trainer, cold = create(), create(batch_size=BATCH_SIZE // 2)
    trainer.warm_up()
    trainer.warm_up_predictions()
    with compiling_forbidden():
        trainer.arrange(ORDER)
        trainer.train()
        trainer.logits(small_setup().validation_images)
        trainer.logits(TEST_IMAGES)
        trainer.infer(TEST_IMAGES[:1])
        with pytest.raises((RuntimeError, ValueError), match="recompile"):
            train(cold)  # where a stretch is compiled as a whole, as it is arranged


@contextmanager
def compiling_forbidden() -> Iterator[None]:
    """Raise where a network is to be compiled: on XLA its Python runs for that, and never else."""
    if FRAMEWORK == "pytorch":
        import torch

        with torch.compiler.set_stance("fail_on_recompile"):
            yield
        return

    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("recompile")

    with pytest.MonkeyPatch.context() as patch:
        traced = "models.layers_jax.dense" if FRAMEWORK == "jax" else "keras.Sequential.call"
        patch.setattr(traced, refuse)
        yield


def test_warm_up_between_two_segments_changes_nothing() -> None:
    warmed = create()
    warmed.arrange(ORDER)
    warmed.train()
    warmed.warm_up()
    warmed.warm_up_predictions()
    warmed.arrange(ORDER)
    warmed.train()
    assert_same(after_two_epochs(), warmed.weights())


def test_reading_logits_between_two_segments_changes_nothing() -> None:
    read = create()
    read.arrange(ORDER)
    read.train()
    read.logits(TEST_IMAGES)
    read.infer(TEST_IMAGES)
    read.weights()
    read.arrange(ORDER)
    read.train()
    assert_same(after_two_epochs(), read.weights())


@cache
def after_two_epochs() -> Weights:
    """The weights where nothing else is asked of the trainer."""
    plain = create()
    train(plain)
    train(plain)
    return plain.weights()


@cache
def after_an_epoch() -> Weights:
    return trained(ORDER)


def test_training_in_segments_equals_training_at_once() -> None:
    # Without dropout, since on torch Keras draws the masks otherwise in each fit.
    whole = create(dropout=False)
    whole.arrange(ORDER)
    whole.train()
    parts = create(dropout=False)
    losses = []
    for segment in segments():
        parts.arrange(segment)
        parts.train()
        losses.append(parts.mean_loss())
    assert_same(whole.weights(), parts.weights())
    # True of a mean per image only: the last segment is one short batch.
    images = [len(segment) for segment in segments()]
    assert whole.mean_loss() == pytest.approx(np.average(losses, weights=images), rel=1e-5)
    assert whole.mean_loss() != pytest.approx(np.mean(losses), rel=1e-5)


def segments() -> list[NDArray[np.int64]]:
    """The order of an epoch, cut at multiples of the batch size."""
    return np.split(ORDER, [BATCH_SIZE, 3 * BATCH_SIZE])


@each_architecture
def test_mean_loss_is_the_cross_entropy_per_image(architecture: str) -> None:
    trainer = create(architecture, dropout=False, optimizer="sgd", learning_rate=0.0)
    trainer.arrange(ORDER)
    trainer.train()
    setup = small_setup(architecture)
    scores = referee.logits(architecture, trainer.weights(), setup.train_images)
    wanted = referee.mean_cross_entropy(scores, setup.train_labels)
    assert trainer.mean_loss() == pytest.approx(wanted, rel=1e-5)


def test_a_loss_that_is_no_number_is_told_as_it_is() -> None:
    trainer = create()
    trainer.load_weights(trainer.weights() | {"logits/bias": np.full(10, np.nan, np.float32)})
    trainer.arrange(ORDER)
    trainer.train()
    assert np.isnan(trainer.mean_loss())


def test_renewed_images_are_those_that_are_trained_on() -> None:
    setup = small_setup(dropout=False)
    shown = -setup.train_images
    renewed = create(dropout=False)
    renewed.warm_up()
    start = renewed.weights()
    for images in (setup.validation_images[:1].repeat(len(shown), axis=0), shown):
        renewed.renew(images)  # the second time in place of the first
    renewed.arrange(ORDER)
    renewed.train()
    wanted, mean_loss = referee.trained(
        dataclasses.replace(setup, train_images=shown), start, ORDER
    )
    assert renewed.mean_loss() == pytest.approx(mean_loss, rel=1e-5)
    assert deviation(renewed.weights(), wanted, start) < FLOAT32
    assert deviation(trained(dropout=False), wanted, start) > 0.1


def test_images_renewed_between_two_stretches_are_trained_on_from_then_on() -> None:
    setup = small_setup(dropout=False)
    stretches = segments()
    trainer = create(dropout=False, optimizer="sgd", learning_rate=0.05)
    wanted = trainer.weights()
    experiment = dataclasses.replace(setup.experiment, optimizer="sgd", learning_rate=0.05)
    for images, order in zip((setup.train_images, -setup.train_images), stretches, strict=False):
        before = wanted
        now = dataclasses.replace(setup, experiment=experiment, train_images=images)
        wanted, _ = referee.trained(now, before, order)
        trainer.renew(images)
        trainer.arrange(order)
        trainer.train()
        assert deviation(trainer.weights(), wanted, before) < FLOAT32


def test_a_batch_of_one_image_is_a_step() -> None:
    assert differ(create().weights(), trained(np.array([7])))


def test_the_short_last_batch_is_a_step() -> None:
    assert differ(after_an_epoch(), trained(ORDER[: 3 * BATCH_SIZE]))


def test_batches_come_in_the_order_given() -> None:
    assert_same(after_an_epoch(), trained(ORDER.copy()))
    assert differ(after_an_epoch(), trained(ORDER[::-1].copy()))


def test_dropout_is_on_in_training_and_its_seed_is_the_runs() -> None:
    ended = [trained_from_one_start(seed=seed) for seed in (1, 1, 2)]
    assert_same(ended[0], ended[1])
    assert differ(ended[0], ended[2])


def test_without_dropout_the_seed_changes_nothing_after_the_start() -> None:
    ended = [trained_from_one_start(seed=seed, dropout=False) for seed in (1, 2)]
    assert_same(ended[0], ended[1])


def trained_from_one_start(**changes: Any) -> Weights:
    """The weights after one epoch, from the same weights whatever the seed."""
    trainer = create(**changes)
    trainer.load_weights(initial_weights(trainer.weights(), seed=0))
    trainer.arrange(ORDER)
    trainer.train()
    return trainer.weights()

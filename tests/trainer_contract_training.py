"""What every trainer promises of its training and warm-up, for one framework a process.

Run by ``test_trainers.py``, or by hand:
``GLYPHBENCH_TEST_FRAMEWORK=keras-jax pytest tests/trainer_contract_training.py``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import reference_networks
from tests.small_trainers import (
    BATCH_SIZE,
    EXECUTION,
    FRAMEWORK,
    ORDER,
    assert_same,
    create,
    create_pytorch,
    differ,
    each_architecture,
    frameworks_own_warnings,
    small_setup,
    trained,
    without_dropout,
)

pytestmark = frameworks_own_warnings


@each_architecture
@pytest.mark.parametrize(
    "recipe",
    [
        {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9},
        # A tiny epsilon: Keras divides it by √(1 - β₂ᵗ) and PyTorch does not, so that with the
        # usual 1e-7 the first steps differ by about a hundredth.
        {"optimizer": "adam", "learning_rate": 1e-3, "adam_epsilon": 1e-12},
    ],
    ids=["sgd", "adam"],
)
def test_without_dropout_an_epoch_is_pytorchs_epoch(architecture: str, recipe: Any) -> None:
    pytorch = without_dropout(create_pytorch(architecture, **recipe))
    trainer = without_dropout(create(architecture, **recipe))
    start = pytorch.weights()
    trainer.load_weights(start)
    pytorch.arrange(ORDER)
    pytorch.train()
    trainer.arrange(ORDER)
    trainer.train()
    assert trainer.mean_loss() == pytest.approx(pytorch.mean_loss(), rel=1e-4)
    weights = trainer.weights()
    for name, array in pytorch.weights().items():
        moved = np.abs(array - start[name]).max()
        assert moved > 0, name
        assert np.abs(weights[name] - array).mean() < 0.005 * moved, name


@each_architecture
def test_warm_up_leaves_everything_as_it_began(architecture: str) -> None:
    cold = create(architecture)
    start = cold.weights()
    cold.arrange(ORDER)
    cold.train()
    warmed = create(architecture)
    warmed.warm_up()
    assert_same(start, warmed.weights())
    warmed.arrange(ORDER)
    warmed.train()  # would differ if the optimiser or dropout had gone on
    assert_same(cold.weights(), warmed.weights())
    assert warmed.mean_loss() == cold.mean_loss()


@pytest.mark.skipif(EXECUTION == "eager", reason="compiles nothing")
def test_nothing_is_compiled_after_the_warm_up() -> None:
    trainer, cold = create(), create(batch_size=BATCH_SIZE // 2)
    trainer.warm_up()
    with compiling_forbidden():
        trainer.arrange(ORDER)
        trainer.train()
        trainer.logits("validation")
        trainer.logits("test")
        trainer.infer(small_setup().test_images[:1])
        cold.arrange(ORDER)
        with pytest.raises((RuntimeError, ValueError), match="recompile"):
            cold.train()


@contextmanager
def compiling_forbidden() -> Iterator[None]:
    """Raise where a network is to be compiled, which for Keras means that its Python runs."""
    if FRAMEWORK == "pytorch":
        import torch

        with torch.compiler.set_stance("fail_on_recompile"):
            yield
        return

    def refuse(*_: Any, **__: Any) -> None:
        raise ValueError("recompile")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras.Sequential.call", refuse)
        yield


def test_warm_up_between_two_segments_changes_nothing() -> None:
    plain = create()
    plain.arrange(ORDER)
    plain.train()
    plain.arrange(ORDER)
    plain.train()
    warmed = create()
    warmed.arrange(ORDER)
    warmed.train()
    warmed.warm_up()
    warmed.arrange(ORDER)
    warmed.train()
    assert_same(plain.weights(), warmed.weights())


def test_reading_logits_between_two_segments_changes_nothing() -> None:
    plain = create()
    plain.arrange(ORDER)
    plain.train()
    plain.arrange(ORDER)
    plain.train()
    read = create()
    read.arrange(ORDER)
    read.train()
    read.logits("validation")
    read.infer(small_setup().test_images)
    read.weights()
    read.arrange(ORDER)
    read.train()
    assert_same(plain.weights(), read.weights())


def test_training_in_segments_equals_training_at_once() -> None:
    # Without dropout, since on torch Keras draws the masks otherwise in each fit.
    whole = without_dropout(create())
    whole.arrange(ORDER)
    whole.train()
    parts = without_dropout(create())
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
    trainer = without_dropout(create(architecture, optimizer="sgd", learning_rate=0.0))
    trainer.arrange(ORDER)
    trainer.train()
    setup = small_setup(architecture)
    scores = reference_networks.logits(architecture, trainer.weights(), setup.train_images)
    wanted = reference_networks.mean_cross_entropy(scores, setup.train_labels)
    assert trainer.mean_loss() == pytest.approx(wanted, rel=1e-5)


def test_a_loss_that_is_no_number_is_told_as_it_is() -> None:
    trainer = create()
    trainer.load_weights(trainer.weights() | {"logits/bias": np.full(10, np.nan, np.float32)})
    trainer.arrange(ORDER)
    trainer.train()
    assert np.isnan(trainer.mean_loss())


def test_a_batch_of_one_image_is_a_step() -> None:
    assert differ(create().weights(), trained(np.array([7])))


def test_the_short_last_batch_is_a_step() -> None:
    assert differ(trained(ORDER), trained(ORDER[: 3 * BATCH_SIZE]))


def test_batches_come_in_the_order_given() -> None:
    assert_same(trained(ORDER), trained(ORDER.copy()))
    assert differ(trained(ORDER), trained(ORDER[::-1].copy()))


def test_dropout_is_on_in_training_and_its_seed_is_the_runs() -> None:
    start = create(seed=0).weights()
    ended = []
    for seed in (1, 1, 2):
        trainer = create(seed=seed)
        trainer.load_weights(start)
        trainer.arrange(ORDER)
        trainer.train()
        ended.append(trainer.weights())
    assert_same(ended[0], ended[1])
    assert differ(ended[0], ended[2])

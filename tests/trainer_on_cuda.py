"""What every trainer promises on an NVIDIA GPU, for one framework and execution a process.

``test_trainers_cuda.py`` runs this file in child processes. By hand, also on a CPU to try the
tests themselves: ``GLYPHBENCH_TEST_FRAMEWORK=pytorch pytest tests/trainer_on_cuda.py``.
"""

import os
import time
import warnings
from typing import Any

import numpy as np
import pytest

from bench.trainers import FrameworkMissing, Trainer
from tests import referee
from tests.small_trainers import (
    BATCH_SIZE,
    EXECUTION,
    FRAMEWORK,
    ORDER,
    TEST_IMAGES,
    assert_same,
    create,
    each_architecture,
    small_setup,
    warnings_are_no_errors,
    with_random_biases,
)

pytestmark = warnings_are_no_errors
DEVICE = os.environ.get("GLYPHBENCH_TEST_DEVICE", "cuda")
needs_cuda = pytest.mark.skipif(DEVICE != "cuda", reason="only a GPU can show it")
needs_torch = pytest.mark.skipif(
    FRAMEWORK not in ("pytorch", "keras-torch"), reason="CUDA events are PyTorch's"
)


def on_device(architecture: str = "mlp", **changes: Any) -> Trainer:
    """A trainer on the GPU; skips where the framework is not installed with CUDA."""
    try:
        return create(architecture, device=DEVICE, **changes)
    except FrameworkMissing as missing:
        pytest.skip(str(missing))


@each_architecture
def test_logits_are_those_of_full_float32(architecture: str) -> None:
    trainer = on_device(architecture)
    trainer.load_weights(with_random_biases(trainer.weights()))
    wanted = referee.logits(architecture, trainer.weights(), TEST_IMAGES)
    # TF32 keeps 10 bits of the mantissa and would differ by some 1e-3.
    np.testing.assert_allclose(trainer.logits(TEST_IMAGES), wanted, atol=1e-4)
    np.testing.assert_allclose(trainer.infer(TEST_IMAGES[:1]), wanted[:1], atol=1e-4)


@each_architecture
def test_warm_up_leaves_everything_as_it_began(architecture: str) -> None:
    cold = on_device(architecture)
    start = cold.weights()
    cold.arrange(ORDER)
    cold.train()
    warmed = on_device(architecture)
    warmed.warm_up()
    warmed.warm_up_predictions()
    assert_same(start, warmed.weights())
    warmed.arrange(ORDER)
    warmed.train()
    # Not bit for bit: some kernels on a GPU add up in any order.
    assert warmed.mean_loss() == pytest.approx(cold.mean_loss(), rel=1e-3)
    ended = cold.weights()
    for name, array in warmed.weights().items():
        np.testing.assert_allclose(array, ended[name], atol=1e-3, err_msg=name)


@each_architecture
def test_the_same_images_again_and_again_are_learnt(architecture: str) -> None:
    trainer = on_device(architecture, dropout=False)
    trainer.arrange(ORDER)
    trainer.train()
    first = trainer.mean_loss()
    for _ in range(20):
        trainer.arrange(ORDER)
        trainer.train()
    assert trainer.mean_loss() < first / 2


def test_epochs_without_dropout_are_the_referees() -> None:
    # A graph of a step that froze what changes from one to the next would drift off here.
    changes: dict[str, Any] = {"dropout": False, "optimizer": "adam", "adam_epsilon": 1e-7}
    trainer = on_device(**changes)
    wanted = trainer.weights()
    trainer.warm_up()
    order = np.tile(ORDER[: 3 * BATCH_SIZE], 7)  # 21 steps
    setup = small_setup(**changes)
    wanted, mean_loss = referee.trained(setup, wanted, order)
    trainer.arrange(order)
    trainer.train()
    assert trainer.steps_done() == 21
    assert trainer.observed_execution() == EXECUTION
    assert trainer.mean_loss() == pytest.approx(mean_loss, rel=1e-4)
    for name, array in trainer.weights().items():
        assert np.abs(array - wanted[name]).mean() < 1e-5, name  # moved by 5e-3; a frozen ε: 7e-5


def test_dropout_is_drawn_anew_in_each_step() -> None:
    trainer = on_device(optimizer="sgd", learning_rate=0.0)
    trainer.warm_up()
    losses = set()
    for _ in range(3):
        trainer.arrange(ORDER)
        trainer.train()
        losses.add(trainer.mean_loss())
    assert len(losses) == 3


def test_renewed_images_are_those_that_are_trained_on() -> None:
    setup = small_setup()
    trainer = on_device(dropout=False, optimizer="sgd", learning_rate=0.0)
    trainer.warm_up()
    losses = []
    for images in (setup.train_images, -setup.train_images, setup.train_images):
        trainer.renew(images.copy())
        trainer.arrange(ORDER)
        trainer.train()
        losses.append(trainer.mean_loss())
    assert losses[0] == pytest.approx(losses[2], rel=1e-5)
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)


@needs_cuda
def test_peak_memory_is_the_devices() -> None:
    trainer = on_device()
    trainer.warm_up()
    held = trainer.device_memory()
    assert held is not None
    # the weights, and Adam's two means of them
    assert held.peak >= held.now > 3 * 4 * trainer.parameter_count


@needs_cuda
def test_the_settings_name_the_gpu_and_the_precision() -> None:
    settings = on_device().settings()
    assert settings["device name"] not in ("", "CPU", "cpu")
    assert settings["TF32"] == "off"


@needs_cuda
@needs_torch
def test_the_clock_waits_for_the_device() -> None:
    import torch

    trainer = on_device("cnn", batch_size=8)
    trainer.warm_up()
    began = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    ended = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    trainer.synchronize()
    start_s = time.perf_counter()
    began.record()
    for _ in range(20):
        trainer.arrange(ORDER)
        trainer.train()
    ended.record()
    trainer.synchronize()
    elapsed_s = time.perf_counter() - start_s
    assert ended.query()  # type: ignore[no-untyped-call]  # all work before it is done
    assert elapsed_s >= began.elapsed_time(ended) / 1000


def test_a_gpu_may_warn() -> None:
    warnings.warn("TensorFloat32 tensor cores are available but not enabled", stacklevel=1)

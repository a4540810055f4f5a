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
    FRAMEWORK,
    ORDER,
    TEST_IMAGES,
    assert_same,
    create,
    each_architecture,
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

"""Precision and own defaults of a trainer on an NVIDIA GPU, for one framework a process.

``test_trainers_cuda.py`` runs this file in child processes where there is a GPU. By hand:
``GLYPHBENCH_TEST_FRAMEWORK=pytorch pytest tests/trainer_axes_on_cuda.py``.
"""

import warnings
from typing import Any

import numpy as np
import pytest

from bench.machine import hardware
from bench.machine.devices import with_precision
from bench.trainers import FRAMEWORKS, FrameworkMissing, Trainer
from tests.fakes import an_experiment
from tests.small_trainers import FRAMEWORK, TEST_IMAGES, create, warnings_are_no_errors

pytestmark = warnings_are_no_errors


def on_cuda(**changes: Any) -> Trainer:
    """A CNN on the GPU; skips where the framework is not installed with CUDA, or the GPU is old."""
    _, lacking = with_precision([an_experiment(device="cuda", **changes)], (), hardware.observe())
    if lacking:
        pytest.skip(lacking[0])
    try:
        return create("cnn", device="cuda", **changes)
    except FrameworkMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize(("precision", "largest"), [("tf32", 5e-3), ("bf16", 5e-2)])
def test_fewer_bits_are_near_float32_and_not_it(precision: str, largest: float) -> None:
    full = on_cuda().logits(TEST_IMAGES)
    fewer = on_cuda(precision=precision).logits(TEST_IMAGES)
    scale = np.abs(full).max()
    # TF32 keeps 10 bits of the mantissa and bfloat16 7: one part in 2,000 and in 250.
    assert 1e-5 * scale < np.abs(fewer - full).max() < largest * scale


def test_tf32_is_read_back() -> None:
    assert on_cuda().settings()["TF32"] == "off"
    assert on_cuda(precision="tf32").settings()["TF32"] == "on"
    assert on_cuda().settings()["TF32"] == "off"


def test_its_own_precision_of_products_is_what_it_is_said_to_be() -> None:
    said = FRAMEWORKS[FRAMEWORK].own["matmul-precision"].says
    told = on_cuda(native=("matmul-precision",)).settings()["TF32"]
    assert told == ("in convolutions" if "not in matrix products" in said else "on")


def test_its_memory_is_not_taken_at_once() -> None:
    assert on_cuda().settings()["preallocation"] == "off"


def test_a_gpu_may_warn() -> None:
    warnings.warn("TensorFloat32 tensor cores are available but not enabled", stacklevel=1)

"""What every trainer promises, checked for one framework a process: all but the training.

Keras reads its backend once, so ``test_trainers.py`` runs this file in a child process for each
framework. By hand: ``GLYPHBENCH_TEST_FRAMEWORK=keras-jax pytest tests/trainer_contract.py``.
"""

import shutil

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import trainers
from bench.trainers import FRAMEWORKS, FrameworkMissing
from tests import reference_networks
from tests.small_trainers import (
    CLASSES,
    FRAMEWORK,
    ORDER,
    assert_same,
    create,
    create_pytorch,
    differ,
    dropout_rates,
    each_architecture,
    frameworks_own_warnings,
    small_setup,
    with_random_biases,
)

PARAMETER_COUNTS = {"mlp": 669_706, "cnn": 225_034}
SHAPES: dict[str, dict[str, tuple[int, ...]]] = {
    "mlp": {
        "dense_1/kernel": (784, 512),
        "dense_1/bias": (512,),
        "dense_2/kernel": (512, 512),
        "dense_2/bias": (512,),
        "logits/kernel": (512, 10),
        "logits/bias": (10,),
    },
    "cnn": {
        "conv_1/kernel": (3, 3, 1, 32),
        "conv_1/bias": (32,),
        "conv_2/kernel": (3, 3, 32, 64),
        "conv_2/bias": (64,),
        "dense/kernel": (1600, 128),
        "dense/bias": (128,),
        "logits/kernel": (128, 10),
        "logits/bias": (10,),
    },
}

pytestmark = frameworks_own_warnings


# The network


@each_architecture
def test_the_parameters_are_those_of_the_docstring(architecture: str) -> None:
    trainer = create(architecture)
    assert trainer.parameter_count == PARAMETER_COUNTS[architecture]
    shapes = {name: array.shape for name, array in trainer.weights().items()}
    assert list(shapes.items()) == list(SHAPES[architecture].items())  # in layer order


@each_architecture
def test_initial_kernels_are_glorot_uniform_and_biases_zero(architecture: str) -> None:
    for name, array in create(architecture).weights().items():
        assert array.dtype == np.float32
        if name.endswith("/bias"):
            assert not array.any()
            continue
        *field, inputs, outputs = array.shape
        bound = np.sqrt(6 / (np.prod(field) * (inputs + outputs)))
        assert 0.95 * bound < np.abs(array).max() <= bound * (1 + 1e-6)


def test_dropout_rates_are_those_of_the_docstring() -> None:
    assert dropout_rates(create("mlp")) == [0.2, 0.2]
    assert dropout_rates(create("cnn")) == [0.5]


def test_the_seed_alone_decides_the_initial_weights() -> None:
    weights = create(seed=3).weights()
    assert_same(weights, create(seed=3).weights())
    assert differ(weights, create(seed=4).weights())


@each_architecture
def test_logits_are_those_of_the_reference_network(architecture: str) -> None:
    trainer = create(architecture)
    trainer.load_weights(with_random_biases(trainer.weights()))
    images = small_setup(architecture).validation_images
    wanted = reference_networks.logits(architecture, trainer.weights(), images)
    computed = trainer.logits("validation")
    assert computed.dtype == np.float32
    np.testing.assert_allclose(computed, wanted, atol=1e-4)


@each_architecture
def test_pytorchs_weights_give_the_same_logits_here(architecture: str) -> None:
    pytorch = create_pytorch(architecture, seed=7)
    pytorch.load_weights(with_random_biases(pytorch.weights()))
    trainer = create(architecture)
    trainer.load_weights(pytorch.weights())
    np.testing.assert_allclose(trainer.logits("test"), pytorch.logits("test"), atol=1e-4)


def test_rows_in_the_flatten_order_of_the_other_framework_give_other_logits() -> None:
    trainer = create("cnn")
    right = trainer.logits("test")
    weights = trainer.weights()
    rows, outputs = weights["dense/kernel"].shape
    by_pixel = weights["dense/kernel"].reshape(5 * 5, 64, outputs)
    weights["dense/kernel"] = by_pixel.swapaxes(0, 1).reshape(rows, outputs)
    trainer.load_weights(weights)
    assert np.abs(trainer.logits("test") - right).max() > 0.1


# Weights in and out


@each_architecture
def test_loaded_weights_come_back_as_they_were(architecture: str) -> None:
    weights = with_random_biases(create(architecture, seed=1).weights())
    trainer = create(architecture, seed=2)
    trainer.load_weights(dict(reversed(weights.items())))  # the order given is of no account
    assert_same(weights, trainer.weights())
    assert list(trainer.weights()) == list(weights)


def test_weights_are_copied_both_ways() -> None:
    trainer = create()
    given = {name: aligned(array) for name, array in trainer.weights().items()}
    trainer.load_weights(given)
    given["dense_1/bias"][:] = 9
    trainer.weights()["dense_1/bias"][:] = 9
    assert not trainer.weights()["dense_1/bias"].any()


def aligned(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """A copy at a multiple of 64 bytes: memory that JAX takes over without copying it."""
    memory = np.empty(array.nbytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    copy = memory[start : start + array.nbytes].view(np.float32).reshape(array.shape)
    copy[:] = array
    return copy


def test_weights_of_another_network_are_refused_and_change_nothing() -> None:
    trainer = create()
    before = trainer.weights()
    others = {name: array + 1 for name, array in before.items()}
    with pytest.raises(ValueError, match=r"unknown \['extra/kernel'\]"):
        trainer.load_weights(others | {"extra/kernel": np.zeros((1, 1), np.float32)})
    with pytest.raises(ValueError, match=r"logits/bias has the shape \(11,\), wanted \(10,\)"):
        trainer.load_weights(others | {"logits/bias": np.zeros(11, np.float32)})
    del others["logits/bias"]
    with pytest.raises(ValueError, match=r"missing \['logits/bias'\]"):
        trainer.load_weights(others)
    assert_same(before, trainer.weights())


# Inference


@each_architecture
def test_infer_gives_the_logits_of_its_images(architecture: str) -> None:
    trainer = create(architecture)
    images = small_setup(architecture).test_images
    wanted = trainer.logits("test")
    assert wanted.shape == (30, CLASSES)
    np.testing.assert_allclose(trainer.infer(images), wanted, atol=1e-5)
    one = trainer.infer(images[:1])
    assert one.shape == (1, CLASSES)
    assert one.dtype == np.float32
    np.testing.assert_allclose(one, wanted[:1], atol=1e-5)


def test_dropout_is_off_where_logits_are_read() -> None:
    trainer = create()
    trainer.arrange(ORDER)
    trainer.train()
    np.testing.assert_array_equal(trainer.logits("test"), trainer.logits("test"))


# What it says of itself


def test_settings_are_read_back_and_a_cpu_counts_no_device_memory() -> None:
    trainer = create()
    trainer.arrange(ORDER)
    trainer.train()
    trainer.synchronize()
    settings = trainer.settings()
    assert all(isinstance(value, str) and value for value in settings.values())
    assert {"compiler", "memory layout", "optimiser"} <= set(settings)
    if FRAMEWORK != "pytorch":
        assert settings["KERAS_BACKEND"] == FRAMEWORKS[FRAMEWORK].environment["KERAS_BACKEND"]
    assert trainer.peak_device_memory_bytes() is None


def test_cuda_without_a_gpu_says_what_was_looked_for() -> None:
    if shutil.which("nvidia-smi"):
        pytest.skip("there is a GPU here")
    with pytest.raises(FrameworkMissing, match=r"sees no CUDA device.* needs an NVIDIA GPU"):
        trainers.load(FRAMEWORK).create(small_setup(device="cuda"))


def test_another_backend_of_keras_in_the_same_process_is_refused() -> None:
    if FRAMEWORK == "pytorch":
        pytest.skip("PyTorch needs no Keras")
    other = "keras-torch" if FRAMEWORK != "keras-torch" else "keras-jax"
    with pytest.raises(RuntimeError, match="a process of its own with KERAS_BACKEND"):
        trainers.load(other)

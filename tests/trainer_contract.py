"""What every trainer promises, checked for one framework a process.

Keras reads its backend once, so ``test_trainers.py`` runs this file in a child process for each
framework. By hand: ``GLYPHBENCH_TEST_FRAMEWORK=keras-jax pytest tests/trainer_contract.py``.
"""

import dataclasses
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import trainers
from bench.experiment import Experiment
from bench.trainers import FRAMEWORKS, FrameworkMissing, Setup, Trainer, Weights
from tests import reference_networks

FRAMEWORK = os.environ["GLYPHBENCH_TEST_FRAMEWORK"]
EXECUTION = os.environ.get("GLYPHBENCH_TEST_EXECUTION", FRAMEWORKS[FRAMEWORK].executions[0])
os.environ.update(FRAMEWORKS[FRAMEWORK].environment)

BATCH_SIZE = 32
CLASSES = 10
TRAIN_IMAGES = 3 * BATCH_SIZE + 5  # the last batch is short
ORDER = np.random.default_rng(1).permutation(TRAIN_IMAGES)

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

pytestmark = [
    # Keras 3.15 on NumPy 2, of its own variables.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning"),
    # TorchInductor, of PyTorch's own code.
    pytest.mark.filterwarnings("ignore:`torch.jit.:DeprecationWarning"),
]
each_architecture = pytest.mark.parametrize("architecture", ["mlp", "cnn"])


def small_setup(architecture: str = "mlp", *, seed: int = 0, **changes: Any) -> Setup:
    """Noise as images, no split a multiple of its batch size; keywords change the experiment."""
    experiment = Experiment(
        task="digits",
        source="glyphs",
        architecture=architecture,
        framework=FRAMEWORK,
        execution=EXECUTION,
        device="cpu",
        batch_size=BATCH_SIZE,
        epochs=1,
    )
    values = np.random.default_rng(0)
    return Setup(
        experiment=dataclasses.replace(experiment, **changes),
        seed=seed,
        classes=CLASSES,
        train_images=values.standard_normal((TRAIN_IMAGES, 28, 28), dtype=np.float32),
        train_labels=values.integers(0, CLASSES, TRAIN_IMAGES),
        validation_images=values.standard_normal((40, 28, 28), dtype=np.float32),
        test_images=values.standard_normal((30, 28, 28), dtype=np.float32),
    )


def create(architecture: str = "mlp", **changes: Any) -> Trainer:
    """A trainer, built and with its data. Build one, use it up, then the next: seeds are global."""
    setup = small_setup(architecture, **changes)
    trainer = trainers.load(setup.experiment.framework).create(setup)
    trainer.build()
    trainer.transfer()
    return trainer


def create_pytorch(architecture: str, **changes: Any) -> Trainer:
    """The trainer that all others are compared with."""
    pytest.importorskip("torch", reason="PyTorch is what the others are compared with")
    return create(architecture, framework="pytorch", execution="eager", **changes)


def trained(order: NDArray[np.int64] = ORDER, **changes: Any) -> Weights:
    """The weights of a new trainer after one call of train."""
    trainer = create(**changes)
    trainer.train(order)
    return trainer.weights()


def without_dropout(trainer: Any) -> Any:
    """Set the rate of every dropout layer to zero, before the first step compiles it in."""
    if hasattr(trainer, "_network"):
        for layer in trainer._network:
            vars(layer).update(p=0.0)
    else:
        for layer in trainer._model.layers:
            layer.rate = 0.0
    return trainer


def with_random_biases(weights: Weights) -> Weights:
    values = np.random.default_rng(5)
    return {
        name: values.standard_normal(array.shape, dtype=np.float32) if "bias" in name else array
        for name, array in weights.items()
    }


def assert_same(one: Weights, other: Weights) -> None:
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array, err_msg=name)


def differ(one: Weights, other: Weights) -> bool:
    return any(not np.array_equal(other[name], array) for name, array in one.items())


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


# Training


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
    pytorch.train(ORDER)
    trainer.train(ORDER)
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
    cold.train(ORDER)
    warmed = create(architecture)
    warmed.warm_up()
    assert_same(start, warmed.weights())
    warmed.train(ORDER)  # would differ if the optimiser or dropout had gone on
    assert_same(cold.weights(), warmed.weights())
    assert warmed.mean_loss() == cold.mean_loss()


@pytest.mark.skipif(EXECUTION == "eager", reason="compiles nothing")
def test_nothing_is_compiled_after_the_warm_up() -> None:
    trainer, cold = create(), create(batch_size=BATCH_SIZE // 2)
    trainer.warm_up()
    with compiling_forbidden():
        trainer.train(ORDER)
        trainer.logits("validation")
        trainer.logits("test")
        trainer.infer(small_setup().test_images[:1])
        with pytest.raises((RuntimeError, ValueError), match="recompile"):
            cold.train(ORDER)


@contextmanager
def compiling_forbidden() -> Iterator[None]:
    """Raise where a network is to be compiled, which for Keras means that its Python runs."""
    if FRAMEWORK == "pytorch":
        import torch

        with torch.compiler.set_stance("fail_on_recompile"):
            yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras.Sequential.call", Mock(side_effect=ValueError("recompile")))
        yield


def test_warm_up_between_two_segments_changes_nothing() -> None:
    plain = create()
    plain.train(ORDER)
    plain.train(ORDER)
    warmed = create()
    warmed.train(ORDER)
    warmed.warm_up()
    warmed.train(ORDER)
    assert_same(plain.weights(), warmed.weights())


def test_reading_logits_between_two_segments_changes_nothing() -> None:
    plain = create()
    plain.train(ORDER)
    plain.train(ORDER)
    read = create()
    read.train(ORDER)
    read.logits("validation")
    read.infer(small_setup().test_images)
    read.weights()
    read.train(ORDER)
    assert_same(plain.weights(), read.weights())


def test_training_in_segments_equals_training_at_once() -> None:
    # Without dropout, since on torch Keras draws the masks otherwise in each fit.
    whole = without_dropout(create())
    whole.train(ORDER)
    parts = without_dropout(create())
    losses = []
    for segment in segments():
        parts.train(segment)
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
    trainer.train(ORDER)
    setup = small_setup(architecture)
    scores = reference_networks.logits(architecture, trainer.weights(), setup.train_images)
    wanted = reference_networks.mean_cross_entropy(scores, setup.train_labels)
    assert trainer.mean_loss() == pytest.approx(wanted, rel=1e-5)


def test_a_loss_that_is_no_number_is_told_as_it_is() -> None:
    trainer = create()
    trainer.load_weights(trainer.weights() | {"logits/bias": np.full(10, np.nan, np.float32)})
    trainer.train(ORDER)
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
        trainer.train(ORDER)
        ended.append(trainer.weights())
    assert_same(ended[0], ended[1])
    assert differ(ended[0], ended[2])


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
    trainer.train(ORDER)
    np.testing.assert_array_equal(trainer.logits("test"), trainer.logits("test"))


# What it says of itself


def test_settings_are_read_back_and_a_cpu_counts_no_device_memory() -> None:
    trainer = create()
    trainer.train(ORDER)
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

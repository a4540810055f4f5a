"""What every trainer promises, checked for one framework a process: all but the training.

Keras reads its backend once, so ``test_trainers.py`` runs this file in a child process for each
framework. By hand: ``GLYPHBENCH_TEST_FRAMEWORK=keras-jax pytest tests/trainer_contract.py``.
"""

import shutil

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import trainers
from bench.experiment import NATIVE_INIT
from bench.machine.settings import TRAINER_KEYS
from bench.trainers import EVALUATION_BATCH_SIZE, FRAMEWORKS, FrameworkMissing
from models import COMPARED, cost
from models.weights import fans, initial_weights
from tests import referee
from tests.small_trainers import (
    CLASSES,
    FRAMEWORK,
    ORDER,
    TEST_IMAGES,
    assert_same,
    create,
    differ,
    dropout_rates,
    each_architecture,
    frameworks_own_warnings,
    small_setup,
    with_random_biases,
)


def shapes_of(architecture: str) -> dict[str, tuple[int, ...]]:
    """As the table says from which its costs are counted, in layer order."""
    shapes: dict[str, tuple[int, ...]] = {}
    kernel: tuple[int, ...]
    for layer in cost.layers(architecture, 10) or ():
        if isinstance(layer, cost.Convolution):
            kernel = (layer.kernel, layer.kernel, layer.channels, layer.filters)
        else:
            kernel = (layer.inputs, layer.outputs)
        shapes |= {f"{layer.name}/kernel": kernel, f"{layer.name}/bias": kernel[-1:]}
    return shapes


SHAPES = {architecture: shapes_of(architecture) for architecture in COMPARED}
# Written out for the two that results are quoted of: a table of costs could be wrong as well.
PARAMETER_COUNTS = {"mlp": 669_706, "cnn": 225_034}

pytestmark = frameworks_own_warnings


# The network


@each_architecture
def test_the_parameters_are_those_that_costs_are_counted_from(architecture: str) -> None:
    trainer = create(architecture)
    counted = sum(int(np.prod(shape)) for shape in SHAPES[architecture].values())
    assert trainer.parameter_count == counted == PARAMETER_COUNTS.get(architecture, counted)
    shapes = {name: array.shape for name, array in trainer.weights().items()}
    assert list(shapes.items()) == list(SHAPES[architecture].items())  # in layer order


@each_architecture
def test_the_weights_that_all_are_given_are_numpys_to_the_byte(architecture: str) -> None:
    weights = create(architecture, seed=3).weights()
    like = {name: np.empty(shape) for name, shape in SHAPES[architecture].items()}
    for name, wanted in initial_weights(like, seed=3).items():
        assert weights[name].dtype == np.float32
        assert weights[name].tobytes() == wanted.tobytes(), name


@each_architecture
def test_left_to_itself_a_framework_starts_as_its_documentation_says(architecture: str) -> None:
    for name, array in create(architecture, native=NATIVE_INIT).weights().items():
        low, high = own_start(name, SHAPES[architecture])
        assert low <= np.abs(array).max() <= high * (1 + 1e-6), name


def own_start(name: str, shapes: dict[str, tuple[int, ...]]) -> tuple[float, float]:
    """Between what and what the largest initial weight of a tensor lies."""
    fan_in, fan_out = fans(shapes[name.replace("bias", "kernel")])
    if FRAMEWORK == "pytorch":
        bound = 1 / np.sqrt(fan_in)  # kernels and biases alike
    else:
        bound = 0.0 if name.endswith("bias") else np.sqrt(6 / (fan_in + fan_out))
    return (0.5 if name.endswith("bias") else 0.95) * bound, bound


def test_what_is_left_to_the_framework_is_left_alone_and_the_rest_is_given() -> None:
    given = create().weights()
    kernels = create(native=("kernel-init",)).weights()
    biases = create(native=("bias-init",)).weights()
    both = create(native=NATIVE_INIT).weights()
    for name in given:
        own, others = (kernels, biases) if name.endswith("kernel") else (biases, kernels)
        np.testing.assert_array_equal(own[name], both[name], err_msg=name)
        np.testing.assert_array_equal(others[name], given[name], err_msg=name)


def test_dropout_rates_are_those_of_the_docstring_and_zero_without() -> None:
    assert dropout_rates(create("mlp")) == [0.2, 0.2]
    assert dropout_rates(create("cnn")) == [0.5]
    assert dropout_rates(create("mlp", dropout=False)) == [0, 0]
    assert dropout_rates(create("cnn", dropout=False)) == [0]


def test_the_seed_alone_decides_the_frameworks_own_start() -> None:
    weights = create(seed=3, native=NATIVE_INIT).weights()
    assert_same(weights, create(seed=3, native=NATIVE_INIT).weights())
    assert differ(weights, create(seed=4, native=NATIVE_INIT).weights())


@each_architecture
def test_logits_are_those_of_the_referee(architecture: str) -> None:
    trainer = create(architecture)
    trainer.load_weights(with_random_biases(trainer.weights()))
    wanted = referee.logits(architecture, trainer.weights(), TEST_IMAGES)
    computed = trainer.logits(TEST_IMAGES)
    assert computed.dtype == np.float32
    np.testing.assert_allclose(computed, wanted, atol=2e-5)


def test_rows_in_the_flatten_order_of_the_other_framework_give_other_logits() -> None:
    trainer = create("cnn")
    right = trainer.logits(TEST_IMAGES)
    weights = trainer.weights()
    rows, outputs = weights["dense/kernel"].shape
    by_pixel = weights["dense/kernel"].reshape(5 * 5, 64, outputs)
    weights["dense/kernel"] = by_pixel.swapaxes(0, 1).reshape(rows, outputs)
    trainer.load_weights(weights)
    assert np.abs(trainer.logits(TEST_IMAGES) - right).max() > 0.1


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
    wanted = trainer.logits(TEST_IMAGES)
    assert wanted.shape == (len(TEST_IMAGES), CLASSES)
    np.testing.assert_allclose(trainer.infer(TEST_IMAGES), wanted, atol=1e-5)
    single = trainer.infer(TEST_IMAGES[:1])
    assert type(single) is np.ndarray  # in host memory: the clock does not wait for it again
    assert single.shape == (1, CLASSES)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, wanted[:1], atol=1e-5)


def test_many_images_give_the_logits_of_each() -> None:
    trainer = create()
    many = np.resize(TEST_IMAGES, (2 * EVALUATION_BATCH_SIZE + 7, 28, 28))
    wanted = np.resize(trainer.logits(TEST_IMAGES), (len(many), CLASSES))
    np.testing.assert_allclose(trainer.logits(many), wanted, atol=1e-5)


def test_dropout_is_off_where_logits_are_read() -> None:
    trainer = create()
    trainer.arrange(ORDER)
    trainer.train()
    np.testing.assert_array_equal(trainer.logits(TEST_IMAGES), trainer.logits(TEST_IMAGES))


# What it says of itself


def test_settings_are_read_back_and_a_cpu_counts_no_device_memory() -> None:
    trainer = create()
    trainer.arrange(ORDER)
    trainer.train()
    trainer.synchronize()
    settings = trainer.settings()
    assert all(isinstance(value, str) and value for value in settings.values())
    assert set(TRAINER_KEYS) <= set(settings)
    assert settings.get("KERAS_BACKEND") == FRAMEWORKS[FRAMEWORK].environment.get("KERAS_BACKEND")
    assert trainer.device_memory() is None


def test_cuda_without_a_gpu_says_what_was_looked_for() -> None:
    if shutil.which("nvidia-smi"):
        pytest.skip("there is a GPU here")
    with pytest.raises(FrameworkMissing, match="sees no CUDA device"):
        trainers.load(FRAMEWORK).create(small_setup(device="cuda"))


def test_another_backend_of_keras_in_the_same_process_is_refused() -> None:
    if not FRAMEWORK.startswith("keras"):
        pytest.skip("needs no Keras")
    other = "keras-torch" if FRAMEWORK != "keras-torch" else "keras-jax"
    with pytest.raises(RuntimeError, match="a process of its own with KERAS_BACKEND"):
        trainers.load(other)

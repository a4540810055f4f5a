"""The NumPy layers and networks: against finite differences, and against their formulas."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

import models
from models.layers_numpy import (
    Array,
    Convolution,
    Dropout,
    MaxPooling,
    Network,
    ReLU,
    softmax_cross_entropy,
)
from models.weights import initial_weights

STEP = 1e-6  # of the finite differences: their error is about STEP² and 1e-16 / STEP
ENTRIES = 4  # of each parameter that are checked

each_architecture = pytest.mark.parametrize("architecture", models.COMPARED)


def network(
    architecture: str, *, dropout: bool = True, dtype: DTypeLike = np.float64, classes: int = 10
) -> Network:
    built: Network = models.load(architecture, "numpy").build(classes, dropout=dropout, dtype=dtype)
    for name, array in initial_weights(built.parameters, seed=1).items():
        array += np.random.default_rng(2).normal(0, 0.1, array.shape)  # biases too
        built.parameters[name][...] = array
    return built


def batch(images: int = 5) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    values = np.random.default_rng(3)
    return values.standard_normal((images, 28, 28), np.float32), values.integers(0, 10, images)


# Gradients


@each_architecture
@pytest.mark.parametrize("dropout", [False, True])
def test_gradients_are_those_of_finite_differences(architecture: str, dropout: bool) -> None:
    subject = network(architecture, dropout=dropout)
    images, labels = batch()

    def loss() -> tuple[float, Array]:
        subject.seed(5)  # the same values dropped every time
        return softmax_cross_entropy(subject.forward(images, training=True), labels)

    subject.backward(loss()[1])
    for name, parameter in subject.parameters.items():
        found = subject.gradients[name]
        for place in places(found):
            before = parameter[place]
            parameter[place] = before + STEP
            above, _ = loss()
            parameter[place] = before - STEP
            below, _ = loss()
            parameter[place] = before
            wanted = (above - below) / (2 * STEP)
            assert found[place] == pytest.approx(wanted, rel=1e-5, abs=1e-8), (name, place)


def places(gradient: Array) -> list[tuple[int, ...]]:
    """Where the gradient is largest, which no ReLU has made zero, and some others."""
    random = np.random.default_rng(4)
    largest = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
    others = [random.integers(gradient.shape) for _ in range(ENTRIES)]
    return [tuple(int(i) for i in place) for place in (largest, *others)]


def test_the_gradient_of_the_cross_entropy_is_that_of_finite_differences() -> None:
    logits = np.random.default_rng(0).standard_normal((3, 4))
    labels = np.array([3, 0, 3])
    _, gradient = softmax_cross_entropy(logits, labels)
    for place in product(range(3), range(4)):
        shift = np.zeros_like(logits)
        shift[place] = STEP
        above, _ = softmax_cross_entropy(logits + shift, labels)
        below, _ = softmax_cross_entropy(logits - shift, labels)
        assert gradient[place] == pytest.approx((above - below) / (2 * STEP), abs=1e-9)


# The layers


def test_a_convolution_is_the_sum_of_its_docstring() -> None:
    values = np.random.default_rng(0)
    layer = Convolution(2, 3, 3, np.float64)
    kernel, bias = layer.parameters["kernel"], layer.parameters["bias"]
    kernel[...], bias[...] = values.standard_normal(kernel.shape), values.standard_normal(3)
    images = values.standard_normal((2, 5, 6, 2))
    outputs = layer.forward(images, training=True)
    assert outputs.shape == (2, 3, 4, 3)
    for n, i, j, o in np.ndindex(outputs.shape):
        window = images[n, i : i + 3, j : j + 3]
        assert outputs[n, i, j, o] == pytest.approx((window * kernel[..., o]).sum() + bias[o])


def test_pooling_takes_the_largest_of_each_block_and_drops_an_odd_edge() -> None:
    images = np.arange(2 * 5 * 5, dtype=np.float32).reshape(1, 5, 5, 2)
    images[0, 0, 0, 0] = 99
    layer = MaxPooling()
    pooled = layer.forward(images, training=True)
    assert pooled[0, ..., 0].tolist() == [[99, 16], [32, 36]]
    gradient = layer.backward(np.ones_like(pooled))
    assert gradient[0, 0, 0, 0] == gradient[0, 1, 3, 0] == 1
    assert not gradient[0, 4].any()
    assert not gradient[0, :, 4].any()
    assert gradient.sum() == pooled.size


def test_of_equal_values_the_first_in_reading_order_gets_the_gradient() -> None:
    layer = MaxPooling()
    layer.forward(np.array([[0, 7], [7, 7]], np.float32).reshape(1, 2, 2, 1), training=True)
    gradient = layer.backward(np.full((1, 1, 1, 1), 3, np.float32))
    assert gradient.reshape(2, 2).tolist() == [[0, 3], [0, 0]]


def test_relu_passes_nothing_on_at_zero() -> None:
    layer = ReLU()
    assert layer.forward(np.array([[-1.0, 0.0, 2.0]]), training=True).tolist() == [[0, 0, 2]]
    assert layer.backward(np.array([[5.0, 5.0, 5.0]])).tolist() == [[0, 0, 5]]


def test_dropout_zeroes_its_share_and_keeps_the_mean() -> None:
    layer = Dropout(0.2, np.random.default_rng(0))
    ones = np.ones((1000, 100), np.float32)
    outputs = layer.forward(ones, training=True).copy()
    assert np.unique(outputs).tolist() == [0, 1.25]
    assert outputs.mean() == pytest.approx(1, abs=0.01)
    np.testing.assert_array_equal(layer.backward(ones), outputs)  # the same values dropped
    assert not np.array_equal(layer.forward(ones, training=True), outputs)  # others, next time


def test_dropout_is_off_outside_training_and_draws_nothing() -> None:
    random = np.random.default_rng(0)
    values = np.ones((2, 3), np.float32)
    assert Dropout(0.5, random).forward(values, training=False) is values
    assert Dropout(0.0, random).forward(values, training=True) is values
    assert random.bit_generator.state == np.random.default_rng(0).bit_generator.state


def test_the_cross_entropy_of_large_logits_does_not_overflow() -> None:
    logits = np.array([[1e4, 0.0], [0.0, 1e4]], np.float32)
    loss, gradient = softmax_cross_entropy(logits, np.array([0, 0]))
    assert loss == 5e3
    assert gradient.tolist() == [[0, 0], [-0.5, 0.5]]


# The networks


@each_architecture
def test_float32_is_float32_throughout(architecture: str) -> None:
    subject = network(architecture, dtype=np.float32)
    images, labels = batch()
    values: Array = images
    for layer in subject.layers.values():
        values = layer.forward(values, training=True)
        assert values.dtype == np.float32, layer
    _, gradient = softmax_cross_entropy(values, labels)
    for layer in reversed(subject.layers.values()):
        assert gradient.dtype == np.float32, layer
        gradient = layer.backward(gradient)
    assert {array.dtype for array in subject.gradients.values()} == {np.dtype(np.float32)}


@each_architecture
def test_images_are_left_as_they_were_and_the_classes_are_those_asked_for(
    architecture: str,
) -> None:
    subject = network(architecture, dtype=np.float32, classes=26)
    images, labels = batch()
    before = images.copy()
    logits = subject.forward(images, training=True)
    assert logits.shape == (5, 26)
    subject.backward(softmax_cross_entropy(logits, labels)[1])
    np.testing.assert_array_equal(images, before)


@each_architecture
def test_memory_of_a_longer_batch_leaves_no_trace_in_a_shorter_one(architecture: str) -> None:
    used, fresh = network(architecture, dropout=False), network(architecture, dropout=False)
    images, labels = batch()
    for subject, sizes in ((used, (5, 3)), (fresh, (3,))):
        for size in sizes:
            logits = subject.forward(images[:size], training=True)
            subject.backward(softmax_cross_entropy(logits, labels[:size])[1])
    for name, array in fresh.gradients.items():
        np.testing.assert_array_equal(used.gradients[name], array, err_msg=name)


def test_the_seed_decides_what_is_dropped() -> None:
    subject = network("mlp")
    images, _ = batch()
    outputs = []
    for seed in (1, 1, 2):
        subject.seed(seed)
        outputs.append(subject.forward(images, training=True).copy())
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])

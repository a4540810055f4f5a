"""Other ways to compute the layers of plain JAX compute the same, values and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models import layers_numpy

jax = pytest.importorskip("jax", reason="the framework of these layers")

from models import layers_jax  # noqa: E402

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return RANDOM.standard_normal(shape, dtype=np.float32)


def gradients(layer: Any, *inputs: Any) -> Any:
    """Of the outputs weighted by other numbers each, by every input."""
    outputs, backward = jax.vjp(layer, *inputs)
    return backward(np.arange(outputs.size, dtype=np.float32).reshape(outputs.shape))


@pytest.mark.parametrize("side", [6, 7], ids=["even", "odd"])
def test_pooling_by_slices_is_pooling(side: int) -> None:
    images = normal(2, side, side, 3)
    wanted = layers_jax.max_pooling(images)
    np.testing.assert_array_equal(layers_jax.max_pooling_by_slices(images), wanted)
    assert wanted.shape == (2, 3, 3, 3)


@pytest.mark.parametrize("levels", [1, 2, 3], ids=["all equal", "two values", "three values"])
def test_of_equal_pixels_the_first_has_the_gradient_in_both(levels: int) -> None:
    images = RANDOM.integers(0, levels, (4, 6, 6, 5)).astype(np.float32)
    (wanted,) = gradients(layers_jax.max_pooling, images)
    (computed,) = gradients(layers_jax.max_pooling_by_slices, images)
    np.testing.assert_array_equal(computed, wanted)
    assert (np.asarray(wanted) != 0).sum() <= images.size / 4  # one of each window


def test_a_convolution_for_loops_has_the_gradients_of_the_referee() -> None:
    images, kernel, bias = normal(3, 7, 6, 4), normal(3, 3, 4, 5), normal(5)

    def layer(images: Any, kernel: Any, bias: Any) -> Any:
        return layers_jax.convolution_for_loops(
            {"conv/kernel": kernel, "conv/bias": bias}, "conv", images
        )

    referee = layers_numpy.Convolution(4, 5, 3, np.float64)
    referee.parameters["kernel"][...], referee.parameters["bias"][...] = kernel, bias
    outputs = referee.forward(images.astype(np.float64), training=True)
    wanted_images = referee.backward(np.arange(outputs.size, dtype=float).reshape(outputs.shape))
    of_images, of_kernel, of_bias = gradients(layer, images, kernel, bias)
    np.testing.assert_allclose(layer(images, kernel, bias), outputs, atol=1e-4)
    np.testing.assert_allclose(of_images, wanted_images, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(of_kernel, referee.gradients["kernel"], rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(of_bias, referee.gradients["bias"], rtol=1e-4)


def test_the_derivative_of_relu_at_zero_is_zero() -> None:
    assert jax.grad(layers_jax.relu)(0.0) == 0


def test_dropout_keeps_the_mean_and_is_off_without_a_key() -> None:
    values: Any = np.ones((200, 200), np.float32)
    dropped = layers_jax.dropout(values, 0.2, jax.random.key(0))
    assert set(np.unique(dropped)) == {np.float32(0), np.float32(1.25)}
    assert np.mean(dropped) == pytest.approx(1, abs=0.02)
    assert layers_jax.dropout(values, 0.2, None) is values

"""The initial weights that every framework is given, and the layout between frameworks."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.weights import from_pytorch, initial_weights, to_pytorch

LIKE = {
    "conv/kernel": np.empty((3, 3, 32, 64)),
    "conv/bias": np.empty(64),
    "dense/kernel": np.empty((784, 512)),
    "dense/bias": np.empty(512),
}


def test_kernels_are_glorot_uniform_and_biases_zero() -> None:
    drawn = initial_weights(LIKE, seed=0)
    assert list(drawn) == list(LIKE)
    assert {array.dtype for array in drawn.values()} == {np.dtype(np.float32)}
    assert not drawn["conv/bias"].any()
    assert not drawn["dense/bias"].any()
    for name, fans in (("conv/kernel", 9 * 32 + 9 * 64), ("dense/kernel", 784 + 512)):
        bound = np.sqrt(6 / fans)
        assert 0.99 * bound < np.abs(drawn[name]).max() <= bound * (1 + 1e-6)
        assert drawn[name].std() == pytest.approx(bound / np.sqrt(3), rel=0.01)
        assert drawn[name].mean() == pytest.approx(0, abs=0.01 * bound)


def test_the_seed_decides_and_a_tensor_does_not_depend_on_the_others() -> None:
    drawn = initial_weights(LIKE, seed=1)
    smaller = initial_weights(LIKE | {"conv/kernel": np.empty((1, 1, 2, 3))}, seed=1)
    np.testing.assert_array_equal(smaller["dense/kernel"], drawn["dense/kernel"])
    other = initial_weights(LIKE, seed=2)
    assert not np.array_equal(other["dense/kernel"], drawn["dense/kernel"])


def test_two_kernels_of_one_shape_start_apart() -> None:
    drawn = initial_weights({"a/kernel": np.empty((5, 5)), "b/kernel": np.empty((5, 5))}, seed=0)
    assert not np.array_equal(drawn["a/kernel"], drawn["b/kernel"])


def test_the_numbers_stay_the_same_from_version_to_version() -> None:
    kernel = initial_weights({"a/kernel": np.empty((2, 2))}, seed=0)["a/kernel"]
    np.testing.assert_allclose(kernel, [[1.084971, -0.4498803], [0.5446259, -0.9170814]], rtol=1e-6)


# One layout


def convolution_and_dense() -> dict[str, NDArray[np.float32]]:
    """PyTorch's state of a 3-filter convolution over 2 channels, a flatten of 3x4x5, a dense 6."""
    values = np.random.default_rng(0)
    return {
        "conv.weight": values.random((3, 2, 3, 3), dtype=np.float32),
        "conv.bias": values.random(3, dtype=np.float32),
        "dense.weight": values.random((6, 3 * 4 * 5), dtype=np.float32),
        "dense.bias": values.random(6, dtype=np.float32),
    }


def test_neutral_kernels_are_in_out_and_height_width_in_out() -> None:
    weights = from_pytorch(convolution_and_dense())
    assert {name: array.shape for name, array in weights.items()} == {
        "conv/kernel": (3, 3, 2, 3),
        "conv/bias": (3,),
        "dense/kernel": (60, 6),
        "dense/bias": (6,),
    }


def test_a_neutral_convolution_kernel_has_the_same_numbers_in_the_other_order() -> None:
    state = convolution_and_dense()
    kernel = from_pytorch(state)["conv/kernel"]
    assert kernel[0, 2, 1, 0] == state["conv.weight"][0, 1, 0, 2]


def test_the_rows_behind_a_flatten_follow_the_channels_to_the_end() -> None:
    state = convolution_and_dense()
    images = np.random.default_rng(1).random((7, 3, 4, 5), dtype=np.float32)
    pytorch = images.reshape(7, -1) @ state["dense.weight"].T
    neutral_kernel = from_pytorch(state)["dense/kernel"]
    neutral = images.transpose(0, 2, 3, 1).reshape(7, -1) @ neutral_kernel
    np.testing.assert_allclose(neutral, pytorch, rtol=1e-5)


def test_a_dense_kernel_behind_a_dense_one_keeps_its_rows() -> None:
    state = {"a.weight": np.eye(4, 6, dtype=np.float32), "b.weight": np.eye(4, dtype=np.float32)}
    state["conv.weight"] = np.zeros((2, 1, 3, 3), dtype=np.float32)
    weights = from_pytorch(state)  # the convolution comes last: it concerns neither
    np.testing.assert_array_equal(weights["a/kernel"], state["a.weight"].T)
    np.testing.assert_array_equal(weights["b/kernel"], state["b.weight"].T)


def test_only_the_first_dense_kernel_behind_a_convolution_is_reordered() -> None:
    state = convolution_and_dense() | {"logits.weight": np.eye(3, 6, dtype=np.float32)}
    np.testing.assert_array_equal(from_pytorch(state)["logits/kernel"], state["logits.weight"].T)


def test_weights_there_and_back_are_the_same_and_copies() -> None:
    state = convolution_and_dense()
    back = to_pytorch(from_pytorch(state))
    assert list(back) == list(state)
    for name, array in state.items():
        np.testing.assert_array_equal(back[name], array)
        assert not np.shares_memory(back[name], array)
        assert back[name].flags.c_contiguous

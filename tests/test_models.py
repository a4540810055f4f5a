"""The list of architectures, and the layout of weights between frameworks. No framework."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

import models
from models import layout


def convolution_and_dense() -> dict[str, NDArray[np.float32]]:
    """PyTorch's state of a 3-filter convolution over 2 channels, a flatten of 3x4x5, a dense 6."""
    values = np.random.default_rng(0)
    return {
        "conv.weight": values.random((3, 2, 3, 3), dtype=np.float32),
        "conv.bias": values.random(3, dtype=np.float32),
        "dense.weight": values.random((6, 3 * 4 * 5), dtype=np.float32),
        "dense.bias": values.random(6, dtype=np.float32),
    }


def test_importing_the_package_imports_no_framework() -> None:
    program = (
        "import sys, models, models.layout;"
        "print([name for name in ('torch', 'keras', 'tensorflow', 'jax') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert shown.stdout.strip() == b"[]"


def test_an_unknown_architecture_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="unknown architecture 'rnn'; choose from mlp, cnn"):
        models.load("rnn", "pytorch")


def test_neutral_kernels_are_in_out_and_height_width_in_out() -> None:
    weights = layout.from_pytorch(convolution_and_dense())
    assert {name: array.shape for name, array in weights.items()} == {
        "conv/kernel": (3, 3, 2, 3),
        "conv/bias": (3,),
        "dense/kernel": (60, 6),
        "dense/bias": (6,),
    }


def test_a_neutral_convolution_kernel_has_the_same_numbers_in_the_other_order() -> None:
    state = convolution_and_dense()
    kernel = layout.from_pytorch(state)["conv/kernel"]
    assert kernel[0, 2, 1, 0] == state["conv.weight"][0, 1, 0, 2]


def test_the_rows_behind_a_flatten_follow_the_channels_to_the_end() -> None:
    state = convolution_and_dense()
    images = np.random.default_rng(1).random((7, 3, 4, 5), dtype=np.float32)
    pytorch = images.reshape(7, -1) @ state["dense.weight"].T
    neutral_kernel = layout.from_pytorch(state)["dense/kernel"]
    neutral = images.transpose(0, 2, 3, 1).reshape(7, -1) @ neutral_kernel
    np.testing.assert_allclose(neutral, pytorch, rtol=1e-5)


def test_a_dense_kernel_behind_a_dense_one_keeps_its_rows() -> None:
    state = {"a.weight": np.eye(4, 6, dtype=np.float32), "b.weight": np.eye(4, dtype=np.float32)}
    state["conv.weight"] = np.zeros((2, 1, 3, 3), dtype=np.float32)
    weights = layout.from_pytorch(state)  # the convolution comes last: it concerns neither
    np.testing.assert_array_equal(weights["a/kernel"], state["a.weight"].T)
    np.testing.assert_array_equal(weights["b/kernel"], state["b.weight"].T)


def test_only_the_first_dense_kernel_behind_a_convolution_is_reordered() -> None:
    state = convolution_and_dense() | {"logits.weight": np.eye(3, 6, dtype=np.float32)}
    np.testing.assert_array_equal(
        layout.from_pytorch(state)["logits/kernel"], state["logits.weight"].T
    )


def test_weights_there_and_back_are_the_same_and_copies() -> None:
    state = convolution_and_dense()
    back = layout.to_pytorch(layout.from_pytorch(state))
    assert list(back) == list(state)
    for name, array in state.items():
        np.testing.assert_array_equal(back[name], array)
        assert not np.shares_memory(back[name], array)
        assert back[name].flags.c_contiguous

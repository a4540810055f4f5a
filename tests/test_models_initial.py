"""The initial weights that every framework is given."""

import numpy as np
import pytest

from models import initial

LIKE = {
    "conv/kernel": np.empty((3, 3, 32, 64)),
    "conv/bias": np.empty(64),
    "dense/kernel": np.empty((784, 512)),
    "dense/bias": np.empty(512),
}


def test_kernels_are_glorot_uniform_and_biases_zero() -> None:
    drawn = initial.draw(LIKE, seed=0)
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
    drawn = initial.draw(LIKE, seed=1)
    smaller = initial.draw(LIKE | {"conv/kernel": np.empty((1, 1, 2, 3))}, seed=1)
    np.testing.assert_array_equal(smaller["dense/kernel"], drawn["dense/kernel"])
    other = initial.draw(LIKE, seed=2)
    assert not np.array_equal(other["dense/kernel"], drawn["dense/kernel"])


def test_two_kernels_of_one_shape_start_apart() -> None:
    drawn = initial.draw({"a/kernel": np.empty((5, 5)), "b/kernel": np.empty((5, 5))}, seed=0)
    assert not np.array_equal(drawn["a/kernel"], drawn["b/kernel"])


def test_the_numbers_stay_the_same_from_version_to_version() -> None:
    kernel = initial.draw({"a/kernel": np.empty((2, 2))}, seed=0)["a/kernel"]
    np.testing.assert_allclose(kernel, [[1.084971, -0.4498803], [0.5446259, -0.9170814]], rtol=1e-6)

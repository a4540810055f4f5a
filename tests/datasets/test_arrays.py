"""From bytes to a network's input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.arrays import normalise
from tests.data_files import unhurried


@unhurried
@given(st.floats(0, 1), st.floats(0.01, 1))
def test_every_byte_becomes_what_the_formula_says(mean: float, std: float) -> None:
    pixels = np.arange(784, dtype=np.uint8).reshape(1, 28, 28)
    normalised = normalise(pixels, mean=mean, std=std)
    assert normalised.dtype == np.float32
    assert normalised.shape == (1, 28, 28)
    assert normalised.flags.c_contiguous
    assert normalised == pytest.approx((pixels / 255 - mean) / std, abs=1e-5, rel=1e-5)


def test_the_bytes_are_left_as_they_were() -> None:
    pixels = np.full((2, 28, 28), 255, np.uint8)
    pixels.flags.writeable = False  # as a memory map is
    assert normalise(pixels, mean=0.5, std=0.5) == pytest.approx(1.0)
    assert pixels.min() == 255


def test_no_images_give_no_images() -> None:
    assert normalise(np.zeros((0, 28, 28), np.uint8), mean=0.1, std=0.3).shape == (0, 28, 28)

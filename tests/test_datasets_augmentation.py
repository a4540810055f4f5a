"""Training images made anew: the same form, another image each, within the ranges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from datasets.augmentation import CHUNK_IMAGES, Augmentation, augment
from datasets.glyphs import draw

STILL = Augmentation(rotation_radians=0, shear=0, scale=(1, 1), stretch=0, shift=0, elastic_std=0)
IMAGES = draw("letters", 300)[0]


def augmented(seed: int = 0, **ranges: Any) -> NDArray[np.uint8]:
    """The images with nothing but the named ranges."""
    return augment(IMAGES, np.random.default_rng(seed), replace(STILL, **ranges))


def test_the_form_stays() -> None:
    images = augment(IMAGES, np.random.default_rng(0))
    assert images.shape == IMAGES.shape
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous


def test_without_any_range_every_image_is_as_it_was() -> None:
    np.testing.assert_array_equal(augmented(), IMAGES)


def test_the_same_generator_gives_the_same_images_and_another_others() -> None:
    one, same, other = (augment(IMAGES, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not (one == other).all(axis=(1, 2)).any()


def test_the_originals_are_left_as_they_are() -> None:
    before = IMAGES.copy()
    augment(IMAGES, np.random.default_rng(0))
    np.testing.assert_array_equal(IMAGES, before)


def test_copies_of_one_image_become_different_ones_across_chunks() -> None:
    copies = np.repeat(IMAGES[:1], CHUNK_IMAGES + 5, axis=0)
    images = augment(copies, np.random.default_rng(0))
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_shifted_images_are_moved_up_to_the_range_and_no_further() -> None:
    moved = augmented(shift=2.0).astype(float)
    y, x = (_centres(moved) - _centres(IMAGES.astype(float))).T
    for distance in (y, x):
        assert np.abs(distance).max() < 2.3  # ink that leaves the image drags the centre on
        assert distance.min() < -1.5
        assert distance.max() > 1.5
    assert abs(np.corrcoef(y, x)[0, 1]) < 0.2


def test_what_comes_in_from_outside_is_black() -> None:
    white = np.full((50, 28, 28), 255, np.uint8)
    shrunk = augment(white, np.random.default_rng(0), replace(STILL, scale=(0.5, 0.5)))
    assert not shrunk[:, :6].any()
    assert not shrunk[:, :, -6:].any()
    assert (shrunk[:, 10:18, 10:18] == 255).all()


@pytest.mark.parametrize(
    "ranges",
    [{"rotation_radians": 0.2}, {"shear": 0.3}, {"scale": (0.8, 0.9)}, {"stretch": 0.2}],
    ids=lambda ranges: next(iter(ranges)),
)
def test_every_range_changes_the_images(ranges: dict[str, Any]) -> None:
    same = (augmented(**ranges) == IMAGES).all(axis=(1, 2))
    assert same.mean() < 0.05  # a turn of next to nothing rounds to nothing


def test_a_wider_elastic_field_strays_further() -> None:
    far, near = (
        np.abs(augmented(elastic_std=std).astype(int) - IMAGES).mean() for std in (2.0, 0.5)
    )
    assert far > 2 * near > 0


def _centres(images: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) the centre of mass of each image, y then x."""
    ink = images.sum(axis=(1, 2))
    at = np.arange(28)
    y = images.sum(axis=2) @ at / ink
    x = images.sum(axis=1) @ at / ink
    return np.stack([y, x], axis=1)

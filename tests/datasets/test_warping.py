"""Where pixels are sampled, and training images made anew from that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from datasets import warping
from datasets.glyphs import draw
from datasets.warping import CHUNK_IMAGES, Augmentation, Floats, augment


def places(n: int = 1, **changes: float) -> Floats:
    """Of one affine map, that changes nothing but what a test is about."""
    values = {"angle": 0.0, "slant": 0.0, "size": 1.0, "stretch": 0.0, "y": 0.0, "x": 0.0} | changes
    filled = {name: np.full(n, value, np.float32) for name, value in values.items()}
    shift = np.stack([filled.pop("y"), filled.pop("x")], axis=1)
    return warping.affine_positions(**filled, shift=shift)


def seen(picture: Floats, where: Floats) -> Floats:
    (image,) = warping.sample(picture[np.newaxis], np.zeros(1, np.intp), where)
    return np.asarray(image)


def bar(rows: slice, columns: slice) -> Floats:
    picture = np.zeros((28, 28), np.float32)
    picture[rows, columns] = 1
    return picture


def test_a_map_that_changes_nothing_shows_the_picture_itself() -> None:
    picture = np.random.default_rng(0).random((28, 28), dtype=np.float32)
    np.testing.assert_array_equal(seen(picture, places())[:-1, :-1], picture[:-1, :-1])
    np.testing.assert_allclose(seen(picture, places()), picture, atol=2e-3)  # the last is clipped


def test_a_shift_moves_down_and_to_the_right() -> None:
    moved = seen(bar(slice(10, 12), slice(10, 12)), places(y=3, x=5))
    np.testing.assert_array_equal(moved, bar(slice(13, 15), slice(15, 17)))


def test_between_four_cells_the_value_is_linear() -> None:
    moved = seen(bar(slice(10, 11), slice(10, 11)), places(y=0.25, x=0.5))
    np.testing.assert_allclose(moved[10:12, 10:12], [[0.375, 0.375], [0.125, 0.125]], atol=1e-5)


def test_twice_the_size_covers_four_times_the_area() -> None:
    square = bar(slice(10, 18), slice(10, 18))
    assert seen(square, places(size=2.0)).sum() == pytest.approx(4 * square.sum(), rel=0.05)


def test_a_stretch_widens_and_lowers_by_the_same_factor() -> None:
    wide = seen(bar(slice(10, 18), slice(10, 18)), places(stretch=2 * np.log(1.5)))
    assert wide[:, 14].sum() == pytest.approx(8 / 1.5, rel=0.05)
    assert wide[14].sum() == pytest.approx(8 * 1.5, rel=0.05)


def test_a_quarter_turn_lays_an_upright_bar_down() -> None:
    turned = seen(bar(slice(6, 22), slice(13, 15)), places(angle=np.pi / 2))
    np.testing.assert_allclose(turned, bar(slice(13, 15), slice(6, 22)), atol=1e-4)


def test_a_slant_leans_the_top_and_the_bottom_to_opposite_sides() -> None:
    leant = seen(bar(slice(6, 22), slice(13, 15)), places(slant=0.3))
    columns = (leant * np.arange(28)).sum(axis=1)[6:22] / leant.sum(axis=1)[6:22]
    np.testing.assert_allclose(np.diff(columns), -0.3, atol=0.02)  # to the right, going up


@pytest.mark.parametrize("smoothing", [2.0, 4.0, 8.0])
def test_elastic_displacements_have_the_deviation_asked_for(smoothing: float) -> None:
    rng = np.random.default_rng(0)
    field = warping.elastic_field(2000, rng, smoothing=smoothing, deviation=1.5)
    assert field.shape == (2000, 2, 28, 28)
    assert field.std() == pytest.approx(1.5, rel=0.03)
    np.testing.assert_allclose(field.std(axis=(0, 1)), 1.5, rtol=0.1)  # the same at every pixel


@pytest.mark.parametrize("smoothing", [2.0, 4.0])
def test_an_elastic_field_is_noise_smoothed_by_a_gaussian(smoothing: float) -> None:
    """Neighbours of noise smoothed by sigma correlate by exp(-d² / 4 sigma²)."""
    rng = np.random.default_rng(0)
    field = warping.elastic_field(3000, rng, smoothing=smoothing, deviation=1.0)
    for apart in (1, 3, 6):
        across = (field[..., apart:] * field[..., :-apart]).mean()
        down = (field[..., apart:, :] * field[..., :-apart, :]).mean()
        wanted = np.exp(-(apart**2) / (4 * smoothing**2))
        assert (across, down) == (pytest.approx(wanted, abs=0.05), pytest.approx(wanted, abs=0.05))


def test_down_and_sideways_are_displaced_independently() -> None:
    field = warping.elastic_field(2000, np.random.default_rng(0), smoothing=4.0, deviation=1.0)
    assert abs((field[:, 0] * field[:, 1]).mean()) < 0.03


# Training images made anew: the same form, another image each, within the ranges.


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
    first, same, other = (augment(IMAGES, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not (first == other).all(axis=(1, 2)).any()


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

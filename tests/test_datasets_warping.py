"""Where pixels look: affine maps and elastic fields do what their numbers say."""

from __future__ import annotations

import numpy as np
import pytest

from datasets import warping
from datasets.warping import Floats


def places(n: int = 1, **changes: float) -> Floats:
    """Of one affine map, that changes nothing but what a test is about."""
    values = {"angle": 0.0, "slant": 0.0, "size": 1.0, "stretch": 0.0, "y": 0.0, "x": 0.0} | changes
    filled = {name: np.full(n, value, np.float32) for name, value in values.items()}
    shift = np.stack([filled.pop("y"), filled.pop("x")], axis=1)
    return warping.affine_places(**filled, shift=shift)


def seen(picture: Floats, where: Floats) -> Floats:
    (image,) = warping.look(picture[np.newaxis], np.zeros(1, np.intp), where)
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

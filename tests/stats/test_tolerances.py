"""How far two computations of the same may be apart, and how that is measured."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats import tolerances
from bench.stats.tolerances import deviation, largest


def test_a_deviation_is_the_largest_difference_over_the_largest_magnitude() -> None:
    assert deviation([1.0, -4.0, 2.5], [1.0, -5.0, 2.0]) == 0.2
    assert deviation([0.0], [0.0]) == 0
    assert deviation([1e-9], [0.0]) == np.inf
    assert np.isnan(deviation([np.nan, 1.0], [1.0, 1.0]))
    with pytest.raises(ValueError, match=r"of shape \(2,\), the referee's of shape \(1,\)"):
        deviation([1.0, 1.0], [1.0])


def test_a_small_array_is_judged_by_its_own_scale() -> None:
    computed = {"kernel": np.array([1000.0]), "bias": np.array([2e-3])}
    wanted = {"kernel": np.array([1000.0]), "bias": np.array([1e-3])}
    assert largest(computed, wanted) == 1.0
    with pytest.raises(ValueError, match="the referee's"):
        largest({"kernel": np.array([1.0])}, wanted)


def test_in_root_mean_square_one_element_that_is_far_off_counts_for_little() -> None:
    wanted, computed = np.ones(100), np.ones(100)
    computed[7] = 1.5
    assert deviation(computed, wanted) == 0.5
    assert deviation(computed, wanted, 2) == pytest.approx(0.05)
    assert largest({"kernel": computed}, {"kernel": wanted}, 2) == pytest.approx(0.05)
    assert deviation([1e-9], [0.0], 2) == np.inf
    assert np.isnan(deviation([np.nan, 1.0], [1.0, 1.0], 2))


def test_gradients_in_tf32_are_judged_so_and_say_it() -> None:
    assert tolerances.norm("gradients", "tf32") == 2
    assert tolerances.of("gradients", "tf32").reason.endswith("in root mean square")
    assert tolerances.norm("gradients", "bf16") == tolerances.norm("losses", "tf32") == np.inf


def test_a_coarser_format_is_allowed_no_less_and_in_the_update_as_much() -> None:
    for kind in tolerances.GROWTHS:
        fine, middle, coarse = (tolerances.of(kind, p).value for p in ("fp32", "tf32", "bf16"))
        assert fine < middle <= coarse < 1
    assert tolerances.of("update", "bf16") == tolerances.of("update", "fp32")

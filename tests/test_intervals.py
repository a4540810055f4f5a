"""Intervals of a mean, a ratio of pairs, a fraction."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from bench import intervals
from bench.intervals import Interval

RATIOS = (1.30, 1.34, 1.31, 1.41, 1.35)

values = st.floats(-1e3, 1e3).map(lambda value: round(value, 6))


def test_of_one_value_there_is_no_interval() -> None:
    assert intervals.of_mean([]) is None
    assert intervals.of_mean([3.0]) is None
    assert intervals.of_ratio([1.5]) is None


@pytest.mark.parametrize("n", [2, 3, 4])
def test_below_five_values_it_is_students_interval(n: int) -> None:
    sample = [1.0, 2.5, 2.0, 7.0][:n]
    error = scipy_stats.sem(sample)
    low, high = scipy_stats.t.interval(0.95, n - 1, np.mean(sample), error)
    found = intervals.of_mean(sample)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high))


def test_five_values_give_the_expanded_percentiles_of_all_resamples() -> None:
    sample = [1.0, 2.0, 4.0, 8.0, 9.0]
    means = [sum(drawn) / 5 for drawn in itertools.product(sample, repeat=5)]
    tail = scipy_stats.norm.cdf(-math.sqrt(5 / 4) * scipy_stats.t.ppf(0.975, 4))
    found = intervals.of_mean(sample)
    assert found is not None
    assert found.low == pytest.approx(np.quantile(means, tail))
    assert found.high == pytest.approx(np.quantile(means, 1 - tail))
    assert tail < 0.025  # it is wider than the plain percentile interval


def test_the_same_values_give_the_same_interval_also_where_resamples_are_drawn() -> None:
    sample = [float(value) for value in range(12)]
    intervals._weights.cache_clear()
    first = intervals.of_mean(sample)
    intervals._weights.cache_clear()
    assert intervals.of_mean(sample) == first


@given(st.lists(values, min_size=2, max_size=7))
def test_an_interval_lies_around_the_mean_and_within_reach_of_the_values(
    sample: list[float],
) -> None:
    found = intervals.of_mean(sample)
    assert found is not None
    assert found.low - 1e-6 <= np.mean(sample) <= found.high + 1e-6
    if len(sample) > 4:
        assert min(sample) - 1e-6 <= found.low
        assert found.high <= max(sample) + 1e-6


def test_a_ratio_turned_over_has_its_interval_turned_over() -> None:
    found, turned = intervals.of_ratio(RATIOS), intervals.of_ratio([1 / r for r in RATIOS])
    assert found is not None
    assert turned is not None
    assert (1 / turned.high, 1 / turned.low) == pytest.approx((found.low, found.high))
    assert found.low < math.exp(np.mean(np.log(RATIOS))) < found.high


@pytest.mark.parametrize(("n", "at_least", "at_most"), [(3, 0.93, 0.97), (5, 0.90, 0.95)])
def test_it_holds_the_truth_about_as_often_as_its_documentation_says(
    n: int, at_least: float, at_most: float
) -> None:
    samples = np.random.default_rng(1).normal(size=(1500, n))
    held = [found.holds(0) for s in samples if (found := intervals.of_mean(s.tolist()))]
    assert len(held) == 1500
    assert at_least < np.mean(held) < at_most


@pytest.mark.parametrize(("correct", "images"), [(9896, 10_000), (530, 593), (0, 20), (20, 20)])
def test_wilsons_interval_is_that_of_scipy(correct: int, images: int) -> None:
    expected = scipy_stats.binomtest(correct, images).proportion_ci(method="wilson")
    found = intervals.wilson(correct, images)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilsons_interval_of_all_right_is_not_a_point_and_does_not_pass_one() -> None:
    found = intervals.wilson(100, 100)
    assert found is not None
    assert found.low == pytest.approx(0.963, abs=5e-4)
    assert found.high == 1.0


def test_no_images_have_no_accuracy() -> None:
    assert intervals.wilson(0, 0) is None


def test_both_ends_belong_to_an_interval() -> None:
    interval = Interval(low=1.0, high=2.0)
    assert [interval.holds(value) for value in (0.9, 1.0, 2.0, 2.1)] == [False, True, True, False]

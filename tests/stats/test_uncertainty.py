"""Intervals of a mean, a ratio of pairs, a fraction; how probable a difference is by chance."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from bench.stats import uncertainty
from bench.stats.uncertainty import Interval

RATIOS = (1.30, 1.34, 1.31, 1.41, 1.35)

values = st.floats(-1e3, 1e3).map(lambda value: round(value, 6))


def test_of_one_value_there_is_no_interval() -> None:
    assert uncertainty.of_mean([]) is None
    assert uncertainty.of_mean([3.0]) is None
    assert uncertainty.of_ratio([1.5]) is None


@pytest.mark.parametrize("n", [2, 3, 4])
def test_below_five_values_it_is_students_interval(n: int) -> None:
    sample = [1.0, 2.5, 2.0, 7.0][:n]
    error = scipy_stats.sem(sample)
    low, high = scipy_stats.t.interval(0.95, n - 1, np.mean(sample), error)
    interval = uncertainty.of_mean(sample)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_five_values_give_the_expanded_percentiles_of_all_resamples() -> None:
    sample = [1.0, 2.0, 4.0, 8.0, 9.0]
    means = [sum(drawn) / 5 for drawn in itertools.product(sample, repeat=5)]
    tail = scipy_stats.norm.cdf(-math.sqrt(5 / 4) * scipy_stats.t.ppf(0.975, 4))
    interval = uncertainty.of_mean(sample)
    assert interval is not None
    assert interval.low == pytest.approx(np.quantile(means, tail))
    assert interval.high == pytest.approx(np.quantile(means, 1 - tail))
    assert tail < 0.025  # it is wider than the plain percentile interval


def test_values_that_are_no_pairs_have_welchs_interval() -> None:
    first, second = np.array([1.0, 2.5, 2.0, 7.0]), np.array([1.0, 1.1])
    test = scipy_stats.ttest_ind(first, second, equal_var=False)
    interval = uncertainty.of_difference(first, second)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx(test.confidence_interval(0.95))
    assert uncertainty.of_difference(first, second[:1]) is None
    same = uncertainty.of_difference(np.array([3.0, 3.0]), np.array([1.0, 1.0]))
    assert same == Interval(low=2.0, high=2.0)


@pytest.mark.parametrize("n", [2, 4, 5, 8])
def test_many_samples_at_once_have_the_intervals_that_each_has_alone(n: int) -> None:
    samples = np.random.default_rng(4).normal(size=(n, 6))
    ends = uncertainty.ends_of_means(samples)
    assert ends.shape == (2, 6)
    for (low, high), sample in zip(ends.T, samples.T, strict=True):
        alone = uncertainty.of_mean(sample.tolist())
        assert alone is not None
        assert (low, high) == pytest.approx((alone.low, alone.high))


def test_the_same_values_give_the_same_interval_also_where_resamples_are_drawn() -> None:
    sample = [float(value) for value in range(12)]
    uncertainty._weights.cache_clear()
    first = uncertainty.of_mean(sample)
    uncertainty._weights.cache_clear()
    assert uncertainty.of_mean(sample) == first


@given(st.lists(values, min_size=2, max_size=7))
def test_an_interval_lies_around_the_mean_and_within_reach_of_the_values(
    sample: list[float],
) -> None:
    interval = uncertainty.of_mean(sample)
    assert interval is not None
    assert interval.low - 1e-6 <= np.mean(sample) <= interval.high + 1e-6
    if len(sample) > 4:
        assert min(sample) - 1e-6 <= interval.low
        assert interval.high <= max(sample) + 1e-6


def test_a_ratio_turned_over_has_its_interval_turned_over() -> None:
    interval, turned = uncertainty.of_ratio(RATIOS), uncertainty.of_ratio([1 / r for r in RATIOS])
    assert interval is not None
    assert turned is not None
    assert (1 / turned.high, 1 / turned.low) == pytest.approx((interval.low, interval.high))
    assert interval.low < math.exp(np.mean(np.log(RATIOS))) < interval.high


@pytest.mark.parametrize(("n", "at_least", "at_most"), [(3, 0.93, 0.97), (5, 0.90, 0.95)])
def test_it_includes_the_truth_about_as_often_as_its_documentation_says(
    n: int, at_least: float, at_most: float
) -> None:
    samples = np.random.default_rng(1).normal(size=(1500, n))
    within = [
        interval.includes(0) for s in samples if (interval := uncertainty.of_mean(s.tolist()))
    ]
    assert len(within) == 1500
    assert at_least < np.mean(within) < at_most


@pytest.mark.parametrize(("correct", "images"), [(9896, 10_000), (530, 593), (0, 20), (20, 20)])
def test_wilsons_interval_is_that_of_scipy(correct: int, images: int) -> None:
    expected = scipy_stats.binomtest(correct, images).proportion_ci(method="wilson")
    interval = uncertainty.wilson(correct, images)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilsons_interval_of_all_right_is_not_a_point_and_does_not_pass_one() -> None:
    interval = uncertainty.wilson(100, 100)
    assert interval is not None
    assert interval.low == pytest.approx(0.963, abs=5e-4)
    assert interval.high == 1.0


def test_no_images_have_no_accuracy() -> None:
    assert uncertainty.wilson(0, 0) is None


def test_both_ends_belong_to_an_interval() -> None:
    interval = Interval(low=1.0, high=2.0)
    assert [interval.includes(value) for value in (0.9, 1.0, 2.0, 2.1)] == [
        False,
        True,
        True,
        False,
    ]


# P values


def test_the_paired_t_test_of_students_own_example() -> None:
    # Student's table: hours of sleep gained by 10 patients, the second drug's less the first's.
    # His mean 1.58, deviation 1.23 (n - 1), so t = 1.58 / (1.23 / sqrt(10)) = 4.06; R's t.test,
    # whose example it is, says t = 4.0621, p = 0.002833, interval 0.7001142 to 2.4598858.
    hours = (1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4)
    assert uncertainty.paired_t([math.exp(hour) for hour in hours]) == pytest.approx(
        0.002833, abs=5e-7
    )
    ends = uncertainty._student_ends(np.array(hours))
    assert ends == pytest.approx((0.7001142, 2.4598858), abs=5e-8)


@pytest.mark.parametrize("n", [2, 3, 5, 21])
def test_p_of_pairs_is_that_of_scipys_test(n: int) -> None:
    logs = np.random.default_rng(n).normal(0.1, 0.2, n)
    expected = scipy_stats.ttest_1samp(logs, 0).pvalue
    assert uncertainty.paired_t(list(np.exp(logs))) == pytest.approx(expected, rel=1e-9)


def test_pairs_that_all_differ_alike_are_certain() -> None:
    assert uncertainty.paired_t([2.0, 2.0, 2.0]) == 0.0


def test_p_of_mcnemar_is_that_of_scipys_test_of_a_fair_coin() -> None:
    for first, second in itertools.product((0, 1, 2, 7, 8, 40, 300), repeat=2):
        if first or second:
            expected = scipy_stats.binomtest(first, first + second).pvalue
            assert uncertainty.mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


def test_one_pair_has_no_p() -> None:
    assert uncertainty.paired_t([2.0]) is None
    assert uncertainty.paired_t([]) is None


def test_pairs_without_any_difference_are_no_evidence() -> None:
    assert uncertainty.paired_t([1.0, 1.0, 1.0]) == 1.0


def test_pairs_that_all_differ_by_the_same_are_all_the_evidence_there_can_be() -> None:
    p = uncertainty.paired_t([1.1, 1.1, 1.1])
    assert p is not None
    assert p < 1e-20


def test_a_ratio_turned_over_has_the_same_p() -> None:
    ratios = [1.2, 1.5, 1.1]
    turned = [1 / ratio for ratio in ratios]
    assert uncertainty.paired_t(turned) == pytest.approx(uncertainty.paired_t(ratios))


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_twice_the_smaller_binomial_tail(first: int, second: int) -> None:
    flips = first + second
    tail = sum(math.comb(flips, heads) for heads in range(min(first, second) + 1)) / 2**flips
    assert uncertainty.mcnemar(first, second) == pytest.approx(min(1.0, 2 * tail))


def test_mcnemar_by_hand() -> None:
    # of 10 coins at most one heads: (1 + 10) / 2^10, and as many tails
    assert uncertainty.mcnemar(1, 9) == pytest.approx(22 / 1024)
    assert uncertainty.mcnemar(9, 1) == pytest.approx(22 / 1024)
    assert uncertainty.mcnemar(5, 5) == 1.0


def test_holm_by_hand() -> None:
    # ascending 0.01, 0.02, 0.03, 0.04, times 4, 3, 2, 1, each no smaller than the one before it
    assert uncertainty.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_of_one_is_that_one_and_none_passes_one() -> None:
    assert uncertainty.holm([0.03]) == [0.03]
    assert uncertainty.holm([]) == []
    assert uncertainty.holm([0.9, 0.8]) == [1.0, 1.0]


def test_holm_counts_those_that_are_not_given_as_larger() -> None:
    assert uncertainty.holm([0.02, 0.01], 10) == pytest.approx([0.18, 0.1])
    whole = uncertainty.holm([0.02, 0.01, *(1.0,) * 8])
    assert uncertainty.holm([0.02, 0.01], 10) == pytest.approx(whole[:2])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_the_p_itself_and_bonferroni(p_values: list[float]) -> None:
    for p, adjusted in zip(p_values, uncertainty.holm(p_values), strict=True):
        assert p <= adjusted <= 1
        assert adjusted <= max(len(p_values) * q for q in p_values if q <= p) or adjusted == 1

"""How probable a difference is by chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from bench import significance


def test_the_paired_t_test_is_that_of_scipy_on_the_logarithms() -> None:
    ratios = [1.02, 1.05, 0.99, 1.04, 1.03]
    expected = scipy_stats.ttest_1samp(np.log(ratios), 0.0).pvalue
    assert significance.paired_t(ratios) == pytest.approx(expected)


def test_one_pair_has_no_p() -> None:
    assert significance.paired_t([2.0]) is None
    assert significance.paired_t([]) is None


def test_pairs_without_any_difference_are_no_evidence() -> None:
    assert significance.paired_t([1.0, 1.0, 1.0]) == 1.0


def test_a_ratio_turned_over_has_the_same_p() -> None:
    ratios = [1.2, 1.5, 1.1]
    turned = [1 / ratio for ratio in ratios]
    assert significance.paired_t(turned) == pytest.approx(significance.paired_t(ratios))


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_test_of_the_disagreements(first: int, second: int) -> None:
    if first + second == 0:
        assert significance.mcnemar(first, second) == 1.0
        return
    expected = scipy_stats.binomtest(first, first + second).pvalue
    assert significance.mcnemar(first, second) == pytest.approx(expected)


def test_holm_by_hand() -> None:
    # ascending 0.01, 0.02, 0.03, 0.04, times 4, 3, 2, 1, each no smaller than the one before it
    assert significance.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_of_one_is_that_one_and_none_passes_one() -> None:
    assert significance.holm([0.03]) == [0.03]
    assert significance.holm([]) == []
    assert significance.holm([0.9, 0.8]) == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_the_p_itself_and_bonferroni(p_values: list[float]) -> None:
    for p, adjusted in zip(p_values, significance.holm(p_values), strict=True):
        assert p <= adjusted <= 1
        assert adjusted <= max(len(p_values) * q for q in p_values if q <= p) or adjusted == 1

"""Times until something happens, where it has not happened to all."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from bench.survival import Observed, median, share_reached_by, steps

# Freireich and others, 'The effect of 6-mercaptopurine on the duration of steroid-induced
# remissions in acute leukemia', Blood 21 (1963): weeks in remission, the textbooks' example.
REMISSION = Observed(
    times=(6, 6, 6, 7, 10, 13, 16, 22, 23),
    censored=(6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35),
)
PLACEBO = Observed(times=(1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23))

times = st.lists(st.integers(1, 9).map(float), min_size=1, max_size=8)


def test_the_estimate_by_hand() -> None:
    # at 2 one of four, at 4 one of the two left: the one at 3 is no longer watched
    found = steps(Observed(times=(2.0, 4.0), censored=(3.0, 5.0)))
    assert [(step.time, step.surviving) for step in found] == [
        (2.0, Fraction(3, 4)),
        (4.0, Fraction(3, 8)),
    ]


def test_the_textbooks_example_has_the_textbooks_medians() -> None:
    assert median(REMISSION).time == 23
    assert median(PLACEBO).time == 8
    assert (median(REMISSION).low, median(REMISSION).high) == (13, None)
    assert (median(PLACEBO).low, median(PLACEBO).high) == (4, 11)


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")
@given(times, st.lists(st.integers(1, 9).map(float), max_size=6))
def test_estimate_and_limits_are_those_of_scipy(
    happened: list[float], censored: list[float]
) -> None:
    data = scipy_stats.CensoredData(uncensored=happened, right=censored)
    expected = scipy_stats.ecdf(data).sf
    limits = expected.confidence_interval(method="log-log")
    for step in steps(Observed(times=tuple(happened), censored=tuple(censored))):
        assert float(step.surviving) == pytest.approx(float(expected.evaluate(step.time)))
        if step.surviving:
            assert step.low == pytest.approx(float(limits.low.evaluate(step.time)))
            assert step.high == pytest.approx(float(limits.high.evaluate(step.time)))
        else:
            assert (step.low, step.high) == (None, None)


def test_a_median_that_half_never_reached_is_absent() -> None:
    found = median(Observed(times=(1.0,), censored=(5.0, 5.0)))
    assert found.time is None


def test_one_alone_has_a_median_and_no_interval() -> None:
    found = median(Observed(times=(3.0,)))
    assert (found.time, found.low, found.high) == (3.0, None, None)


@pytest.mark.parametrize(("n", "bounded"), [(2, False), (5, False), (6, False), (7, True)])
def test_fewer_than_seven_do_not_bound_the_median_from_above(n: int, bounded: bool) -> None:
    found = median(Observed(times=tuple(float(i + 1) for i in range(n))))
    assert found.low == 1.0
    assert (found.high is not None) == bounded


def test_those_to_whom_it_never_can_happen_are_counted_all_along() -> None:
    shares = share_reached_by(Observed(times=(1.0, 2.0), censored=(math.inf, math.inf)))
    assert shares == [(0.0, 0.0), (1.0, 0.25), (2.0, 0.5)]


def test_nobody_watched_has_no_estimate() -> None:
    assert steps(Observed(times=())) == []
    assert median(Observed(times=())).time is None

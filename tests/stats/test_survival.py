"""How long until a target is met, where not all meet it."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.results.record import Record
from bench.stats import runs, survival
from bench.stats.survival import Observed, median
from tests.records import make_record

# Freireich and others, 'The effect of 6-mercaptopurine on the duration of steroid-induced
# remissions in acute leukemia', Blood 21 (1963): weeks in remission, the textbooks' example.
REMISSION = Observed(
    times=(6, 6, 6, 7, 10, 13, 16, 22, 23),
    censored=(6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35),
)
PLACEBO = Observed(times=(1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23))


def reached(watched: Observed) -> list[tuple[float, float]]:
    """Each time and the share that have met the target by then, as estimated for the median."""
    estimate = survival._kaplan_meier(watched).cdf
    return list(zip(estimate.quantiles.tolist(), estimate.probabilities.tolist(), strict=True))


times = st.lists(st.integers(1, 9).map(float), min_size=1, max_size=8)


def test_the_estimate_by_hand() -> None:
    # at 2 one of four, at 4 one of the two left: the one at 3 is no longer watched
    shares = dict(reached(Observed(times=(2.0, 4.0), censored=(3.0, 5.0))))
    assert (shares[2.0], shares[4.0]) == pytest.approx((1 / 4, 5 / 8))


def test_the_textbooks_example_has_the_textbooks_estimate() -> None:
    # Kleinbaum and Klein, 'Survival Analysis', table 2.1: who is left after each week
    left = {6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482}
    shares = dict(reached(REMISSION))
    assert {week: 1 - shares[week] for week in left} == pytest.approx(left, abs=5e-5)


def test_the_textbooks_example_has_the_textbooks_medians() -> None:
    assert median(REMISSION).time == 23
    assert median(PLACEBO).time == 8
    assert (median(REMISSION).low, median(REMISSION).high) == (13, None)
    assert (median(PLACEBO).low, median(PLACEBO).high) == (4, 11)


@given(times, st.lists(st.integers(1, 9).map(float), max_size=6))
def test_estimate_and_median_are_those_of_exact_fractions(
    happened: list[float], censored: list[float]
) -> None:
    watched = Observed(times=tuple(happened), censored=tuple(censored))
    left, expected = Fraction(1), []
    for time in sorted(set(happened)):
        at_risk = sum(end >= time for end in (*happened, *censored))
        left *= Fraction(at_risk - happened.count(time), at_risk)
        expected.append((time, left))
    shares = dict(reached(watched))
    assert {time: shares[time] for time, _ in expected} == pytest.approx(
        {time: float(1 - left) for time, left in expected}
    )
    half = next((time for time, left in expected if left <= Fraction(1, 2)), None)
    assert median(watched).time == half


def test_a_median_that_half_never_reached_is_absent() -> None:
    middle = median(Observed(times=(1.0,), censored=(5.0, 5.0)))
    assert middle.time is None


def test_one_alone_has_a_median_and_no_interval() -> None:
    middle = median(Observed(times=(3.0,)))
    assert (middle.time, middle.low, middle.high) == (3.0, None, None)


@pytest.mark.parametrize(("n", "bounded"), [(2, False), (5, False), (6, False), (7, True)])
def test_fewer_than_seven_do_not_bound_the_median_from_above(n: int, bounded: bool) -> None:
    middle = median(Observed(times=tuple(float(i + 1) for i in range(n))))
    assert middle.low == 1.0
    assert (middle.high is not None) == bounded


def test_those_to_whom_it_never_can_happen_are_counted_all_along() -> None:
    shares = dict(reached(Observed(times=(1.0, 2.0), censored=(math.inf, math.inf))))
    assert (shares[1.0], shares[2.0]) == (0.25, 0.5)


def test_nobody_watched_has_no_estimate() -> None:
    assert median(Observed(times=())).time is None


# How runs did on a target


HIT, MISS = (0.9, 0.98), (0.9, 0.96)


def observed(*records: Record) -> Observed:
    (group,) = runs.replicates(records)
    return survival.observed(group, 0.97)


def test_a_miss_was_watched_for_as_long_as_it_trained() -> None:
    watched = observed(
        make_record(seed=0, accuracies=HIT),
        make_record(seed=1, accuracies=MISS, train_s=(2.0, 3.0)),
    )
    assert (watched.times, watched.censored) == ((2.0,), (5.0,))


def test_a_miss_that_was_over_sooner_than_a_hit_is_not_forgotten() -> None:
    watched = observed(
        make_record(seed=0, accuracies=HIT, train_s=(4.0, 4.0)),
        make_record(seed=1, accuracies=MISS, train_s=(1.0, 1.0)),
        make_record(seed=2, accuracies=MISS, train_s=(1.0, 1.0)),
    )
    assert watched.censored == (8.0, 8.0)
    assert median(watched).time is None  # two of three never got there


def test_a_run_that_diverged_never_gets_there_and_one_that_crashed_tells_nothing() -> None:
    watched = observed(
        make_record(seed=0, accuracies=HIT),
        make_record(seed=1, status="diverged"),
        make_record(seed=2, status="crashed"),
    )
    assert (watched.times, watched.censored) == ((2.0,), (math.inf,))


def test_a_run_that_was_ended_by_its_time_limit_had_not_got_there() -> None:
    watched = observed(make_record(seed=0, accuracies=HIT), make_record(seed=1, status="timed out"))
    assert watched.censored == (math.inf,)


def test_runs_that_were_never_evaluated_neither_met_nor_missed() -> None:
    assert observed(make_record(goal="throughput")).n == 0


def test_all_reached_it_only_if_there_are_runs_and_none_missed() -> None:
    def reached(*records: Record) -> bool:
        (group,) = runs.replicates(records)
        return survival.all_reached(group, 0.97)

    assert reached(make_record(accuracies=HIT))
    assert not reached(make_record(accuracies=HIT), make_record(seed=1, accuracies=MISS))
    assert not reached(make_record(accuracies=HIT), make_record(seed=1, status="diverged"))
    assert not reached(make_record(status="crashed"))

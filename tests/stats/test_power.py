"""How small a difference is found: against the rule itself, and against theory."""

from __future__ import annotations

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import nct, t

from bench.results.evidence import Arms
from bench.stats import power, uncertainty, verdict
from bench.stats.power import Vector
from tests.records import EXPERIMENT

NOISE = 0.05


def arms(a_s: tuple[float, ...], same_s: tuple[float, ...]) -> Arms:
    return Arms(experiment=EXPERIMENT, a_s=a_s, same_s=same_s, delayed_s=(), injected_s=())


def names_the_first(logs: Vector, floor: float) -> bool:
    """What the report says of the first two of (frameworks, seeds), in Holm's worst case."""
    arms = [np.exp(each).tolist() for each in logs]
    compared = [verdict.compare_arms(a, b) for a, b in combinations(arms, 2)]
    paired, *others = compared
    assert paired.p is not None
    p, *_ = verdict._pooled(compared, len(arms))
    corrected, *_ = uncertainty.holm([p] + [1.0] * len(others))
    return verdict.outcome(paired, max(corrected, paired.p), floor) == "higher"


@pytest.mark.parametrize(
    ("seeds", "frameworks", "floor"),
    [
        (3, 2, 0.0),
        (3, 5, 0.0),
        (4, 5, 0.02),
        (5, 2, 0.0),
        (5, 2, 0.08),
        (5, 5, 0.02),
        (10, 2, 0.04),
    ],
)
def test_the_rule_itself_finds_it_in_nine_of_ten_suites(
    seeds: int, frameworks: int, floor: float
) -> None:
    difference = power.smallest_difference(NOISE, floor, seeds, frameworks)
    drawn = np.random.default_rng(5).normal(0, NOISE / 2**0.5, (800, frameworks, seeds))
    drawn[:, 0] += math.log1p(difference)
    found = [names_the_first(suite, floor) for suite in drawn]
    assert np.mean(found) == pytest.approx(power.POWER, abs=0.035)  # its standard error: 0.011


@pytest.mark.parametrize("seeds", [3, 5, 10, 20])
def test_without_a_floor_it_is_what_theory_says_of_the_paired_t_test(seeds: int) -> None:
    critical = t.isf(0.05 / 2, seeds - 1)
    # of the test alone: the report wants the interval to exclude 1 too
    by_theory = brentq(
        lambda shift: nct.sf(critical, seeds - 1, shift * math.sqrt(seeds)) - power.POWER, 0.1, 50
    )
    found = math.log1p(power.smallest_difference(NOISE, 0.0, seeds)) / NOISE
    assert found == pytest.approx(by_theory, rel=0.05)


@pytest.mark.parametrize("frameworks", [2, 5])
def test_more_seeds_and_less_noise_find_smaller_differences(frameworks: int) -> None:
    by_seeds = [power.smallest_difference(NOISE, 0.01, n, frameworks) for n in (3, 4, 5, 7, 10, 20)]
    by_noise = [power.smallest_difference(s, 0.01, 5, frameworks) for s in (0.2, 0.1, 0.01, 0.001)]
    for larger, smaller in (*pairwise(by_seeds), *pairwise(by_noise)):
        assert smaller < larger


def test_more_frameworks_hide_more_where_each_pair_knows_its_noise() -> None:
    alone, among_ten = (power.smallest_difference(NOISE, 0.0, 20, k) for k in (2, 5))
    assert alone < among_ten


def test_of_few_seeds_many_frameworks_hide_little_since_their_noise_is_known_together() -> None:
    alone, among_ten = (power.smallest_difference(NOISE, 0.0, 3, k) for k in (2, 5))
    assert alone <= among_ten < 1.05 * alone


def test_nothing_below_the_noise_floor_is_found_however_quiet_the_runs() -> None:
    assert power.smallest_difference(0.0, 0.02, 5) == pytest.approx(0.02)
    assert 0.02 < power.smallest_difference(0.001, 0.02, 20) < 0.021


def test_the_same_noise_gives_the_same_answer() -> None:
    first = power.smallest_difference(NOISE, 0.02, 5)
    power._standard_suites.cache_clear()
    assert power.smallest_difference(NOISE, 0.02, 5) == first


def test_the_noise_is_that_of_the_log_ratios_of_equal_arms() -> None:
    assert power.noise(arms((1.0, 2.0, 4.0), (1.0, 2.0, 4.0))) == 0.0
    assert power.noise(arms((1.0, 1.0), (math.e, 1.0))) == pytest.approx(math.sqrt(0.5))
    assert power.noise(arms((1.0, 1.0), (2.0, 2.0))) == pytest.approx(0.0)  # a bias is no noise


def test_of_one_round_no_noise_is_made_up() -> None:
    assert power.noise(arms((1.0,), (1.1,))) is None
    assert power.noise(arms((), ())) is None


@pytest.mark.parametrize("within", [0.03, 0.05, 0.1])
def test_so_many_seeds_give_an_interval_that_is_narrow_enough_in_a_typical_suite(
    within: float,
) -> None:
    seeds = power.seeds_for(0.03, within)

    def typical_width(seeds: int) -> float:
        suites = np.exp(np.random.default_rng(6).normal(0, 0.03, (300, seeds))).tolist()
        intervals = [uncertainty.of_ratio(suite) for suite in suites]
        return float(np.median([known.high / known.low - 1 for known in intervals if known]))

    # the bootstrap's interval is a little narrower than Student's where pairs are few
    assert typical_width(seeds) <= within
    assert typical_width(seeds - 2) > 0.95 * within


def test_an_interval_that_no_number_of_seeds_gives_stops_at_the_most() -> None:
    assert power.seeds_for(1.0, 1e-4) == power.MOST_SEEDS
    assert power.seeds_for(0.0, 0.05) == 2

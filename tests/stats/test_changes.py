"""Change points of simulated series, whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from bench.stats import changes
from bench.stats.changes import Segmented, Series
from bench.stats.uncertainty import SIGNIFICANCE

Noise = Callable[[np.random.Generator, int], np.ndarray]


def normal(random: np.random.Generator, n: int) -> np.ndarray:
    return random.normal(0, 1, n)


def held_up(random: np.random.Generator, n: int) -> np.ndarray:
    """One of ten by an exponential delay of five deviations."""
    return random.normal(0, 1, n) + random.exponential(5, n) * (random.random(n) < 0.1)


def series(seconds: Sequence[float], commits: Sequence[str] | None = None) -> Series:
    """A run a commit, where none are named."""
    named = commits or [str(number) for number in range(len(seconds))]
    return Series(seconds=tuple(seconds), commits=tuple(named))


def simulated(
    random: np.random.Generator,
    runs: int = 24,
    *,
    steps: dict[int, float] | None = None,
    deviation: float = 0.01,
    noise: Noise = normal,
) -> Series:
    """``steps``: first run -> factor, from which on the benchmark takes so much longer."""
    logs = deviation * noise(random, runs)
    for at, factor in (steps or {}).items():
        logs[at:] += np.log(factor)
    return series(np.exp(logs).tolist())


def places(found: Segmented) -> list[int]:
    return [change.at for change in found.changes]


@pytest.mark.parametrize("noise", [normal, held_up])
def test_where_nothing_changed_no_more_is_stated_than_the_level_allows(noise: Noise) -> None:
    random, families = np.random.default_rng(0), 200
    stated = sum(
        any(found.changes for found in changes.find([simulated(random, noise=noise)]))
        for _ in range(families)
    )
    assert stated <= SIGNIFICANCE * families


def test_a_step_of_5_percent_in_noise_of_1_percent_is_found_at_its_commit() -> None:
    random = np.random.default_rng(1)
    found = changes.find([simulated(random, steps={14: 1.05}) for _ in range(30)])
    assert all(len(each.changes) == 1 for each in found)
    assert sum(places(each) == [14] for each in found) >= 27
    near = [each.changes[0].ratio for each in found]
    intervals = [ratio.interval for ratio in near if ratio.interval]
    assert sum(interval.includes(1.05) for interval in intervals) >= 25
    assert np.mean([ratio.ratio for ratio in near]) == pytest.approx(1.05, abs=0.003)


def test_the_newest_three_runs_are_enough() -> None:
    found = changes.find([simulated(np.random.default_rng(2), steps={21: 1.05})])
    assert places(found[0]) == [21]


def test_a_slowdown_that_was_mended_is_two_changes_and_none_in_all() -> None:
    steps = {8: 1.06, 16: 1 / 1.06}
    (found,) = changes.find([simulated(np.random.default_rng(3), steps=steps)])
    assert places(found) == [8, 16]
    slower, faster = (change.ratio.ratio for change in found.changes)
    assert slower > 1.04
    assert faster < 0.96
    assert found.overall is not None
    assert found.overall.interval is not None
    assert found.overall.interval.includes(1)


@pytest.mark.parametrize("outliers", [1, 2])
def test_outliers_are_no_change_wherever_they_stand(outliers: int) -> None:
    quiet = simulated(np.random.default_rng(4)).seconds
    for at in range(len(quiet) - outliers + 1):
        seconds = [*quiet[:at], *(1.5,) * outliers, *quiet[at + outliers :]]
        assert changes.find([series(seconds)])[0].changes == ()


def test_an_outlier_hides_no_step() -> None:
    seconds = list(simulated(np.random.default_rng(5), 40, steps={20: 1.1}).seconds)
    seconds[30] *= 1.2
    assert places(changes.find([series(seconds)])[0]) == [20]


def test_a_change_lies_between_two_commits_and_never_among_the_runs_of_one() -> None:
    seconds = simulated(np.random.default_rng(6), 16, steps={8: 1.2}).seconds
    assert series(seconds, ["a"] * 16).edges == []
    for edge in (6, 11):
        commits = ["a"] * edge + ["b"] * (16 - edge)
        assert series(seconds, commits).edges == [edge]
    between = series(seconds, ["a"] * 8 + ["b"] * 8)
    assert places(changes.find([between])[0]) == [8]


def test_how_small_a_step_is_found_follows_from_the_noise() -> None:
    random = np.random.default_rng(7)
    quiet, noisy = (
        simulated(random, steps={12: 1.02}, deviation=deviation) for deviation in (0.002, 0.03)
    )
    assert places(changes.find([quiet])[0]) == [12]
    assert changes.find([noisy])[0].changes == ()


def test_what_is_found_among_several_is_corrected_for_all_of_them() -> None:
    random = np.random.default_rng(34)
    marginal, plain = simulated(random, steps={12: 1.02}), simulated(random, steps={12: 1.04})
    others = [simulated(random) for _ in range(3)]
    (alone,), (plainly,) = changes.find([marginal]), changes.find([plain])
    assert places(alone) == places(plainly) == [12]
    assert changes.find([marginal, *others])[0].changes == ()
    among = changes.find([plain, *others])[0].changes[0]
    assert among.p == pytest.approx(4 * plainly.changes[0].p)


@pytest.mark.parametrize(("factor", "found"), [(1.018, []), (1.03, [30])])
def test_a_step_within_what_neighbouring_runs_differ_by_is_not_stated(
    factor: float, found: list[int]
) -> None:
    """Every second run takes 2 % longer: a habit of the machine, which the noise floor shows."""
    logs = 0.001 * np.random.default_rng(9).normal(size=60) + np.tile([0.02, 0.0], 30)
    logs[30:] += np.log(factor)
    habit = series(np.exp(logs).tolist())
    assert changes.propose(habit) == [30]
    assert places(changes.find([habit])[0]) == found


def test_without_noise_a_step_is_certain_and_no_step_is_none() -> None:
    level, step = changes.find([series([1.0] * 8), series([1.0] * 4 + [2.0] * 4)])
    assert level.changes == ()
    assert level.floor == 0
    assert places(step) == [4]
    assert step.changes[0].p == pytest.approx(0)
    assert step.means_s == pytest.approx([1, 2])
    assert [list(segment) for segment in step.segments] == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_fewer_runs_than_two_segments_have_say_nothing() -> None:
    assert changes.find([]) == []
    one, five = changes.find([series([1.0]), series([1.0, 1.0, 1.0, 9.0, 9.0])])
    assert one.changes == five.changes == ()
    assert one.floor is None
    assert one.overall is None

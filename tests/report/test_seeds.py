"""--seeds auto: when it stops, and what it says."""

from __future__ import annotations

import pytest

from bench.report.seeds import FEWEST, MOST, Goal, stop, widths
from bench.results.record import Record
from tests.records import make_record

GOAL = Goal(between=("pytorch", "keras-jax"), within=0.05, budget_s=600)
STEADY = (1.0, 1.002, 0.999, 1.001, 0.998, 1.0)
NOISY = (1.0, 9.0, 0.1, 5.0, 0.2, 1.0)


def runs(seconds: tuple[float, ...], seeds: int) -> list[Record]:
    """PyTorch takes one second each time, Keras on JAX what it is told."""
    return [
        record
        for seed in range(seeds)
        for record in (
            make_record(seed=seed, train_s=(1.0,)),
            make_record(
                seed=seed, train_s=(seconds[seed],), framework="keras-jax", execution="compiled"
            ),
        )
    ]


def test_a_narrow_interval_ends_it_and_is_reason() -> None:
    reason = stop(GOAL, runs(STEADY, FEWEST), 10.0)
    assert reason is not None
    assert f"Stopped after {FEWEST} seeds" in reason
    assert "narrower than 5.0%" in reason
    assert "MLP on digits (mnist)" in reason


def test_a_wide_interval_goes_on() -> None:
    assert stop(GOAL, runs(NOISY, FEWEST), 10.0) is None


def test_few_seeds_go_on_however_narrow() -> None:
    assert stop(GOAL, runs(STEADY, FEWEST - 1), 10.0) is None


def test_a_spent_budget_ends_it_and_is_reason() -> None:
    reason = stop(GOAL, runs(NOISY, 3), 601.0)
    assert reason is not None
    assert "the time budget of 10 min is spent, before the interval" in reason


def test_there_is_a_most() -> None:
    reason = stop(GOAL, runs(NOISY * MOST, MOST), 10.0)
    assert reason is not None
    assert f"{MOST} seeds are the most" in reason


def test_one_wide_subject_among_narrow_ones_goes_on() -> None:
    wide = [
        record
        for seed in range(FEWEST)
        for record in (
            make_record(seed=seed, train_s=(1.0,), architecture="cnn"),
            make_record(
                seed=seed,
                train_s=(NOISY[seed],),
                architecture="cnn",
                framework="keras-jax",
                execution="compiled",
            ),
        )
    ]
    assert stop(GOAL, [*runs(STEADY, FEWEST), *wide], 10.0) is None


def test_seeds_that_were_there_before_are_counted() -> None:
    reason = stop(GOAL, runs(STEADY, 6), 10.0)
    assert reason is not None
    assert "Stopped after 6 seeds" in reason


def test_without_pairs_no_interval_is_made_up() -> None:
    (one,) = widths(GOAL, runs(STEADY, 1))
    assert one.width is None


@pytest.mark.parametrize("seeds", [FEWEST, FEWEST + 1])
def test_a_framework_that_always_failed_never_gives_an_interval(seeds: int) -> None:
    failed = [
        make_record(seed=seed, status="failed", framework="keras-jax", execution="compiled")
        for seed in range(seeds)
    ]
    ours = [make_record(seed=seed) for seed in range(seeds)]
    assert stop(GOAL, [*ours, *failed], 10.0) is None
    reason = stop(GOAL, [*ours, *failed], 1000.0)
    assert reason is not None
    assert "no interval" in reason

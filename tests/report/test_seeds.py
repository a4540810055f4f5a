"""--seeds auto: when it stops, and what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.report.seeds import FEWEST, MOST, Goal, beforehand, stop, widths
from bench.results.record import Record
from tests.records import ARMS, make_record

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


# Beforehand


def test_the_audit_lets_one_expect_what_seeds_will_find() -> None:
    sentence = beforehand(ARMS, 0.05)
    assert sentence == (
        "By the audit, two equal runs differ by 1.0 % by chance: 5 seeds find a difference of "
        "2.0 % in 9 of 10 suites, 10 seeds one of 1.4 %; an interval of 5.0% needs about 5 seeds."
    )


def test_a_narrower_interval_needs_more_seeds_and_a_most_is_not_exceeded() -> None:
    assert "an interval of 1.0% needs about" in (beforehand(ARMS, 0.01) or "")
    assert "an interval of 0.1% needs 100 or more seeds" in (beforehand(ARMS, 0.001) or "")


def test_without_two_rounds_nothing_is_promised() -> None:
    assert beforehand(None, 0.05) is None
    assert beforehand(replace(ARMS, a_s=(1.0,), same_s=(1.01,)), 0.05) is None

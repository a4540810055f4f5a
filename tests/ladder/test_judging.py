"""When a rung is entered, and what it gained, from its records alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.ladder import judging
from bench.ladder.judging import ENTERED, Standing, train_s
from bench.ladder.records import Climb, entry, latest
from tests.ladder.climbs import DIGITS, climb, ladder


def of(climbs: list[Climb], rung: str) -> Standing:
    (found,) = [each for each in judging.standings(climbs) if each.any.rung == rung]
    return found


def test_thirty_seeds_above_the_target_are_entered_and_the_gain_is_paired() -> None:
    fast = of(list(ladder()), "rung_02_fast")
    assert fast.verdict == ENTERED
    gain, over = fast.gain(fast.former), fast.gain(fast.published)
    assert gain is not None
    assert gain.ratio == pytest.approx(2)
    assert gain.n == 30
    assert over is not None
    assert over.ratio > 7
    seconds = fast.seconds(train_s)
    assert seconds is not None
    assert seconds[0] == pytest.approx(1.07, abs=0.01)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"correct": 9_899}, "not shown to be at 99 %"),
        ({"correct": None}, "on validation"),
        ({"problems": ("390 steps said, 195 counted by the optimiser",)}, "does not count: 390"),
        ({"data": replace(DIGITS, train_images=60_000)}, "60,000 images of mnist: not entered"),
        ({"former": "rung_00_absent"}, "rung_00_absent did not run beside it"),
    ],
)
def test_what_keeps_a_rung_from_being_entered_is_said(
    changed: dict[str, object], words: str
) -> None:
    climbs = [climb("rung_02_fast", seed, **changed) for seed in range(30)]  # type: ignore[arg-type]
    assert words in of(climbs, "rung_02_fast").verdict


def test_a_mean_above_the_target_is_not_enough_where_seeds_scatter() -> None:
    climbs = [climb("rung_02_fast", seed, correct=9_905 + 60 * (-1) ** seed) for seed in range(30)]
    standing = of(climbs, "rung_02_fast")
    assert standing.p is not None
    assert standing.p > judging.LEVEL
    assert "not shown" in standing.verdict


def test_fewer_seeds_are_shown_and_not_entered() -> None:
    assert of(list(ladder(29)), "rung_02_fast").verdict == "29 of 30 seeds: shown, not entered"


def test_a_changed_rung_is_a_new_entry_and_the_old_one_is_not_compared() -> None:
    old = [climb("rung_02_fast", seed) for seed in range(30)]
    assert entry(old, climb("rung_02_fast", 0), asks_test=True) == 1
    changed = climb("rung_02_fast", 0, source_sha256="2")
    assert entry(old, changed, asks_test=False) == 2
    both = [*old, replace(changed, entry=2)]
    assert latest(both) == [replace(changed, entry=2)]
    assert entry(both, changed, asks_test=True) == 2
    tuned = [climb("rung_02_fast", 0, correct=None)]
    assert entry(tuned, tuned[0], asks_test=False) == 1
    assert entry(tuned, tuned[0], asks_test=True) == 2


def test_the_record_is_the_fastest_that_is_entered() -> None:
    (rungs,) = judging.ladders(ladder())
    best = judging.record(rungs)
    assert best is not None
    assert best.any.rung == "rung_02_fast"
    (few,) = judging.ladders(ladder(5))
    assert judging.record(few) is None


def test_a_rung_below_that_was_changed_since_did_not_run_beside_it() -> None:
    slow = [climb("rung_01_slow", seed, source_sha256="2") for seed in range(30)]
    fast = [
        replace(climb("rung_02_fast", seed, former="rung_01_slow"), former_sha256="1")
        for seed in range(30)
    ]
    standing = of([*slow, *fast], "rung_02_fast")
    assert standing.former is None
    assert "rung_01_slow did not run beside it" in standing.verdict


def test_what_ran_at_another_hour_is_not_compared() -> None:
    slow = [climb("rung_01_slow", seed, train_s=2.0) for seed in range(30)]
    fast = [climb("rung_02_fast", seed, former="rung_01_slow") for seed in range(30)]
    assert of([*slow, *fast], "rung_02_fast").verdict == "entered"
    late = [replace(c, started_at=c.started_at.replace("T10", "T11")) for c in fast]
    standing = of([*slow, *late], "rung_02_fast")
    assert standing.gain(standing.former) is None
    assert "rung_01_slow did not run beside it" in standing.verdict

"""How runs did on a target accuracy."""

from __future__ import annotations

import math

from bench import stats, targets
from bench.record import Record
from bench.survival import Observed, median
from tests.records import make_record

HIT, MISS = (0.9, 0.98), (0.9, 0.96)


def seen(*records: Record) -> Observed:
    (group,) = stats.replicates(records)
    return targets.observed(group, 0.97)


def test_a_miss_was_watched_for_as_long_as_it_trained() -> None:
    found = seen(
        make_record(seed=0, accuracies=HIT),
        make_record(seed=1, accuracies=MISS, train_s=(2.0, 3.0)),
    )
    assert (found.times, found.censored) == ((2.0,), (5.0,))


def test_a_miss_that_was_over_sooner_than_a_hit_is_not_forgotten() -> None:
    found = seen(
        make_record(seed=0, accuracies=HIT, train_s=(4.0, 4.0)),
        make_record(seed=1, accuracies=MISS, train_s=(1.0, 1.0)),
        make_record(seed=2, accuracies=MISS, train_s=(1.0, 1.0)),
    )
    assert found.censored == (8.0, 8.0)
    assert median(found).time is None  # two of three never got there


def test_a_run_that_diverged_never_gets_there_and_one_that_crashed_tells_nothing() -> None:
    found = seen(
        make_record(seed=0, accuracies=HIT),
        make_record(seed=1, status="diverged"),
        make_record(seed=2, status="crashed"),
    )
    assert (found.times, found.censored) == ((2.0,), (math.inf,))


def test_a_run_that_was_ended_by_its_time_limit_had_not_got_there() -> None:
    found = seen(make_record(seed=0, accuracies=HIT), make_record(seed=1, status="timed out"))
    assert found.censored == (math.inf,)


def test_runs_that_were_never_evaluated_neither_met_nor_missed() -> None:
    assert seen(make_record(goal="throughput")).n == 0


def test_all_reached_it_only_if_there_are_runs_and_none_missed() -> None:
    def reached(*records: Record) -> bool:
        (group,) = stats.replicates(records)
        return targets.all_reached(group, 0.97)

    assert reached(make_record(accuracies=HIT))
    assert not reached(make_record(accuracies=HIT), make_record(seed=1, accuracies=MISS))
    assert not reached(make_record(accuracies=HIT), make_record(seed=1, status="diverged"))
    assert not reached(make_record(status="crashed"))

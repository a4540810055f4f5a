"""The timer itself, read by a clock of our own: exact numbers."""

from __future__ import annotations

import itertools

import pytest

from bench.machine.clock import StoppedClock, fastest_s, read_timer, resolution_s


def test_the_resolution_is_the_smallest_step_between_readings_that_differ() -> None:
    readings = itertools.chain([0.0, 0.0, 0.5, 0.5, 0.75], itertools.repeat(2.0))
    assert resolution_s(lambda: next(readings)) == 0.25


def test_a_clock_that_moves_with_every_reading_costs_its_step() -> None:
    ticks = itertools.count(step=2)
    timer = read_timer(lambda: float(next(ticks)))
    assert timer.resolution_s == 2
    assert timer.cost_s == pytest.approx(2, rel=0.02)  # a block of 100 ends with one more


def test_the_clock_of_this_machine_moves_and_has_a_name() -> None:
    timer = read_timer()
    assert timer.name.startswith("perf_counter, ")
    assert 0 < timer.resolution_s < 1
    assert 0 < timer.cost_s < 1


def test_a_clock_that_stands_still_is_refused() -> None:
    with pytest.raises(StoppedClock, match="stood still"):
        read_timer(lambda: 1.0)


def test_of_repeated_work_the_fastest_counts_and_never_the_first() -> None:
    now_s, takes_s = [0.0], iter([0.001, 9.0, 0.5, 2.0, 0.001])

    def work() -> None:
        now_s[0] += next(takes_s)

    assert fastest_s(work, lambda: now_s[0]) == 0.5

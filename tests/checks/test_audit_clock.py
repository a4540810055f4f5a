"""What the audit does to the clock, with a fake device and a clock of our own: exact numbers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from bench.checks import unsynchronised
from bench.machine.clock import StoppedClock, Stopwatch, fastest_s, read_timer, resolution_s
from bench.results.record import Measurement
from bench.run.measure import measure
from bench.run.worker import delayed
from tests.fakes import TRAIN_S_PER_IMAGE, FakeTrainer
from tests.run.test_measure import a_subject, a_trainer

# The timer


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


# The delay


def passing(fake: FakeTrainer) -> Callable[[float], None]:
    """A sleep that moves the fake's clock."""

    def sleep(seconds: float) -> None:
        fake.now_s += seconds

    return sleep


def test_a_right_clock_reads_the_work_and_the_delay() -> None:
    fake = a_trainer()
    fake.arrange(np.arange(100))
    watch = Stopwatch(synchronize=fake.synchronize, clock=fake.clock)
    _, seconds = watch.time("train", delayed(fake.train, 0.25, passing(fake)))
    assert seconds == pytest.approx(100 * TRAIN_S_PER_IMAGE + 0.25)


def test_a_clock_of_processor_time_misses_a_delay_that_really_passes() -> None:
    fake = a_trainer()
    fake.arrange(np.arange(100))
    watch = Stopwatch(synchronize=fake.synchronize, clock=time.process_time)
    start = time.monotonic()
    _, seconds = watch.time("train", delayed(fake.train, 0.3))
    assert time.monotonic() - start >= 0.3
    assert seconds < 0.3


def test_the_delay_is_before_the_work_which_a_device_would_do_meanwhile() -> None:
    fake = a_trainer()
    fake.arrange(np.arange(3))
    done_before: list[str] = []
    delayed(fake.train, 1.0, lambda _: done_before.extend(fake.calls))()
    assert done_before == ["arrange"]
    assert fake.calls == ["arrange", "train"]


def test_a_delayed_run_is_the_same_run_but_for_its_training_seconds() -> None:
    plain, slow = a_trainer(), a_trainer()
    expected = measured(plain)
    late = measured(slow, delayed(slow.train, 10.0, passing(slow)))
    assert slow.calls == plain.calls
    assert late.parameter_count == expected.parameter_count
    assert late.test == expected.test
    assert late.phases.train_s == pytest.approx(expected.phases.train_s + 2 * 10.0)
    others = [asdict(replace(each.phases, train_s=0)) for each in (late, expected)]
    assert others[0] == pytest.approx(others[1])


def measured(fake: FakeTrainer, train: Callable[[], None] | None = None) -> Measurement:
    """Two epochs, each a call of ``train``."""
    return measure(
        a_subject(fake, epochs=2),
        start_s=0,
        import_s=0,
        data_s=0,
        keep=lambda _: None,
        train=train,
        clock=fake.clock,
    )


# The clock that does not wait


def test_a_clock_that_does_not_wait_misses_the_work() -> None:
    fake = a_trainer()
    fake.arrange(np.arange(200))
    false_s, true_s = unsynchronised.compare(fake, fake.clock)
    assert false_s == 0.0
    assert true_s == pytest.approx(200 * TRAIN_S_PER_IMAGE)


def test_on_a_cpu_there_is_nothing_to_miss() -> None:
    seen = unsynchronised.measure("pytorch", "cpu", Path("no-such-python"))
    assert (seen.false_s, seen.true_s) == (None, None)
    assert seen.unavailable == "PyTorch on a CPU does the work before the call returns"


def test_a_device_that_is_not_there_is_unavailable_and_says_why() -> None:
    seen = unsynchronised.measure("pytorch", "cuda", Path("no-such-python"))
    assert (seen.false_s, seen.true_s) == (None, None)
    assert seen.unavailable is not None
    assert "no-such-python cannot be started" in seen.unavailable

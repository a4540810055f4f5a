"""What the audit does to the clock, with a fake device and a clock of our own: exact numbers."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from bench.audit import AuditError, child, timer, unsynchronised
from bench.audit.delay import Delayed
from bench.audit.wrapped import Wrapped
from bench.measure import measure
from bench.record import Measurement
from bench.stopwatch import Clock, Stopwatch
from bench.trainers import Trainer
from tests.fakes import TRAIN_S_PER_IMAGE, FakeTrainer
from tests.test_measure import a_subject, a_trainer

# The timer


def test_the_resolution_is_the_smallest_step_between_readings_that_differ() -> None:
    readings = itertools.chain([0.0, 0.0, 0.5, 0.5, 0.75], itertools.repeat(2.0))
    assert timer.resolution_s(lambda: next(readings)) == 0.25


def test_a_clock_that_moves_with_every_reading_costs_its_step() -> None:
    ticks = itertools.count(step=2)
    found = timer.read(lambda: float(next(ticks)))
    assert found.resolution_s == 2
    assert found.cost_s == pytest.approx(2, rel=0.02)  # a block of 100 ends with one more


def test_the_clock_of_this_machine_moves_and_has_a_name() -> None:
    found = timer.read()
    assert found.name.startswith("perf_counter, ")
    assert 0 < found.resolution_s < 1
    assert 0 < found.cost_s < 1


def test_a_clock_that_stands_still_is_refused() -> None:
    with pytest.raises(AuditError, match="stood still"):
        timer.read(lambda: 1.0)


# The delay


def passing(fake: FakeTrainer) -> Callable[[float], None]:
    """A sleep that moves the fake's clock."""

    def sleep(seconds: float) -> None:
        fake.now_s += seconds

    return sleep


def test_a_right_clock_reads_the_work_and_the_delay() -> None:
    fake = a_trainer()
    trainer = Delayed(fake, 0.25, passing(fake))
    trainer.arrange(np.arange(100))
    _, seconds = Stopwatch(trainer=trainer, clock=fake.clock).time("train", trainer.train)
    assert seconds == pytest.approx(100 * TRAIN_S_PER_IMAGE + 0.25)


def test_a_clock_of_processor_time_misses_a_delay_that_really_passes() -> None:
    trainer = Delayed(a_trainer(), 0.3)
    trainer.arrange(np.arange(100))
    start = time.monotonic()
    _, seconds = Stopwatch(trainer=trainer, clock=time.process_time).time("train", trainer.train)
    assert time.monotonic() - start >= 0.3
    assert seconds < 0.3


def test_the_delay_is_before_the_work_which_a_device_would_do_meanwhile() -> None:
    fake = a_trainer()
    fake.arrange(np.arange(3))
    done_before: list[str] = []
    Delayed(fake, 1.0, lambda _: done_before.extend(fake.calls)).train()
    assert done_before == ["arrange"]
    assert fake.calls == ["arrange", "train"]


def test_a_delayed_run_is_the_same_run_but_for_its_training_seconds() -> None:
    plain, inner = a_trainer(), a_trainer()
    expected = measured(plain, plain.clock)
    found = measured(Delayed(inner, 10.0, passing(inner)), inner.clock)
    assert inner.calls == plain.calls
    assert found.parameter_count == expected.parameter_count
    assert found.test == expected.test
    assert found.phases.train_s == pytest.approx(expected.phases.train_s + 2 * 10.0)
    others = [asdict(replace(each.phases, train_s=0)) for each in (found, expected)]
    assert others[0] == pytest.approx(others[1])


def measured(trainer: Trainer, clock: Clock) -> Measurement:
    """Two epochs, each a call of ``train``."""
    subject = replace(a_subject(a_trainer(), epochs=2), trainer=trainer)
    return measure(subject, start_s=0, import_s=0, data_s=0, keep=lambda _: None, clock=clock)


def test_a_wrapped_trainer_passes_on_every_method_there_is() -> None:
    owed = {name for name in vars(Trainer) if not name.startswith("_")}
    assert "train" in owed
    assert owed <= set(vars(Wrapped))


# The clock that does not wait


def test_a_clock_that_does_not_wait_misses_the_work() -> None:
    fake = a_trainer()
    fake.arrange(np.arange(200))
    false_s, true_s = unsynchronised.compare(fake, fake.clock)
    assert false_s == 0.0
    assert true_s == pytest.approx(200 * TRAIN_S_PER_IMAGE)


def test_on_a_cpu_there_is_nothing_to_miss() -> None:
    found = unsynchronised.measure("pytorch", "cpu", Path("no-such-python"), {})
    assert (found.false_s, found.true_s) == (None, None)
    assert found.unavailable == "PyTorch on a CPU does the work before the call returns"


def test_a_device_that_is_not_there_is_unavailable_and_says_why() -> None:
    found = unsynchronised.measure("pytorch", "cuda", Path("no-such-python"), {})
    assert (found.false_s, found.true_s) == (None, None)
    assert found.unavailable is not None
    assert "no-such-python cannot be started" in found.unavailable


# A question to a process of its own


def test_a_child_that_ends_badly_is_quoted() -> None:
    with pytest.raises(AuditError, match=r"exit code 1: .*No module named bench.nothing"):
        child.ask(Path(sys.executable), "bench.nothing", (), {}, dict, timeout_s=60)

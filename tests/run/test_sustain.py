"""Training on without a stop, on a device too fast for its stretches to be timed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.machine.clock import Stopwatch
from bench.machine.devices import DEVICES
from bench.results.record import Segment, Sustained
from bench.run.recheck import WorkNotDone
from bench.run.sustain import TooFast, sustain
from bench.stats import runs
from tests.fakes import TRAIN_S_PER_IMAGE, FakeTrainer, an_experiment
from tests.records import make_record
from tests.run.test_measure import IMAGES, a_trainer, run

LEAST_S = DEVICES["cuda"].stretch_s


def sustained(
    trainer: FakeTrainer, device: str = "cuda", trained_s: float = 0.01
) -> Sustained | None:
    trainer.build()
    return sustain(
        trainer,
        an_experiment(device=device),
        np.arange(IMAGES),
        [Segment(images=IMAGES, steps=3, train_s=trained_s, train_loss=1.0)],
        Stopwatch(synchronize=trainer.synchronize, clock=trainer.clock),
        trainer.train,
    )


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_an_accelerator_trains_on_until_two_seconds_have_passed(device: str) -> None:
    trainer = a_trainer()
    measured = sustained(trainer, device)
    assert measured is not None
    assert measured.train_s >= LEAST_S == 2.0
    assert measured.train_s == pytest.approx(measured.images * TRAIN_S_PER_IMAGE)
    assert (measured.images, measured.steps) == (measured.calls * IMAGES, measured.calls * 3)
    assert len(trainer.orders) == 1  # arranged once, off the clock


def test_the_tries_before_the_last_are_not_counted() -> None:
    trainer = a_trainer()
    measured = sustained(trainer)
    assert measured is not None
    assert trainer.calls.count("train") > measured.calls
    assert measured.train_s < 2 * LEAST_S


def test_a_processor_and_stretches_that_are_long_enough_are_left_alone() -> None:
    assert sustained(a_trainer(), "cpu") is None
    assert sustained(a_trainer(), "cuda", trained_s=LEAST_S) is None


def test_steps_left_out_while_training_on_are_noticed() -> None:
    trainer = a_trainer()
    honest, calls = trainer.train, iter(range(10_000))

    def lazy() -> None:
        if next(calls) % 7:
            honest()

    trainer.train = lazy  # type: ignore[method-assign]
    with pytest.raises(WorkNotDone, match="optimiser steps were done where"):
        sustained(trainer)


def test_a_clock_that_stands_still_ends_in_an_error() -> None:
    trainer = a_trainer()
    trainer.build()
    with pytest.raises(TooFast, match="would not last 2 s"):
        sustain(
            trainer,
            an_experiment(device="cuda"),
            np.arange(1),
            [Segment(images=1, steps=1, train_s=0.001, train_loss=1.0)],
            Stopwatch(synchronize=trainer.synchronize, clock=lambda: 0.0),
            lambda: setattr(trainer, "steps", trainer.steps + 1),
        )


def test_the_accuracy_over_time_of_a_run_is_that_of_its_stretches() -> None:
    short, long = run(a_trainer(), epochs=2), run(a_trainer(), epochs=2, device="cuda")
    assert long.segments == short.segments
    assert long.evaluations == short.evaluations
    assert (short.sustained, short.phases.sustained_s) == (None, None)
    assert long.sustained is not None
    assert long.phases.sustained_s is not None
    assert long.steps_counted == short.steps_counted  # of the stretches alone


def test_throughput_is_that_of_the_sustained_training_where_there_is_one() -> None:
    record = make_record(device="cuda", train_s=(0.01, 0.01))
    assert record.measurement is not None
    on = Sustained(calls=100, images=100_000, steps=800, train_s=2.5)
    record = replace(record, measurement=replace(record.measurement, sustained=on))
    assert runs.throughput_images_per_s(record) == 40_000
    assert runs.step_s(record) == 2.5 / 800
    assert runs.time_to_accuracy_s(record, 0.97) == pytest.approx(0.02)


def test_a_device_that_works_on_alone_has_more_to_do_when_all_is_given() -> None:
    measured = run(a_trainer(), device="cuda")
    assert measured.dispatch is not None
    assert measured.dispatch.steps == 3  # 10 images in batches of 4
    assert measured.dispatch.waiting == 0.0  # the fake's giving takes no time, and its work does
    assert min(measured.dispatch.done_s) == pytest.approx(IMAGES * TRAIN_S_PER_IMAGE)


def test_a_device_that_waits_for_its_work_is_seen_to() -> None:
    trainer = a_trainer()
    give = trainer.train

    def slowly() -> None:
        trainer.now_s += 0.09  # in Python
        give()

    trainer.train = slowly  # type: ignore[method-assign]
    measured = run(trainer, device="cuda")
    assert measured.dispatch is not None
    assert measured.dispatch.waiting == pytest.approx(0.9)


def test_nothing_is_told_of_giving_where_train_itself_waits_or_on_the_cpu() -> None:
    waiting = a_trainer()
    waiting.train_waits = True
    assert run(waiting, device="cuda").dispatch is None
    assert run(a_trainer()).dispatch is None

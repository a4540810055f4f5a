"""Whether a run did what was asked: steps, execution, and the same trainer asked again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import datasets
from bench.experiment import Run
from bench.run import material
from bench.run.recheck import StepCount, WorkNotDone, recheck
from bench.trainers import Setup, Trainer
from bench.trainers.numpy import create
from tests.fakes import FakeTrainer, an_experiment


def counted(trainer: FakeTrainer, images: int) -> StepCount:
    """A count after one call of train() whose work has been waited for."""
    count = StepCount(trainer=trainer, clock=trainer.clock)
    trainer.arrange(np.arange(images))
    trainer.train()
    trainer.synchronize()
    return count


def test_as_many_steps_as_asked_pass() -> None:
    count = counted(FakeTrainer([0], [1.0]), images=10)
    count.expect(3, 1.0)
    assert (count.done, count.late_s) == (3, 0.0)


@pytest.mark.parametrize("asked", [2, 4])
def test_other_steps_than_asked_are_refused_and_both_are_said(asked: int) -> None:
    count = counted(FakeTrainer([0], [1.0]), images=10)
    with pytest.raises(WorkNotDone, match=f"3 optimiser steps were done where {asked} were asked"):
        count.expect(asked, 1.0)


@pytest.mark.parametrize(("late_s", "refused"), [(0.2, False), (0.9, False), (1.1, True)])
def test_work_left_when_the_clock_has_stopped_is_refused_where_it_is_much(
    late_s: float, refused: bool
) -> None:
    trainer = FakeTrainer([0], [1.0])
    count = counted(trainer, images=10)
    trainer.queued_s.append(late_s)

    def read_by_waiting() -> int:
        trainer.synchronize()
        return trainer.steps

    trainer.steps_done = read_by_waiting  # type: ignore[method-assign]
    if refused:
        with pytest.raises(WorkNotDone, match="does not wait for the device"):
            count.expect(3, 10.0)
    else:
        count.expect(3, 10.0)


@pytest.fixture(scope="module")
def folder() -> Path:
    return datasets.prepare("digits", source="glyphs", glyphs_images=1000).folder


def trained(folder: Path, **changes: object) -> tuple[Trainer, datasets.Dataset, Setup]:
    data = datasets.open_cached(folder)
    experiment = an_experiment(framework="numpy", source="glyphs", batch_size=50, **changes)
    made, _ = material.setup(Run(experiment=experiment, seed=0), data)
    trainer = create(made)
    trainer.build()
    trainer.arrange(np.arange(100))
    trainer.train()
    return trainer, data, made


def test_an_honest_trainer_passes_and_its_answers_are_near_the_referee_s(folder: Path) -> None:
    trainer, _, made = trained(folder)
    again = recheck(trainer, made, folder)
    assert (again.execution, again.dropout_seen) == ("eager", True)
    assert again.answers_deviation is not None
    assert 0 < again.answers_deviation < 1e-5


def test_training_without_dropout_where_it_was_asked_for_is_refused(folder: Path) -> None:
    trainer, _, made = trained(folder, dropout=False)
    asked = replace(made, experiment=replace(made.experiment, dropout=True))
    with pytest.raises(WorkNotDone, match="dropout was to be on in training"):
        recheck(trainer, asked, folder)


def test_another_execution_than_asked_is_refused(folder: Path) -> None:
    trainer, _, made = trained(folder)
    asked = replace(made, experiment=replace(made.experiment, execution="compiled"))
    with pytest.raises(WorkNotDone, match="'compiled' was asked for and 'eager' is what ran"):
        recheck(trainer, asked, folder)


def test_the_loss_of_a_huge_batch_is_not_computed_again(folder: Path) -> None:
    trainer, _, made = trained(folder)
    huge = replace(made, experiment=replace(made.experiment, batch_size=8192))
    assert recheck(trainer, huge, folder).dropout_seen is None

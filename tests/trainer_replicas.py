"""Keras on two replicas: certified, and mistakes caught. Run by ``test_keras_parallel.py``."""

import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench import trainers
from bench.checks import faults, trial
from bench.checks.examine import examine
from bench.experiment import PARALLEL
from bench.results.evidence import Check
from bench.trainers import WrongWorld
from tests import small_trainers
from tests.checks.test_examine import QUIET, assert_caught, drawn
from tests.fakes import an_experiment
from tests.small_trainers import FRAMEWORK, ORDER, TEST_IMAGES, create, frameworks_own_warnings

pytestmark = frameworks_own_warnings

TWO: dict[str, Any] = {"execution": PARALLEL, "replicas": 2, "dropout": False}


def certified(wrapper: Any = None) -> dict[str, Check]:
    honest = trainers.load(FRAMEWORK).create
    subject = trial.of(an_experiment(framework=FRAMEWORK, execution=PARALLEL, replicas=2))
    made = honest if wrapper is None else faults.wrapped(honest, wrapper)
    checks, _ = examine(made, subject, drawn(), starts=QUIET[:1])
    return {check.quantity: check for check in checks}


def test_two_replicas_are_certified_by_the_referee_of_the_whole_batch() -> None:
    assert [check for check in certified().values() if not check.passed] == []


def test_a_replica_whose_gradients_are_not_averaged_is_caught() -> None:
    """The weights that are read are the first one's, which then has learned from its share."""
    assert_caught(certified(faults.TakesHalves), "gradients at step 1")


def test_replicas_that_see_the_same_images_are_caught() -> None:
    assert_caught(certified(faults.SeesTheSame), "gradients at step 1")


def test_a_short_batch_of_odd_size_is_shared_out_and_all_count_alike() -> None:
    """ORDER ends on five of 32 images."""
    shared = create(**TWO)
    alone = create(execution=trainers.FRAMEWORKS[FRAMEWORK].default, dropout=False)
    for trainer in (alone, shared):
        trainer.arrange(ORDER)
        trainer.train()
    assert shared.mean_loss() == pytest.approx(alone.mean_loss(), rel=1e-5)
    assert shared.steps_done() == alone.steps_done() == 4
    for name, array in alone.weights().items():
        np.testing.assert_allclose(shared.weights()[name], array, atol=5e-5, err_msg=name)
    np.testing.assert_allclose(shared.logits(TEST_IMAGES), alone.logits(TEST_IMAGES), atol=1e-3)
    np.testing.assert_allclose(
        shared.infer(TEST_IMAGES[:1]), shared.logits(TEST_IMAGES)[:1], atol=1e-5
    )


def test_warm_up_leaves_no_trace_and_what_ran_is_told() -> None:
    trainer = create(**TWO)
    before = trainer.weights()
    trainer.warm_up()
    small_trainers.assert_same(before, trainer.weights())
    assert trainer.steps_done() == 0
    assert trainer.observed_execution() == PARALLEL
    assert trainer.settings()["replicas"] == "2"


def test_more_replicas_than_there_are_devices_is_an_error() -> None:
    """What a process does in which nobody asked for more: a world of one is the usual mistake."""
    setup = small_trainers.small_setup(**TWO)
    setup = replace(setup, experiment=replace(setup.experiment, replicas=4))
    with pytest.raises((WrongWorld, RuntimeError), match="4 replicas|cannot be modified"):
        trainers.load(FRAMEWORK).create(setup).build()


assert os.environ["GLYPHBENCH_TEST_EXECUTION"] == PARALLEL

"""PyTorch on several replicas: certified, and every way in which they do not share the work caught.

The mistakes are planted in every process, which imports them from here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import psutil
import pytest

from bench.checks import trial
from bench.checks.examine import examine
from bench.experiment import PARALLEL
from bench.trainers import Setup, Trainer, WrongWorld
from tests.checks.test_examine import QUIET, assert_caught, drawn
from tests.fakes import an_experiment

torch = pytest.importorskip("torch")

from bench.trainers import pytorch, torch_parallel  # noqa: E402
from bench.trainers.torch_parallel import Leader, Replica, ReplicaEnded, World  # noqa: E402


class NotAveraged(Replica):
    """Every replica goes its own way."""

    def build(self) -> None:
        super().build()
        self._forward = self._network


class SeesTheSame(Replica):
    """Every replica is given the first one's share."""

    def _share(self, batch: Any) -> Any:
        return torch.tensor_split(batch, self._replicas)[0]


class FailsThere(Replica):
    """The second replica fails as it trains."""

    def train(self) -> None:
        if self._rank:
            raise ValueError("no more")
        super().train()


@pytest.fixture(scope="module", autouse=True)
def _ended() -> Iterator[None]:
    yield
    if World.current is not None:
        World.current.close()


def a_setup(replicas: int = 2, batch_size: int = 32, **changes: Any) -> Setup:
    """101 images of noise, dropout off: the last of four batches has five."""
    random = np.random.default_rng(0)
    images = random.standard_normal((101, 28, 28), dtype=np.float32)
    experiment = an_experiment(
        **{"execution": PARALLEL, "replicas": replicas, "dropout": False} | changes,
        batch_size=batch_size,
    )
    return Setup(
        experiment=experiment,
        seed=0,
        classes=10,
        train_images=images,
        train_labels=random.integers(0, 10, 101),
        validation_images=images[:40],
        test_size=30,
    )


def made(trainer: Any) -> Trainer:
    """Ready to train."""
    trainer.build()
    trainer.transfer()
    return cast(Trainer, trainer)


def steps(trainer: Trainer) -> None:
    """A few, until all are done."""
    trainer.arrange(np.arange(101))
    trainer.train()
    trainer.synchronize()


def certified(kind: type[Replica]) -> dict[str, Any]:
    """The checks of two replicas, from one start at which no rounding decides anything."""
    subject = trial.of(an_experiment(execution=PARALLEL, replicas=2))
    create = lambda setup: cast(Trainer, Leader(setup, kind))  # noqa: E731
    checks, _ = examine(create, subject, drawn(), starts=QUIET[:1])
    return {check.quantity: check for check in checks}


def test_two_replicas_are_certified_by_the_referee_of_the_whole_batch() -> None:
    assert [check for check in certified(Replica).values() if not check.passed] == []


def test_gradients_that_are_not_averaged_are_caught() -> None:
    assert_caught(certified(NotAveraged), "gradients at step 1", "losses of 20 steps by SGD")


def test_replicas_that_see_the_same_images_are_caught() -> None:
    assert_caught(certified(SeesTheSame), "gradients at step 1", "losses of 20 steps by SGD")


@pytest.mark.parametrize("size", [32, 25, 5, 1])
def test_shares_of_any_size_are_the_whole_batch(size: int) -> None:
    """25 and 5 are odd, and of 1 the second replica has none."""
    order = np.arange(2 * size + size // 3)
    alone = made(pytorch.create(a_setup(1, size, execution="eager")))
    start = alone.weights()
    shared = made(torch_parallel.create(a_setup(2, size)))
    shared.load_weights(start)
    for trainer in (alone, shared):
        trainer.arrange(order)
        trainer.train()
    assert shared.mean_loss() == pytest.approx(alone.mean_loss(), rel=1e-5)
    assert shared.steps_done() == alone.steps_done()
    for name, array in alone.weights().items():
        np.testing.assert_allclose(shared.weights()[name], array, atol=5e-5, err_msg=name)


def test_replicas_draw_different_dropout_and_are_counted_and_told() -> None:
    trainer: Any = made(torch_parallel.create(a_setup(dropout=True)))
    told = trainer.settings()
    assert (told["replicas"], trainer.observed_execution()) == ("2", PARALLEL)
    assert told["threads"] == str(max(1, torch_parallel.THREADS // 2))
    trainer.arrange(np.arange(64))
    trainer.train()
    both = trainer.mean_loss()
    same: Any = made(Leader(a_setup(dropout=True), SeesTheSame))
    same.arrange(np.arange(64))
    same.train()
    assert both != same.mean_loss()


def test_a_rehearsal_times_both_parts_of_a_step_and_leaves_no_trace() -> None:
    trainer: Any = made(torch_parallel.create(a_setup(batch_size=100)))
    trainer.warm_up()
    before = trainer.weights()
    rehearsal = trainer.rehearse()
    for name, array in trainer.weights().items():
        np.testing.assert_array_equal(array, before[name])
    assert rehearsal.replicas == 2
    assert min(rehearsal.samples_s) > 0
    sizes = [exchange.bytes for exchange in rehearsal.exchanges]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 4 * trainer.parameter_count
    assert all(seconds > 0 for each in rehearsal.exchanges for seconds in each.samples_s)
    assert trainer.steps_done() == 0
    trainer.arrange(np.arange(64))
    trainer.train()
    assert trainer.observed_execution() == PARALLEL


def test_a_world_of_one_where_two_were_asked_for_is_an_error() -> None:
    if World.current is not None:
        World.current.close()
    alone: Any = Leader(a_setup(2), world=World(1, "cpu"))
    with pytest.raises(WrongWorld, match="2 replicas were asked for, and 1 took part"):
        alone.build()
    assert World.current is None


def test_the_machinery_at_one_replica_does_the_work_of_none() -> None:
    plain, machinery = (
        made(torch_parallel.create(a_setup(1, execution=execution)))
        for execution in ("eager", PARALLEL)
    )
    machinery.load_weights(plain.weights())
    for trainer in (plain, machinery):
        trainer.arrange(np.arange(101))
        trainer.train()
    assert machinery.mean_loss() == pytest.approx(plain.mean_loss(), rel=1e-5)


def test_a_replica_that_fails_ends_the_others_with_its_reason() -> None:
    trainer: Any = made(Leader(a_setup(), FailsThere))
    (other,) = trainer._world.processes
    start = time.monotonic()
    with pytest.raises(ReplicaEnded, match="replica 2 of 2: ValueError: no more"):
        steps(trainer)
    assert time.monotonic() - start < 20
    assert not psutil.pid_exists(other.pid)
    assert World.current is None

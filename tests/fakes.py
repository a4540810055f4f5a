"""Fakes small enough to read at a glance: a trainer whose device is a list of seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.experiment import Experiment
from bench.trainers import DeviceMemory, Images, Logits, Weights

SETUP_S, TRAIN_S_PER_IMAGE, LOGITS_S, INFER_S, WEIGHTS_S = 3.0, 0.001, 5.0, 0.25, 0.5
ARRANGE_S, RENEW_S = 7.0, 11.0


class FakeTrainer:
    """Queues its work like a GPU and does it only in ``synchronize()``, or for an ``infer``.

    ``clock`` is the only time there is: it moves when the queue is worked off, and nowhere
    else. A clock that is read without a synchronisation therefore misses the work.
    """

    def __init__(self, labels: list[int], losses: list[float]) -> None:
        self.now_s = 0.0
        self.queued_s: list[float] = []
        self.labels = labels  # of whatever images it is asked about
        self.losses = losses  # training loss of each call of train()
        self.batch_size = 4
        self.steps = self.queued_steps = 0  # of the optimiser: done, and waiting
        self.calls: list[str] = []
        self.orders: list[NDArray[np.int64]] = []
        self.version = 0  # stands for the weights: how often train() was called
        self.confidence = [1.0] * 99  # of the right answer, by version: the validation loss
        self.parameter_count = 7
        self.train_waits = False
        self.memory: DeviceMemory | None = None  # of its device
        self.synchronize_s = 0.0  # what waiting costs, even where there is nothing to wait for

    def clock(self) -> float:
        return self.now_s

    def steps_done(self) -> int:
        return self.steps  # what still waits in the queue is not done

    def observed_execution(self) -> str:
        return "eager"

    def synchronize(self) -> None:
        assert self.calls, "called before build(), when a framework has nothing to wait for"
        self.now_s += self.synchronize_s
        self._work_off()

    def _work_off(self) -> None:
        self.now_s += sum(self.queued_s)
        self.queued_s.clear()
        self.steps += self.queued_steps
        self.queued_steps = 0

    def _queue(self, name: str, seconds: float) -> None:
        self.calls.append(name)
        self.queued_s.append(seconds)

    def build(self) -> None:
        self._queue("build", SETUP_S)

    def transfer(self) -> None:
        self._queue("transfer", SETUP_S)

    def warm_up(self) -> None:
        self._queue("warm_up", SETUP_S)

    def warm_up_predictions(self) -> None:
        self._queue("warm_up_predictions", SETUP_S)

    def renew(self, images: Images) -> None:
        self._queue(f"renew {images.flat[0]:g}", RENEW_S)

    def arrange(self, order: NDArray[np.int64]) -> None:
        self._queue("arrange", ARRANGE_S)
        self.orders.append(order)

    def train(self) -> None:
        self._queue("train", TRAIN_S_PER_IMAGE * len(self.orders[-1]))
        self.queued_steps += -(-len(self.orders[-1]) // self.batch_size)
        self.version += 1

    def mean_loss(self) -> float:
        return self.losses[len(self.orders) - 1]

    def logits(self, images: Images) -> Logits:
        self._queue(f"logits {images.flat[0]:g}", LOGITS_S)  # tells the splits of a test apart
        return np.eye(3, dtype=np.float32)[self.labels] * self.confidence[self.version]

    def infer(self, images: Images) -> Logits:
        self._queue("infer", INFER_S)
        self._work_off()  # before that, nothing of the answer is in host memory
        return np.zeros((len(images), 3), np.float32)

    def weights(self) -> Weights:
        self._queue("weights", WEIGHTS_S)
        return {"version/bias": np.array([self.version], np.float32)}

    def load_weights(self, weights: Weights) -> None:
        self.calls.append("load_weights")
        self.version = int(weights["version/bias"][0])

    def save(self, path: Path) -> None:
        self.calls.append("save")

    def device_memory(self) -> DeviceMemory | None:
        return self.memory

    def reset_peak_memory(self) -> None:
        self.calls.append("reset_peak_memory")
        if self.memory:
            self.memory = self.memory._replace(peak=self.memory.now)

    def settings(self) -> dict[str, str]:
        return {}


def an_experiment(**changes: object) -> Experiment:
    """A small experiment, with the changes a test is about."""
    fields: dict[str, object] = {
        "task": "digits",
        "source": "mnist",
        "architecture": "mlp",
        "framework": "pytorch",
        "execution": "eager",
        "device": "cpu",
        "batch_size": 4,
        "epochs": 1.0,
        "targets": (0.97,),
    }
    return Experiment(**(fields | changes))  # type: ignore[arg-type]

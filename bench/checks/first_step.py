"""One training step of a framework on a device, in a process of its own: does it train here?

What takes the step is the framework's own trainer, as a run makes it, on a little noise: of the
MLP on the CPU, where it is soonest done, and of the CNN on a GPU, where convolutions need libraries
that an MLP never loads.
"""

from __future__ import annotations

import importlib
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench import trainers
from bench.checks import arms
from bench.experiment import Experiment
from bench.results.record import Status
from bench.run import processes, versions
from bench.run.leaving import classify
from bench.trainers import FRAMEWORKS

IMAGES = 32  # one batch


@dataclass(frozen=True, kw_only=True)
class StepRequest:
    """What the process is told."""

    framework: str
    device: str
    started_s: float = field(default_factory=time.perf_counter)  # a clock that processes share


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """How far it came: the first failure ends it."""

    versions: dict[str, str] = field(default_factory=dict)  # 'python' and its packages -> version
    cuda: str | None = None  # the CUDA it was built for, such as '13.0'; None: none, or not told
    import_failure: str | None = None  # why it cannot be imported, in one line
    no_device: str | None = None  # why it does not see the device
    failure: str | None = None  # the step's, in one line
    status: Status = "ok"  # what kind of failure
    import_s: float | None = None  # from the start of the process until it was imported
    step_s: float | None = None  # and until the step was done

    @property
    def reason(self) -> str:
        """Why there was no step."""
        return self.import_failure or self.no_device or self.failure or "it did not say why"

    @property
    def trains(self) -> bool:
        """Whether the step was done."""
        return self.step_s is not None


def ask(framework: str, device: str, python: Path, *, limit_s: float) -> Attempt:
    """Have ``python`` take the step, and return how far it came, whatever becomes of it."""
    try:
        return processes.ask(
            __name__,
            StepRequest(framework=framework, device=device),
            Attempt,
            limit_s=limit_s,
            experiment=_experiment(framework, device),
            python=python,
        )
    except processes.NoAnswer as error:
        return Attempt(failure=str(error), status="crashed")


def attempt(request: StepRequest) -> Attempt:
    """Import the framework here, make a trainer on the device, and take a step."""
    framework = FRAMEWORKS[request.framework]
    made = Attempt(versions=versions.installed(framework.packages))
    try:
        module = trainers.load(request.framework)
        made = replace(made, cuda=_cuda_build(framework.device_module))
    except Exception as error:  # noqa: BLE001 - a library that is not found may raise anything
        status, reason = classify(error)
        return replace(made, import_failure=in_one_line(reason), status=status)
    made = replace(made, import_s=time.perf_counter() - request.started_s)
    try:
        trainer = module.create(arms.setup(_experiment(request.framework, request.device), IMAGES))
        _take_step(trainer)
    except trainers.FrameworkMissing as error:
        return replace(made, no_device=in_one_line(str(error)), status="not installed")
    except Exception as error:  # noqa: BLE001 - the framework's, the driver's: the answer says it
        status, reason = classify(error)
        return replace(made, failure=in_one_line(reason), status=status)
    return replace(made, step_s=time.perf_counter() - request.started_s)


def _take_step(trainer: trainers.Trainer) -> None:
    trainer.build()
    trainer.transfer()
    trainer.warm_up()
    trainer.arrange(np.arange(IMAGES, dtype=np.int64))
    trainer.train()
    trainer.synchronize()
    loss = trainer.mean_loss()
    if not math.isfinite(loss):
        raise ArithmeticError(f"the loss of the step is {loss}")


def _experiment(framework: str, device: str) -> Experiment:
    experiment = arms.experiment(framework, device, epochs=1)
    return replace(experiment, architecture="mlp" if device == "cpu" else "cnn", batch_size=IMAGES)


def _cuda_build(module: str | None) -> str | None:
    if module is None:
        return None
    version: str | None = importlib.import_module(f"bench.trainers.{module}").cuda_build()
    return version


def in_one_line(text: str) -> str:
    """Words one space apart, and no more of them than are read."""
    line = " ".join(text.split())
    return line if len(line) <= 300 else f"{line[:300]} ..."


if __name__ == "__main__":
    parent = processes.Parent()
    parent.tell(attempt(parent.request(StepRequest)))

"""Asks one framework, in a process of its own, what it can do on this machine.

What answers is the framework's own trainer, as a run would make it, so there is nothing here
that has to know the framework.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import processes, trainers, versions
from bench.experiment import Experiment
from bench.trainers import FRAMEWORKS, FrameworkMissing, Setup

IMAGES = 2  # enough to make a trainer with; no step is taken


@dataclass(frozen=True, kw_only=True)
class ProbeRequest:
    """What the process is told."""

    framework: str
    device: str


@dataclass(frozen=True, kw_only=True)
class Ability:
    """What a framework said of itself."""

    versions: dict[str, str]  # 'python' and the framework's packages -> version
    cannot_run: str | None = None  # why it cannot be used at all; None: it can
    no_device: str | None = None  # why it cannot use the device asked for; None: it can


def ask(framework: str, device: str, python: Path, *, timeout_s: float) -> Ability:
    """Start ``python`` for a framework and return its answer, whatever becomes of it."""
    try:
        return processes.ask(
            __name__,
            ProbeRequest(framework=framework, device=device),
            Ability,
            limit_s=timeout_s,
            experiment=_experiment(framework, device),
            python=python,
        )
    except processes.NoAnswer as error:
        return Ability(versions={}, cannot_run=str(error))


def ability(framework: str, device: str) -> Ability:
    """Import the framework, here, and make a trainer on the device."""
    installed = versions.installed(FRAMEWORKS[framework].packages)
    try:
        module = trainers.load(framework)
    except FrameworkMissing as error:
        return Ability(versions=installed, cannot_run=str(error))
    try:
        module.create(_setup(framework, device))
    except FrameworkMissing as error:
        return Ability(versions=installed, no_device=str(error))
    return Ability(versions=installed)


def _setup(framework: str, device: str) -> Setup:
    images = np.zeros((IMAGES, 28, 28), dtype=np.float32)
    return Setup(
        experiment=_experiment(framework, device),
        seed=0,
        classes=10,
        train_images=images,
        train_labels=np.zeros(IMAGES, dtype=np.int64),
        validation_images=images,
        test_size=IMAGES,
    )


def _experiment(framework: str, device: str) -> Experiment:
    return Experiment(
        task="digits",
        source="glyphs",
        architecture="mlp",
        framework=framework,
        execution=FRAMEWORKS[framework].default,
        device=device,
        batch_size=IMAGES,
        epochs=1,
    )


if __name__ == "__main__":
    parent = processes.Parent()
    request = parent.request(ProbeRequest)
    parent.tell(ability(request.framework, request.device))

"""Asks one framework, in a process of its own, what it can do on this machine.

    python -m bench.probe FRAMEWORK DEVICE     # inside that process: one line of JSON

What answers is the framework's own trainer, as a run would make it, so there is nothing here
that has to know the framework.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from bench import trainers, versions
from bench.experiment import Experiment
from bench.trainers import FRAMEWORKS, FrameworkMissing, Setup
from bench.versions import PROJECT

IMAGES = 2  # enough to make a trainer with; no step is taken


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a framework said of itself."""

    versions: dict[str, str]  # 'python' and the framework's packages -> version
    cannot_run: str | None = None  # why it cannot be used at all; None: it can
    no_device: str | None = None  # why it cannot use the device asked for; None: it can


def ask(framework: str, device: str, python: Path, *, timeout_s: float) -> Answer:
    """Start ``python`` for a framework and return its answer, whatever becomes of it."""
    try:
        done = subprocess.run(
            [python, "-m", "bench.probe", framework, device],
            cwd=PROJECT,
            env=dict(os.environ) | dict(FRAMEWORKS[framework].environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        return Answer(versions={}, cannot_run=f"no answer within {timeout_s:g} s")
    except OSError as error:
        return Answer(versions={}, cannot_run=f"{python} cannot be started: {error.strerror}")
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        return msgspec.json.decode(lines[-1], type=Answer)  # a framework may print before it
    said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
    return Answer(versions={}, cannot_run=f"ended with exit code {done.returncode}: {said[0]}")


def answer(framework: str, device: str) -> Answer:
    """Import the framework, here, and make a trainer on the device."""
    found = versions.installed(FRAMEWORKS[framework].packages)
    try:
        module = trainers.load(framework)
    except FrameworkMissing as error:
        return Answer(versions=found, cannot_run=str(error))
    try:
        module.create(_setup(framework, device))
    except FrameworkMissing as error:
        return Answer(versions=found, no_device=str(error))
    return Answer(versions=found)


def _setup(framework: str, device: str) -> Setup:
    images = np.zeros((IMAGES, 28, 28), dtype=np.float32)
    return Setup(
        experiment=Experiment(
            task="digits",
            source="glyphs",
            architecture="mlp",
            framework=framework,
            execution=FRAMEWORKS[framework].default,
            device=device,
            batch_size=IMAGES,
            epochs=1,
        ),
        seed=0,
        classes=10,
        train_images=images,
        train_labels=np.zeros(IMAGES, dtype=np.int64),
        validation_images=images,
        test_size=IMAGES,
    )


if __name__ == "__main__":
    print("\n" + msgspec.json.encode(answer(sys.argv[1], sys.argv[2])).decode())

"""A results folder with one small run of NumPy and the model it saved, made once a process."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import datasets
import models
from bench.experiment import Goal, Run
from bench.results.card import Card, card_of
from bench.results.folder import Results
from bench.results.record import Record
from bench.run.worker import RunRequest, perform
from bench.trainers import Weights
from models.weights import initial_weights
from tests.fakes import an_experiment
from tests.records import MACHINE, make_record

IMAGES = 400  # drawn; a tenth of them for the test


@cache
def data_folder() -> Path:
    """Drawn digits in the tests' own cache."""
    return datasets.prepare("digits", source="glyphs", glyphs_images=IMAGES).folder


@cache
def results_folder() -> Path:
    """With the record, the checkpoint and the saved model of ``record()``."""
    folder = Path(os.environ["GLYPHBENCH_CACHE"]) / "results-of-one-run"
    Results(folder).save(perform(run_request(folder), _silent))
    return folder


def record() -> Record:
    """The record of the one run."""
    return Results(results_folder()).records()[0]


def model_path() -> Path:
    """The saved model of the one run."""
    return Results(results_folder()).model_path(record().run_id, ".safetensors")


def run_request(folder: Path, *, goal: Goal = "train") -> RunRequest:
    """One epoch of the MLP in NumPy on the drawn digits."""
    experiment = an_experiment(
        source="glyphs", framework="numpy", goal=goal, batch_size=32, epochs=1, targets=()
    )
    return RunRequest(
        run=Run(experiment=experiment, seed=0),
        data_folder=str(data_folder()),
        results_folder=str(folder),
        machine=MACHINE,
        started_at=datetime.now(UTC),
    )


def a_card(architecture: str = "mlp", *, classes: int = 10, **experiment: Any) -> Card:
    """A card with a record made up for tests; ``experiment``: what is otherwise than in PyTorch."""
    record = make_record(architecture=architecture, **experiment)
    names = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[:classes])
    return card_of(replace(record, data=replace(record.data, class_names=names)))


def weights_of(architecture: str, classes: int = 10) -> Weights:
    """Some weights, biases too, in the neutral layout."""
    like = models.load(architecture, "numpy").build(classes).parameters
    random = np.random.default_rng(3)
    return {
        name: random.standard_normal(array.shape, dtype=np.float32) if "bias" in name else array
        for name, array in initial_weights(like, seed=1).items()
    }


def saver(weights: Weights) -> Callable[[Path], None]:
    """What a trainer's ``save`` does, of these weights."""
    from safetensors.numpy import save

    return lambda path: _write(path, save(weights))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _silent(phase: str, done: int, total: int) -> None:
    pass

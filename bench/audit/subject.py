"""What the audit runs: a few steps of the MLP, on drawn images, which every machine has."""

from __future__ import annotations

from bench.experiment import Experiment, recipe
from bench.trainers import FRAMEWORKS

TASK, SOURCE, ARCHITECTURE = "digits", "glyphs", "mlp"
BATCH_SIZE = 128


def experiment(framework: str, device: str, epochs: float) -> Experiment:
    """Training steps alone, by the execution that users of the framework get without asking."""
    training = recipe(TASK, ARCHITECTURE)
    return Experiment(
        task=TASK,
        source=SOURCE,
        architecture=ARCHITECTURE,
        framework=framework,
        execution=FRAMEWORKS[framework].default_execution(device),
        device=device,
        goal="throughput",
        batch_size=BATCH_SIZE,
        epochs=epochs,
        optimizer=training.optimizer,
        learning_rate=training.learning_rate,
        momentum=training.momentum,
    )

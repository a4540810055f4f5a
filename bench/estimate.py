"""About how long a run takes: for plans and progress bars, never for a table.

The rates were measured once on a machine with two x86-64 cores, batch size 128; another
machine is slower or faster, and progress displays correct for that as runs end.
"""

from __future__ import annotations

import math

from bench.experiment import Experiment
from bench.record import Data

START_UP_S = {
    "numpy": 1.0,
    "pytorch": 2.5,
    "keras-tensorflow": 4.5,
    "keras-jax": 6.5,
    "keras-torch": 6.0,
}
COMPILING_S = 15.0  # more, where execution is 'compiled' and not the framework's default
INFERENCE_S = 3.0  # sampling inference at two batch sizes

# training images/s on two cores, batch 128: (framework, execution) -> (mlp, cnn)
CPU_RATES = {
    ("numpy", "eager"): (36_000.0, 4_300.0),
    ("pytorch", "eager"): (28_000.0, 9_200.0),
    ("pytorch", "compiled"): (23_000.0, 4_000.0),
    ("keras-tensorflow", "graph"): (22_000.0, 9_000.0),
    ("keras-tensorflow", "compiled"): (18_000.0, 3_700.0),
    ("keras-jax", "compiled"): (57_000.0, 2_100.0),
    ("keras-torch", "eager"): (16_500.0, 4_200.0),
}
# of networks that one framework alone has, on two cores
OTHER_NETWORKS = {
    "mlp-small": 75_000.0,
    "mlp-wide": 25_000.0,
    "ensemble-mlp": 20_000.0,
    "adaboost-mlp": 70_000.0,
    "gnn": 2_500.0,
}
OTHER_RATE = 2_000.0  # of what is not in the list
ACCELERATOR_SPEED_UP = 5.0  # of a GPU over two cores for networks this small: a guess
STEP_S = 5e-4  # fixed cost of a step, which is what small batches pay for
EVALUATION_SPEED_UP = 3.0  # a forward pass alone against a training step


def seconds(experiment: Experiment, data: Data) -> float:
    """Expected seconds of one run, start-up included."""
    column = 0 if experiment.architecture == "mlp" else 1
    rates = CPU_RATES.get((experiment.framework, experiment.execution), (OTHER_RATE, OTHER_RATE))
    rate = OTHER_NETWORKS.get(experiment.architecture, rates[column])
    rate *= 1.0 if experiment.device == "cpu" else ACCELERATOR_SPEED_UP
    images = experiment.epochs * data.train_images
    steps = math.ceil(images / experiment.batch_size)
    total = START_UP_S.get(experiment.framework, 8.0) + images / rate + steps * STEP_S
    if experiment.execution == "compiled" and experiment.framework != "keras-jax":
        total += COMPILING_S
    if experiment.goal == "train":
        evaluations = experiment.epochs * experiment.evaluations_per_epoch
        total += evaluations * data.validation_images / (rate * EVALUATION_SPEED_UP)
        total += INFERENCE_S
    return total

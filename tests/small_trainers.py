"""Small trainers for the tests that run in a process of one framework, and what they compare.

The framework and its execution come from the environment: see ``test_trainers.py``.
"""

import dataclasses
import os
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import trainers
from bench.experiment import Experiment
from bench.run.measure import give_initial_weights
from bench.trainers import FRAMEWORKS, Setup, Trainer, Weights
from models import COMPARED

FRAMEWORK = os.environ["GLYPHBENCH_TEST_FRAMEWORK"]
EXECUTION = os.environ.get("GLYPHBENCH_TEST_EXECUTION", FRAMEWORKS[FRAMEWORK].default)
os.environ.update(FRAMEWORKS[FRAMEWORK].environment)
if "JAX_COMPILATION_CACHE_DIR" in os.environ:  # a folder of the test's own: runs have none
    os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "true"

BATCH_SIZE = 32
CLASSES = 10
TRAIN_IMAGES = 3 * BATCH_SIZE + 5  # the last batch is short
ORDER = np.random.default_rng(1).permutation(TRAIN_IMAGES)
TEST_IMAGES = np.random.default_rng(2).standard_normal((30, 28, 28), dtype=np.float32)

frameworks_own_warnings = [
    # Keras 3.15 on NumPy 2, of its own variables.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning"),
    # TorchInductor, of PyTorch's own code.
    pytest.mark.filterwarnings("ignore:`torch.jit.:DeprecationWarning"),
]
warnings_are_no_errors = pytest.mark.filterwarnings("default")  # as in all that needs a GPU
each_architecture = pytest.mark.parametrize("architecture", COMPARED)


def small_setup(architecture: str = "mlp", *, seed: int = 0, **changes: Any) -> Setup:
    """Noise as images, no split a multiple of its batch size; keywords change the experiment."""
    experiment = Experiment(
        task="digits",
        source="glyphs",
        architecture=architecture,
        framework=FRAMEWORK,
        execution=EXECUTION,
        device="cpu",
        batch_size=BATCH_SIZE,
        epochs=1,
    )
    values = np.random.default_rng(0)
    return Setup(
        experiment=dataclasses.replace(experiment, **changes),
        seed=seed,
        classes=CLASSES,
        train_images=values.standard_normal((TRAIN_IMAGES, 28, 28), dtype=np.float32),
        train_labels=values.integers(0, CLASSES, TRAIN_IMAGES),
        validation_images=values.standard_normal((40, 28, 28), dtype=np.float32),
        test_size=len(TEST_IMAGES),
    )


def create(architecture: str = "mlp", **changes: Any) -> Trainer:
    """A trainer with its data and the weights that all are given, as a run has it.

    Build one, use it up, then the next: seeds are global.
    """
    setup = small_setup(architecture, **changes)
    experiment = setup.experiment
    trainer = trainers.load(experiment.framework, experiment.architecture).create(setup)
    trainer.build()
    give_initial_weights(trainer, setup.experiment, setup.seed)
    trainer.transfer()
    return trainer


def train(trainer: Trainer, order: NDArray[np.int64] = ORDER) -> None:
    """One call of train over the small training set."""
    trainer.arrange(order)
    trainer.train()


def trained(order: NDArray[np.int64] = ORDER, **changes: Any) -> Weights:
    """The weights of a new trainer after one call of train."""
    trainer = create(**changes)
    train(trainer, order)
    return trainer.weights()


def dropout_rates(trainer: Any) -> list[float]:
    """The rates of the dropout layers, in their order."""
    if FRAMEWORK == "pytorch":
        return [layer.p for layer in trainer._network if hasattr(layer, "p")]
    if FRAMEWORK == "jax":
        return list(trainer._network.rates)
    layers = trainer._network.layers.values() if FRAMEWORK == "numpy" else trainer._model.layers
    return [layer.rate for layer in layers if hasattr(layer, "rate")]


def with_random_biases(weights: Weights) -> Weights:
    values = np.random.default_rng(5)
    return {
        name: values.standard_normal(array.shape, dtype=np.float32) if "bias" in name else array
        for name, array in weights.items()
    }


def assert_same(one: Weights, other: Weights) -> None:
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array, err_msg=name)


def differ(one: Weights, other: Weights) -> bool:
    return any(not np.array_equal(other[name], array) for name, array in one.items())

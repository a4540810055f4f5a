"""What is run: the experiment, its recipe, and its name. No framework, no files.

An experiment is one combination of task, source, architecture, framework, execution and
device with its hyper-parameters. A run is an experiment with one seed.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Goal = Literal["train", "throughput"]
Optimizer = Literal["sgd", "adam"]
Precision = Literal["fp32", "tf32", "bf16"]

# How a framework executes its training. Some are for GPUs alone.
EXECUTIONS: Mapping[str, str] = MappingProxyType(
    {
        "eager": "each operation as Python comes to it",
        "tuned": "mended for the CPU: PyTorch's allocator and threads, JAX's max-pooling",
        "channels-last": "eager, with images channels last inside a GPU's network",
        "resident": "eager, with the data on the device: no fit, no copies from the host",
        "graph": "TensorFlow's graph without XLA",
        "compiled": "compiled: by XLA each step, by TorchInductor the network",
        "compiled-step": "compiled, with loss, gradients and the gathering of a batch inside",
        "reduce-overhead": "compiled, and replayed as CUDA graphs by torch.compile",
        "cuda-graph": "a whole step captured once as a CUDA graph, and replayed",
        "epoch": "a whole stretch of steps as one compiled program, the data on the device",
        "data-parallel": "each batch shared out among replicas, and their gradients averaged",
    }
)

# Those that have more to do before the first step, to be faster in each.
COMPILED = frozenset({"compiled", "compiled-step", "reduce-overhead", "cuda-graph", "epoch"})

PARALLEL = "data-parallel"  # the one execution that may have more than one replica

# What can be left to a framework's own default instead of being made equal in all: the words
# of ``Experiment.native``. What each framework's own default is: ``bench.trainers.native``.
NATIVE = (
    "adam-epsilon",
    "bias-init",
    "kernel-init",
    "matmul-precision",
    "memory-layout",
    "shuffling",
)
NATIVE_INIT = ("bias-init", "kernel-init")  # what --init native leaves to the framework

# Fields that came later, with their defaults: left out of an id where they say nothing, so that
# experiments keep the ids they had before.
LATER = {
    "validation_share": None,
    "augmentation": False,
    "training_accuracy": False,
    "replicas": 1,
}


def kind_of(device: str) -> str:
    """'cuda' of 'cuda:1': what it is, whichever of several."""
    return device.partition(":")[0]


def in_file_name(device: str) -> str:
    """'cuda-1' of 'cuda:1': no file may have a colon in its name on Windows."""
    return device.replace(":", "-")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One combination to be measured. Every field is explicit: nothing is left to a framework."""

    task: str  # 'digits' or 'letters'
    source: str  # where the images come from: 'mnist', 'az', 'az-sample', 'glyphs'
    architecture: str  # one of ``models.ARCHITECTURES``
    framework: str  # 'pytorch', 'keras-tensorflow', 'keras-jax', 'keras-torch', 'jax', 'numpy'
    execution: str  # one of EXECUTIONS
    device: str  # 'cpu', 'cuda' or 'mps'; 'cuda:1' for one of several
    goal: Goal = "train"  # 'throughput' times training steps only and reads no accuracy
    batch_size: int  # images a step; the last batch of an epoch may be shorter
    epochs: float  # passes over the training images; below 1 for a part of one
    evaluations_per_epoch: int = 1  # validation read this often, off the clock
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.0  # of 'sgd' only
    adam_epsilon: float = 1e-7  # of 'adam' only ('epsilon hat'); its betas are 0.9 and 0.999
    dropout: bool = True  # False: every rate is 0, for the parity check
    precision: Precision = "fp32"  # of products and convolutions; weights are float32 always
    threads: int | None = None  # logical processors the process may use; None: all there are
    native: tuple[str, ...] = ()  # of NATIVE, ascending: left to the framework's own default
    targets: tuple[float, ...] = ()  # validation accuracies to be timed, fractions, ascending
    # of the images that are not for the test; None: as the data set is split
    validation_share: float | None = None
    augmentation: bool = False  # every epoch sees the training images distorted anew
    training_accuracy: bool = False  # read it too at each evaluation, off the clock
    replicas: int = 1  # that share out each batch; more than one in PARALLEL alone

    def __post_init__(self) -> None:
        """Make whole numbers floats: 2 and 2.0 epochs are one experiment, with one id.

        Raises ValueError on a word of ``native`` that is not one of NATIVE, and on several replicas
        in an execution that knows one.
        """
        object.__setattr__(self, "epochs", float(self.epochs))
        object.__setattr__(self, "learning_rate", float(self.learning_rate))
        object.__setattr__(self, "native", tuple(sorted(set(self.native))))
        unknown = [word for word in self.native if word not in NATIVE]
        if unknown:
            raise ValueError(f"unknown in native: {unknown}; choose from {', '.join(NATIVE)}")
        if self.replicas != 1 and (self.replicas < 1 or self.execution != PARALLEL):
            raise ValueError(f"{self.replicas} replicas in {self.execution!r}; wanted {PARALLEL!r}")

    @property
    def id(self) -> str:
        """A file name for the experiment: readable, and unique by the hash of all its fields."""
        fields = asdict(self).items()
        named = {name: value for name, value in fields if (name, value) not in LATER.items()}
        digest = hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()
        return (
            f"{self.task}-{self.source}_{self.architecture}_{self.framework}-{self.execution}"
            f"_{in_file_name(self.device)}_b{self.batch_size}_{self.goal}_{digest[:8]}"
        )


@dataclass(frozen=True, kw_only=True)
class Run:
    """An experiment with one seed: the unit that is a process, and ends as one record."""

    experiment: Experiment
    seed: int
    position: int | None = field(default=None, compare=False)  # its turn among those of its seed

    @property
    def id(self) -> str:
        """The record's file name without its ending."""
        return f"{self.experiment.id}_s{self.seed}"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one architecture is trained on one task. It belongs to them, not to a framework."""

    optimizer: Optimizer
    learning_rate: float
    momentum: float = 0.0


ADAM = Recipe(optimizer="adam", learning_rate=1e-3)
RECIPES: dict[tuple[str, str], Recipe] = {}  # of a task and architecture that want another


def recipe(task: str, architecture: str) -> Recipe:
    """The recipe of a pair; Adam with learning rate 0.001 for a pair that has none of its own."""
    return RECIPES.get((task, architecture), ADAM)


# The order of the training images: drawn here from the seed, the same for every framework.


def segments(experiment: Experiment, seed: int, images: int) -> Iterator[NDArray[np.int64]]:
    """The stretches of training between two evaluations, in order.

    Each epoch is a new permutation of all ``images`` indices, drawn from (seed, epoch), so
    that epoch 3 of a run is the same however long the run is. Stretches end on a whole batch,
    so cutting them does not change the batches; the last batch of an epoch may be short.
    Where shuffling is left to the framework, every epoch is in the order of the file.

    Yields:
        (m,) int64 indices into the training images.
    """
    batch = experiment.batch_size
    epoch_steps = math.ceil(images / batch)
    steps_left = total_steps(experiment, images)
    epoch = 0
    while steps_left > 0:
        order = _epoch(experiment, seed, epoch, images)
        steps = min(epoch_steps, steps_left)
        start = 0
        for end in _cuts(epoch_steps, steps, experiment.evaluations_per_epoch):
            yield order[start * batch : end * batch]
            start = end
        steps_left -= steps
        epoch += 1


def _epoch(experiment: Experiment, seed: int, epoch: int, images: int) -> NDArray[np.int64]:
    if "shuffling" in experiment.native:
        return np.arange(images, dtype=np.int64)
    return np.random.default_rng((seed, epoch)).permutation(images).astype(np.int64)


def total_steps(experiment: Experiment, images: int) -> int:
    """Optimiser steps of the whole run: at least one; the short last batch is a step too."""
    return max(1, round(experiment.epochs * math.ceil(images / experiment.batch_size)))


def _cuts(epoch_steps: int, steps: int, evaluations: int) -> list[int]:
    """Where to stop and evaluate within the first ``steps`` steps of an epoch; ends with it."""
    even = {round(epoch_steps * part / evaluations) for part in range(1, evaluations + 1)}
    return sorted({cut for cut in even if 0 < cut < steps} | {steps})

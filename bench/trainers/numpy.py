"""Plain NumPy as a framework: what the others are compared with, to read and to run.

The networks are in ``models/*_numpy.py``, the optimisers in ``optimizers_numpy.py``; here is the
training loop. Everything is float32 and done at once, by NumPy and the BLAS library under it. Saved
networks are restored for runs of NumPy itself, and where no other framework is installed.
"""

from __future__ import annotations

import copy
import ctypes
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import numpy as np  # the package: imports are absolute, so that this file's name is no matter
from numpy.typing import NDArray
from safetensors.numpy import save

import models
from bench.machine import settings as names
from bench.results.card import Card
from bench.results.models import read_weights
from bench.trainers import (
    DeviceMemory,
    Features,
    FrameworkMissing,
    Images,
    Logits,
    Setup,
    Trainer,
    Weights,
    optimizers_numpy,
)
from bench.trainers.batches import predict_every_shape, warm_up_order
from models.layers_numpy import Network, softmax_cross_entropy
from models.weights import check_weights, initial_weights

PASS = 128  # images of a batch that go through together: windows of 1,024 would fill 140 MB


def create(setup: Setup) -> Trainer:
    """A trainer of one network; raises FrameworkMissing on any device but the CPU."""
    device = setup.experiment.device
    if device != "cpu":
        raise FrameworkMissing(f"NumPy computes on the CPU; it sees no {device.upper()} device")
    return NumPyTrainer(setup)


def restore(path: Path, card: Card) -> NumPyNetwork:
    """The network of a ``.safetensors`` file.

    Raises ValueError where NumPy has no such architecture, or the weights are not its own.
    """
    network = models.load(card.architecture, "numpy").build(len(card.class_names))
    _load(network, read_weights(path, network.parameters))
    return NumPyNetwork(network)


def _load(network: Network, weights: Weights) -> None:
    check_weights(weights, network.parameters)
    for name, array in network.parameters.items():
        array[...] = weights[name]


class NumPyNetwork:
    """See ``bench.trainers.Network``; of a trainer, or of a saved model."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def logits(self, images: Images) -> Logits:
        return _forward(self._network, images)

    def infer(self, images: Images) -> Logits:
        return _forward(self._network, images)

    def features(self, images: Images) -> Features | None:
        return _forward(self._body, images)

    @cached_property
    def _body(self) -> Network:
        but_last = dict(list(self._network.layers.items())[:-1])
        return Network(but_last, dtype=self._network.dtype, random=self._network.random)


def _forward(network: Network, images: Images) -> NDArray[np.float32]:
    starts = range(0, len(images), PASS)
    # Copied: the network writes over what it returned.
    return np.concatenate([network.forward(images[at : at + PASS]).copy() for at in starts])


class NumPyTrainer:
    """See ``bench.trainers.Trainer``."""

    train_waits = True

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._train_images = setup.train_images
        self._batch_size = setup.experiment.batch_size
        self.parameter_count = 0

    def build(self) -> None:
        experiment, seed = self._setup.experiment, self._setup.seed
        self._network: Network = models.load(experiment.architecture, "numpy").build(
            self._setup.classes, dropout=experiment.dropout
        )
        self._classifier = NumPyNetwork(self._network)
        self._network.seed(seed)
        # NumPy has no start of its own.
        self.load_weights(initial_weights(self._network.parameters, seed))
        self._optimizer = optimizers_numpy.choose(experiment)
        self.parameter_count = sum(array.size for array in self._network.parameters.values())

    def transfer(self) -> None:
        """Nothing: the arrays are where they are used."""

    def warm_up(self) -> None:
        setup = self._setup
        with self._ending_as_it_began():
            self.arrange(warm_up_order(len(setup.train_images), self._batch_size))
            self.train()

    def warm_up_predictions(self) -> None:
        with self._ending_as_it_began():
            predict_every_shape(self, self._setup)

    def renew(self, images: Images) -> None:
        self._train_images = images

    def arrange(self, order: NDArray[np.int64]) -> None:
        self._order = order

    def train(self) -> None:
        self._loss_sum = 0.0
        for start in range(0, len(self._order), self._batch_size):
            self._step(self._order[start : start + self._batch_size])

    def _step(self, batch: NDArray[np.int64]) -> None:
        images, labels = self._train_images[batch], self._setup.train_labels[batch]
        logits = self._network.forward(images, training=True)
        loss, gradient = softmax_cross_entropy(logits, labels)
        self._network.backward(gradient)
        self._optimizer.step(self._network.parameters, self._network.gradients)
        self._loss_sum += loss * len(batch)

    def mean_loss(self) -> float:
        return self._loss_sum / len(self._order)

    def steps_done(self) -> int:
        return self._optimizer.steps_done

    def observed_execution(self) -> str:
        return "eager"

    def logits(self, images: Images) -> Logits:
        return self._classifier.logits(images)

    def infer(self, images: Images) -> Logits:
        return self._classifier.infer(images)

    def synchronize(self) -> None:
        """Nothing: a call of NumPy returns when it is done."""

    def weights(self) -> Weights:
        return {name: array.copy() for name, array in self._network.parameters.items()}

    def load_weights(self, weights: Weights) -> None:
        _load(self._network, weights)

    def save(self, path: Path) -> None:
        path.write_bytes(save(self.weights()))

    def device_memory(self) -> DeviceMemory | None:
        return None

    def reset_peak_memory(self) -> None:
        """Nothing: there is no device."""

    def settings(self) -> dict[str, str]:
        return {
            "device name": "CPU",
            "threads": _blas_threads(),
            "threads chosen by": _chooser(),
            "BLAS": _blas(),
            "precision": str(self._network.dtype),
            "TF32": names.NOT_HERE,
            "XLA": "off",
            "compiler": "none (eager)",
            "determinism": "off",  # there is nothing to ask for
            "memory layout": self._memory_layout(),
            "preallocation": names.NOT_HERE,
            "optimiser": type(self._optimizer).__name__,
        }

    def _memory_layout(self) -> str:
        convolutions = any(array.ndim == 4 for array in self._network.parameters.values())
        return "channels last" if convolutions else names.NO_IMAGES

    @contextmanager
    def _ending_as_it_began(self) -> Iterator[None]:
        weights, optimizer = self.weights(), copy.deepcopy(self._optimizer)
        random_state = self._network.random.bit_generator.state
        yield
        self.load_weights(weights)
        self._optimizer = optimizer
        self._network.random.bit_generator.state = random_state


def _blas() -> str:
    """Name and version of the library that NumPy was built with, as it says itself."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}"


def _blas_threads() -> str:
    """How many threads the OpenBLAS that comes in NumPy's wheels uses."""
    core = importlib.import_module("numpy._core._multiarray_umath")
    library = ctypes.CDLL(str(core.__file__))  # finds what the module links, too
    try:
        return str(library.scipy_openblas_get_num_threads64_())
    except AttributeError:
        return "not told by this BLAS"


def _chooser() -> str:
    asked = [name for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS") if name in os.environ]
    return asked[0] if asked else "BLAS"

"""The seam between the harness and a framework: what a trainer is given, and what it can do.

Imports no framework: each is imported in its own module here and its model files only. To add
one: a module with ``create(setup) -> Trainer``, its model files, and one entry in ``FRAMEWORKS``,
the list in ``frameworks.py``. The module that bears the name of its family also restores saved
models, for ``bench.saved.model``: ``restore(path, card) -> Network``.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bench.experiment import Experiment, kind_of
from bench.results.observed import Rehearsal
from bench.trainers.frameworks import FRAMEWORKS as FRAMEWORKS
from bench.trainers.frameworks import Framework as Framework
from bench.trainers.frameworks import restorable as restorable
from models import ARCHITECTURES

Images = NDArray[np.float32]
Labels = NDArray[np.int64]
Logits = NDArray[np.float32]
Features = NDArray[np.float32]
Weights = dict[str, NDArray[np.float32]]

EVALUATION_BATCH_SIZE = 1024  # images a batch wherever logits of a whole split are computed


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Everything a trainer is made from. The images are normalised already, alike for all.

    The test images are not among it: see ``bench.run.measure.SealedTest``.
    """

    experiment: Experiment
    seed: int  # of dropout, and of the framework's own initial weights
    classes: int
    train_images: Images  # (n, 28, 28) float32, C-contiguous
    train_labels: Labels  # (n,) int64 in 0..classes-1
    validation_images: Images
    test_size: int  # how many test images there will be; they stay sealed until the end
    pixel_mean: float = 0.0  # by which the images were normalised, on the scale 0..1, ...
    pixel_std: float = 1.0  # ... for what needs them as they were

    def __post_init__(self) -> None:
        """Leave out which of several devices: its process sees that one alone, as the first."""
        inside = replace(self.experiment, device=kind_of(self.experiment.device))
        object.__setattr__(self, "experiment", inside)


class DeviceMemory(NamedTuple):
    """Bytes that a framework's allocator holds on a device."""

    now: int
    peak: int  # since the peak was last reset


class Classifier(Protocol):
    """What can be asked for the classes of images, dropout off."""

    def logits(self, images: Images) -> Logits:
        """(n, classes) float32 of normalised (n, 28, 28) float32 images, batches of 1,024."""
        ...

    def infer(self, images: Images) -> Logits:
        """(b, classes) of one batch, from host memory to host memory, as latency is measured.

        A NumPy array that is finished when the call returns: nothing waits for it again.
        """
        ...


class Network(Classifier, Protocol):
    """One trained network on the CPU."""

    def features(self, images: Images) -> Features | None:
        """(n, d) float32 of the penultimate layer, after its activation; None: it has none."""
        ...


class Trainer(Classifier, Protocol):
    """One network in one framework on one device.

    Called in this order: ``build``, ``transfer``, ``warm_up``, ``warm_up_predictions`` where
    predictions are wanted, then the rest in any order, an ``arrange`` before each ``train``.
    Only ``synchronize`` has to wait for the device: the clock calls it on both sides.
    """

    parameter_count: int  # trainable parameters; valid after build()
    train_waits: bool  # whether train() itself waits for the device, as Keras's fit does

    def build(self) -> None:
        """Make network and optimiser; what is random in them comes from the seed.

        The weights are the framework's own start, until ``load_weights`` gives others.
        """
        ...

    def transfer(self) -> None:
        """Bring the data to the device, where the framework keeps it there; else do nothing."""
        ...

    def warm_up(self) -> None:
        """Compile and autotune training on every batch shape to come.

        Weights, optimiser state and random state end as they began.
        """
        ...

    def warm_up_predictions(self) -> None:
        """The same for ``logits`` and ``infer``, apart: training alone does not need it."""
        ...

    def renew(self, images: Images) -> None:
        """Take other training images, of the same labels and number; off the clock.

        Called between two calls of ``train``, before ``arrange``.
        """
        ...

    def arrange(self, order: NDArray[np.int64]) -> None:
        """Get ready to train on the images in this order; off the clock.

        That the order is given from outside is this harness's wish: what it costs beyond what
        a framework's users pay for their own shuffling belongs here.

        ``order``: indices into the training images.
        """
        ...

    def train(self) -> None:
        """One optimiser step for each batch of the images as arranged.

        Batches are cut in turn, the last one shorter where the number of images is no
        multiple of the batch size.
        """
        ...

    def mean_loss(self) -> float:
        """Mean training loss per image over the last ``train``; may wait for the device."""
        ...

    def steps_done(self) -> int:
        """Optimiser steps since ``build`` by the optimiser's own count, warm-ups not among them.

        May wait for the device: where the count lies there, it is read there.
        """
        ...

    def observed_execution(self) -> str:
        """A word of EXECUTIONS: how it trained, as the framework tells afterwards."""
        ...

    def synchronize(self) -> None:
        """Return when the device has done all its work."""
        ...

    def weights(self) -> Weights:
        """A copy on the host, in one layout for all frameworks, keyed in layer order.

        Keys are ``LAYER/kernel`` and ``LAYER/bias`` with the layer names of the model files.
        Dense kernels are (in, out), convolutions (height, width, in, out); the rows of a
        dense kernel behind a Flatten run in (height, width, channel) order.
        """
        ...

    def load_weights(self, weights: Weights) -> None:
        """Take weights in that layout. Raises ValueError on a wrong name or shape."""
        ...

    def save(self, path: Path) -> None:
        """Write the network with its weights as they are, in the framework's own safe format.

        Safetensors with the neutral weights, or ``.keras``: see ``Framework.model_ending``.
        """
        ...

    def device_memory(self) -> DeviceMemory | None:
        """What the device's allocator holds; None where it is not counted (CPU)."""
        ...

    def reset_peak_memory(self) -> None:
        """Let the peak be counted from now on, where the framework can: JAX cannot."""
        ...

    def settings(self) -> dict[str, str]:
        """What the framework says of itself now: threads, precision, compiler, device name."""
        ...


@runtime_checkable
class Rehearsing(Protocol):
    """A trainer of replicas that can tell the two parts of a step apart."""

    def rehearse(self) -> Rehearsal:
        """Time steps without an exchange, and exchanges alone; all ends as it began."""
        ...


class WrongWorld(Exception):
    """Other replicas take part than were asked for, or do not share the work."""


class FrameworkMissing(Exception):
    """The framework, or its support for the asked device, is not installed here."""


class _TrainerModule(Protocol):
    def create(self, setup: Setup) -> Trainer: ...


def load(framework: str, architecture: str | None = None) -> _TrainerModule:
    """Import the trainer module of a framework, and with it the framework.

    An ``architecture`` that is trained in a way of its own has a module of its own. For processes
    that are the framework's alone: what it would import without using it cannot be imported in
    them any more, since its start-up and its memory must not depend on what else is installed.

    Raises:
        FrameworkMissing: the framework is not installed.
        RuntimeError: Keras is there with another backend.
    """
    _require_backend(framework)
    for package in FRAMEWORKS[framework].unused:
        sys.modules.setdefault(package, None)  # type: ignore[arg-type]
    module = _special(architecture) or FRAMEWORKS[framework].module
    try:
        loaded = importlib.import_module(f"bench.trainers.{module}")
    except ModuleNotFoundError as error:
        raise FrameworkMissing(
            f"{framework} needs the package {error.name!r}, which is not installed here"
        ) from error
    _require_backend(framework)
    return cast(_TrainerModule, loaded)


def _require_backend(framework: str) -> None:
    """Keras reads once, where it is imported, on what it is to run."""
    keras, wanted = sys.modules.get("keras"), FRAMEWORKS[framework].environment.get("KERAS_BACKEND")
    if keras and wanted and keras.backend.backend() != wanted:
        raise RuntimeError(
            f"Keras is loaded with the backend {keras.backend.backend()!r}, wanted {wanted!r}; "
            f"start a process of its own with KERAS_BACKEND={wanted}"
        )


def load_restorer(framework: str, architecture: str) -> ModuleType:
    """Import the module whose ``restore`` reads saved networks of an architecture.

    Raises ModuleNotFoundError where the framework is not installed.
    """
    module = _special(architecture) or FRAMEWORKS[framework].family
    return importlib.import_module(f"bench.trainers.{module}")


def _special(architecture: str | None) -> str | None:
    """The module of an architecture that is trained in a way of its own; None: it is not."""
    network = ARCHITECTURES.get(architecture or "")
    return network.trainer if network else None

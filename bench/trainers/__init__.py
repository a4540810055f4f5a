"""The seam between the harness and a framework, and the list of frameworks.

Imports no framework: each is imported in its own module here and its model files only. To add
one: a module with ``create(setup) -> Trainer``, its model files, and one entry in ``FRAMEWORKS``.
The module that bears the name of its family also restores saved models, for ``bench.saved.model``:
``restore(path, card) -> Network``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from bench.experiment import NATIVE, Experiment, Precision, kind_of
from bench.machine.devices import entry
from bench.trainers import native
from bench.trainers.native import Own
from models import ARCHITECTURES, Family

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


class FrameworkMissing(Exception):
    """The framework, or its support for the asked device, is not installed here."""


@dataclass(frozen=True, kw_only=True)
class Framework:
    """All that is to be known of a framework without importing it."""

    module: str  # of bench.trainers, with create(setup) -> Trainer
    family: Family  # whose model files it uses
    packages: tuple[str, ...]  # distributions whose versions a record names
    # Execution -> training images/s of the mlp, and of the cnn with its convolutions, measured
    # once on two x86-64 cores in batches of 128; for estimates alone. These are what it offers.
    rates: Mapping[str, tuple[float, float]]
    start_up_s: float  # until it trains, measured alike
    # Executions that make sense on some devices alone; those not named are offered on all.
    only_on: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    # The same for networks with convolutions alone, and for those without; (): on no device.
    only_on_with_convolutions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only_on_without_convolutions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default: str  # the execution its users get without asking, on the CPU
    accelerated_default: str | None = None  # and on another device; None: the same
    devices: tuple[str, ...] = ("cpu", "cuda")
    device_module: str | None = None  # of bench.trainers, with cuda_build() -> str | None
    precisions: tuple[Precision, ...] = ("fp32", "tf32", "bf16")
    # Folder in the clone of an environment of its own, where its packages for CUDA need one
    cuda_environment: str | None = None
    model_ending: str = ".safetensors"  # of the files its networks are saved in
    environment: Mapping[str, str] = field(  # set before the framework is imported
        default_factory=lambda: MappingProxyType({})
    )
    # Execution -> what is set for it alone, unless the user has set it
    environment_of: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    own: Mapping[str, Own]  # what it does of itself, under each word of bench.experiment.NATIVE
    compiler: str  # and whether it compiles
    slow_convolutions: str | None = None  # why, on a CPU, in the executions that train so; None: no
    out_of_memory: tuple[str, ...] = ()  # names of its errors, or words in them, that mean this
    colour: str  # in every plot, with its marker: no two frameworks share either
    marker: str

    @property
    def executions(self) -> tuple[str, ...]:
        """What it offers, words of ``bench.experiment.EXECUTIONS``."""
        return tuple(self.rates)

    def executions_on(self, device: str, architecture: str | None = None) -> tuple[str, ...]:
        """What it offers on a device, such as 'cpu', for a network; None: for some network."""
        limits = [self.only_on]
        if architecture is not None and ARCHITECTURES[architecture].convolutional:
            limits.append(self.only_on_with_convolutions)
        elif architecture is not None:
            limits.append(self.only_on_without_convolutions)
        kind = kind_of(device)
        return tuple(
            name
            for name in self.rates
            if all(kind in limit.get(name, self.devices) for limit in limits)
        )

    def default_execution(self, device: str) -> str:
        """What its users get on a device without asking."""
        return self.default if device == "cpu" else self.accelerated_default or self.default

    def offers(self, precision: Precision, device: str) -> bool:
        """Whether it computes in a precision on a device."""
        known = kind_of(device) in self.devices and precision in self.precisions
        return known and precision in entry(device).precisions


_OUT_OF_MEMORY = (  # by whatever computes on a CUDA device, and by the system
    *("out of memory", "CUDA_ERROR_OUT_OF_MEMORY", "failed to allocate", "cannot allocate memory"),
    *("CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"),
)
_TORCH_OUT_OF_MEMORY = (
    *_OUT_OF_MEMORY,
    *("OutOfMemoryError", "can't allocate memory", "not enough memory"),
)
_XLA_OUT_OF_MEMORY = (*_OUT_OF_MEMORY, "RESOURCE_EXHAUSTED")
_XLA = {
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    "JAX_ENABLE_COMPILATION_CACHE": "false",  # a run never starts from another's work
}
# XLA for a CPU compiles gradients of convolutions inside of a loop to code that takes tens of times
# as long as outside (seen in JAX 0.10.2 and TensorFlow 2.21.0): see ``models.layers_jax``.
_LOOPS_WITH_CONVOLUTIONS = {"epoch": ("cuda",)}
_SLOW_ON_CPU = (
    "XLA makes the gradient of max-pooling a scatter, done number by number on one core, and that "
    "of a convolution's kernel takes several times as long as the forward pass (docs/method.md, "
    "'JAX on the CPU'); plain JAX's execution 'tuned' has both written otherwise"
)
# Colours of Okabe and Ito, 'Color Universal Design' (2008), in which #CC79A7 is still free; yellow
# is lost on white.
FRAMEWORKS: dict[str, Framework] = {
    "pytorch": Framework(
        module="pytorch",
        family="pytorch",
        device_module="torch_device",
        packages=("torch",),
        rates={
            "eager": (28_000.0, 9_200.0),
            "compiled": (23_000.0, 4_000.0),
            **dict.fromkeys(("tuned", "channels-last"), (28_000.0, 9_200.0)),
            "compiled-step": (23_000.0, 4_000.0),
            **dict.fromkeys(("reduce-overhead", "cuda-graph"), (28_000.0, 9_200.0)),  # eager's
        },
        only_on={
            "tuned": ("cpu",),
            "channels-last": ("cuda",),
            "compiled-step": ("cpu", "cuda"),
            "reduce-overhead": ("cuda",),
            "cuda-graph": ("cuda",),
        },
        only_on_without_convolutions={"channels-last": ()},
        start_up_s=2.5,
        default="eager",
        devices=("cpu", "cuda", "mps"),
        # Threads that wait look 10,000 times whether they can go on, 0.25 ms, before they sleep; by
        # themselves 300,000 times, 7.5 ms, on a processor that others may want.
        environment_of={"tuned": {"GOMP_SPINCOUNT": "10000"}},
        own={
            "adam-epsilon": Own(
                says="ε 1e-8, beside the root of the corrected second moment", optimizers=("adam",)
            ),
            "bias-init": Own(says="uniform in ±1/√fan_in"),
            "kernel-init": Own(says="Kaiming uniform with a = √5, which is ±1/√fan_in"),
            "matmul-precision": native.TF32_IN_CONVOLUTIONS,
            "memory-layout": Own(says="channels first", devices=("cpu",), convolutional=True),
            "shuffling": Own(says="none: a DataLoader keeps the order of the file in every epoch"),
        },
        compiler="none unless torch.compile is called",
        out_of_memory=_TORCH_OUT_OF_MEMORY,
        colour="#D55E00",
        marker="D",
    ),
    "keras-tensorflow": Framework(
        module="keras_tensorflow",
        family="keras",
        model_ending=".keras",
        device_module="keras_tensorflow",
        packages=("keras", "tensorflow", "tensorflow-cpu"),
        cuda_environment=".venv-tensorflow",
        rates={
            "graph": (22_000.0, 9_000.0),
            "compiled": (18_000.0, 3_700.0),
            "epoch": (31_000.0, 3_700.0),
        },
        only_on_with_convolutions=_LOOPS_WITH_CONVOLUTIONS,
        start_up_s=4.5,
        default="graph",
        accelerated_default="compiled",  # jit_compile="auto" takes XLA where it sees a GPU
        environment={"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"},
        own=native.of_keras(
            # Seen in Keras 3.15.1: tf.random.shuffle in tf.data starts again with each epoch.
            shuffling="fit shuffles by TensorFlow; once a seed is set, into the same order every "
            "epoch",
            matmul_precision=Own(says="TF32 in products and convolutions", devices=("cuda",)),
        ),
        compiler="jit_compile='auto': XLA where TensorFlow sees a GPU, else its graph alone",
        out_of_memory=(
            *_XLA_OUT_OF_MEMORY,
            *("ResourceExhaustedError", "Dst tensor is not initialized"),
        ),
        colour="#E69F00",
        marker="s",
    ),
    "keras-jax": Framework(
        module="keras_jax",
        family="keras",
        model_ending=".keras",
        device_module="jax_device",
        packages=("keras", "jax", "jaxlib"),
        rates={"compiled": (57_000.0, 2_100.0), "epoch": (65_000.0, 2_100.0)},
        only_on_with_convolutions=_LOOPS_WITH_CONVOLUTIONS,
        start_up_s=6.5,
        default="compiled",
        environment={"KERAS_BACKEND": "jax"} | _XLA,
        own=native.of_keras(
            shuffling="fit shuffles anew every epoch, by NumPy's generator",
            matmul_precision=native.OF_THE_DEVICE,
        ),
        compiler="jit_compile='auto': always XLA",
        slow_convolutions=_SLOW_ON_CPU,
        out_of_memory=_XLA_OUT_OF_MEMORY,
        colour="#0072B2",
        marker="o",
    ),
    "keras-torch": Framework(
        module="keras_torch",
        family="keras",
        model_ending=".keras",
        device_module="torch_device",
        packages=("keras", "torch"),
        rates={"eager": (16_500.0, 4_200.0), "resident": (19_000.0, 4_200.0)},
        start_up_s=6.0,
        default="eager",
        devices=("cpu", "cuda", "mps"),
        environment={"KERAS_BACKEND": "torch"},
        own=native.of_keras(
            shuffling="fit shuffles anew every epoch, by PyTorch's generator",
            matmul_precision=native.TF32_IN_CONVOLUTIONS,
        ),
        compiler="jit_compile='auto': none",
        out_of_memory=_TORCH_OUT_OF_MEMORY,
        colour="#009E73",
        marker="^",
    ),
    "jax": Framework(
        module="jax",
        family="jax",
        device_module="jax_device",
        packages=("jax", "jaxlib"),
        rates={
            "compiled": (60_000.0, 2_100.0),
            "epoch": (67_000.0, 2_500.0),
            "tuned": (67_000.0, 4_000.0),
        },
        only_on={"tuned": ("cpu",)},
        only_on_without_convolutions={"tuned": ()},  # it is about layers that they do not have
        start_up_s=3.0,
        default="compiled",
        environment=_XLA,
        # What there is of it was written here, in the matched way; products are JAX's own.
        own={
            **{word: Own(says=phrase, differs=False) for word, phrase in native.MATCHED.items()},
            "matmul-precision": native.OF_THE_DEVICE,
        },
        compiler="XLA where jax.jit is called, as here; else none",
        slow_convolutions=_SLOW_ON_CPU,
        out_of_memory=_XLA_OUT_OF_MEMORY,
        colour="#56B4E9",
        marker="v",
    ),
    "numpy": Framework(
        module="numpy",
        family="numpy",
        packages=("numpy",),
        rates={"eager": (36_000.0, 4_300.0)},
        start_up_s=1.0,
        default="eager",
        devices=("cpu",),
        precisions=("fp32",),
        # What there is of it was written here, in the matched way.
        own={word: Own(says=phrase, differs=False) for word, phrase in native.MATCHED.items()},
        compiler="none",
        colour="#000000",
        marker="X",
    ),
}


def restorable(experiment: Experiment) -> tuple[str, ...]:
    """The words under which the framework's own default is not what is made equal in all."""
    own = FRAMEWORKS[experiment.framework].own
    # a precision asked for by name leaves none to the framework
    asked = ("matmul-precision",) if experiment.precision != "fp32" else ()
    return tuple(word for word in NATIVE if word not in asked and own[word].differs_in(experiment))


class _TrainerModule(Protocol):
    def create(self, setup: Setup) -> Trainer: ...


def load(framework: str, architecture: str | None = None) -> _TrainerModule:
    """Import the trainer module of a framework, and with it the framework.

    An ``architecture`` that is trained in a way of its own has a module of its own.
    Raises FrameworkMissing where the framework is not installed.
    """
    module = _special(architecture) or FRAMEWORKS[framework].module
    try:
        return cast(_TrainerModule, importlib.import_module(f"bench.trainers.{module}"))
    except ModuleNotFoundError as error:
        raise FrameworkMissing(
            f"{framework} needs the package {error.name!r}, which is not installed here"
        ) from error


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

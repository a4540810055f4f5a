"""The list of frameworks, an entry each: all that is to be known of one without importing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from bench.experiment import NATIVE, PARALLEL, Experiment, Precision, kind_of
from bench.machine.devices import entry
from bench.trainers import native
from bench.trainers.native import Own
from models import ARCHITECTURES, Family


class Where(NamedTuple):
    """The devices that an execution is offered on, by network; empty: on none."""

    with_convolutions: tuple[str, ...]
    without: tuple[str, ...]


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
    only_on: Mapping[str, Where] = field(default_factory=lambda: MappingProxyType({}))
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
    # Packages that it imports wherever they are installed, and does nothing with
    unused: tuple[str, ...] = ()
    # Execution -> what is set for it alone, unless the user has set it
    environment_of: Mapping[str, Mapping[str, str]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    own: Mapping[str, Own]  # what it does of itself, under each word of bench.experiment.NATIVE
    compiler: str  # and whether it compiles
    slow_convolutions: str | None = None  # why, on a CPU, in the executions that train so; None: no
    no_replicas: str | None = None  # why it does not offer PARALLEL; None: it does
    even_shares: bool = True  # whether replicas have to share a batch out evenly
    # set where there are several replicas, {replicas} of them, behind what the user has set
    flags_of_replicas: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    out_of_memory: tuple[str, ...] = ()  # names of its errors, or words in them, that mean this
    colour: str  # in every plot, with its marker: no two frameworks share either
    marker: str

    @property
    def executions(self) -> tuple[str, ...]:
        """What it offers, words of ``bench.experiment.EXECUTIONS``."""
        return tuple(self.rates)

    def executions_on(self, device: str, architecture: str | None = None) -> tuple[str, ...]:
        """What it offers on a device, such as 'cpu', for a network; None: for some network."""
        everywhere, kind = Where(self.devices, self.devices), kind_of(device)
        offered = {name: self.only_on.get(name, everywhere) for name in self.rates}
        if architecture is None:
            return tuple(name for name, where in offered.items() if kind in (*where[0], *where[1]))
        convolves = ARCHITECTURES[architecture].convolutional
        return tuple(
            name
            for name, where in offered.items()
            if kind in (where.with_convolutions if convolves else where.without)
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
_EPOCH = {"epoch": Where(with_convolutions=("cuda",), without=("cpu", "cuda"))}
_SLOW_ON_CPU = (
    "XLA makes the gradient of max-pooling a scatter, done number by number on one core, and that "
    "of a convolution's kernel takes several times as long as the forward pass (docs/method.md, "
    "'JAX on the CPU'); plain JAX's execution 'tuned' has both written otherwise"
)
# Colours of Okabe and Ito, 'Color Universal Design' (2008), in which #CC79A7 is still free; yellow
# is lost on white.
FRAMEWORKS: dict[str, Framework] = {
    "pytorch": Framework(
        module="torch_parallel",
        family="pytorch",
        even_shares=False,
        device_module="torch_device",
        packages=("torch",),
        rates={
            "eager": (33_000.0, 9_600.0),
            "compiled": (25_000.0, 3_300.0),
            "tuned": (32_000.0, 9_400.0),
            "compiled-step": (24_000.0, 3_200.0),
            # of GPUs alone, so eager's
            **dict.fromkeys(
                ("channels-last", "reduce-overhead", "cuda-graph"), (33_000.0, 9_600.0)
            ),
            PARALLEL: (31_000.0, 9_400.0),
        },
        only_on={
            "tuned": Where(("cpu",), ("cpu",)),
            "channels-last": Where(with_convolutions=("cuda",), without=()),
            "compiled-step": Where(("cpu", "cuda"), ("cpu", "cuda")),
            PARALLEL: Where(("cpu", "cuda"), ("cpu", "cuda")),
            **dict.fromkeys(("reduce-overhead", "cuda-graph"), Where(("cuda",), ("cuda",))),
        },
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
            "graph": (25_000.0, 8_800.0),
            "compiled": (28_000.0, 3_300.0),
            "epoch": (58_000.0, 3_300.0),  # convolutions on GPUs alone, so compiled's
            PARALLEL: (20_000.0, 7_000.0),
        },
        only_on=_EPOCH,
        start_up_s=4.5,
        default="graph",
        accelerated_default="compiled",  # jit_compile="auto" takes XLA where it sees a GPU
        environment={"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"},
        unused=("jax",),
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
        rates={
            "compiled": (58_000.0, 2_100.0),
            "epoch": (68_000.0, 2_100.0),
            PARALLEL: (40_000.0, 2_100.0),
        },
        only_on=_EPOCH,
        start_up_s=6.5,
        default="compiled",
        environment={"KERAS_BACKEND": "jax"} | _XLA,
        unused=("tensorflow",),
        flags_of_replicas={"XLA_FLAGS": "--xla_force_host_platform_device_count={replicas}"},
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
        rates={"eager": (17_400.0, 4_500.0), "resident": (18_200.0, 3_200.0)},
        start_up_s=6.0,
        default="eager",
        devices=("cpu", "cuda", "mps"),
        environment={"KERAS_BACKEND": "torch"},
        unused=("tensorflow", "jax"),
        no_replicas="Keras's distribution API knows JAX and TensorFlow, and not PyTorch",
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
            "compiled": (64_000.0, 2_100.0),
            "epoch": (69_000.0, 3_600.0),
            "tuned": (64_000.0, 5_900.0),  # other networks have nothing to tune: compiled's
        },
        # it is about layers that other networks do not have
        only_on={"tuned": Where(with_convolutions=("cpu",), without=())},
        start_up_s=3.0,
        default="compiled",
        environment=_XLA,
        no_replicas="of JAX it is Keras on JAX that has replicas here",
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
        rates={"eager": (33_000.0, 4_000.0)},
        start_up_s=1.0,
        default="eager",
        devices=("cpu",),
        precisions=("fp32",),
        no_replicas="plain NumPy knows one process",
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

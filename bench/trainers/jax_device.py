"""What plain JAX and Keras on JAX have in common: the device, its precision, whole stretches."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import lax
from numpy.typing import NDArray

from bench.experiment import Experiment
from bench.machine import settings as names
from bench.trainers import DeviceMemory, FrameworkMissing, Setup
from bench.trainers.batches import stretches_to_come

PRECISION = "jax_default_matmul_precision"
COMPILED = "/jax/core/compile/backend_compile_duration"
THREADS = "tf_XLAEigen"  # the name that the threads of XLA's pool bear

# state, images and labels on the device, (b,) indices of a batch -> state after a step on it
Step = Callable[[Any, jax.Array, jax.Array, jax.Array], Any]


def choose(device: str) -> jax.Device:
    """Let JAX compute on this device, its first, on which it puts what it is given.

    No trainer names it again: what is put on a device by its name has other programs compiled
    for it than what is not, and a step would be compiled twice.

    Raises FrameworkMissing where a GPU is asked for and JAX sees none, RuntimeError where JAX
    runs on a GPU already and the CPU is asked for.
    """
    _configure("jax_platforms", "cpu" if device == "cpu" else f"{device},cpu")
    chosen = _first_device()
    if device == "cuda" and chosen.platform != "gpu":
        raise FrameworkMissing(
            f"JAX {jax.__version__} sees no CUDA device, only {chosen}; it needs an NVIDIA GPU, "
            "its driver, and jax[cuda12] or later"
        )
    if device == "cpu" and chosen.platform != "cpu":
        raise RuntimeError(
            f"JAX runs on {chosen.platform} in this process already; start one of its own for cpu"
        )
    return chosen


def _first_device() -> jax.Device:
    try:
        return jax.devices()[0]
    except RuntimeError as error:
        raise FrameworkMissing(f"JAX {jax.__version__} sees no CUDA device: {error}") from error


def cuda_build() -> str | None:
    """The CUDA that JAX's plugin was built for, such as '13.0'; None: there is no plugin."""
    for major in (13, 12):  # in the order in which JAX looks for them
        try:
            plugin = importlib.import_module(f"jax_cuda{major}_plugin._versions")
        except ImportError:
            continue
        version = plugin.cuda_runtime_build_version()
        return f"{version // 1000}.{version % 1000 // 10}"
    return None


def set_precision(experiment: Experiment) -> None:
    """TF32 off, on, or JAX's own default, which is the device's: TF32 on an NVIDIA GPU."""
    if experiment.precision == "tf32":
        _configure(PRECISION, "tensorfloat32")
    else:
        own = "matmul-precision" in experiment.native
        _configure(PRECISION, None if own else "highest")


def _configure(option: str, value: str | None) -> None:
    jax.config.update(option, value)  # type: ignore[no-untyped-call]


def memory(device: jax.Device) -> DeviceMemory | None:
    """What XLA's allocator holds on a device; None on a CPU."""
    statistics = device.memory_stats()
    if not statistics:
        return None
    return DeviceMemory(
        now=int(statistics["bytes_in_use"]), peak=int(statistics["peak_bytes_in_use"])
    )


def settings(device: jax.Device) -> dict[str, str]:
    """What JAX says of itself and the device."""
    flags = os.environ.get("XLA_FLAGS", "").lower()
    return {
        "device name": device.device_kind,  # 'cpu', or the name of the GPU
        "platform": " ".join(device.client.platform_version.split()),  # CUDA's version
        "compiler": "XLA",
        "XLA": "on",
        "TF32": _tf32(device),
        "compilation cache": str(jax.config.values["jax_compilation_cache_dir"]),
        "threads": str(names.threads_named(THREADS) or len(names.processors())),
        "threads chosen by": "XLA",
        "determinism": "on" if "deterministic_ops=true" in flags else "off",
        "preallocation": _preallocation(device),
    }


def _tf32(device: jax.Device) -> str:
    if device.platform == "cpu":
        return names.NOT_HERE
    return "off" if jax.config.values[PRECISION] in ("highest", "float32") else "on"


def _preallocation(device: jax.Device) -> str:
    if device.platform == "cpu":
        return names.NOT_HERE
    asked = os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
    return "on" if asked.lower() in ("1", "true") else "off"


def warm_up_orders(setup: Setup, device: jax.Device) -> list[NDArray[np.int64]]:
    """What to arrange, and so to compile, where whole stretches are programs; the last is run.

    On a GPU that is the longest, since the first run of a program may differ from its others. On a
    CPU it does not, and a stretch may last minutes: there it is no image at all, which compiles
    what surrounds the steps.
    """
    orders = stretches_to_come(setup)
    return [*orders, np.empty(0, np.int64)] if device.platform == "cpu" else orders


class Compilations:
    """Hears of every program that XLA compiles in this process, from now on."""

    def __init__(self) -> None:
        self._seconds: list[float] = []  # of each, as XLA reports them
        jax.monitoring.register_event_duration_secs_listener(self._hear)

    def _hear(self, event: str, duration_secs: float, **_: Any) -> None:
        if event == COMPILED:
            self._seconds.append(duration_secs)

    @property
    def count(self) -> int:
        """How many there were."""
        return len(self._seconds)

    @property
    def execution(self) -> str:
        """'compiled', or 'eager' where JAX has been told to compile nothing."""
        eager = jax.config.values["jax_disable_jit"] or not self._seconds
        return "eager" if eager else "compiled"


class Stretches:
    """Whole stretches of training: many steps as one program of XLA, for each number of steps.

    The program is ``lax.scan`` over the batches, so the number of steps is a constant of it: on a
    GPU a loop whose end has to be computed waits in each round for the host to read it.
    """

    def __init__(self, step: Step) -> None:
        def stretch(state: Any, images: jax.Array, labels: jax.Array, batches: jax.Array) -> Any:
            def body(state: Any, batch: jax.Array) -> tuple[Any, None]:
                return step(state, images, labels, batch), None

            return lax.scan(body, state, batches)[0]

        self.jitted = jax.jit(stretch, donate_argnums=0)  # the state is changed in place
        self._programs: dict[tuple[int, ...], Any] = {}  # by the shape of their batches

    def compile(self, state: Any, images: jax.Array, labels: jax.Array, batches: jax.Array) -> None:
        """Make the program for so many batches of such a size, unless it is there; run nothing.

        Args:
            state: as of the step.
            images, labels: as of the step.
            batches: (steps, b) indices; their values are of no account.
        """
        if batches.shape not in self._programs:
            lowered = self.jitted.lower(state, images, labels, batches)
            self._programs[batches.shape] = lowered.compile()

    def run(self, state: Any, images: jax.Array, labels: jax.Array, batches: jax.Array) -> Any:
        """The state after a step on each batch. Raises KeyError where that is not compiled."""
        return self._programs[batches.shape](state, images, labels, batches)

    @property
    def loops(self) -> bool:
        """Whether XLA has kept every program of several steps as a loop, by what it made of it."""
        several = [program for shape, program in self._programs.items() if shape[0] > 1]
        return all(" while(" in program.as_text() for program in several)

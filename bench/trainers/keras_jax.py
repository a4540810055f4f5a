"""Keras on JAX, which compiles every step with XLA."""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras reads it when it is imported

import jax

from bench.experiment import Experiment
from bench.machine import settings
from bench.trainers import FrameworkMissing, Setup, Trainer, keras

keras.require_backend("jax")

PRECISION = "jax_default_matmul_precision"
COMPILED = "/jax/core/compile/backend_compile_duration"
THREADS = "tf_XLAEigen"  # the name that the threads of XLA's pool bear


def create(setup: Setup) -> Trainer:
    """A trainer of one network; raises FrameworkMissing where the device is not there."""
    return KerasJaxTrainer(setup)


class KerasJaxTrainer(keras.KerasTrainer):
    """See ``bench.trainers.Trainer``."""

    def __init__(self, setup: Setup) -> None:
        _set_precision(setup.experiment)
        self._device = _choose(setup.experiment.device)
        super().__init__(setup, jit_compile=True)
        self._compilations: list[float] = []  # seconds of each, as XLA reports them
        jax.monitoring.register_event_duration_secs_listener(self._hear)

    def _hear(self, event: str, duration_secs: float, **_: Any) -> None:
        if event == COMPILED:
            self._compilations.append(duration_secs)

    def synchronize(self) -> None:
        variables = [*self._model.variables, *self._model.optimizer.variables]
        jax.block_until_ready([variable.value for variable in variables])  # type: ignore[no-untyped-call]

    def observed_execution(self) -> str:
        eager = self._model.run_eagerly or jax.config.values["jax_disable_jit"]
        return "eager" if eager or not self._compilations else "compiled"

    def peak_device_memory_bytes(self) -> int | None:
        statistics = self._device.memory_stats()  # None on a CPU
        return int(statistics["peak_bytes_in_use"]) if statistics else None

    def _backend_settings(self) -> dict[str, str]:
        flags = os.environ.get("XLA_FLAGS", "").lower()
        return {
            "device name": self._device.device_kind,  # 'cpu', or the name of the GPU
            "platform": " ".join(self._device.client.platform_version.split()),  # CUDA's version
            "compiler": "XLA",
            "XLA": "on",
            "TF32": self._tf32(),
            "compilation cache": str(jax.config.values["jax_compilation_cache_dir"]),
            "threads": str(settings.threads_named(THREADS) or len(settings.processors())),
            "threads chosen by": "XLA",
            "determinism": "on" if "deterministic_ops=true" in flags else "off",
            "preallocation": self._preallocation(),
        }

    def _tf32(self) -> str:
        if self._device.platform == "cpu":
            return settings.NOT_HERE
        return "off" if jax.config.values[PRECISION] in ("highest", "float32") else "on"

    def _preallocation(self) -> str:
        if self._device.platform == "cpu":
            return settings.NOT_HERE
        asked = os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE", "true")
        return "on" if asked.lower() in ("1", "true") else "off"


def _set_precision(experiment: Experiment) -> None:
    """TF32 off, on, or JAX's own default, which is the device's: TF32 on an NVIDIA GPU."""
    if experiment.precision == "tf32":
        _configure(PRECISION, "tensorfloat32")
    else:
        own = "matmul-precision" in experiment.native
        _configure(PRECISION, None if own else "highest")


def _choose(device: str) -> jax.Device:
    """Let JAX compute on this device.

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


def _configure(option: str, value: str | None) -> None:
    jax.config.update(option, value)  # type: ignore[no-untyped-call]

"""Keras on JAX, which compiles every step with XLA."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras reads it when it is imported

import jax

from bench.trainers import FrameworkMissing, Setup, Trainer
from bench.trainers import keras as keras_trainer

keras_trainer.require_backend("jax")


def create(setup: Setup) -> Trainer:
    """A trainer of one network; raises FrameworkMissing where the device is not there."""
    return KerasJaxTrainer(setup)


class KerasJaxTrainer(keras_trainer.KerasTrainer):
    """See ``bench.trainers.Trainer``."""

    def __init__(self, setup: Setup) -> None:
        self._device = _choose(setup.experiment.device)
        super().__init__(setup, jit_compile=True)

    def synchronize(self) -> None:
        variables = [*self._model.variables, *self._model.optimizer.variables]
        jax.block_until_ready([variable.value for variable in variables])  # type: ignore[no-untyped-call]

    def peak_device_memory_bytes(self) -> int | None:
        statistics = self._device.memory_stats()  # None on a CPU
        return int(statistics["peak_bytes_in_use"]) if statistics else None

    def _backend_settings(self) -> dict[str, str]:
        return {
            "device name": self._device.device_kind,  # 'cpu', or the name of the GPU
            "platform": " ".join(self._device.client.platform_version.split()),  # CUDA's version
            "compiler": "XLA",
            "matmul precision": str(jax.config.values["jax_default_matmul_precision"]),
            "compilation cache": str(jax.config.values["jax_compilation_cache_dir"]),
            "threads": f"XLA's choice, of {os.cpu_count()} cores",
        }


def _choose(device: str) -> jax.Device:
    """Let JAX compute on this device, in full float32.

    Raises FrameworkMissing where a GPU is asked for and JAX sees none, RuntimeError where JAX
    runs on a GPU already and the CPU is asked for.
    """
    _configure("jax_default_matmul_precision", "highest")  # no TF32: alike in all frameworks
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


def _configure(option: str, value: str) -> None:
    jax.config.update(option, value)  # type: ignore[no-untyped-call]

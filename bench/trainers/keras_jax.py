"""Keras on JAX, which compiles every step with XLA, or ('epoch') a whole stretch of them, or
('data-parallel') a step on several devices.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")  # Keras reads it when it is imported

import jax
import numpy as np
from keras import distribution
from numpy.typing import NDArray

from bench.experiment import PARALLEL
from bench.trainers import DeviceMemory, Setup, Trainer, WrongWorld, jax_device, keras
from bench.trainers.keras_parallel import ParallelTrainer
from bench.trainers.keras_resident import ResidentTrainer


def create(setup: Setup) -> Trainer:
    """A trainer of one network; raises FrameworkMissing where the device is not there."""
    of_execution = {"epoch": KerasJaxEpochTrainer, PARALLEL: KerasJaxParallelTrainer}
    return of_execution.get(setup.experiment.execution, KerasJaxTrainer)(setup)


class KerasJaxTrainer(keras.KerasTrainer):
    """See ``bench.trainers.Trainer``."""

    def __init__(self, setup: Setup) -> None:
        jax_device.set_precision(setup.experiment)
        self._device = jax_device.choose(setup.experiment.device)
        super().__init__(setup, jit_compile=True)
        self._compilations = jax_device.Compilations()

    def synchronize(self) -> None:
        jax.block_until_ready([variable.value for variable in self._variables()])  # type: ignore[no-untyped-call]

    def observed_execution(self) -> str:
        return "eager" if self._model.run_eagerly else self._compilations.execution

    def device_memory(self) -> DeviceMemory | None:
        return jax_device.memory(self._device)

    def reset_peak_memory(self) -> None:
        """Nothing: XLA's allocator counts its peak from its start, the warm-up included."""

    def _backend_settings(self) -> dict[str, str]:
        return jax_device.settings(self._device)


class KerasJaxEpochTrainer(ResidentTrainer, KerasJaxTrainer):
    """A whole stretch as one program: ``lax.scan`` over Keras's own stateless ``train_step``."""

    def build(self) -> None:
        super().build()
        self._stretches = jax_device.Stretches(self._step)

    def _step(self, state: Any, images: jax.Array, labels: jax.Array, batch: jax.Array) -> Any:
        _, state = self._model.train_step(state, (images[batch], labels[batch]))
        return [list(values) for values in state]

    def _groups(self) -> list[list[Any]]:
        """The variables whose values a step is given and returns, as Keras groups them."""
        model = self._model
        return [
            list(model.trainable_variables),
            list(model.non_trainable_variables),
            list(model.optimizer.variables),
            list(model.metrics_variables),
        ]

    def _state(self) -> list[list[jax.Array]]:
        return [[variable.value for variable in group] for group in self._groups()]

    def _to_device(self, array: NDArray[Any]) -> jax.Array:
        placed: jax.Array = jax.device_put(array)
        return placed

    def warm_up(self) -> None:
        with self._ending_as_it_began():
            for order in jax_device.warm_up_orders(self._setup, self._device):
                self.arrange(order)
            self.train()

    def arrange(self, order: NDArray[np.int64]) -> None:
        super().arrange(order)
        for batches in self._pieces:
            self._stretches.compile(self._state(), self._images, self._labels, batches)

    def _advance(self, batches: jax.Array) -> None:
        values = self._stretches.run(self._state(), self._images, self._labels, batches)
        for group, new in zip(self._groups(), values, strict=True):
            for variable, value in zip(group, new, strict=True):
                variable.assign(value)  # on the clock: a user pays for it as well

    def observed_execution(self) -> str:
        execution = super().observed_execution()
        return "epoch" if execution == "compiled" and self._stretches.loops else execution


class KerasJaxParallelTrainer(ParallelTrainer, KerasJaxTrainer):
    """``keras.distribution.DataParallel``: XLA makes one program for all devices.

    On a CPU the devices are parts of one that XLA was told to make, before JAX was imported: see
    ``bench.trainers.frameworks``.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        devices = distribution.list_devices(self._device.platform)[: setup.experiment.replicas]
        self._shared = distribution.DataParallel(devices=devices)

    def _scope(self) -> AbstractContextManager[Any]:
        scope: AbstractContextManager[Any] = self._shared.scope()
        return scope

    def build(self) -> None:
        super().build()
        batch = (self._setup.experiment.batch_size, 28, 28)
        layout = self._shared.get_data_layout(batch).backend_layout
        share, replicas = layout.shard_shape(batch)[0], self._setup.experiment.replicas
        if share * replicas != batch[0]:
            raise WrongWorld(
                f"{replicas} replicas are to share out a batch of {batch[0]:,} images, and each is "
                f"given {share:,}"
            )

    def _sharing(self) -> int:
        variables = self._model.trainable_variables
        return min(len(variable.value.sharding.device_set) for variable in variables)

    def observed_execution(self) -> str:
        execution = super().observed_execution()
        return self._if_shared(execution) if execution == "compiled" else execution

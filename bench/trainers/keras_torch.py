"""Keras on torch, which runs eagerly. ``mps``, Apple's GPU, has never been measured by us.

'eager' is ``fit``, which makes several copies from host to device in each step; 'resident' calls
the same ``train_step`` on data that lie on the device.

Dropout draws from PyTorch's generator, and each ``fit`` draws one number from it for its
DataLoader: the same seed gives the same run, but cut into other segments another one.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")  # Keras reads it when it is imported

import keras
import torch
from numpy.typing import NDArray

from bench.trainers import DeviceMemory, Setup, Trainer, torch_device
from bench.trainers import keras as keras_trainer
from bench.trainers.keras_resident import ResidentTrainer


def create(setup: Setup) -> Trainer:
    """A trainer of one network; raises FrameworkMissing where the device is not there."""
    resident = setup.experiment.execution == "resident"
    return KerasTorchResidentTrainer(setup) if resident else KerasTorchTrainer(setup)


class KerasTorchTrainer(keras_trainer.KerasTrainer):
    """See ``bench.trainers.Trainer``."""

    def __init__(self, setup: Setup) -> None:
        self._device = torch_device.choose(setup.experiment.device)
        torch_device.set_precision(setup.experiment)
        super().__init__(setup, jit_compile=False)

    def build(self) -> None:
        super().build()
        # Builds the loss. The first fit would do it, drawing one random number more than
        # the later ones: a run after a warm-up would differ from one without.
        with self._on_device():
            self._model.test_on_batch(self._setup.train_images[:1], self._setup.train_labels[:1])

    def _on_device(self) -> AbstractContextManager[Any]:
        # Without it Keras takes the GPU wherever there is one.
        device: AbstractContextManager[Any] = keras.device(self._device.type)
        return device

    def _random_state_kept(self) -> AbstractContextManager[Any]:
        # Dropout draws from PyTorch's generator here, and so does the DataLoader of predict.
        return torch_device.random_state_kept(self._device)

    def synchronize(self) -> None:
        torch_device.synchronize(self._device)

    def observed_execution(self) -> str:
        return "compiled" if self._model.jit_compile else "eager"

    def device_memory(self) -> DeviceMemory | None:
        return torch_device.memory(self._device)

    def reset_peak_memory(self) -> None:
        torch_device.reset_peak_memory(self._device)

    def _backend_settings(self) -> dict[str, str]:
        devices = {str(variable.value.device) for variable in self._model.variables}
        return torch_device.settings(self._device) | {
            "compiler": "none (eager)",
            "device of the weights": ", ".join(sorted(devices)),
        }


class KerasTorchResidentTrainer(ResidentTrainer, KerasTorchTrainer):
    """Keras's own ``train_step``, called from Python for each batch of tensors on the device."""

    def _to_device(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._device)

    def _advance(self, batches: torch.Tensor) -> None:
        for batch in batches:
            self._model.train_step((self._images[batch], self._labels[batch]))

    def observed_execution(self) -> str:
        execution = super().observed_execution()
        return "resident" if execution == "eager" else execution

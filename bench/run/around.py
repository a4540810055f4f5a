"""What is around a training: other programs, the memory of the device, the GPU's clock and heat.

Read off the clock, or by a thread that only asks the driver; see ``bench.run.measure``.
"""

from __future__ import annotations

from typing import TypedDict

from bench.machine import devices
from bench.machine.gpu import GpuWatch
from bench.machine.pulse import Others
from bench.results.record import GpuSamples
from bench.trainers import Trainer


class Seen(TypedDict):
    """Fields of ``bench.results.record.Measurement``."""

    others_share: float | None
    peak_device_memory_bytes: int | None
    resident_device_memory_bytes: int | None
    gpu: GpuSamples | None


class Around:
    """Watches one measurement; ``measure`` says where it is."""

    def __init__(self, trainer: Trainer, device: str) -> None:
        """``device``: that it trains on, such as 'cpu' or 'cuda:1'."""
        self._trainer = trainer
        self._gpu = GpuWatch() if devices.entry(device).meter == "gpu" else None
        self._before_transfer: int | None = None
        self._resident: int | None = None
        self._peak: int | None = None

    def built(self) -> None:
        """The network is there, the data are not yet."""
        memory = self._trainer.device_memory()
        self._before_transfer = memory.now if memory else None

    def transferred(self) -> None:
        """The data are on the device, where the framework keeps them there."""
        memory = self._trainer.device_memory()
        if memory and self._before_transfer is not None:
            self._resident = max(memory.now - self._before_transfer, 0)

    def begin(self) -> None:
        """Everything is warm: what follows is training and its evaluations."""
        self._trainer.reset_peak_memory()
        self._others = Others(family=True)
        if self._gpu:
            self._gpu.begin()

    def stretch_ended(self) -> None:
        """The peak is the first stretch's: evaluations, which come after it, may take more."""
        if self._peak is None:
            memory = self._trainer.device_memory()
            self._peak = memory.peak if memory else None

    def end(self) -> Seen:
        """Training is over."""
        return Seen(
            others_share=self._others.share(),
            peak_device_memory_bytes=self._peak,
            resident_device_memory_bytes=self._resident,
            gpu=self._gpu.end() if self._gpu else None,
        )

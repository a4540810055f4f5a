"""The devices, an entry each: all that is to be known of one outside the trainers' own code.

Imports no framework: how one waits for a device and asks it for its memory is in its trainer.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from bench import UsageError
from bench.experiment import Precision
from bench.results.record import Machine


@dataclass(frozen=True, kw_only=True)
class Device:
    """What is known of a device without importing a framework."""

    label: str  # as the field writes it, in tables and plots
    present: Callable[[Machine], bool]  # whether this machine, the one that asks, has it
    absent: str = ""  # what was looked for and what to do; {system} is this machine's
    default: bool = False  # True: used without being asked for, where it is present
    precisions: tuple[Precision, ...] = ("fp32", "bf16")
    environment: Mapping[str, str] = field(  # of the processes that run on it
        default_factory=lambda: MappingProxyType({})
    )
    speed_up: float = 1.0  # over two CPU cores, for networks this small; for estimates alone
    meter: Literal["processor", "gpu"] | None = None  # what counts its joules
    install_advice: str | None = None  # where a framework does not see it


# A GPU is a guess at 5 times two cores. The first entry is the CPU, which every machine has.
DEVICES: dict[str, Device] = {
    "cpu": Device(
        label="CPU",
        present=lambda here: True,
        default=True,
        environment={"CUDA_VISIBLE_DEVICES": "-1"},
        meter="processor",
    ),
    "cuda": Device(
        label="CUDA",
        present=lambda here: bool(here.gpus),
        absent="no NVIDIA GPU found. Looked for a driver through NVML (nvidia-ml-py) "
        "and for the devices it lists. 'nvidia-smi' should list the GPU; without one, use "
        "--device cpu",
        default=True,
        precisions=("fp32", "tf32", "bf16"),  # TF32 is a format of NVIDIA's GPUs
        environment={"CUDA_DEVICE_ORDER": "PCI_BUS_ID"},  # the driver's: the GPU that is metered
        speed_up=5.0,
        meter="gpu",
        install_advice="docs/cuda.md says how to install it for CUDA",
    ),
    "mps": Device(  # not a default: no framework's numbers on it have been checked by us
        label="MPS",
        present=lambda here: (platform.system(), platform.machine()) == ("Darwin", "arm64"),
        absent="needs a Mac with Apple silicon, and this is {system}; use --device cpu",
        speed_up=5.0,
    ),
}


def choose_devices(asked: Sequence[str] | None, here: Machine) -> tuple[str, ...]:
    """The devices to use: those asked for, or all used by default that are present.

    Raises UsageError for a device that this machine does not have.
    """
    if asked is None:
        return tuple(name for name, each in DEVICES.items() if each.default and each.present(here))
    for name in asked:
        if not DEVICES[name].present(here):
            raise UsageError(f"--device {name}: {DEVICES[name].absent.format(system=here.system)}")
    return tuple(asked)

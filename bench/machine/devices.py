"""The devices, an entry each: all that is to be known of one outside the trainers' own code.

Imports no framework: how one waits for a device and asks it for its memory is in its trainer.
"""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol, TypeVar

from bench import UsageError
from bench.experiment import Precision, kind_of
from bench.machine import visible_gpus
from bench.results.record import Gpu, Machine


@dataclass(frozen=True, kw_only=True)
class Device:
    """What is known of a device without importing a framework."""

    label: str  # as the field writes it, in tables and plots
    present: Callable[[Machine], bool]  # whether this machine, the one that asks, has it
    absent: str = ""  # what was looked for and what to do; {system} is this machine's
    default: bool = False  # True: used without being asked for, where it is present
    numbered: bool = False  # True: a machine may have several, its GPUs; 'cuda:1' is the second
    precisions: tuple[Precision, ...] = ("fp32", "bf16")
    # Precision -> the compute capability that a GPU needs for it
    needs: Mapping[Precision, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))
    environment: Mapping[str, str] = field(  # of the processes that run on it
        default_factory=lambda: MappingProxyType({})
    )
    stretch_s: float = 0.0  # a stretch that tells its throughput lasts at least so long
    speed_up: float = 1.0  # over two CPU cores, for networks this small; for estimates alone
    meter: Literal["processor", "gpu"] | None = None  # what counts its joules
    install_advice: str | None = None  # where a framework does not see it


# A GPU is a guess at 5 times two cores. The first entry is the CPU, which every machine has.
DEVICES: dict[str, Device] = {
    "cpu": Device(
        label="CPU",
        present=lambda here: True,
        default=True,
        environment={visible_gpus.VISIBLE: "-1"},
        meter="processor",
    ),
    "cuda": Device(
        label="CUDA",
        present=lambda here: bool(here.gpus),
        absent="no NVIDIA GPU found. Looked for a driver through NVML (nvidia-ml-py) "
        "and for the devices it lists{visible}. 'nvidia-smi' should list the GPU; without one, use "
        "--device cpu",
        default=True,
        numbered=True,
        precisions=("fp32", "tf32", "bf16"),  # TF32 is a format of NVIDIA's GPUs
        # Both came with the A100 (NVIDIA A100 Tensor Core GPU Architecture, 2020). On older GPUs
        # PyTorch emulates bfloat16, slowly (github.com/pytorch/pytorch/pull/148322), and XLA
        # computes in float32 at half its speed and less (github.com/openxla/xla/issues/12429).
        needs={"tf32": (8, 0), "bf16": (8, 0)},
        environment={"CUDA_DEVICE_ORDER": "PCI_BUS_ID"},  # numbers are those of nvidia-smi
        stretch_s=2.0,
        speed_up=5.0,
        meter="gpu",
        install_advice="make install CUDA=1, as docs/cuda.md says",
    ),
    "mps": Device(  # not a default: no framework's numbers on it have been checked by us
        label="MPS",
        present=lambda here: (platform.system(), platform.machine()) == ("Darwin", "arm64"),
        absent="needs a Mac with Apple silicon, and this is {system}; use --device cpu",
        stretch_s=2.0,
        speed_up=5.0,
    ),
}
NUMBER = re.compile(r":(0|[1-9][0-9]{0,3})$")  # which of several
USERS_CHOICE = "GLYPHBENCH_CUDA_VISIBLE_DEVICES"  # tells a child what the user had chosen


def entry(device: str) -> Device:
    """What is known of a device, whichever of several: of 'cuda:1' what is known of 'cuda'."""
    return DEVICES[kind_of(device)]


def number(device: str) -> int:
    """Which of several it is, from 0; without a number it is the first."""
    return int(device.partition(":")[2] or 0)


def label(device: str) -> str:
    """As the field writes it: CPU, CUDA, and CUDA 1 for one that was asked for by number."""
    kind, _, which = device.partition(":")
    name = DEVICES[kind].label if kind in DEVICES else kind.upper()
    return f"{name} {which}" if which else name


def gpu(device: str, machine: Machine) -> Gpu | None:
    """The GPU that a process on this device of the machine uses; None where it uses none."""
    known = kind_of(device) in DEVICES and entry(device).numbered
    return machine.gpus[number(device)] if known and number(device) < len(machine.gpus) else None


def environment(
    device: str, base: Mapping[str, str], gpus: Sequence[Gpu], replicas: int = 1
) -> dict[str, str]:
    """What a process that runs on the device is given beside ``base``, the user's variables.

    Of several GPUs it sees the one it is to use, so that in every framework it is the first:
    none starts work on the others, as JAX does on all it sees, or counts their memory.

    ``gpus``: those that ``base`` leaves; empty where no driver tells, and then nothing is chosen.
    ``replicas``: so many GPUs it is to use, from that one on.
    """
    given = dict(entry(device).environment)
    uuids = [gpu.uuid for gpu in gpus[number(device) : number(device) + replicas]]
    if entry(device).numbered and len(uuids) == replicas and None not in uuids:
        chosen = base.get(visible_gpus.VISIBLE)
        given[visible_gpus.VISIBLE] = ",".join(filter(None, uuids))
        if chosen is not None:
            given[USERS_CHOICE] = base.get(USERS_CHOICE, chosen)
    return given


class Planned(Protocol):
    """An experiment, or what else there is to do on a device in a precision."""

    @property
    def device(self) -> str:
        """Such as 'cuda:1'."""

    @property
    def precision(self) -> Precision:
        """Such as 'tf32'."""


Each = TypeVar("Each", bound=Planned)


def with_precision(
    planned: Sequence[Each], asked: Sequence[Precision], here: Machine
) -> tuple[list[Each], list[str]]:
    """What of a plan this machine's GPUs have the precision for, and what is left out, in words.

    ``asked``: the precisions that the user named; one that is nowhere in the plan is left out too.
    """
    lacking = [_lacking(each.device, each.precision, here) for each in planned]
    able = [each for each, reason in zip(planned, lacking, strict=True) if reason is None]
    offered = {each.precision for each in planned}
    nowhere = [
        f"Precision {precision} is left out: no framework chosen offers it on these devices."
        for precision in asked
        if offered and precision not in offered
    ]
    return able, [*dict.fromkeys(filter(None, lacking)), *nowhere]


def _lacking(device: str, precision: Precision, here: Machine) -> str | None:
    """Why a GPU leaves a precision out; None where it has it, or its driver does not say."""
    used, needed = gpu(device, here), entry(device).needs.get(precision)
    has = None if used is None else used.compute_capability
    if used is None or needed is None or has is None or has >= needed:
        return None
    return (
        f"Precision {precision} is left out on {device}: {used.name} has compute capability "
        f"{has[0]}.{has[1]}, and {precision} needs {needed[0]}.{needed[1]}."
    )


def choose_devices(asked: Sequence[str] | None, here: Machine) -> tuple[str, ...]:
    """The devices to use: those asked for, or all used by default that are present.

    Raises UsageError for a device that this machine does not have, or that is asked for twice.
    """
    if asked is None:
        return tuple(name for name, each in DEVICES.items() if each.default and each.present(here))
    for name in asked:
        if not entry(name).present(here):
            absent = entry(name).absent.format(system=here.system, visible=_visible())
            raise UsageError(f"--device {name}: {absent}")
        if entry(name).numbered and number(name) >= len(here.gpus):
            there = ", ".join(f"{kind_of(name)}:{n} ({g.name})" for n, g in enumerate(here.gpus))
            raise UsageError(
                f"--device {name}: there is no such GPU{_visible()}; choose from {there}"
            )
    times = Counter((kind_of(name), number(name)) for name in asked)
    for (kind, which), often in times.items():
        if often > 1:
            raise UsageError(f"--device {','.join(asked)}: {kind} is {kind}:{which}; name it once")
    return tuple(asked)


def _visible() -> str:
    """What the user lets be seen, for the middle of a sentence; empty where that is everything."""
    chosen = os.environ.get(visible_gpus.VISIBLE)
    return "" if chosen is None else f" ({visible_gpus.VISIBLE} is {chosen!r})"

"""Energy of training, where the hardware counts it: NVML on NVIDIA GPUs, RAPL on processors.

Counters are read by zeus (https://ml.energy/zeus), an optional package: without it, without
counters or without permission to read them a run says why, and no number is made up.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.machine import visible_gpus
from bench.machine.clock import Clock
from bench.machine.devices import entry
from bench.results.record import Energy
from bench.trainers import Trainer
from datasets import how_to_install

# Zeus reads RAPL here; processors of AMD that have it show it under the same name.
RAPL = Path("/sys/class/powercap/intel-rapl")
# RAPL's counters move about every millisecond (Khan et al., 'RAPL in Action', ACM TOMPECS 3,
# 2018). NVML's move every 20 to 100 ms by GPU (Yang, Adamek and Armour, 'Part-time Power
# Measurements', SC 2024): the longest is taken.
RAPL_UPDATE_S = 0.001
NVML_UPDATE_S = 0.1
UPDATES = 100  # in a window at least: one update more or less is then one per cent
WINDOW_S = 5.0  # at least, so that one burst of someone else's work does not decide
SETTLE_S = 2.0  # zeus starts a process of its own at its first reading of RAPL


class Meter(Protocol):
    """A counter of energy."""

    @property
    def name(self) -> str:
        """What it reads."""
        ...

    @property
    def update_s(self) -> float:
        """Seconds from one movement of the counter to the next, at most."""
        ...

    def begin(self) -> None:
        """Open a window. The device has to be idle."""
        ...

    def end(self) -> float:
        """Joules since ``begin``. The device has to be idle."""
        ...


def read(device: str, trainer: Trainer, images: int, clock: Clock = time.perf_counter) -> Energy:
    """What training takes on a device, or why it cannot be measured here.

    Args:
        device: 'cpu', 'cuda' or 'mps', or one of several, 'cuda:1'.
        trainer, images, clock: as of ``measure``.
    """
    try:
        meter = find(device)
        if isinstance(meter, str):
            return Energy(meter="", unavailable=meter)
        return measure(trainer, images, meter, clock)
    except Exception as error:  # noqa: BLE001 - a counter that fails must not cost the run
        return Energy(meter="", unavailable=f"{type(error).__name__}: {error}")


def measure(trainer: Trainer, images: int, meter: Meter, clock: Clock) -> Energy:
    """Repeat training on the images as last arranged until the window is long enough.

    Args:
        trainer: that has trained already; its weights change.
        images: how many one ``trainer.train()`` trains on.
        meter: what is read.
        clock: monotonic seconds.
    """
    needed_s = max(WINDOW_S, UPDATES * meter.update_s)
    seen, window_s = 0, 0.0
    trainer.synchronize()
    meter.begin()
    start = clock()
    while window_s < needed_s:
        trainer.train()
        trainer.synchronize()
        seen += images
        window_s = clock() - start
    joules = meter.end()
    if joules <= 0:
        return Energy(meter=meter.name, unavailable=f"the counter stood still for {window_s:.1f} s")
    return Energy(meter=meter.name, joules=joules, window_s=window_s, images=seen)


def find(device: str, rapl: Path = RAPL) -> Meter | str:
    """The meter of a device, or a sentence that says why there is none.

    Hardware and permission are looked at before the package, so that nobody installs it in vain.
    """
    counted = entry(device).meter
    if counted == "processor":
        return _no_rapl(rapl) or _processor()
    if counted == "gpu":
        return _gpu()
    return f"this project knows no counter of energy for the device {device}"


def _no_rapl(root: Path) -> str | None:
    """Why RAPL cannot be read; None where it can."""
    counters = sorted(root.glob("intel-rapl:*/energy_uj"))
    if not counters:
        return (
            f"no RAPL counters under {root.parent} (a virtual machine, a container or a system "
            "without Linux's powercap driver)"
        )
    for counter in counters:
        try:
            counter.read_bytes()
        except PermissionError:
            return f"no permission to read {counter}: run as root, or sudo chmod a+r {counter}"
        except OSError as error:
            return f"{counter} cannot be read: {error.strerror}"
    return None


def _processor() -> Meter | str:
    monitor = _monitor(gpu="", cpu_indices=None)
    if isinstance(monitor, str):
        return monitor
    if not monitor.cpu_indices:
        return "zeus found no processor package among the RAPL counters"
    meter = ZeusMeter(
        name="RAPL, whole processor packages", update_s=RAPL_UPDATE_S, monitor=monitor
    )
    meter.begin()  # the first reading starts zeus's process, which is not to be measured
    meter.end()
    time.sleep(SETTLE_S)
    return meter


def _gpu() -> Meter | str:
    """Of the GPU that this process uses: the first it sees."""
    used = next(iter(visible_gpus.ask(_index)), None)
    if used is None:
        return (
            "NVML lists no whole GPU for this process; the energy of a MIG instance is not counted"
        )
    monitor = _monitor(gpu=str(used), cpu_indices=[])
    if isinstance(monitor, str):
        return monitor
    if not monitor.gpus.supports_get_total_energy_consumption(0):
        return "NVML counts the energy of Volta and later GPUs only"
    return ZeusMeter(name="NVML, whole GPU", update_s=NVML_UPDATE_S, monitor=monitor)


def _index(nvml: Any, gpu: Any) -> int | None:
    """NVML's number of a GPU; None of a MIG instance, whose energy nothing counts."""
    whole = not nvml.nvmlDeviceGetUUID(gpu).startswith("MIG-")
    return int(nvml.nvmlDeviceGetIndex(gpu)) if whole else None


# Zeus ships no stub that says what a monitor is without importing it.
def _monitor(*, gpu: str, cpu_indices: list[int] | None) -> Any:
    """A ``zeus.monitor.ZeusMonitor``, or why there is none. ``gpu``: NVML's number; '': none."""
    try:
        from zeus.monitor import ZeusMonitor
    except ImportError as error:
        return (
            f"the package zeus cannot be imported ({error}): give it to the Python that runs the "
            f"framework, {how_to_install('zeus')}"
        )
    try:
        with _visible_to_zeus(gpu):
            return ZeusMonitor(gpu_indices=[0] if gpu else [], cpu_indices=cpu_indices)
    except Exception as error:  # noqa: BLE001 - zeus's, the driver's; the run goes on and says so
        return f"zeus cannot read the counters: {type(error).__name__}: {error}"


@contextmanager
def _visible_to_zeus(gpu: str) -> Iterator[None]:
    """Zeus takes CUDA_VISIBLE_DEVICES for NVML's numbers: it knows no UUID, and not '-1' for none.

    A framework has read the variable long before.
    """
    own = os.environ.get(visible_gpus.VISIBLE)
    os.environ[visible_gpus.VISIBLE] = gpu
    try:
        yield
    finally:
        if own is None:
            del os.environ[visible_gpus.VISIBLE]
        else:
            os.environ[visible_gpus.VISIBLE] = own


@dataclass(frozen=True, kw_only=True)
class ZeusMeter:
    """A counter read through zeus: of GPUs or of processor packages, whichever it was made for."""

    name: str
    update_s: float
    monitor: Any  # zeus.monitor.ZeusMonitor

    def begin(self) -> None:
        self.monitor.begin_window(self.name, sync_execution=False)  # the caller has synchronised

    def end(self) -> float:
        seen = self.monitor.end_window(self.name, sync_execution=False)
        return float(sum(seen.gpu_energy.values()) + sum((seen.cpu_energy or {}).values()))

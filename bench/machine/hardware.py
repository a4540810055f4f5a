"""The machine as it is: hardware, system, memory used; and how much of it this process may use.

Imports no framework.
"""

from __future__ import annotations

import functools
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from bench import UsageError
from bench.experiment import Experiment
from bench.machine import settings, visible_gpus
from bench.results.record import Gpu, Machine

GIB = 2**30


def observe() -> Machine:
    """Read the machine this process runs on."""
    return Machine(
        cpu=cpu_model(),
        cores=len(settings.processors()),  # a quota on their time is not seen
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        gpus=gpus(),
    )


def differences(then: Machine, now: Machine) -> Iterator[str]:
    """What keeps runs of two machines from being set side by side: a sentence for each thing."""
    pairs = {
        "processor": (then.cpu, now.cpu),
        "cores": (then.cores, now.cores),
        # to the GiB: the last bytes change with every kernel
        "memory in GiB": (round(then.memory_bytes / GIB), round(now.memory_bytes / GIB)),
        "system": (then.system, now.system),
        "GPUs": (tuple(g.name for g in then.gpus), tuple(g.name for g in now.gpus)),
    }
    for name, (old, new) in pairs.items():
        if old != new:
            yield f"{name}: {old} in the records, {new} now"


def cpu_model() -> str:
    """The processor's model name, or its architecture where the system does not tell."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or platform.machine()


def gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs that this process may use, as CUDA counts them; empty without a driver."""
    return _gpus(os.environ.get(visible_gpus.VISIBLE))


@functools.cache  # a driver that is not kept awake takes a second, and they stay the same
def _gpus(chosen: str | None) -> tuple[Gpu, ...]:
    """Those of ``chosen``, the value of CUDA_VISIBLE_DEVICES as it is now."""
    return tuple(visible_gpus.ask(_gpu))


def _gpu(pynvml: Any, handle: Any) -> Gpu:
    def told(question: Callable[[Any], Any]) -> Any:
        """None where the driver does not say, as of memory that is the machine's own."""
        try:
            return question(handle)
        except pynvml.NVMLError:
            return None

    memory = told(pynvml.nvmlDeviceGetMemoryInfo)
    capability = told(pynvml.nvmlDeviceGetCudaComputeCapability)
    return Gpu(
        name=pynvml.nvmlDeviceGetName(handle),
        memory_bytes=None if memory is None else int(memory.total),
        driver=pynvml.nvmlSystemGetDriverVersion(),
        uuid=pynvml.nvmlDeviceGetUUID(handle),
        compute_capability=None if capability is None else (capability[0], capability[1]),
    )


def driver_cuda() -> tuple[int, int] | None:
    """The newest CUDA that the driver can run, such as (13, 0); None where it does not say."""
    versions = visible_gpus.ask(lambda nvml, _: int(nvml.nvmlSystemGetCudaDriverVersion()))
    return (versions[0] // 1000, versions[0] % 1000 // 10) if versions else None


def nvidia_on_bus(devices: Path = Path("/sys/bus/pci/devices")) -> bool:
    """Whether Linux sees a GPU of NVIDIA's, with or without a driver; False where nothing tells."""
    for folder in devices.glob("*"):
        vendor, kind = (_word(folder / name) for name in ("vendor", "class"))
        if vendor == "0x10de" and kind.startswith("0x03"):  # a display controller
            return True
    return False


def _word(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def peak_process_memory_bytes() -> int | None:
    """The most physical memory this process has held; None where the system does not say.

    On Linux from ``VmHWM``: ``getrusage`` would hand down the peak of the parent process.
    """
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return None
    import resource  # absent on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def check_threads(choices: Sequence[int | None] | None) -> None:
    """Raise UsageError where this process cannot be confined to so many processors.

    ``choices``: of numbers of threads; None among them, or in their place: all there are.
    """
    wanted = [threads for threads in choices or () if threads is not None]
    if wanted and not hasattr(psutil.Process, "cpu_affinity"):
        raise UsageError(
            f"--threads {wanted[0]}: {sys.platform} cannot confine a process to some processors, "
            "only Linux and Windows can; leave --threads out here"
        )
    allowed = len(settings.processors())
    for threads in wanted:
        if not 1 <= threads <= allowed:
            raise UsageError(
                f"--threads {threads}: this process may use {allowed} logical processors; "
                f"choose a number from 1 to {allowed}"
            )


def with_threads(planned: Sequence[Experiment]) -> tuple[list[Experiment], list[str]]:
    """What of a plan this process can be confined for, and what is left out, in words."""
    able, left_out = [], []
    for experiment in planned:
        try:
            check_threads([experiment.threads])
            able.append(experiment)
        except UsageError as error:
            left_out.append(f"Left out: {error}.")
    return able, list(dict.fromkeys(left_out))


def confine(threads: int | None) -> None:
    """Let this process and its threads to come use the first ``threads`` processors it may use.

    Done before a framework is imported: every pool of threads is made as large as the number of
    processors its process may use, so one limit holds for OpenMP, TensorFlow's and XLA's pools
    alike, which have no option in common.

    ``threads``: None leaves it all it has. Raises UsageError as ``check_threads`` does.
    """
    if threads is None:
        return
    check_threads([threads])
    process = psutil.Process()
    process.cpu_affinity(sorted(process.cpu_affinity())[:threads])

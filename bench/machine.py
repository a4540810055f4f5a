"""The machine as it is: hardware, system, memory used. Imports no framework."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from bench.record import Gpu, Machine


def observe() -> Machine:
    """Read the machine this process runs on."""
    return Machine(
        cpu=cpu_model(),
        cores=available_cores(),
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        gpus=gpus(),
    )


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


def available_cores() -> int:
    """Logical processors this process may run on; a quota on their time is not seen."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs as the driver describes them; empty where there is no driver."""
    try:
        import pynvml  # the import name of nvidia-ml-py
    except ModuleNotFoundError:
        return ()
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver: a machine without an NVIDIA GPU
        return ()
    try:
        driver = pynvml.nvmlSystemGetDriverVersion()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        return tuple(
            Gpu(
                name=pynvml.nvmlDeviceGetName(handle),
                memory_bytes=_gpu_memory_bytes(handle),
                driver=driver,
            )
            for handle in handles
        )
    finally:
        pynvml.nvmlShutdown()


def _gpu_memory_bytes(handle: Any) -> int | None:
    import pynvml

    try:
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)
    except pynvml.NVMLError:  # not supported where it is the machine's own memory
        return None


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

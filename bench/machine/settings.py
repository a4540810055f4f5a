"""Settings as they are, not as asked: read back inside the run, at its end. No framework.

What a trainer says of its framework, under the same keys in each, is listed here once; what
the process, the system and the GPU's driver say is read here. A thing that cannot be read is
absent, never guessed.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import psutil

from bench.machine import visible_gpus

# Every trainer's settings() has these keys, in words that two frameworks can be compared by.
TRAINER_KEYS = (
    "threads",  # a plain number: of the pool that computes one operation
    "threads chosen by",  # who chose that number
    "precision",  # 'float32', or the type that products are computed in beside it
    "TF32",  # 'off', 'on', 'in convolutions'; NOT_HERE on a device without it
    "XLA",  # 'on' or 'off'
    "compiler",
    "determinism",  # 'on': slower kernels that add up in one order were asked for
    "memory layout",  # of images inside: 'channels last', 'channels first', NO_IMAGES
    "preallocation",  # 'on': the device's memory is taken at once; NOT_HERE on a CPU
    "device name",
    "optimiser",
)
NOT_HERE = "not on this device"
NO_IMAGES = "no images inside"

# beginnings of the names of environment variables that change speed or results
SPEED_VARIABLES = (
    "CUBLAS_",
    "CUDA_",
    "CUDNN_",
    "GLIBC_TUNABLES",
    "GLYPHBENCH_CUDA_VISIBLE_DEVICES",  # the user's own, of which the run got one
    "GLYPHBENCH_WITHHELD",  # names of the user's variables that the run did not get
    "GOMP_",
    "JAX_",
    "KERAS_BACKEND",
    "KMP_",
    "LD_PRELOAD",
    "MALLOC_",
    "MKL_",
    "NPROC",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_",
    "ONEDNN_",
    "OPENBLAS_",
    "PYTHONMALLOC",
    "PYTORCH_",
    "TF_",
    "TORCH",
    "XLA_",
)
OTHERS = (
    *("TF_CLI_", "TF_VAR_"),  # Terraform's, not TensorFlow's
    *("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"),  # an empty folder, another in each run
)
SYSTEM = Path("/sys/devices/system/cpu")


def read() -> dict[str, str]:
    """All that can be read of this process and its machine now, by name."""
    return {
        "environment": Path(sys.prefix).name,  # its folder alone: no one's home is published
        "processors": ranges(processors()),
        **libraries(),
        **cpu_clocks(),
        "allocator": allocator(os.environ),
        **gpus(),
        **variables(os.environ),
    }


def processors() -> list[int]:
    """The logical processors this process may run on, ascending."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def ranges(numbers: Iterable[int]) -> str:
    """'4 (0-2, 5)': how many, and which."""
    listed = sorted(numbers)
    starts = [n for n in listed if n - 1 not in listed]
    ends = [n for n in listed if n + 1 not in listed]
    parts = (str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
    return f"{len(listed)} ({', '.join(parts)})"


def threads_named(name: str, tasks: Path = Path("/proc/self/task")) -> int | None:
    """How many threads of this process bear a name; None where there are none or none is told.

    XLA tells no one how many threads its pool has, but it names them.
    """
    names = (_text(path) for path in tasks.glob("*/comm"))
    return sum(text is not None and text.partition("/")[0] == name for text in names) or None


def libraries() -> dict[str, str]:
    """Threads of each OpenMP and BLAS library loaded; absent where threadpoolctl is not there."""
    try:
        import threadpoolctl
    except ModuleNotFoundError:
        return {}
    threads: dict[str, set[str]] = {}
    for pool in threadpoolctl.threadpool_info():
        threads.setdefault(f"{pool['prefix']} threads", set()).add(str(pool["num_threads"]))
    return {name: " and ".join(sorted(counts)) for name, counts in sorted(threads.items())}


def cpu_clocks(system: Path = SYSTEM) -> dict[str, str]:
    """Governor of the processors and their clock now, where the system tells."""
    governors = {_text(path) for path in system.glob("cpu[0-9]*/cpufreq/scaling_governor")}
    clocks = {"CPU governor": " and ".join(sorted(filter(None, governors)))} if governors else {}
    boost = _text(system / "cpufreq" / "boost")
    if boost is not None:
        clocks["CPU boost"] = {"0": "off", "1": "on"}.get(boost, boost)
    clock = clock_hz()
    return clocks | ({} if clock is None else {"CPU clock": f"{clock / 1e6:.0f} MHz"})


def clock_hz() -> float | None:
    """The processors' clock now, their mean; None where the system does not tell."""
    try:
        clock = psutil.cpu_freq()
    except (AttributeError, NotImplementedError, OSError, RuntimeError):
        return None  # virtual machines and some systems have nothing to read
    return clock.current * 1e6 if clock and clock.current else None


def allocator(environment: Mapping[str, str]) -> str:
    """Who hands out memory: the C library, or what is loaded before it."""
    library, version = platform.libc_ver()
    own = f"{library} {version}".strip() or platform.system()
    return f"{environment['LD_PRELOAD']} before {own}" if environment.get("LD_PRELOAD") else own


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that change how fast a framework is, where they are set."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(SPEED_VARIABLES) and not name.startswith(OTHERS)
    }


def gpus() -> dict[str, str]:
    """Clocks, power limit and throttle reasons of NVIDIA's GPUs; empty where there are none."""
    answers: dict[str, list[str]] = {}
    for gpu in visible_gpus.ask(_gpu):
        for name, answer in gpu.items():
            answers.setdefault(name, []).append(answer)
    return {name: "; ".join(of_each) for name, of_each in answers.items()}


# bits of nvmlDeviceGetCurrentClocksEventReasons, as NVML's reference names them
IDLE = 0x1  # slow because there is nothing to do: no throttling
THROTTLE_REASONS = {
    0x2: "clocks set by an application",
    0x4: "power cap",
    0x8: "hardware slow-down",
    0x10: "boost in step with another GPU",
    0x20: "heat (software)",
    0x40: "heat (hardware)",
    0x80: "power brake",
    0x100: "display clocks",
}


def _gpu(pynvml: Any, handle: Any) -> dict[str, str]:
    """What the driver tells of one GPU; a question it does not support is left out."""
    questions: dict[str, Callable[[], str]] = {
        "GPU clock": lambda: f"{pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM)} MHz",
        "GPU memory clock": lambda: (
            f"{pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_MEM)} MHz"
        ),
        "GPU power limit": lambda: f"{pynvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000:.0f} W",
        "GPU throttle reasons": lambda: throttle_reasons(
            pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
        ),
    }
    answers: dict[str, str] = {}
    for name, question in questions.items():
        with contextlib.suppress(pynvml.NVMLError):
            answers[name] = question()
    return answers


def throttle_reasons(bits: int) -> str:
    """NVML's bits in words; 'none' where nothing slows the GPU down."""
    bits &= ~IDLE
    named = [name for bit, name in THROTTLE_REASONS.items() if bits & bit]
    rest = bits & ~sum(THROTTLE_REASONS)
    return ", ".join([*named, *([f"others ({rest:#x})"] if rest else [])]) or "none"


def _text(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:  # a thread that has just ended, or a file that root alone may read
        return None

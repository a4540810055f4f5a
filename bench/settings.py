"""Settings as they are, not as asked: read back inside the run, at its end. No framework.

What a trainer says of its framework, under the same keys in each, is listed here once; what
the process, the system and the GPU's driver say is read here. A thing that cannot be read is
absent, never guessed.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import psutil

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
OTHERS = ("TF_CLI_", "TF_VAR_")  # Terraform's, not TensorFlow's
SYSTEM = Path("/sys/devices/system/cpu")


def read() -> dict[str, str]:
    """All that can be read of this process and its machine now, by name."""
    return {
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
    return sum(said is not None and said.partition("/")[0] == name for said in names) or None


def libraries() -> dict[str, str]:
    """Threads of each OpenMP and BLAS library loaded; absent where threadpoolctl is not there."""
    try:
        import threadpoolctl
    except ModuleNotFoundError:
        return {}
    found: dict[str, set[str]] = {}
    for pool in threadpoolctl.threadpool_info():
        found.setdefault(f"{pool['prefix']} threads", set()).add(str(pool["num_threads"]))
    return {name: " and ".join(sorted(counts)) for name, counts in sorted(found.items())}


def cpu_clocks(system: Path = SYSTEM) -> dict[str, str]:
    """Governor of the processors and their clock now, where the system tells."""
    governors = {_text(path) for path in system.glob("cpu[0-9]*/cpufreq/scaling_governor")}
    found = {"CPU governor": " and ".join(sorted(filter(None, governors)))} if governors else {}
    boost = _text(system / "cpufreq" / "boost")
    if boost is not None:
        found["CPU boost"] = {"0": "off", "1": "on"}.get(boost, boost)
    clock_mhz = _clock_mhz()
    return found | ({} if clock_mhz is None else {"CPU clock": f"{clock_mhz:.0f} MHz"})


def _clock_mhz() -> float | None:
    try:
        clock = psutil.cpu_freq()
    except (
        AttributeError,
        NotImplementedError,
        OSError,
        RuntimeError,
    ):  # psutil's words for 'not told here'
        return None
    return clock.current if clock else None


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
    try:
        import pynvml  # the import name of nvidia-ml-py
    except ModuleNotFoundError:
        return {}
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver: a machine without an NVIDIA GPU
        return {}
    try:
        found: dict[str, list[str]] = {}
        for number in range(pynvml.nvmlDeviceGetCount()):
            for name, value in _gpu(pynvml.nvmlDeviceGetHandleByIndex(number)):
                found.setdefault(name, []).append(value)
        return {name: "; ".join(values) for name, values in found.items()}
    finally:
        pynvml.nvmlShutdown()


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


def _gpu(handle: object) -> Iterator[tuple[str, str]]:
    """What the driver tells of one GPU; a question it does not support is left out."""
    import pynvml

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
    for name, ask in questions.items():
        try:
            yield name, ask()
        except pynvml.NVMLError:
            continue


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

"""What PyTorch says and does about a device, for the two trainers that run on PyTorch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bench import settings as names
from bench.experiment import Experiment
from bench.trainers import FrameworkMissing


def choose(device: str) -> torch.device:
    """'cpu', 'cuda' or 'mps' as a device of PyTorch.

    Raises FrameworkMissing, naming what was looked for, where PyTorch has no such device.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise FrameworkMissing(
            f"PyTorch {torch.__version__} sees no CUDA device (built for CUDA: "
            f"{torch.version.cuda or 'no'}); it needs an NVIDIA GPU, its driver, and a CUDA "
            "build of torch"
        )
    if device == "mps" and not torch.backends.mps.is_available():
        raise FrameworkMissing(
            f"PyTorch {torch.__version__} sees no Metal device (built for it: "
            f"{'yes' if torch.backends.mps.is_built() else 'no'}); it needs a Mac with Apple "
            "silicon"
        )
    return torch.device(device)


def set_precision(experiment: Experiment) -> None:
    """TF32 off, on, or as PyTorch has it by itself: off in matrix products, on in convolutions.

    Frameworks differ in this default: see ``bench.native``.
    """
    on = experiment.precision == "tf32"
    torch.set_float32_matmul_precision("high" if on else "highest")
    torch.backends.cudnn.allow_tf32 = on or "matmul-precision" in experiment.native


def synchronize(device: torch.device) -> None:
    """Return when the device has done all its work. A CPU has done it already."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def peak_memory_bytes(device: torch.device) -> int | None:
    """The most bytes that PyTorch's tensors have held on a CUDA device; else None."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


@contextmanager
def random_state_kept(device: torch.device) -> Iterator[None]:
    """PyTorch's random generators end as they began, those of the device included."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        metal_state = torch.mps.get_rng_state() if device.type == "mps" else None
        yield
        if metal_state is not None:
            torch.mps.set_rng_state(metal_state)


def settings(device: torch.device) -> dict[str, str]:
    """Threads, precision, libraries and the device's name, as PyTorch has them now."""
    found = {
        "device name": _name(device),
        "threads": str(torch.get_num_threads()),
        "threads chosen by": "OMP_NUM_THREADS" if "OMP_NUM_THREADS" in os.environ else "PyTorch",
        "threads between operations": str(torch.get_num_interop_threads()),
        "CPU instructions": torch.backends.cpu.get_cpu_capability(),
        "TF32": _tf32() if device.type == "cuda" else names.NOT_HERE,
        "XLA": "off",
        "determinism": "on" if torch.are_deterministic_algorithms_enabled() else "off",
        # PyTorch's allocator asks the driver for more as it needs more.
        "preallocation": names.NOT_HERE if device.type == "cpu" else "off",
    }
    if device.type == "cuda":
        found |= {
            "cuDNN": str(torch.backends.cudnn.version()),  # type: ignore[no-untyped-call]
            "cuDNN benchmark": str(torch.backends.cudnn.benchmark),
            "CUDA": str(torch.version.cuda),
        }
    return found


def _tf32() -> str:
    """Where TF32 is on: PyTorch has a switch for matrix products and one for convolutions."""
    products = torch.backends.cuda.matmul.allow_tf32
    convolutions = torch.backends.cudnn.allow_tf32
    if products == convolutions:
        return "on" if products else "off"
    return "in matrix products" if products else "in convolutions"


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return device.type.upper()

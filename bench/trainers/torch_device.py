"""What PyTorch does with a device, for all that runs on PyTorch: precision, Adam, memory, peaks."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from bench.experiment import Experiment, Precision
from bench.machine import settings as names
from bench.machine.clock import fastest_s, least_s
from bench.trainers import DeviceMemory, FrameworkMissing

BETAS = (0.9, 0.999)  # Kingma and Ba (2015), algorithm 1
PRODUCT_SIZES = {"cpu": 2048}  # rows and columns of the product of a peak: 17 GFLOP
GPU_PRODUCT_SIZE = 8192  # 1.1 TFLOP: a millisecond and more, against launches of microseconds
COPIES = 20  # between two readings
LAUNCHES = 500  # fewer than a GPU's queue holds, 1,024, or giving them would wait
COPY_BYTES = 2**28  # of each tensor of a peak: beyond any cache but a large server's


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


def cuda_build() -> str | None:
    """The CUDA that PyTorch was built for, such as '13.0'; None: it was built without."""
    return torch.version.cuda


def set_precision(experiment: Experiment) -> None:
    """TF32 off, on, or as PyTorch has it by itself: off in matrix products, on in convolutions.

    Frameworks differ in this default: see ``bench.trainers.native``.
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


def memory(device: torch.device) -> DeviceMemory | None:
    """What PyTorch's tensors hold on a CUDA device; else None."""
    if device.type != "cuda":
        return None
    return DeviceMemory(
        now=torch.cuda.memory_allocated(device), peak=torch.cuda.max_memory_allocated(device)
    )


def reset_peak_memory(device: torch.device) -> None:
    """Let the peak of a CUDA device's memory be counted from now on."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


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
    observed = {
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
        observed |= {
            "cuDNN": str(torch.backends.cudnn.version()),  # type: ignore[no-untyped-call]
            "cuDNN benchmark": str(torch.backends.cudnn.benchmark),
            "CUDA": str(torch.version.cuda),
        }
    return observed


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


def optimizer(network: torch.nn.Module, experiment: Experiment) -> torch.optim.Optimizer:
    """The optimiser of an experiment, fused, for all parameters of a network."""
    if experiment.optimizer == "sgd":
        sgd = torch.optim.SGD(
            network.parameters(),
            lr=experiment.learning_rate,
            momentum=experiment.momentum,
            dampening=0.0,
            weight_decay=0.0,
            nesterov=False,
            fused=True,
        )
        # It keeps no count. Among what state_dict() holds: put back where the momentum is.
        sgd.param_groups[0]["steps_done"] = 0
        sgd.register_step_post_hook(count_step)
        return sgd
    if "adam-epsilon" in experiment.native:
        return own_adam(network.parameters(), lr=experiment.learning_rate)
    return matched_adam(
        network.parameters(), lr=experiment.learning_rate, epsilon_hat=experiment.adam_epsilon
    )


def count_step(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    """Count a step of an optimiser that keeps no count, after each."""
    optimizer.param_groups[0]["steps_done"] += 1


def steps_done(optimizer: torch.optim.Optimizer) -> int:
    """Its steps so far: of Adam the count that its kernel keeps on the device."""
    counted = optimizer.param_groups[0].get("steps_done")
    if counted is not None:
        return int(counted)
    states = optimizer.state.values()  # empty before the first step
    return max((int(state["step"].item()) for state in states), default=0)


def graphs_compiled() -> int:
    """How many graphs torch.compile has compiled in this process."""
    from torch._dynamo.utils import counters  # a second to import, for compiling alone

    return int(counters["stats"]["unique_graphs"])


def cuda_graphs_refused() -> int:
    """How many of them it would not replay as CUDA graphs, where it was to."""
    from torch._dynamo.utils import counters

    return int(counters["inductor"]["cudagraph_skips"])


def matched_adam(
    parameters: Iterable[torch.nn.Parameter], *, lr: float, epsilon_hat: float
) -> torch.optim.Adam:
    """Adam as all other frameworks here do it: the same update, by PyTorch's own fused kernel.

    Wanted is 'epsilon hat', the end of section 2 of Kingma and Ba (2015), which Keras has:

        lr · √(1-β₂ᵗ)/(1-β₁ᵗ) · m / (√v + ε̂)

    PyTorch computes  lr/(1-β₁ᵗ) · m / (√v/√(1-β₂ᵗ) + ε),  the same where ε = ε̂/√(1-β₂ᵗ). Each step
    is given that ε, a plain number that the kernel takes anyway: nothing waits for the device.
    """
    optimizer = own_adam(parameters, lr=lr)
    # Among what state_dict() holds: the count is put back where the means of Adam are. Its
    # own count lies on the device, and reading it would wait for the device.
    optimizer.param_groups[0] |= {"epsilon_hat": epsilon_hat, "steps_begun": 0}
    optimizer.register_step_pre_hook(_set_epsilon)
    return optimizer


def _set_epsilon(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    group = optimizer.param_groups[0]
    group["steps_begun"] += 1
    group["eps"] = group["epsilon_hat"] / math.sqrt(1 - BETAS[1] ** group["steps_begun"])


def own_adam(parameters: Iterable[torch.nn.Parameter], *, lr: float) -> torch.optim.Adam:
    """Adam as PyTorch has it by itself: its own formula and its own ε, 1e-8."""
    return torch.optim.Adam(
        parameters, lr=lr, betas=BETAS, weight_decay=0.0, amsgrad=False, fused=True
    )


def memory_layout(network: torch.nn.Module) -> str:
    """The order in which the kernels of its convolutions lie; ``NO_IMAGES`` where it has none."""
    kernels = [p for p in network.parameters() if p.ndim == 4]
    if not kernels:
        return names.NO_IMAGES
    last = all(kernel.is_contiguous(memory_format=torch.channels_last) for kernel in kernels)
    return "channels last" if last else "channels first"


def optimizer_name(optimizer: torch.optim.Optimizer) -> str:
    """What an optimiser is, in words: 'Adam with epsilon hat, fused'."""
    group = optimizer.param_groups[0]
    hat = " with epsilon hat" if "epsilon_hat" in group else ""
    return f"{type(optimizer).__name__}{hat}, {'fused' if group['fused'] else 'not fused'}"


def measure_peaks(device_name: str, precision: Precision) -> tuple[float, float, float | None, str]:
    """The largest rates of a product and of a copy, and a launch: ``bench.checks.peaks.Library``.

    Raises FrameworkMissing where there is no such device.
    """
    device = choose(device_name)
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    by = f"PyTorch {torch.__version__}"
    if device.type == "cpu":
        by += f", {torch.get_num_threads()} threads"
    return _flop_per_s(device, precision), _bytes_per_s(device), _launch_s(device), by


@torch.inference_mode()
def _flop_per_s(device: torch.device, precision: Precision) -> float:
    """A product of two n x n matrices is n² sums of n products: 2 n³ FLOP."""
    size = PRODUCT_SIZES.get(device.type, GPU_PRODUCT_SIZE)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(left)

    return 2 * size**3 / _fastest_s(device, lambda: torch.mm(left, right, out=out))


@torch.inference_mode()
def _bytes_per_s(device: torch.device) -> float:
    source = torch.ones(COPY_BYTES // 4, device=device)
    target = torch.empty_like(source)

    def copies() -> None:
        for _ in range(COPIES):
            target.copy_(source)

    return COPIES * 2 * COPY_BYTES / _fastest_s(device, copies)


@torch.inference_mode()
def _launch_s(device: torch.device) -> float | None:
    """Seconds a kernel that does next to nothing, many in a row: what giving the work takes.

    It is what a GPU and its driver need for a launch by PyTorch, Python's part included. None on
    the CPU, where nothing is launched.
    """
    if device.type == "cpu":
        return None
    number = torch.zeros((), device=device)

    def launch() -> None:
        for _ in range(LAUNCHES):
            number.add_(1)

    return _fastest_s(device, launch) / LAUNCHES


def _fastest_s(device: torch.device, work: Callable[[], object]) -> float:
    """The least seconds of ``work``: on CUDA between two events, by the GPU's own clock.

    A copy of 256 MiB lasts 0.1 ms on a large GPU: what waiting for its end takes would be a
    part of the reading that is not the GPU's.
    """
    if device.type != "cuda":

        def awaited() -> None:
            work()
            synchronize(device)

        return fastest_s(awaited)
    begin, end = (
        torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        for _ in range(2)
    )

    def timed() -> float:
        begin.record()
        work()
        end.record()
        synchronize(device)
        return float(begin.elapsed_time(end)) / 1000

    work()
    return least_s(timed)

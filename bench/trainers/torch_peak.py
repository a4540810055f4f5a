"""The peaks of a device by PyTorch: the largest rates of a matrix product and of a copy."""

from __future__ import annotations

import torch

from bench.audit import fastest
from bench.experiment import Precision
from bench.trainers import torch_device

SIZES = {"cpu": 2048}  # rows and columns of a product: 17 GFLOP
SIZE = 8192  # on a GPU: 1.1 TFLOP, a millisecond and more, against launches of microseconds
COPY_BYTES = 2**28  # of each tensor: beyond any cache but a large server's


def measure(device: str, precision: Precision) -> tuple[float, float, str]:
    """See ``bench.audit.peak.Library``. Raises FrameworkMissing where there is no such device."""
    place = torch_device.choose(device)
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    by = f"PyTorch {torch.__version__}"
    if device == "cpu":
        by += f", {torch.get_num_threads()} threads"
    return _flop_per_s(place, precision), _bytes_per_s(place), by


@torch.inference_mode()
def _flop_per_s(device: torch.device, precision: Precision) -> float:
    """A product of two n x n matrices is n² sums of n products: 2 n³ FLOP."""
    size = SIZES.get(device.type, SIZE)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(left)

    def multiply() -> None:
        torch.mm(left, right, out=out)
        torch_device.synchronize(device)

    return 2 * size**3 / fastest.seconds(multiply)


@torch.inference_mode()
def _bytes_per_s(device: torch.device) -> float:
    source = torch.ones(COPY_BYTES // 4, device=device)
    target = torch.empty_like(source)

    def copy() -> None:
        target.copy_(source)
        torch_device.synchronize(device)

    return 2 * COPY_BYTES / fastest.seconds(copy)

"""The processor's peaks by NumPy, in float32."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from bench import settings
from bench.experiment import Precision
from bench.stopwatch import fastest_s

SIZE = 2048  # rows and columns: 17 GFLOP, a tenth of a second on two cores
COPY_BYTES = 2**28  # of each array: beyond any cache but a large server's


def measure_peaks(device: str, precision: Precision) -> tuple[float, float, str]:
    """See ``bench.audit.peak.Library``; ``device`` is 'cpu' and ``precision`` 'fp32'."""
    cores = len(settings.processors())
    by = f"NumPy {np.__version__}, {_blas()}, {cores} processors"
    return _flop_per_s(), _bytes_per_s(cores), by


def _blas() -> str:
    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found['name']} {found['version']}"


def _flop_per_s() -> float:
    """A product of two n x n matrices is n² sums of n products: 2 n³ FLOP."""
    random = np.random.default_rng(0)
    left, right = (random.standard_normal((SIZE, SIZE), dtype=np.float32) for _ in range(2))
    out = np.empty_like(left)
    return 2 * SIZE**3 / fastest_s(lambda: np.matmul(left, right, out=out))


def _bytes_per_s(cores: int) -> float:
    """A copy by as many threads as there are processors: one alone does not fill the memory bus."""
    source = np.ones(COPY_BYTES // 4, dtype=np.float32)
    target = np.zeros_like(source)
    pairs = list(zip(_parts(target, cores), _parts(source, cores), strict=True))
    with ThreadPoolExecutor(cores) as pool:  # NumPy lets go of Python's lock while it copies
        copy_s = fastest_s(lambda: list(pool.map(lambda pair: np.copyto(*pair), pairs)))
    return 2 * COPY_BYTES / copy_s


def _parts(array: NDArray[np.float32], count: int) -> Iterator[NDArray[np.float32]]:
    yield from np.array_split(array, count)

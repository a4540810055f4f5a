"""The machine's pulse: the same small matrix product again and again, just before a run.

Over a whole suite the pulses show whether the machine stayed the same: load from other
programs, throttling by heat or battery, drift. ``bench.steadiness`` computes on them.
"""

from __future__ import annotations

import os
import time
from functools import cache

import numpy as np
import psutil
from numpy.typing import NDArray

from bench.record import Pulse

SIZE = 512  # rows and columns: a quarter of a GFLOP, about 1 ms on two cores
PRODUCTS = 20
WINDOW_S = 0.25  # others' processor time is counted this long: the system counts it in 10 ms
STILL = 0.1  # this share of a processor's time or less: our own threads have gone to sleep
STEP_S = 0.02
PATIENCE_S = 1.0  # for them to do so


def take() -> Pulse:
    """Time the products, and what others take of the processors meanwhile; about 0.3 s.

    Returns when NumPy's threads sleep: OpenBLAS keeps them spinning for a tenth of a second
    after a product, which would otherwise disturb the run that follows.
    """
    factor = _factor()
    factor @ factor  # starts the threads
    start_s, own_s, idle_s = time.monotonic(), time.process_time(), _idle_s()
    product_s = tuple(_product_s(factor) for _ in range(PRODUCTS))
    clock_hz = _clock_hz()
    _wait_until_still()
    time.sleep(max(0.0, start_s + WINDOW_S - time.monotonic()))
    passed_s = (time.monotonic() - start_s) * len(_processors())
    ours_s, nobodys_s = time.process_time() - own_s, _idle_s() - idle_s
    busy = 1 - (ours_s + nobodys_s) / passed_s
    return Pulse(product_s=product_s, busy=min(max(busy, 0.0), 1.0), clock_hz=clock_hz)


@cache
def _factor() -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((SIZE, SIZE), dtype=np.float32)


def _product_s(factor: NDArray[np.float32]) -> float:
    start = time.perf_counter()
    factor @ factor
    return time.perf_counter() - start


def _processors() -> list[int]:
    """The logical processors this process may use, of those whose time the system counts."""
    counted = range(len(psutil.cpu_times(percpu=True)))
    if not hasattr(os, "sched_getaffinity"):
        return list(counted)
    return [one for one in counted if one in os.sched_getaffinity(0)] or list(counted)


def _idle_s() -> float:
    """Seconds that those processors have had nothing to do, added up."""
    times = psutil.cpu_times(percpu=True)
    return sum(times[one].idle + getattr(times[one], "iowait", 0.0) for one in _processors())


def _clock_hz() -> float | None:
    """The processors' clock now, their mean; None where the system does not tell."""
    try:
        read = psutil.cpu_freq()
    except (AttributeError, NotImplementedError, OSError, RuntimeError):
        return None  # virtual machines and some systems have nothing to read
    return read.current * 1e6 if read and read.current else None


def _wait_until_still() -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        start_s, own_s = time.monotonic(), time.process_time()
        time.sleep(STEP_S)
        if time.process_time() - own_s < STILL * (time.monotonic() - start_s):
            return

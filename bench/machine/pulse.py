"""How the machine is: a pulse just before each run, and what other programs take during it.

The pulse is the same small matrix product again and again. Over a whole suite the pulses show
whether the machine stayed the same: load from other programs, throttling by heat or battery,
drift. ``steadiness`` puts them in a few numbers.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import psutil
from numpy.typing import NDArray

from bench.machine import settings
from bench.results.record import Pulse

SIZE = 512  # rows and columns: a quarter of a GFLOP, about 1 ms on two cores
PRODUCTS = 20
WINDOW_S = 0.25  # others' processor time is counted this long: the system counts it in 10 ms
STILL = 0.1  # this share of a processor's time or less: our own threads have gone to sleep
STEP_S = 0.02
PATIENCE_S = 1.0  # for them to do so

BUSY = 0.10  # share of the processors' time that others take: more is worth a warning
DRIFT = 0.05  # and so is a product that takes longer by this share at the end than at first


def take() -> Pulse:
    """Time the products, and what others take of the processors meanwhile; about 0.3 s.

    Returns when NumPy's threads sleep: OpenBLAS keeps them spinning for a tenth of a second
    after a product, which would otherwise disturb the run that follows.
    """
    factor = _factor()
    factor @ factor  # starts the threads
    others, start_s = Others(), time.monotonic()
    product_s = tuple(_product_s(factor) for _ in range(PRODUCTS))
    clock_hz = settings.clock_hz()
    _wait_until_still()
    time.sleep(max(0.0, start_s + WINDOW_S - time.monotonic()))
    return Pulse(product_s=product_s, busy=others.share(), clock_hz=clock_hz)


class Others:
    """What other programs take of the processors that this process may use, from now on.

    ``family``: those that this process has started, and those that it starts, are none of them.
    """

    def __init__(self, *, family: bool = False) -> None:
        self._family = family
        self._start_s, self._own_s = time.monotonic(), self._taken_s()
        self._idle_s = _idle_s()

    def _taken_s(self) -> float:
        """Processor seconds of this process, and of its family: of what has ended, too."""
        if not self._family:
            return time.process_time()
        ended = os.times()
        taken_s = time.process_time() + ended.children_user + ended.children_system
        for member in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it ends just now
                times = member.cpu_times()
                taken_s += times.user + times.system
                taken_s += getattr(times, "children_user", 0.0)
                taken_s += getattr(times, "children_system", 0.0)
        return taken_s

    def share(self) -> float | None:
        """Of all the processors' time since then, 0..1: what was neither idle nor our own.

        A virtual machine's stolen time is among it. None so soon that the system, which counts in
        10 ms, cannot tell.
        """
        passed_s = time.monotonic() - self._start_s
        if passed_s < 0.9 * WINDOW_S:
            return None
        known_s = self._taken_s() - self._own_s + _idle_s() - self._idle_s
        return min(max(1 - known_s / (passed_s * len(_processors())), 0.0), 1.0)


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
    return [number for number in settings.processors() if number in counted] or list(counted)


def _idle_s() -> float:
    """Seconds that those processors have had nothing to do, added up."""
    times = psutil.cpu_times(percpu=True)
    return sum(times[n].idle + getattr(times[n], "iowait", 0.0) for n in _processors())


def _wait_until_still() -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        start_s, own_s = time.monotonic(), time.process_time()
        time.sleep(STEP_S)
        if time.process_time() - own_s < STILL * (time.monotonic() - start_s):
            return


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """Pulses in their order, in a few numbers. A share of 0.02 is 2 %."""

    pulses: int
    product_s: float  # median over the pulses, of the median of each
    drift: float | None  # the last quarter over the first, less 1; None of one pulse
    slowest: float  # the slowest pulse over ``product_s``, less 1
    busiest: float | None  # the most that others took of the processors; None: not read
    clock_hz: tuple[float, float] | None  # the processors' lowest and highest; None: not read


def steadiness(pulses: Sequence[Pulse]) -> Steadiness | None:
    """Of all pulses of a suite or an audit; None of none."""
    if not pulses:
        return None
    products = [statistics.median(pulse.product_s) for pulse in pulses]
    typical = statistics.median(products)
    busy = [pulse.busy for pulse in pulses if pulse.busy is not None]
    clocks = [pulse.clock_hz for pulse in pulses if pulse.clock_hz is not None]
    return Steadiness(
        pulses=len(pulses),
        product_s=typical,
        drift=_drift(products),
        slowest=max(products) / typical - 1,
        busiest=max(busy, default=None),
        clock_hz=(min(clocks), max(clocks)) if clocks else None,
    )


def _drift(products: Sequence[float]) -> float | None:
    """By medians of quarters, since a single pulse may be held up by anything."""
    if len(products) < 2:
        return None
    part = max(1, len(products) // 4)
    return statistics.median(products[-part:]) / statistics.median(products[:part]) - 1


def warnings(steady: Steadiness, during: str) -> list[str]:
    """What was not as it should be, each with what to do; empty where the machine was steady.

    ``during``: what the pulses were taken before: 'the audit', 'the runs'.
    """
    sentences = []
    if steady.busiest is not None and steady.busiest > BUSY:
        sentences.append(
            f"During {during} other programs took up to {100 * steady.busiest:.0f} % of the "
            "processors: close them (a browser, a synchronising folder, another user's job) and "
            "measure again."
        )
    if steady.drift is not None and abs(steady.drift) > DRIFT:
        way = "longer" if steady.drift > 0 else "shorter"
        sentences.append(
            f"During {during} the same product came to take {100 * abs(steady.drift):.0f} % {way}: "
            "plug the machine in, let it cool down, set its power mode to performance, close other "
            "programs, and measure again; comparisons of runs that lie far apart are off by as "
            "much."
        )
    return sentences

"""The GPU while it trains: its clock, temperature, power, and what holds it back.

Its driver is asked by a thread of the process that trains, five times a second: a question takes
it well under a millisecond, in which Python's lock is free.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bench.machine import settings, visible_gpus
from bench.results.observed import GpuSamples

PERIOD_S = 0.2
MOST_SAMPLES = 512  # then every other one is dropped, and the period is doubled
# Reasons that are a disturbance: heat, and a fault of the power supply. A power cap is none: it
# is how that GPU is built or set up, and training again would meet it again.
THROTTLED = 0x8 | 0x20 | 0x40 | 0x80


@dataclass(frozen=True, kw_only=True)
class _Sample:
    clock_hz: float | None
    temperature_c: float | None
    power_w: float | None
    reasons: int | None  # bits, as of settings.THROTTLE_REASONS


class GpuWatch:
    """Samples the GPU that this process may use, the first of several."""

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self._period_s = period_s
        self._samples: list[_Sample] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="gpu-watch")

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> GpuSamples | None:
        """What was seen; None where the driver gave no answer."""
        self._ended.set()
        self._thread.join()
        return _joined(self._samples, self._period_s) if self._samples else None

    def _watch(self) -> None:
        visible_gpus.ask(self._follow)

    def _follow(self, pynvml: Any, handle: Any) -> None:
        """Ask one GPU until the end, with the driver held open: opening it takes longest."""
        while not self._ended.is_set():
            self._samples.append(_sample(pynvml, handle))
            if len(self._samples) > MOST_SAMPLES:
                self._samples, self._period_s = self._samples[::2], 2 * self._period_s
            self._ended.wait(self._period_s)


def _joined(samples: list[_Sample], period_s: float) -> GpuSamples:
    given = [sample.reasons for sample in samples if sample.reasons is not None]
    reasons = Counter(
        words for bits in given for bit, words in settings.THROTTLE_REASONS.items() if bits & bit
    )
    return GpuSamples(
        period_s=period_s,
        samples=len(samples),
        clock_hz=tuple(s.clock_hz for s in samples if s.clock_hz is not None),
        temperature_c=tuple(s.temperature_c for s in samples if s.temperature_c is not None),
        power_w=tuple(s.power_w for s in samples if s.power_w is not None),
        reasons=dict(reasons),
        throttled=sum(bool(bits & THROTTLED) for bits in given),
    )


def _sample(pynvml: Any, handle: Any) -> _Sample:
    def answer(question: Callable[[], float]) -> float | None:
        with suppress(pynvml.NVMLError):  # not supported by this GPU
            return question()
        return None

    reasons = answer(lambda: pynvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
    return _Sample(
        clock_hz=answer(lambda: 1e6 * pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM)),
        temperature_c=answer(
            lambda: float(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))
        ),
        power_w=answer(lambda: pynvml.nvmlDeviceGetPowerUsage(handle) / 1000),
        reasons=None if reasons is None else int(reasons),
    )

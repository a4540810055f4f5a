"""The GPU while it trains: sampled from a driver that is made up here, since none is at hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import repeat
from types import SimpleNamespace
from typing import Any

import pytest

from bench.machine import gpu, visible_gpus
from bench.machine.gpu import GpuWatch
from bench.results.record import GpuSamples

HEAT, CAP, IDLE = 0x40, 0x4, 0x1


class NotSupported(Exception):
    """As NVML refuses a question."""


def watched(
    monkeypatch: pytest.MonkeyPatch, reasons: Iterator[int], samples: int, **questions: Any
) -> GpuSamples | None:
    """What a watch sees of a GPU that gives these reasons, one a sample."""
    asked: list[int] = []

    def next_reason(handle: object) -> int:
        asked.append(next(reasons))
        return asked[-1]

    answers: dict[str, Any] = {
        "NVMLError": NotSupported,
        "NVML_CLOCK_SM": 1,
        "NVML_TEMPERATURE_GPU": 0,
        "nvmlDeviceGetClockInfo": lambda handle, kind: 1980,
        "nvmlDeviceGetTemperature": lambda handle, kind: 61,
        "nvmlDeviceGetPowerUsage": lambda handle: 250_500,
        "nvmlDeviceGetCurrentClocksEventReasons": next_reason,
    }
    nvml = SimpleNamespace(**answers | questions)

    def ask(question: Callable[[Any, Any], object]) -> list[object]:
        return [question(nvml, 0)]

    monkeypatch.setattr(visible_gpus, "ask", ask)
    watch = GpuWatch(period_s=0.0005)
    watch.begin()
    deadline_s = time.monotonic() + 30
    while len(asked) < samples and time.monotonic() < deadline_s:
        time.sleep(0.001)
    return watch.end()


def test_clock_temperature_and_power_are_kept_sample_by_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = watched(monkeypatch, repeat(0), samples=5)
    assert seen is not None
    assert seen.samples >= 5
    assert set(seen.clock_hz) == {1.98e9}
    assert (set(seen.temperature_c), set(seen.power_w)) == ({61.0}, {250.5})
    assert len(seen.clock_hz) == seen.samples
    assert (seen.reasons, seen.throttled_share) == ({}, 0.0)


@pytest.mark.parametrize(("reason", "held_back"), [(HEAT, 1.0), (CAP, 0.0), (IDLE, 0.0)])
def test_heat_holds_a_gpu_back_and_its_power_cap_is_told_alone(
    reason: int, held_back: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = watched(monkeypatch, repeat(reason), samples=5)
    assert seen is not None
    assert seen.throttled_share == held_back
    told = {HEAT: "heat (hardware)", CAP: "power cap"}.get(reason)
    assert seen.reasons == ({told: seen.samples} if told else {})


def test_a_long_training_keeps_no_more_samples_than_a_short_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gpu, "MOST_SAMPLES", 8)
    seen = watched(monkeypatch, repeat(0), samples=40)
    assert seen is not None
    assert 4 <= seen.samples <= 8
    assert seen.period_s > 0.0005


def test_a_question_that_the_driver_refuses_leaves_its_answers_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(handle: object) -> float:
        raise NotSupported

    seen = watched(monkeypatch, repeat(0), samples=3, nvmlDeviceGetPowerUsage=refuse)
    assert seen is not None
    assert seen.power_w == ()
    assert len(seen.clock_hz) == seen.samples


def test_without_a_driver_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visible_gpus, "ask", lambda question: [])
    watch = GpuWatch(period_s=0.0005)
    watch.begin()
    assert watch.end() is None

"""Settings as they are: of the process, the system, and a GPU whose driver is a small fake."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.machine import settings


def test_processors_are_those_the_process_may_use() -> None:
    found = settings.read()
    assert found["processors"].startswith(f"{len(settings.processors())} (")
    assert found["allocator"]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [([0], "1 (0)"), ([0, 1, 2, 5], "4 (0-2, 5)"), ([3, 1, 4], "3 (1, 3-4)")],
)
def test_processors_are_said_in_ranges(numbers: list[int], said: str) -> None:
    assert settings.ranges(numbers) == said


def test_threads_of_numpys_blas_are_read_back() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    threads = [value for name, value in settings.libraries().items() if name.endswith("threads")]
    assert threads
    assert all(each.isdigit() for value in threads for each in value.split(" and "))


def test_threads_are_counted_by_their_name(tmp_path: Path) -> None:
    for number, name in enumerate(["python", "tf_XLAEigen/1", "tf_XLAEigen/2", "tf_Compute/3"]):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(f"{name}\n")
    assert settings.threads_named("tf_XLAEigen", tmp_path) == 2
    assert settings.threads_named("tf_XLA", tmp_path) is None
    assert settings.threads_named("tf_XLAEigen", tmp_path / "absent") is None


def test_the_governor_is_read_where_the_system_tells(tmp_path: Path) -> None:
    for number, governor in enumerate(["powersave", "performance", "powersave"]):
        folder = tmp_path / f"cpu{number}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{governor}\n")
    (tmp_path / "cpufreq").mkdir()
    (tmp_path / "cpufreq" / "boost").write_text("0\n")
    found = settings.cpu_clocks(tmp_path)
    assert found["CPU governor"] == "performance and powersave"
    assert found["CPU boost"] == "off"
    assert "CPU governor" not in settings.cpu_clocks(tmp_path / "absent")


def test_the_allocator_names_what_is_loaded_before_the_c_library() -> None:
    assert settings.allocator({"LD_PRELOAD": "libjemalloc.so"}).startswith("libjemalloc.so before")
    assert "before" not in settings.allocator({})


def test_variables_that_change_speed_are_kept_and_others_are_not() -> None:
    kept = {"OMP_NUM_THREADS": "1", "KERAS_BACKEND": "jax", "MALLOC_ARENA_MAX": "2"}
    others = {"HOME": "/home/me", "TF_CLI_CONFIG_FILE": "Terraform's, not TensorFlow's"}
    assert settings.variables(kept | others) == kept


# A GPU


class NotSupported(Exception):
    """The driver's own error."""


def fake_nvml(monkeypatch: pytest.MonkeyPatch, **questions: Callable[..., object]) -> list[str]:
    """Put a small pynvml of two GPUs in place of the real one; returns what was shut down."""
    closed: list[str] = []
    fake = types.ModuleType("pynvml")
    answers: dict[str, object] = {
        "NVMLError": NotSupported,
        "NVML_DEVICE_MIG_ENABLE": 1,
        "NVML_CLOCK_SM": 1,
        "NVML_CLOCK_MEM": 2,
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: closed.append("shut down"),
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda number: number,
        "nvmlDeviceGetMigMode": lambda handle: [0, 0],
        "nvmlDeviceGetClockInfo": lambda handle, kind: 1000 * kind + handle,
        "nvmlDeviceGetEnforcedPowerLimit": lambda handle: 250_000 + 1000 * handle,
        "nvmlDeviceGetCurrentClocksEventReasons": lambda handle: 0x4 if handle else 0x1,
    }
    for name, value in (answers | questions).items():
        setattr(fake, name, value)
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return closed


def test_clocks_power_limit_and_throttle_reasons_of_every_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = fake_nvml(monkeypatch)
    assert settings.gpus() == {
        "GPU clock": "1000 MHz; 1001 MHz",
        "GPU memory clock": "2000 MHz; 2001 MHz",
        "GPU power limit": "250 W; 251 W",
        "GPU throttle reasons": "none; power cap",  # an idle GPU is not throttled
    }
    assert closed == ["shut down"]


def test_a_question_that_a_gpu_does_not_support_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(handle: int) -> int:
        raise NotSupported

    fake_nvml(monkeypatch, nvmlDeviceGetEnforcedPowerLimit=refuse)
    assert "GPU power limit" not in settings.gpus()
    assert "GPU clock" in settings.gpus()


def test_without_a_driver_nothing_is_said_of_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise NotSupported

    fake_nvml(monkeypatch, nvmlInit=refuse)
    assert settings.gpus() == {}


def test_throttle_reasons_are_words_and_unknown_bits_are_not_lost() -> None:
    assert settings.throttle_reasons(0x0) == "none"
    assert settings.throttle_reasons(0x8 | 0x40) == "hardware slow-down, heat (hardware)"
    assert settings.throttle_reasons(0x4 | 0x800) == "power cap, others (0x800)"


@pytest.mark.cuda
def test_a_real_gpu_tells_its_clock_and_its_power_limit() -> None:
    if not settings.gpus():
        pytest.skip("no NVIDIA GPU here")
    assert settings.gpus()["GPU clock"].endswith("MHz")
    assert "GPU throttle reasons" in settings.gpus()


def test_reading_all_of_it_gives_words_alone() -> None:
    found = settings.read()
    assert all(isinstance(value, str) and value != "None" for value in found.values())
    assert {name for name in os.environ if name.startswith("OMP_")} <= set(found)

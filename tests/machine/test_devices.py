"""Which devices are used: those asked for, or what the machine has."""

from __future__ import annotations

import platform
from dataclasses import replace

import pytest

from bench import UsageError
from bench.machine.devices import choose_devices
from bench.results.record import Gpu
from tests.records import MACHINE

WITH_GPU = replace(MACHINE, gpus=(Gpu(name="H1", memory_bytes=1, driver="1"),))


def test_without_a_choice_a_gpu_is_used_where_there_is_one() -> None:
    assert choose_devices(None, MACHINE) == ("cpu",)
    assert choose_devices(None, WITH_GPU) == ("cpu", "cuda")


def test_a_device_that_is_there_is_used_as_asked() -> None:
    assert choose_devices(("cuda",), WITH_GPU) == ("cuda",)


def test_cuda_without_a_gpu_says_what_was_looked_for() -> None:
    with pytest.raises(UsageError, match=r"NVML.*nvidia-smi.*--device cpu"):
        choose_devices(("cpu", "cuda"), MACHINE)


@pytest.mark.skipif(platform.system() == "Darwin", reason="this may be a Mac with Metal")
def test_mps_on_another_machine_than_a_mac_is_an_error() -> None:
    with pytest.raises(UsageError, match="Apple silicon"):
        choose_devices(("mps",), MACHINE)

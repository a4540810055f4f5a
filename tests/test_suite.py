"""From options to a plan."""

from __future__ import annotations

import platform
from dataclasses import replace

import pytest

from bench.errors import UsageError
from bench.record import Gpu
from bench.suite import devices
from tests.records import MACHINE

WITH_GPU = replace(MACHINE, gpus=(Gpu(name="H1", memory_bytes=1, driver="1"),))


def test_without_a_choice_a_gpu_is_used_where_there_is_one() -> None:
    assert devices(None, MACHINE) == ("cpu",)
    assert devices(None, WITH_GPU) == ("cpu", "cuda")


def test_a_device_that_is_there_is_used_as_asked() -> None:
    assert devices(("cuda",), WITH_GPU) == ("cuda",)


def test_cuda_without_a_gpu_says_what_was_looked_for() -> None:
    with pytest.raises(UsageError, match=r"NVML.*nvidia-smi.*--device cpu"):
        devices(("cpu", "cuda"), MACHINE)


@pytest.mark.skipif(platform.system() == "Darwin", reason="this may be a Mac with Metal")
def test_mps_on_another_machine_than_a_mac_is_an_error() -> None:
    with pytest.raises(UsageError, match="Apple silicon"):
        devices(("mps",), MACHINE)

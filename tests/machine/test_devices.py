"""Which devices are used: those asked for, or what the machine has."""

from __future__ import annotations

import platform
from dataclasses import replace

import pytest

from bench import UsageError
from bench.experiment import Precision
from bench.machine import devices
from bench.machine.devices import choose_devices, with_precision
from bench.results.record import Gpu
from tests.records import EXPERIMENT, MACHINE

H1 = Gpu(name="H1", memory_bytes=1, driver="1", uuid="GPU-a")
H2 = Gpu(name="H2", memory_bytes=2, driver="1", uuid="MIG-b")
WITH_GPU = replace(MACHINE, gpus=(H1,))
WITH_TWO = replace(MACHINE, gpus=(H1, H2))
T4 = Gpu(name="Tesla T4", memory_bytes=1, driver="1", compute_capability=(7, 5))
A100 = Gpu(name="A100", memory_bytes=1, driver="1", compute_capability=(8, 0))


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


# One of several GPUs


def test_gpus_are_used_by_their_numbers() -> None:
    asked = ("cpu", "cuda:1", "cuda:0")
    assert choose_devices(asked, WITH_TWO) == asked
    assert [devices.gpu(device, WITH_TWO) for device in asked] == [None, H2, H1]
    assert devices.gpu("cuda", WITH_TWO) == H1
    assert devices.gpu("cuda:1", WITH_GPU) is None  # of a record that anybody may have made up


def test_a_number_without_a_gpu_says_which_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with pytest.raises(UsageError) as error:
        choose_devices(("cuda:2",), WITH_TWO)
    assert str(error.value) == (
        "--device cuda:2: there is no such GPU; choose from cuda:0 (H1), cuda:1 (H2)"
    )


def test_what_the_user_hides_is_named_where_a_gpu_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4")
    with pytest.raises(UsageError, match=r"no such GPU \(CUDA_VISIBLE_DEVICES is '4'\); choose"):
        choose_devices(("cuda:1",), WITH_GPU)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(UsageError, match=r"no NVIDIA GPU found.*CUDA_VISIBLE_DEVICES is '-1'"):
        choose_devices(("cuda:1",), MACHINE)


def test_the_same_gpu_under_two_names_is_an_error() -> None:
    with pytest.raises(UsageError, match="--device cuda,cuda:0: cuda is cuda:0; name it once"):
        choose_devices(("cuda", "cuda:0"), WITH_TWO)


@pytest.mark.parametrize(
    ("device", "seen"), [("cuda", "GPU-a"), ("cuda:0", "GPU-a"), ("cuda:1", "MIG-b")]
)
def test_a_process_sees_its_gpu_alone_and_keeps_what_the_user_chose(device: str, seen: str) -> None:
    gpus = WITH_TWO.gpus
    given = devices.environment(device, {}, gpus)
    assert given == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": seen}
    chosen = devices.environment(device, {"CUDA_VISIBLE_DEVICES": "3,MIG-b"}, gpus)
    assert chosen == given | {"GLYPHBENCH_CUDA_VISIBLE_DEVICES": "3,MIG-b"}
    # a process that it starts in turn
    assert devices.environment("cuda", chosen, [H2])["GLYPHBENCH_CUDA_VISIBLE_DEVICES"] == "3,MIG-b"


def test_where_no_driver_tells_the_user_s_choice_is_left_alone() -> None:
    assert "CUDA_VISIBLE_DEVICES" not in devices.environment("cuda", {}, ())
    old = [Gpu(name="H1", memory_bytes=1, driver="1")]  # without its UUID
    assert "CUDA_VISIBLE_DEVICES" not in devices.environment("cuda", {}, old)


def test_a_process_on_the_cpu_sees_no_gpu() -> None:
    assert devices.environment("cpu", {}, WITH_TWO.gpus) == {"CUDA_VISIBLE_DEVICES": "-1"}


@pytest.mark.parametrize(
    ("device", "label"),
    [("cpu", "CPU"), ("cuda", "CUDA"), ("cuda:0", "CUDA 0"), ("cuda:1", "CUDA 1"), ("npu", "NPU")],
)
def test_a_device_is_said_with_its_number_where_it_was_asked_for_by_it(
    device: str, label: str
) -> None:
    assert devices.label(device) == label


# Precisions that not every GPU has


PRECISIONS: tuple[Precision, ...] = ("fp32", "tf32", "bf16")


def kept(device: str, *gpus: Gpu) -> tuple[list[Precision], list[str]]:
    """The precisions that are left of all three, and what is said of the others."""
    planned = [replace(EXPERIMENT, device=device, precision=each) for each in PRECISIONS]
    able, left_out = with_precision(planned, PRECISIONS, replace(MACHINE, gpus=gpus))
    return [experiment.precision for experiment in able], left_out


def test_a_gpu_below_8_0_leaves_tf32_and_bfloat16_out_and_says_why() -> None:
    has = "Tesla T4 has compute capability 7.5"
    assert kept("cuda", T4) == (
        ["fp32"],
        [
            f"Precision tf32 is left out on cuda: {has}, and tf32 needs 8.0.",
            f"Precision bf16 is left out on cuda: {has}, and bf16 needs 8.0.",
        ],
    )


def test_of_several_gpus_the_one_that_is_used_decides() -> None:
    assert kept("cuda:0", A100, T4) == (list(PRECISIONS), [])
    assert kept("cuda:1", A100, T4)[0] == ["fp32"]


def test_no_precision_is_left_out_where_no_driver_tells_and_on_the_cpu() -> None:
    assert kept("cuda", H1) == (list(PRECISIONS), [])
    assert kept("cpu", T4) == (list(PRECISIONS), [])


def test_a_precision_that_was_asked_for_and_is_nowhere_is_said_once() -> None:
    assert with_precision([EXPERIMENT, EXPERIMENT], ("fp32", "tf32"), MACHINE)[1] == [
        "Precision tf32 is left out: no framework chosen offers it on these devices."
    ]
    assert with_precision([], ("tf32",), MACHINE) == ([], [])

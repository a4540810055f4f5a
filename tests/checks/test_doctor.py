"""The doctor, asked for real where it can be; GPUs it cannot have here are described to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.checks import doctor
from bench.checks.doctor import Finding
from bench.checks.first_step import Attempt
from bench.machine import hardware
from bench.results.record import Gpu
from bench.trainers import FRAMEWORKS
from datasets import TASKS
from tests.imports import ROOT
from tests.machine.test_visible_gpus import fake_driver

NEEDS_SHELL = pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in")
H100 = Gpu(name="NVIDIA H100", memory_bytes=80 * 2**30, driver="580.65.06")
TORCH = {"torch": "2.13.0"}
CUDA_13, CUDA_12 = (13, 0), (12, 4)


def test_the_command_has_every_framework_that_is_here_take_a_step() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "doctor", "--device", "cpu"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert hardware.cpu_model() in done.stdout
    for name in FRAMEWORKS:
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(f"  {name} ")]
        step = re.search(r"trains on cpu; the first step was done after ([0-9.]+) s, ", line)
        assert step or "not installed" in line, line
        assert not step or float(step[1]) > 0
    for task in TASKS:
        assert f"\n  {task} " in done.stdout
    assert done.stdout.splitlines()[-1].startswith("What to do: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data-dir", "no/where"], "no/where (the data folder) does not exist"),
        (["--device", "cuda:99"], "--device cuda:99: "),
    ],
)
def test_what_is_not_there_ends_with_a_sentence_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor.main(words) == 2
    assert message in capsys.readouterr().err


@NEEDS_SHELL
def test_each_framework_is_asked_in_its_interpreter_on_each_of_its_devices(tmp_path: Path) -> None:
    body = 'echo chatter\necho \'{"versions": {"torch": "9.9"}, "import_s": 1, "step_s": 2.5}\''
    others = {name: script(tmp_path / name, "exit 1") for name in FRAMEWORKS}
    pythons = others | {"pytorch": script(tmp_path, body)}
    attempts: list[Attempt] = []
    findings = list(doctor.framework_findings(["cpu", "cuda"], pythons, attempts))
    asked = [(name, device) for name in FRAMEWORKS for device in ("cpu", "cuda")]
    asked.remove(("numpy", "cuda"))
    assert [finding.subject for finding in findings] == [name for name, _ in asked]
    assert [attempt.trains for attempt in attempts] == [name == "pytorch" for name, _ in asked]
    assert findings[1].text == (
        "torch 9.9: trains on cuda; the first step was done after 2.5 s, 1.0 s of them imports"
    )


@NEEDS_SHELL
def test_a_framework_that_cannot_be_imported_is_not_asked_again(tmp_path: Path) -> None:
    body = 'echo \'{"import_failure": "it needs the package torch", "status": "not installed"}\''
    pythons = dict.fromkeys(FRAMEWORKS, script(tmp_path, body))
    findings = list(doctor.framework_findings(["cpu", "cuda"], pythons, []))
    assert [finding.subject for finding in findings] == list(FRAMEWORKS)
    assert {finding.mends for finding in findings} == {("packages",)}


# The machine


def test_a_gpu_is_shown_with_its_memory_driver_and_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_driver(monkeypatch, cuda=12040)
    (finding,) = doctor.gpu_findings([H100])
    assert finding.text == "NVIDIA H100, 80 GiB, driver 580.65.06, for CUDA 12.4 and older"
    assert (finding.advice, finding.mends) == (None, ())


def test_several_gpus_are_shown_by_their_numbers_with_what_hides_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_driver(monkeypatch, visible="2,0")
    first, second = doctor.gpu_findings(hardware.gpus())
    assert first.text.startswith("CUDA 0: H100, ")
    assert second.text.startswith("CUDA 1: A100, ")
    assert second.text.endswith(" (of those that CUDA_VISIBLE_DEVICES=2,0 leaves)")


@pytest.mark.skipif(hardware.nvidia_on_bus(), reason="there is one here")
def test_no_gpu_is_said_in_words_with_what_to_do() -> None:
    (finding,) = doctor.gpu_findings([])
    assert "no NVIDIA driver answers" in finding.text
    assert finding.advice is not None
    assert "nvidia-smi" in finding.advice
    assert finding.mends == ()


def test_a_gpu_without_a_driver_is_sent_for_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(hardware, "nvidia_on_bus", lambda: True)
    (finding,) = doctor.gpu_findings([])
    assert finding.text == "an NVIDIA GPU is on the PCI bus, but no NVIDIA driver answers"
    assert finding.mends == ("driver",)


@pytest.mark.parametrize(
    ("vendor", "kind", "there"),
    [
        ("0x10de", "0x030200", True),  # a 3D controller, as GPUs of servers are
        ("0x10de", "0x040300", False),  # the sound of an NVIDIA card
        ("0x8086", "0x030000", False),
    ],
)
def test_a_gpu_is_seen_on_the_bus(tmp_path: Path, vendor: str, kind: str, there: bool) -> None:
    for name, content in (("vendor", vendor), ("class", kind)):
        (tmp_path / "0000:01:00.0").mkdir(exist_ok=True)
        (tmp_path / "0000:01:00.0" / name).write_text(f"{content}\n")
    (tmp_path / "0000:02:00.0").mkdir()  # that tells nothing
    assert hardware.nvidia_on_bus(tmp_path) is there


# What became of a step


def found(device: str = "cuda", driver: tuple[int, int] | None = CUDA_13, **of: Any) -> Finding:
    """What the doctor says of an attempt of PyTorch."""
    return doctor.step_finding("pytorch", device, Attempt(versions=TORCH, **of), driver)


def test_a_step_that_was_done_needs_no_advice() -> None:
    finding = found(cuda="13.0", import_s=2.0, step_s=3.25)
    assert finding.text == (
        "torch 2.13.0 for CUDA 13.0: trains on cuda; the first step was done after 3.2 s, "
        "2.0 s of them imports"
    )
    assert (finding.advice, finding.mends) == (None, ())


@pytest.mark.parametrize(
    ("of", "told"),
    [
        ({"no_device": "PyTorch sees no CUDA device"}, "PyTorch sees no CUDA device"),
        ({"failure": "RuntimeError: CUDA error", "status": "failed"}, "RuntimeError: CUDA error"),
    ],
)
def test_a_driver_that_is_too_old_for_a_build_is_named_with_the_one_that_is_wanted(
    of: dict[str, Any], told: str
) -> None:
    finding = found(driver=CUDA_12, cuda="13.0", **of)
    assert finding.text == (
        f"torch 2.13.0 for CUDA 13.0: does not train on cuda: {told} "
        "(the driver is for CUDA 12.4 and older, not for 13)"
    )
    assert finding.advice == (
        "update NVIDIA's driver to 580 or later; 'nvidia-smi' shows which it is"
    )
    assert finding.mends == ("driver",)


@pytest.mark.parametrize(
    ("cuda", "driver", "older"),
    [
        ("13.0", (12, 9), True),
        ("13.2", (13, 0), False),  # within a major version older drivers will do
        ("12.5.1", (13, 0), False),
        ("14.0", (13, 0), True),
        ("13.0", None, False),
    ],
)
def test_a_driver_is_too_old_for_a_later_major_version_alone(
    cuda: str | None, driver: tuple[int, int] | None, older: bool
) -> None:
    finding = found(driver=driver, cuda=cuda, no_device="sees none")
    assert ("driver" in finding.mends) is older
    assert ("to a later one" in (finding.advice or "")) is (cuda == "14.0")


@pytest.mark.parametrize(
    ("framework", "mends"),
    [
        ("pytorch", ("driver", "CUDA packages")),
        ("keras-tensorflow", ("CUDA packages",)),  # whose packages are for CUDA 12
    ],
)
def test_before_packages_for_cuda_comes_a_driver_that_runs_them(
    framework: str, mends: tuple[doctor.Mends, ...]
) -> None:
    attempt = Attempt(no_device="built for CUDA: no")
    assert doctor.step_finding(framework, "cuda", attempt, CUDA_12).mends == mends
    assert doctor.step_finding(framework, "cuda", attempt, CUDA_13).mends == ("CUDA packages",)


def test_the_packages_for_cuda_are_for_the_versions_named() -> None:
    on_cuda = {name for name, each in FRAMEWORKS.items() if "cuda" in each.devices}
    assert set(doctor.PINNED_CUDA) == on_cuda
    for name, major in doctor.PINNED_CUDA.items():
        pins = (
            "requirements-tensorflow-cuda.txt" if "tensorflow" in name else "requirements-cuda.txt"
        )
        assert f"nvidia-cudnn-cu{major}==" in (ROOT / pins).read_text()


def test_an_old_driver_is_no_matter_where_the_step_was_done() -> None:
    assert found(driver=CUDA_12, cuda="13.0", step_s=1.0).mends == ()  # with NVIDIA's cuda-compat


def test_a_build_without_cuda_is_sent_for_one() -> None:
    finding = found(no_device="PyTorch 2.13.0+cpu sees no CUDA device (built for CUDA: no)")
    assert finding.mends == ("CUDA packages",)
    assert finding.advice is not None
    assert "make install CUDA=1" in finding.advice
    assert (ROOT / "docs" / "cuda.md").is_file()


@pytest.mark.parametrize(
    ("said", "advice", "mends"),
    [
        ("Could not load library libcudnn_ops.so.9", "library of CUDA is missing", "CUDA packages"),
        ("OSError: libcublas.so.13: cannot open shared", "LD_LIBRARY_PATH", "CUDA packages"),
        ("DNN library initialization failed", "LD_LIBRARY_PATH", "CUDA packages"),
        ("No PTX compilation provider: ptxas was not found", "nvidia-cuda-nvcc", "CUDA packages"),
        ("CUDA driver version is insufficient for CUDA runtime", "update NVIDIA's", "driver"),
        ("CUDA error: no kernel image is available", "older or newer", "by hand"),
        ("CUDA_ERROR_SYSTEM_NOT_READY: system not yet", "nvidia-fabricmanager", "by hand"),
    ],
)
def test_what_frameworks_say_of_cuda_is_told_with_what_to_do(
    said: str, advice: str, mends: str
) -> None:
    finding = found(failure=f"RuntimeError: {said}", status="failed", cuda="13.0")
    assert finding.advice is not None
    assert advice in finding.advice
    assert finding.mends == (mends,)
    assert found("cpu", failure=said, status="failed").mends == (
        "by hand",
    )  # it is not of CUDA there


def test_want_of_memory_is_told_with_where_to_look() -> None:
    finding = found(failure="OutOfMemoryError: CUDA out of memory", status="out of memory")
    assert finding.advice is not None
    assert "'nvidia-smi' lists what holds the GPU's memory" in finding.advice
    assert "nvidia-smi" not in str(found("cpu", failure="no memory", status="out of memory"))


def test_what_nobody_knows_is_told_as_it_was_said() -> None:
    finding = found(failure="ValueError: what is this", status="failed")
    assert finding.text == "torch 2.13.0: does not train on cuda: ValueError: what is this"
    assert (finding.advice, finding.mends) == (None, ("by hand",))


# The one command


MAKE = "in the clone's folder: make install"


@pytest.fixture
def with_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.checks.doctor.shutil.which", lambda name: f"/usr/bin/{name}")


@pytest.mark.usefixtures("with_make")
@pytest.mark.parametrize(
    ("mends", "said"),
    [
        ([None], "nothing is missing"),
        (["packages"], f"{MAKE}"),
        ([None, "packages", "packages"], f"{MAKE}"),
        ([None, "packages", "CUDA packages"], f"{MAKE} CUDA=1"),
        ([None, "packages"], f"{MAKE} FRAMEWORKS={next(iter(FRAMEWORKS))}"),
        ([None, "CUDA packages"], f"{MAKE} FRAMEWORKS={next(iter(FRAMEWORKS))} CUDA=1"),
        (["driver", "CUDA packages", "CUDA packages", "driver"], f"advice; then {MAKE} CUDA=1"),
        (["by hand"], "see above what does not train, and why"),
    ],
)
def test_the_report_ends_with_what_mends_it(mends: list[doctor.Mends | None], said: str) -> None:
    subjects = ("GPU", *FRAMEWORKS)
    findings = [
        Finding(subject=subject, text="", advice="advice", mends=(each,) if each else ())
        for subject, each in zip(subjects, mends, strict=False)
    ]
    assert doctor.what_to_do(findings) == said


def test_without_make_the_packages_are_installed_by_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.checks.doctor.shutil.which", lambda name: None)
    missing = Finding(subject="a", text="b", mends=("CUDA packages",))
    assert "pip install -r requirements.txt; for CUDA as docs/cuda.md" in doctor.what_to_do(
        [missing]
    )


# The rest


def test_a_missing_compiler_is_named_with_what_it_costs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CXX", str(tmp_path / "no-such-compiler"))
    finding = doctor.compiler_finding()
    assert "no-such-compiler: PyTorch cannot run compiled" in finding.text
    assert finding.advice is not None


@NEEDS_SHELL
def test_the_compiler_named_in_cxx_is_the_one_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiler = script(tmp_path, "echo our compiler 1.2")
    monkeypatch.setenv("CXX", str(compiler))
    assert doctor.compiler_finding().text == f"{compiler} (our compiler 1.2)"


def test_without_real_data_the_doctor_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GLYPHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GLYPHBENCH_DATA", raising=False)
    finding = doctor.data_finding(TASKS["digits"], tmp_path)
    assert "no real handwriting" in finding.text
    assert finding.advice is not None
    assert "--fetch digits" in finding.advice


@pytest.mark.skipif("GLYPHBENCH_DATA" not in os.environ, reason="GLYPHBENCH_DATA is not set")
@pytest.mark.parametrize("task", TASKS)
def test_real_data_is_found_and_its_folder_named(task: str) -> None:
    finding = doctor.data_finding(TASKS[task], None)
    assert finding.advice is None
    assert os.environ["GLYPHBENCH_DATA"] in finding.text


def script(folder: Path, body: str) -> Path:
    """A program that stands in for an interpreter or a compiler."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path

"""The doctor, asked for real where it can be; GPUs it cannot have here are described to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.checks import doctor
from bench.machine import hardware
from bench.results.record import Gpu
from bench.trainers import FRAMEWORKS
from datasets import TASKS
from tests.imports import ROOT

NEEDS_SHELL = pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in")
H100 = Gpu(name="NVIDIA H100", memory_bytes=80 * 2**30, driver="580.65.06")


def test_the_command_tells_of_machine_frameworks_and_data() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "doctor"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert hardware.cpu_model() in done.stdout
    for name in FRAMEWORKS:
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(f"  {name} ")]
        assert "runs on cpu" in line or "not installed" in line
    for task in TASKS:
        assert f"\n  {task} " in done.stdout


def test_a_data_folder_that_is_not_there_ends_with_a_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor.main(["--data-dir", str(tmp_path / "nowhere")]) == 2
    assert f"{tmp_path / 'nowhere'} (the data folder) does not exist" in capsys.readouterr().err


@NEEDS_SHELL
def test_an_interpreter_that_fails_is_reported_with_its_last_words(tmp_path: Path) -> None:
    python = _script(tmp_path, "echo 'ImportError: libcudart.so.13' >&2\nexit 7")
    ability = doctor.ask("pytorch", "cpu", python, timeout_s=60)
    assert ability.cannot_run == "ended with exit code 7: ImportError: libcudart.so.13"


@NEEDS_SHELL
def test_an_interpreter_that_hangs_is_given_up(tmp_path: Path) -> None:
    ability = doctor.ask("pytorch", "cpu", _script(tmp_path, "exec sleep 600"), timeout_s=0.2)
    assert ability.cannot_run == "no answer within 0.2 s"


def test_an_interpreter_that_cannot_be_started_is_reported(tmp_path: Path) -> None:
    ability = doctor.ask("pytorch", "cpu", tmp_path, timeout_s=60)
    assert ability.cannot_run is not None
    assert ability.cannot_run.startswith(f"{tmp_path} cannot be started")


@NEEDS_SHELL
def test_the_framework_is_asked_in_the_interpreter_named_for_it(tmp_path: Path) -> None:
    python = _script(tmp_path, 'echo chatter\necho \'{"versions": {"torch": "9.9"}}\'')
    here = hardware.observe()
    abilities: list[doctor.Ability] = []
    others = {name: _script(tmp_path / name, "exit 1") for name in FRAMEWORKS}
    findings = list(doctor.framework_findings(here, others | {"pytorch": python}, abilities))
    assert "torch 9.9: runs on cpu" in str(findings[0])
    assert [ability.cannot_run is None for ability in abilities] == [
        name == "pytorch" for name in FRAMEWORKS
    ]


@pytest.mark.skipif(bool(hardware.gpus()), reason="there is a GPU here")
def test_a_framework_asked_for_a_gpu_that_is_not_there_says_so() -> None:
    pytest.importorskip("torch")
    ability = doctor.ask("pytorch", "cuda", Path(sys.executable), timeout_s=120)
    assert ability.cannot_run is None
    assert ability.no_device is not None
    assert "NVIDIA GPU" in ability.no_device


@pytest.mark.cuda
def test_some_framework_sees_the_gpu() -> None:
    python = Path(sys.executable)
    abilities = [doctor.ask(name, "cuda", python, timeout_s=120) for name in FRAMEWORKS]
    assert any(ability.cannot_run is None and ability.no_device is None for ability in abilities)


def test_a_gpu_is_shown_with_its_memory_and_driver() -> None:
    (finding,) = doctor.gpu_findings([H100])
    assert finding.text == "NVIDIA H100, 80 GiB, driver 580.65.06"
    assert finding.advice is None


def test_no_gpu_is_said_in_words_with_what_to_do() -> None:
    (finding,) = doctor.gpu_findings([])
    assert "no NVIDIA driver answers" in finding.text
    assert finding.advice is not None
    assert "nvidia-smi" in finding.advice


def test_a_framework_that_does_not_see_the_gpu_is_sent_to_the_page_on_cuda() -> None:
    ability = doctor.Ability(versions={"torch": "2.13.0+cpu"}, no_device="no CUDA\n  build")
    finding = doctor.framework_finding("pytorch", ability, "cuda")
    assert finding.text == "torch 2.13.0+cpu: runs on cpu, not on cuda: no CUDA build"
    assert finding.advice is not None
    assert (ROOT / finding.advice.split()[0]).is_file()


def test_a_framework_that_sees_the_gpu_needs_no_advice() -> None:
    finding = doctor.framework_finding("pytorch", doctor.Ability(versions={}), "cuda")
    assert (finding.text, finding.advice) == ("runs on cpu and cuda", None)


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
    compiler = _script(tmp_path, "echo our compiler 1.2")
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


def _script(folder: Path, body: str) -> Path:
    """A program that stands in for an interpreter or a compiler."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path

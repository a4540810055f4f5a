"""Certificates from processes: of a framework that works, is missing, dies, hangs; the command."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

import datasets
from bench.checks import certify, parity, trial
from bench.checks.certify import GLYPHS, CertificateSite, certificates
from bench.checks.trial import Subject
from bench.results.evidence import Certificate
from bench.results.folder import Results
from tests.records import EXPERIMENT
from tests.report.test_trust import VERSIONS, a_certificate

NEEDS_SHELL = pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in")


def a_subject(architecture: str = "mlp", framework: str = "numpy") -> Subject:
    return Subject(
        framework=framework,
        execution="eager",
        device="cpu",
        precision="fp32",
        threads=None,
        architecture=architecture,
    )


@pytest.fixture(scope="module")
def data_folder() -> Path:
    return datasets.prepare("digits", source="glyphs", glyphs_images=GLYPHS).folder


def made_by(script: str, data_folder: Path, tmp_path: Path, timeout_s: float) -> list[Certificate]:
    """Certificates of both networks, with a shell script in the place of Python."""
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    site = CertificateSite(
        data_folder=data_folder,
        versions={"numpy": {"numpy": "9.9"}},
        pythons={"numpy": python},
        timeout_s=timeout_s,
    )
    return list(certificates([a_subject("mlp"), a_subject("cnn")], site))


@NEEDS_SHELL
def test_a_process_that_dies_leaves_failed_certificates_with_its_last_words(
    data_folder: Path, tmp_path: Path
) -> None:
    made = made_by("echo no such library >&2; exit 3", data_folder, tmp_path, timeout_s=30)
    assert [one.architecture for one in made] == ["mlp", "cnn"]
    for one in made:
        assert not one.passed
        assert one.failure == ("its process ended with exit code 3; last words: no such library")
        assert one.versions == {"numpy": "9.9"}


@NEEDS_SHELL
def test_a_process_that_hangs_is_ended_and_says_so(data_folder: Path, tmp_path: Path) -> None:
    made = made_by("sleep 600", data_folder, tmp_path, timeout_s=0.25)
    assert [one.failure for one in made] == ["not done after 0.5 s; it said nothing"] * 2


@NEEDS_SHELL
def test_what_was_certified_before_a_process_died_is_kept(
    data_folder: Path, tmp_path: Path
) -> None:
    whole = a_certificate(framework="numpy")
    line = Results(tmp_path).save_certificate(whole).read_text().replace("\n", "")
    made = made_by(f"printf '%s\\n' '{line}'; exit 1", data_folder, tmp_path, timeout_s=30)
    assert made[0] == whole
    assert made[1].failure is not None


def test_a_python_that_is_not_there_gives_a_failed_certificate(
    data_folder: Path, tmp_path: Path
) -> None:
    site = CertificateSite(
        data_folder=data_folder, versions={}, pythons={"numpy": tmp_path / "none"}
    )
    (made,) = certificates([a_subject()], site)
    assert made.failure is not None
    assert made.failure.startswith("its Python cannot be started: No such file")


def test_a_device_that_a_framework_does_not_have_is_the_failure_of_its_certificate(
    data_folder: Path,
) -> None:
    on_cuda = replace(a_subject(), device="cuda")
    made = certify.beside_the_referee(on_cuda, trial.take(datasets.open_cached(data_folder)))
    assert made.failure == "NumPy computes on the CPU; it sees no CUDA device"
    assert made.data.startswith("digits (glyphs, drawn, ")
    assert not made.passed


def test_the_command_certifies_numpy_and_leaves_its_certificate(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["--framework", "numpy", "--architecture", "mlp", "--source", "glyphs"]
    assert parity.main([*words, "--device", "cpu", "--out", str(tmp_path)]) == 0
    printed = capfd.readouterr().out
    assert printed.startswith("PASS  mlp in numpy eager on cpu, fp32")
    assert "1 of 1 certificates pass." in printed
    (made,) = Results(tmp_path).evidence().certificates
    assert made.passed
    assert len(made.checks) == 11
    for check in made.checks:
        assert check.quantity in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--source", "mnost"], "--source mnost: digits has no such source; choose from mnist"),
        (["--threads", "4096"], "--threads 4096: this machine has"),
        (["--framework", "numpy", "--precision", "bf16"], "nothing to check"),
    ],
)
def test_what_cannot_be_checked_is_explained_with_exit_code_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parity.main(["--device", "cpu", *words]) == 2
    assert said in capsys.readouterr().err


def test_only_subjects_without_a_certificate_of_todays_versions_are_missing() -> None:
    versions = {"pytorch": VERSIONS}
    wanted = [trial.of(EXPERIMENT)]
    assert trial.missing([EXPERIMENT, EXPERIMENT], versions, []) == wanted
    assert trial.missing([EXPERIMENT], versions, [a_certificate()]) == []
    old = a_certificate(versions={"torch": "2.12.0"})
    assert trial.missing([EXPERIMENT], versions, [old]) == wanted
    failed = a_certificate(checks=(), failure="not done after 300 s")
    assert trial.missing([EXPERIMENT], versions, [failed]) == wanted


def test_what_is_left_to_a_framework_needs_no_certificate() -> None:
    native = replace(EXPERIMENT, native=("kernel-init",))
    assert trial.missing([native], {"pytorch": VERSIONS}, []) == []

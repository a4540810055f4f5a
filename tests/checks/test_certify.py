"""Certificates from processes: of a framework that works, is missing, dies, hangs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

import datasets
from bench.checks import certify, trial
from bench.checks.certify import GLYPHS, CertificateSite, certificates
from bench.checks.trial import Subject
from bench.results.evidence import Certificate
from bench.results.folder import Results
from tests.fakes import an_experiment
from tests.report.test_trust import a_certificate

NEEDS_SHELL = pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in")


def a_subject(architecture: str = "mlp") -> Subject:
    return trial.of(an_experiment(framework="numpy", architecture=architecture))


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
    failed = made_by("echo no such library >&2; exit 3", data_folder, tmp_path, timeout_s=30)
    assert [certificate.architecture for certificate in failed] == ["mlp", "cnn"]
    for certificate in failed:
        assert not certificate.passed
        assert certificate.failure == (
            "its process ended with exit code 3; last words: no such library"
        )
        assert certificate.versions == {"numpy": "9.9"}


@NEEDS_SHELL
def test_a_process_that_hangs_is_ended_and_says_so(data_folder: Path, tmp_path: Path) -> None:
    failed = made_by("sleep 600", data_folder, tmp_path, timeout_s=0.25)
    assert [certificate.failure for certificate in failed] == [
        "not done after 0.5 s; it said nothing"
    ] * 2


@NEEDS_SHELL
def test_what_was_certified_before_a_process_died_is_kept(
    data_folder: Path, tmp_path: Path
) -> None:
    whole = a_certificate(framework="numpy")
    line = Results(tmp_path).save_certificate(whole).read_text().replace("\n", "")
    first, second = made_by(f"printf '%s\\n' '{line}'; exit 1", data_folder, tmp_path, timeout_s=30)
    assert first == whole
    assert second.failure is not None


def test_a_python_that_is_not_there_gives_a_failed_certificate(
    data_folder: Path, tmp_path: Path
) -> None:
    site = CertificateSite(
        data_folder=data_folder, versions={}, pythons={"numpy": tmp_path / "none"}
    )
    (certificate,) = certificates([a_subject()], site)
    assert certificate.failure is not None
    assert certificate.failure.startswith("its Python cannot be started: No such file")


def test_a_device_that_a_framework_does_not_have_is_the_failure_of_its_certificate(
    data_folder: Path,
) -> None:
    on_cuda = replace(a_subject(), device="cuda")
    certificate = certify.beside_the_referee(on_cuda, trial.take(datasets.open_cached(data_folder)))
    assert certificate.failure == "NumPy computes on the CPU; it sees no CUDA device"
    assert certificate.data.startswith("digits (glyphs, drawn, ")
    assert not certificate.passed

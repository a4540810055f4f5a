"""``python -m bench parity``: what it prints, leaves and refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.checks import parity
from bench.machine import hardware
from bench.results.folder import Results
from tests.machine.test_devices import T4
from tests.records import MACHINE


def test_the_command_certifies_numpy_and_leaves_its_certificate(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["--framework", "numpy", "--architecture", "mlp", "--source", "glyphs"]
    assert parity.main([*words, "--device", "cpu", "--out", str(tmp_path)]) == 0
    printed = capfd.readouterr().out
    assert printed.startswith("PASS  mlp in numpy eager on cpu, fp32")
    assert "1 of 1 certificates pass." in printed
    (certificate,) = Results(tmp_path).evidence().certificates
    assert certificate.passed
    assert len(certificate.checks) == 13
    for check in certificate.checks:
        assert check.quantity in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--source", "mnost"], "--source mnost: digits has no such source; choose from mnist"),
        (["--device", "cpu,cuda:99"], "--device cuda:99: "),
        (["--threads", "4096"], "--threads 4096: this process may use"),
        (["--framework", "numpy", "--precision", "bf16"], "nothing to check"),
    ],
)
def test_what_cannot_be_checked_is_explained_with_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parity.main(["--device", "cpu", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_precision_that_the_gpu_lacks_is_not_checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hardware, "observe", lambda: replace(MACHINE, gpus=(T4,)))
    words = ["--device", "cuda", "--precision", "fp32,bf16"]
    chosen = parity.subjects(parity._parser().parse_args(words))
    assert {subject.precision for subject in chosen} == {"fp32"}
    said = "Precision bf16 is left out on cuda: Tesla T4 has compute capability 7.5, and bf16"
    assert said in capsys.readouterr().err
    assert parity.main(["--device", "cuda", "--precision", "bf16"]) == 2
    assert f"nothing to check: {said}" in capsys.readouterr().err

"""``python -m bench parity``: what it prints, leaves and refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.checks import parity
from bench.results.folder import Results


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

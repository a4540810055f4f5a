"""What is reckoned: the page shows what the command prints, and more bandwidth costs no time."""

from __future__ import annotations

import re

import pytest

from bench.report import scale
from tests.imports import ROOT


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert scale.main(words) == 0
    return capsys.readouterr().out.splitlines()


def test_the_page_has_every_line_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/scale.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in printed(capsys) if line not in page] == []


def test_a_faster_link_makes_a_step_shorter_and_one_gpu_needs_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("--architecture", "mlp", "--scaling", "strong", "--replicas", "8")
    one, slow = (rows := [line for line in printed(capsys, *words) if "| MLP |" in line])
    _, fast = [line for line in printed(capsys, *words, "--bandwidth", "2000") if "| MLP |" in line]
    assert len(rows) == 2
    of_exchange = [float(re.split(r" \| ", row)[5]) for row in (one, slow, fast)]
    assert of_exchange[0] == 0
    assert of_exchange[2] < of_exchange[1]


def test_nothing_can_be_supposed_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        scale.main(["--tflops", "0"])
    assert "'0' is no number above 0" in capsys.readouterr().err

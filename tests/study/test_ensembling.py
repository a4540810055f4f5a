"""``bench ensemble`` without PyTorch: what is refused, and a file that is not its own.

What it measures is tested with the ensembles, in ``tests/ensemble_contract.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.machine import hardware
from bench.results.evidence import EnsembleTimes
from bench.results.folder import Results, ResultsError
from bench.study import ensembling
from tests.machine.test_visible_gpus import PINNED, fake_driver


def test_a_device_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    if hardware.observe().gpus:
        pytest.skip("there is a GPU here")
    assert ensembling.main(["--device", "cuda"]) == 2
    assert "no NVIDIA GPU found" in capsys.readouterr().err


def test_one_of_several_gpus_is_chosen_before_pytorch_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def measured(options: object) -> Iterator[EnsembleTimes]:
        seen.append(os.environ["CUDA_VISIBLE_DEVICES"])
        yield from ()

    monkeypatch.setattr(os, "environ", dict(os.environ))
    fake_driver(monkeypatch)
    monkeypatch.setattr(ensembling, "_measured", measured)
    assert ensembling.main(["--device", "cuda:2"]) == 0
    assert seen == [PINNED]


def test_a_file_that_is_no_measurement_is_named(tmp_path: Path) -> None:
    results = Results(tmp_path)
    assert results.ensembling() is None
    (tmp_path / "ensembling.json").write_text("{}")
    with pytest.raises(
        ResultsError,
        match=r"ensembling\.json: not a measurement of ensembles: .*bench ensemble --out",
    ):
        results.ensembling()

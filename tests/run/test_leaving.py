"""A disk that is full costs weights first, and a measurement last."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from bench.results.folder import Results
from bench.run import leaving
from bench.run.leaving import Checkpoint, leave_model, leave_record
from tests.records import make_record


def _full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_checkpoint_that_finds_no_room_is_kept_in_memory_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.safetensors"
    checkpoint = Checkpoint(path)
    checkpoint.keep({"kernel": np.zeros(3, np.float32)})
    assert (path.exists(), checkpoint.notes) == (True, {})
    with monkeypatch.context() as patch:
        patch.setattr(leaving, "write_atomically", _full)
        checkpoint.keep({"kernel": np.ones(3, np.float32)})
    assert not path.exists()  # the weights of an earlier evaluation would be taken for the best
    np.testing.assert_array_equal(checkpoint.weights["kernel"], [1, 1, 1])
    assert "No space left" in checkpoint.notes["checkpoint not saved"]
    checkpoint.keep({"kernel": np.full(3, 2, np.float32)})  # there is room again
    np.testing.assert_array_equal(load_file(path)["kernel"], [2, 2, 2])
    assert checkpoint.notes == {}


def test_a_model_that_finds_no_room_is_told(tmp_path: Path) -> None:
    record = leave_model(Results(tmp_path), make_record(), _full)
    assert record.settings["model not saved"] == "OSError: [Errno 28] No space left on device"
    assert not list(tmp_path.glob("models/*"))


def test_a_record_that_finds_no_room_gets_that_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full for as long as the model lies there."""
    results, record = Results(tmp_path), make_record()
    model = results.model_path(record.run_id, ".safetensors")
    model.parent.mkdir()
    model.touch()
    save = Results.save
    monkeypatch.setattr(
        Results, "save", lambda self, it: _full() if model.exists() else save(self, it)
    )
    assert leave_record(results, record)
    (kept,) = Results(tmp_path).records()
    assert kept.measurement == record.measurement
    assert kept.settings["model not saved"].endswith("it made room for the record")


def test_a_record_that_finds_no_room_at_all_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Results, "save", _full)
    assert not leave_record(Results(tmp_path), make_record())


def test_a_record_that_cannot_be_written_for_another_reason_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "records").touch()
    with pytest.raises(FileExistsError):
        leave_record(Results(tmp_path), make_record())

"""Predictions as they are kept: what is not as it was written is made again."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.results.folder import ResultsError
from bench.results.predictions import Predictions, load_predictions, save_predictions

PREDICTIONS = Predictions(
    run_id="run",
    model="models/run.safetensors",
    logits=np.eye(2, 10, dtype=np.float32),
    features=None,
    labels=np.array([0, 3], np.int64),
    as_recorded=True,
)


def test_damaged_predictions_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ResultsError, match=r"run\.npz: no predictions .*delete the file"):
        load_predictions(path)


def test_a_network_without_features_has_none_after_saving(tmp_path: Path) -> None:
    save_predictions(tmp_path / "run.npz", PREDICTIONS)
    again = load_predictions(tmp_path / "run.npz")
    assert again.features is None
    assert again.predicted.tolist() == [0, 1]
    assert (again.run_id, again.model, again.as_recorded) == ("run", PREDICTIONS.model, True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"logits": np.full((2, 10), np.nan, np.float32)}, "logits that are not finite numbers"),
        ({"logits": np.eye(2, 10)}, "logits that are not finite numbers, .* float32"),
        ({"logits": np.zeros(2, np.float32)}, "logits that are not finite numbers, .n, classes"),
        ({"labels": np.array([0, 10])}, "labels that are not of the 10 classes"),
        ({"labels": np.array([0, -1])}, "labels that are not of the 10 classes"),
        ({"labels": np.array([0, 1, 2])}, r"labels that are not \(2,\) int64"),
        ({"features": np.zeros((3, 4), np.float32)}, r"features that are not .* \(2, d\)"),
        ({"run_id": "x" * 2000}, "where a name is"),
    ],
)
def test_what_was_never_written_is_refused(
    changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.npz"
    save_predictions(path, replace(PREDICTIONS, **changes))
    with pytest.raises(ResultsError, match=reason):
        load_predictions(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.npz")
    with pytest.raises(ResultsError, match="this is a pipe"):
        load_predictions(tmp_path / "run.npz")


def test_arrays_that_are_packed_or_promise_more_than_there_is_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    np.savez_compressed(path, logits=np.zeros((10_000, 1000), np.float32))
    with pytest.raises(ResultsError, match=r"logits\.npy is packed"):
        load_predictions(path)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"shape": (10**12, 10), "fortran_order": False, "descr": "<f4"}
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("logits.npy", header.getvalue())
    with pytest.raises(ResultsError, match=r"logits\.npy is not as large as it says"):
        load_predictions(path)


def test_python_objects_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    np.savez(path, logits=np.array([{}], dtype=object))
    with pytest.raises(ResultsError, match=r"logits\.npy is not as large as it says"):
        load_predictions(path)

"""The files of a saved model: written whole, read without running anything, refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bench.results.folder import Results, ResultsError
from bench.results.models import (
    HEADER_ENTRY,
    read_card,
    write_model,
)
from bench.results.predictions import Predictions, load_predictions, save_predictions
from bench.saved.model import SavedModelError, load
from tests import saved_models
from tests.saved_models import a_card, model_path, saver, weights_of

# A run leaves one


def test_a_good_run_leaves_a_model_with_its_whole_record() -> None:
    record = saved_models.record()
    card = read_card(model_path())
    assert card.record == record
    assert record.status == "ok"
    assert (card.task, card.architecture, card.framework) == ("digits", "mlp", "numpy")
    assert card.class_names == tuple("0123456789")
    assert (card.pixel_mean, card.pixel_std) == (record.data.pixel_mean, record.data.pixel_std)


def test_the_model_holds_the_best_weights_of_the_run() -> None:
    folder, record = saved_models.results_folder(), saved_models.record()
    best = load_file(Results(folder).checkpoint_path(record.run_id))
    saved = load_file(model_path())
    assert saved.keys() == best.keys()
    for name, array in best.items():
        np.testing.assert_array_equal(saved[name], array)


# Written whole or not at all


def test_a_failed_write_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    write_model(path, a_card(), saver(weights_of("mlp")))
    before = path.read_bytes()

    def half(part: Path) -> None:
        part.write_bytes(before[:100])
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        write_model(path, a_card(), half)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# What is refused


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SavedModelError, match=r"run\.safetensors: no such file; saved models lie"):
        load(tmp_path / "run.safetensors")


@pytest.mark.parametrize("ending", [".safetensors", ".keras"])
@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_an_empty_file_and_a_picture_are_no_models(
    ending: str, content: bytes, tmp_path: Path
) -> None:
    path = tmp_path / f"run{ending}"
    path.write_bytes(content)
    with pytest.raises(SavedModelError, match=r"no (safetensors|Keras) file: it (is empty|begins)"):
        load(path)


def test_another_ending_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"\x80\x04")
    with pytest.raises(SavedModelError, match=r"wanted a file that ends in \.safetensors or"):
        load(tmp_path / "weights.pt")


@pytest.mark.parametrize("keep", [60, 5000, -1])
def test_a_truncated_file_is_said_to_be_cut_off(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    path.write_bytes(model_path().read_bytes()[:keep])
    with pytest.raises(SavedModelError, match="cut off or damaged"):
        load(path)


def test_weights_of_somebody_else_lack_a_card(tmp_path: Path) -> None:
    save_file(weights_of("mlp"), tmp_path / "theirs.safetensors", metadata={"format": "pt"})
    with pytest.raises(SavedModelError, match="weights without a card: it lacks task, classes"):
        load(tmp_path / "theirs.safetensors")


def test_a_card_of_a_later_version_names_both(tmp_path: Path) -> None:
    path = _with_card(tmp_path, {"card_version": 9, "anything": "else"})
    with pytest.raises(SavedModelError, match="its card is of version 9, wanted 1"):
        load(path)


def test_a_card_with_a_wrong_field_is_damaged(tmp_path: Path) -> None:
    fields = json.loads(msgspec.json.encode(a_card())) | {"pixel_std": "broad"}
    with pytest.raises(SavedModelError, match=r"damaged .*pixel_std"):
        load(_with_card(tmp_path, fields))


def _with_card(folder: Path, fields: object) -> Path:
    path = folder / "run.safetensors"
    save_file(weights_of("mlp"), path, metadata={HEADER_ENTRY: json.dumps(fields)})
    return path


def test_damaged_predictions_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ResultsError, match=r"run\.npz: no predictions .*delete the file"):
        load_predictions(path)


def test_a_network_without_features_has_none_after_saving(tmp_path: Path) -> None:
    predictions = Predictions(
        run_id="run",
        model="models/run.safetensors",
        logits=np.eye(2, 10, dtype=np.float32),
        features=None,
        labels=np.array([0, 3]),
        as_recorded=True,
    )
    save_predictions(tmp_path / "run.npz", predictions)
    again = load_predictions(tmp_path / "run.npz")
    assert again.features is None
    assert again.predicted.tolist() == [0, 1]
    assert (again.run_id, again.model, again.as_recorded) == ("run", predictions.model, True)

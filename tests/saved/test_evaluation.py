"""Saved models asked again, of a whole folder and one by one, on their own data and on others."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file

import datasets
from bench import UsageError
from bench.results import predictions
from bench.results.folder import Results, ResultsError
from bench.results.models import card_of, read_card, write_model
from bench.saved.asking import evaluate
from bench.saved.evaluate import class_indices, main, scores
from bench.saved.model import load
from bench.stats.uncertainty import wilson
from tests import saved_models
from tests.records import make_record
from tests.saved_models import IMAGES, data_folder, model_path, saver

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the run's folder, its predictions made."""
    copy = tmp_path_factory.mktemp("results") / "copy"
    shutil.copytree(saved_models.results_folder(), copy)
    evaluate(Results(copy), Results(copy).records(), _data())
    return copy


def _data() -> dict[tuple[str, str], Path]:
    return {("digits", "glyphs"): data_folder()}


# A whole folder


def test_predictions_of_the_loaded_file_are_those_of_the_run(folder: Path) -> None:
    record = saved_models.record()
    said = evaluate(Results(folder), [record], _data())[record.run_id]
    test = datasets.open_cached(data_folder()).test
    model = load(model_path())
    assert said.as_recorded
    assert said.model == f"models/{record.run_id}.safetensors"
    np.testing.assert_array_equal(said.labels, test.labels)
    np.testing.assert_allclose(said.logits, model.logits(test.images), atol=1e-4)
    assert said.features is not None
    assert said.features.shape == (len(test.labels), 512)


def test_only_what_is_missing_or_older_than_its_model_is_made(folder: Path) -> None:
    record = saved_models.record()
    path = Results(folder).predictions_path(record.run_id)
    planted = replace(predictions.load(path), as_recorded=False)
    predictions.save(path, planted)
    results = Results(folder)
    assert not evaluate(results, [record], _data())[record.run_id].as_recorded  # read, not made
    os.utime(path, (0, 0))  # as if the run had been repeated since
    assert evaluate(results, [record], _data())[record.run_id].as_recorded


def test_a_model_that_errs_on_other_images_than_recorded_is_found_out(tmp_path: Path) -> None:
    record = saved_models.record()
    path = Results(tmp_path).model_path(record.run_id, ".safetensors")
    weights = load_file(model_path())
    weights["logits/bias"][0] += 100
    write_model(path, card_of(record), saver(weights))
    [said] = evaluate(Results(tmp_path), [record], _data()).values()
    assert not said.as_recorded
    assert set(said.predicted) == {0}


def test_runs_without_a_model_are_left_out_and_said(tmp_path: Path, capsys: Captured) -> None:
    ended_well = make_record(source="glyphs")
    full = replace(make_record(seed=1), settings={"model not saved": "OSError: no space left"})
    others = [make_record(seed=2, status="failed"), make_record(goal="throughput")]
    assert evaluate(Results(tmp_path), [ended_well, full, *others], _data()) == {}
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith(f"{ended_well.run_id} is not asked: there is no saved model")
    assert said[1] == f"{full.run_id} is not asked: OSError: no space left"


def test_other_images_than_those_of_the_run_and_the_model_of_another_are_refused(
    tmp_path: Path, capsys: Captured
) -> None:
    record = saved_models.record()
    path = Results(tmp_path).model_path(record.run_id, ".safetensors")
    elsewhere = replace(record, data=replace(record.data, fingerprint="0" * 64))
    write_model(path, card_of(elsewhere), saver(load_file(model_path())))
    assert evaluate(Results(tmp_path), [record], _data()) == {}
    assert "are no longer those of its run" in capsys.readouterr().err
    write_model(path, card_of(make_record()), saver(load_file(model_path())))
    assert evaluate(Results(tmp_path), [record], _data()) == {}
    assert f"is the model of another run, {make_record().run_id}" in capsys.readouterr().err


def test_damaged_predictions_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ResultsError, match=r"run\.npz: no predictions .*delete the file"):
        predictions.load(path)


def test_a_network_without_features_has_none_after_saving(tmp_path: Path, folder: Path) -> None:
    said = predictions.load(Results(folder).predictions_path(saved_models.record().run_id))
    predictions.save(tmp_path / "run.npz", replace(said, features=None))
    assert predictions.load(tmp_path / "run.npz").features is None


# One model, any data


def test_a_model_is_evaluated_on_the_test_images_of_its_own_run(capsys: Captured) -> None:
    assert main([str(model_path()), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    measured = saved_models.record().measurement
    assert measured is not None
    assert measured.test is not None
    overall = said["scores"]["overall"]
    assert (overall["correct"], overall["images"]) == (measured.test.correct, IMAGES // 10)
    assert said["own_data"]
    assert said["as_recorded"]
    assert sum(one["images"] for one in said["scores"]["by_class"].values()) == IMAGES // 10


def test_the_text_has_an_interval_and_a_line_for_each_class(capsys: Captured) -> None:
    assert main([str(model_path())]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "95 % interval" in lines[1]
    assert "wrong on the same images" in lines[2]
    assert [line.split()[0] for line in lines[5:]] == list("0123456789")


def test_other_data_with_the_classes_in_another_order_is_matched_by_name(
    tmp_path: Path, capsys: Captured
) -> None:
    """A copy of the model whose classes stand in reverse, weights and names alike, is as good."""
    card = read_card(model_path())
    weights = load_file(model_path())
    for name in ("logits/kernel", "logits/bias"):
        weights[name] = np.ascontiguousarray(weights[name][..., ::-1])
    path = tmp_path / "reversed.safetensors"
    write_model(path, replace(card, class_names=card.class_names[::-1]), saver(weights))
    assert main([str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert main([str(model_path()), "--json"]) == 0
    wanted = json.loads(capsys.readouterr().out)
    assert found["scores"]["overall"] == wanted["scores"]["overall"]
    assert found["scores"]["by_class"] == wanted["scores"]["by_class"]


def test_all_images_of_other_data_can_be_taken_and_none_of_its_own(capsys: Captured) -> None:
    assert main([str(model_path()), "--all"]) == 2
    assert "was trained on images of digits from glyphs" in capsys.readouterr().err


def test_a_user_s_own_file_with_the_same_classes_is_other_data(
    tmp_path: Path, capsys: Captured
) -> None:
    test = datasets.open_cached(data_folder()).test
    path = tmp_path / "mine.npz"
    labels = np.array([str(9 - label) for label in test.labels])
    np.savez(path, images=test.images, labels=labels)
    words = ["--task", "mine", "--data-file", str(path), "--json"]
    assert main([str(model_path()), *words, "--all"]) == 0
    said = json.loads(capsys.readouterr().out)
    predicted = load(model_path()).logits(test.images).argmax(axis=1)
    correct = int((predicted == 9 - test.labels).sum())
    assert said["scores"]["overall"]["correct"] == correct
    assert said["scores"]["overall"]["images"] == IMAGES // 10
    assert (said["own_data"], said["as_recorded"], said["images"]) == (False, None, "all")


def test_data_with_other_classes_is_refused_with_the_differences() -> None:
    with pytest.raises(UsageError) as raised:
        class_indices(("a", "b", "c"), ("b", "c", "d"), name="mine from own")
    assert "the model alone knows a; mine from own alone has d." in str(raised.value)


def test_scores_count_each_class_apart() -> None:
    found = scores(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), ("a", "b", "c"))
    assert (found.overall.correct, found.overall.images) == (3, 4)
    assert found.overall.interval == wilson(3, 4)
    assert found.by_class["a"].accuracy == 0.5
    assert found.by_class["b"].accuracy == 1.0
    assert found.by_class["c"].accuracy is None
    assert msgspec.json.encode(found)

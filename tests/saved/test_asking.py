"""The saved models of a whole folder, asked again."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import datasets
from bench.results.card import card_of
from bench.results.folder import Results
from bench.results.models import write_model
from bench.results.predictions import load_predictions, save_predictions
from bench.saved.asking import EvaluationRequest, answers, evaluate
from bench.saved.model import load
from tests import saved_models
from tests.records import make_record
from tests.saved_models import data_folder, model_path, saver

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


def test_predictions_of_the_loaded_file_are_those_of_the_run(folder: Path) -> None:
    record = saved_models.record()
    predictions = evaluate(Results(folder), [record], _data())[record.run_id]
    test = datasets.open_cached(data_folder()).test
    model = load(model_path())
    assert predictions.as_recorded
    assert predictions.model == f"models/{record.run_id}.safetensors"
    np.testing.assert_array_equal(predictions.labels, test.labels)
    np.testing.assert_allclose(predictions.logits, model.logits(test.images), atol=1e-4)
    assert predictions.features is not None
    assert predictions.features.shape == (len(test.labels), 512)


def test_only_what_is_missing_or_older_than_its_model_is_made(folder: Path) -> None:
    record = saved_models.record()
    path = Results(folder).predictions_path(record.run_id)
    planted = replace(load_predictions(path), as_recorded=False)
    save_predictions(path, planted)
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
    [predictions] = evaluate(Results(tmp_path), [record], _data()).values()
    assert not predictions.as_recorded
    assert set(predictions.predicted) == {0}


def test_runs_without_a_model_are_left_out_and_said(tmp_path: Path, capsys: Captured) -> None:
    ended_well = make_record(source="glyphs")
    full = replace(make_record(seed=1), settings={"model not saved": "OSError: no space left"})
    others = [make_record(seed=2, status="failed"), make_record(goal="throughput")]
    assert evaluate(Results(tmp_path), [ended_well, full, *others], _data()) == {}
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{ended_well.run_id} is not asked: there is no saved model")
    assert lines[1] == f"{full.run_id} is not asked: OSError: no space left"


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


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        (None, "ended with exit code 1; last words: .*No module named bench.saved.nowhere"),
        (Path("no/python"), "its Python cannot be started: No such file"),
    ],
)
def test_every_model_has_an_answer_where_its_process_has_none(
    python: Path | None, reason: str
) -> None:
    given = answers(
        "bench.saved.nowhere",
        EvaluationRequest(results_folder="", framework="numpy", questions=()),
        models=2,
        timeout_s=60,
        experiment=make_record().experiment,
        python=python,
    )
    assert [bool(re.search(reason, answer.failure or "")) for answer in given] == [True, True]

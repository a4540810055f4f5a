"""A saved model evaluated, on its own data and on others."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from safetensors.numpy import load_file

import datasets
from bench import UsageError
from bench.results.models import read_card, write_model
from bench.saved.evaluate import main
from bench.saved.model import load
from bench.saved.scores import class_indices, scores
from bench.stats.uncertainty import wilson
from tests import saved_models
from tests.saved_models import IMAGES, a_card, data_folder, model_path, saver

Captured = pytest.CaptureFixture[str]


def test_a_model_is_evaluated_on_the_test_images_of_its_own_run(capsys: Captured) -> None:
    assert main([str(model_path()), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    measured = saved_models.record().measurement
    assert measured is not None
    assert measured.test is not None
    overall = printed["scores"]["overall"]
    assert (overall["correct"], overall["images"]) == (measured.test.correct, IMAGES // 10)
    assert printed["own_data"]
    assert printed["as_recorded"]
    assert sum(share["images"] for share in printed["scores"]["by_class"].values()) == IMAGES // 10


def test_the_text_has_an_interval_and_a_line_for_each_class(capsys: Captured) -> None:
    assert main([str(model_path())]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "95 % interval" in lines[1]
    assert lines[2] == "images as they are: 28 x 28"
    assert "wrong on the same images" in lines[3]
    assert [line.split()[0] for line in lines[6:]] == list("0123456789")


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
    reversed_classes = json.loads(capsys.readouterr().out)
    assert main([str(model_path()), "--json"]) == 0
    wanted = json.loads(capsys.readouterr().out)
    assert reversed_classes["scores"]["overall"] == wanted["scores"]["overall"]
    assert reversed_classes["scores"]["by_class"] == wanted["scores"]["by_class"]


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
    printed = json.loads(capsys.readouterr().out)
    predicted = load(model_path()).logits(test.images).argmax(axis=1)
    correct = int((predicted == 9 - test.labels).sum())
    assert printed["scores"]["overall"]["correct"] == correct
    assert printed["scores"]["overall"]["images"] == IMAGES // 10
    assert (printed["own_data"], printed["as_recorded"], printed["images"]) == (False, None, "all")


def test_a_10_for_the_digit_0_is_asked_about(tmp_path: Path, capsys: Captured) -> None:
    test = datasets.open_cached(data_folder()).test
    path = tmp_path / "svhn.npz"
    np.savez(path, images=test.images, labels=np.where(test.labels == 0, 10, test.labels))
    words = [str(model_path()), "--task", "digits", "--data-file", str(path), "--all", "--json"]
    assert main(words) == 2
    assert "10 means the digit 0, as in SVHN, write 0 for it" in capsys.readouterr().err
    np.savez(path, images=test.images, labels=test.labels + 1)
    assert main([*words, "--labels-from", "1"]) == 0
    printed = json.loads(capsys.readouterr().out)
    predicted = load(model_path()).logits(test.images).argmax(axis=1)
    correct = int((predicted == test.labels).sum())
    assert printed["scores"]["overall"]["correct"] == correct


def test_data_with_other_classes_is_refused_with_the_differences() -> None:
    with pytest.raises(UsageError) as raised:
        class_indices(("a", "b", "c"), ("b", "c", "d"), name="mine from own")
    assert "the model alone knows a; mine from own alone has d." in str(raised.value)


def test_scores_count_each_class_apart() -> None:
    counted = scores(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1]), ("a", "b", "c"))
    assert (counted.overall.correct, counted.overall.images) == (3, 4)
    assert counted.overall.interval == wilson(3, 4)
    assert counted.by_class["a"].accuracy == 0.5
    assert counted.by_class["b"].accuracy == 1.0
    assert counted.by_class["c"].accuracy is None
    assert msgspec.json.encode(counted)


def test_a_model_of_a_user_s_own_data_asks_for_the_file(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "run.safetensors"
    trained = a_card(framework="numpy", task="mine", source="own")
    write_model(path, trained, saver(load_file(model_path())))
    assert main([str(path)]) == 2
    message = capsys.readouterr().err
    assert "was trained on data of your own, mine: name it with --data-file" in message

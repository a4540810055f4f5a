"""A saved model ready for use: where it runs, what it is asked, what does not fit."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

import datasets
from bench.results.card import card_of
from bench.results.models import write_model
from bench.saved import evaluate, predict
from bench.saved.model import SavedModelError, load
from bench.stats.score import wrong
from bench.trainers import Features, Images, Logits
from models import COMPARED
from tests import saved_models
from tests.imports import ROOT
from tests.saved_models import a_card, model_path, saver, weights_of

# All that reads what somebody else may have made.
READERS = (
    "bench/saved",
    "bench/results/models.py",
    "bench/trainers",
)


def test_loaded_again_it_is_wrong_on_the_images_that_its_record_names() -> None:
    test = datasets.open_cached(saved_models.data_folder()).test
    measured = saved_models.record().measurement
    assert measured is not None
    assert measured.test is not None
    assert wrong(load(model_path()).logits(test.images), test.labels) == measured.test.wrong


@pytest.mark.parametrize("framework", ["numpy", "pytorch"])
def test_weights_of_another_number_of_classes_do_not_fit_the_card(
    framework: str, tmp_path: Path
) -> None:
    if framework == "pytorch":
        pytest.importorskip("torch")
    path = tmp_path / "run.safetensors"
    write_model(path, a_card(classes=26), saver(weights_of("mlp", classes=10)))
    with pytest.raises(SavedModelError, match=r"mlp for digits with 26 classes.*\(512, 10\)"):
        load(path, framework)


def test_a_framework_that_cannot_run_the_file_is_refused_with_those_that_can() -> None:
    with pytest.raises(SavedModelError, match="'keras-jax'; choose from pytorch, jax, numpy"):
        load(model_path(), "keras-jax")


# Where it runs


def test_pytorch_s_model_runs_in_numpy_where_pytorch_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.safetensors"
    write_model(path, a_card(), saver(weights_of("mlp")))
    monkeypatch.setattr("bench.saved.model.find_spec", lambda name: None)
    assert load(path).framework == "numpy"


def test_a_special_architecture_without_pytorch_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.safetensors"
    write_model(path, a_card("ensemble-mlp"), saver(weights_of("mlp")))
    monkeypatch.setitem(sys.modules, "bench.trainers.pytorch", None)
    with pytest.raises(SavedModelError, match=r"was to run in pytorch: .*install it"):
        load(path)


@pytest.mark.parametrize("architecture", COMPARED)
def test_numpy_and_pytorch_read_the_same_file_alike(architecture: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    path = tmp_path / "run.safetensors"
    write_model(path, a_card(architecture), saver(weights_of(architecture)))
    images = datasets.open_cached(saved_models.data_folder()).test.images
    in_numpy, in_pytorch = load(path, "numpy"), load(path, "pytorch")
    np.testing.assert_allclose(in_numpy.logits(images), in_pytorch.logits(images), atol=2e-5)
    features = in_numpy.features(images), in_pytorch.features(images)
    assert features[0] is not None
    assert features[1] is not None
    np.testing.assert_allclose(features[0], features[1], atol=2e-5)
    assert features[0].min() == 0  # after the ReLU
    kernel, bias = (load_file(path)[f"logits/{part}"] for part in ("kernel", "bias"))
    np.testing.assert_allclose(features[0] @ kernel + bias, in_numpy.logits(images), atol=2e-5)


# What can be asked


def test_predictions_name_the_three_most_probable_labels_in_order() -> None:
    model = load(model_path())
    images = datasets.open_cached(saved_models.data_folder()).test.images[:5]
    logits = model.logits(images).astype(np.float64)
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for prediction, row in zip(model.predict(images), wanted, strict=True):
        assert [int(guess.label) for guess in prediction.top] == np.argsort(-row)[:3].tolist()
        np.testing.assert_allclose(
            [guess.probability for guess in prediction.top], np.sort(row)[:-4:-1]
        )
        assert prediction.label == prediction.top[0].label
        assert prediction.took_s > 0


def test_answers_that_are_no_numbers_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights that are finite, and products of them that are not."""
    weights = load_file(model_path())
    for name in ("dense_2/kernel", "logits/kernel"):
        weights[name][:] = 3e38
    path = tmp_path / "run.safetensors"
    write_model(path, card_of(saved_models.record()), saver(weights))
    model, images = load(path), datasets.open_cached(saved_models.data_folder()).test.images[:5]
    reason = "of 5 of 5 images is not finite numbers, so it says nothing; copy it again"
    with pytest.raises(SavedModelError, match=reason):
        model.logits(images)
    with pytest.raises(SavedModelError, match=reason):
        model.predict(images)
    for command, words in ((predict.main, ["one.png"]), (evaluate.main, [])):
        assert command([str(path), *words]) == 2
        assert "is not finite numbers, so it says nothing" in capsys.readouterr().err


def test_logits_for_fewer_images_than_asked_for_are_refused() -> None:
    class Lazy:
        def infer(self, images: Images) -> Logits:
            return np.zeros((1, 10), np.float32)

        def logits(self, images: Images) -> Logits:
            return self.infer(images)

        def features(self, images: Images) -> Features | None:
            return None

    lazy = replace(load(model_path()), network=Lazy())
    with pytest.raises(SavedModelError, match=r"shape \(1, 10\) for 5 images and 10 classes"):
        lazy.logits(np.zeros((5, 28, 28), np.uint8))


def test_no_images_have_no_predictions() -> None:
    assert load(model_path()).predict([]) == []


@pytest.mark.parametrize(
    "images", [np.zeros((28, 28), np.uint8), np.zeros((2, 28, 28), np.float32)]
)
def test_an_array_of_another_form_is_refused(images: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"wanted \(n, 28, 28\) uint8"):
        load(model_path()).predict(images)


# Nothing in a file is run


def test_what_reads_models_imports_no_pickle_and_allows_none() -> None:
    paths = [each for name in READERS for each in _modules(ROOT / name)]
    assert len(paths) > len(READERS)
    assert [way for path in paths for way in _ways_to_run(ast.parse(path.read_text()))] == []


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "torch.load(path)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "keras.saving.load_model(path, safe_mode=False)",
        "keras.saving.load_model(path)",
        "exec(text)",
    ],
)
def test_a_way_to_run_what_a_file_says_is_found(line: str) -> None:
    assert _ways_to_run(ast.parse(line)) != []


def _modules(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _ways_to_run(tree: ast.Module) -> list[str]:
    """Imports and calls by which reading a file can run what it says."""
    ways = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            ways += [n for n in names if n.partition(".")[0] in ("pickle", "joblib", "dill")]
        if isinstance(node, ast.Call) and not _is_safe(node):
            ways.append(ast.unparse(node))
    return ways


def _is_safe(call: ast.Call) -> bool:
    arguments = {each.arg: ast.unparse(each.value) for each in call.keywords}
    needed = {
        "np.load": {"allow_pickle": "False"},
        "keras.saving.load_model": {"safe_mode": "True", "compile": "False"},
    }
    name = ast.unparse(call.func)
    never = name in ("torch.load", "eval", "exec", "keras.models.load_model")
    return not never and needed.get(name, {}).items() <= arguments.items()

"""Saved models: written whole with their card, read without running anything, refused by name."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

import datasets
from bench.results.folder import Results
from bench.results.models import HEADER_ENTRY, read_card, write_model
from bench.run.measure import wrong
from bench.saved.model import SavedModelError, load
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


def test_loaded_again_it_is_wrong_on_the_images_that_its_record_names() -> None:
    test = datasets.open_cached(saved_models.data_folder()).test
    measured = saved_models.record().measurement
    assert measured is not None
    assert measured.test is not None
    assert wrong(load(model_path()).logits(test.images), test.labels) == measured.test.wrong


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
    with pytest.raises(SavedModelError, match="'keras-jax'; choose from pytorch, numpy"):
        load(model_path(), "keras-jax")


def _with_card(folder: Path, fields: object) -> Path:
    path = folder / "run.safetensors"
    save_file(weights_of("mlp"), path, metadata={HEADER_ENTRY: json.dumps(fields)})
    return path


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
    one, other = load(path, "numpy"), load(path, "pytorch")
    np.testing.assert_allclose(one.logits(images), other.logits(images), atol=2e-5)
    features = one.features(images), other.features(images)
    assert features[0] is not None
    assert features[1] is not None
    np.testing.assert_allclose(features[0], features[1], atol=2e-5)
    assert features[0].min() == 0  # after the ReLU
    kernel, bias = (load_file(path)[f"logits/{part}"] for part in ("kernel", "bias"))
    np.testing.assert_allclose(features[0] @ kernel + bias, one.logits(images), atol=2e-5)


# What can be asked


def test_predictions_name_the_three_most_probable_labels_in_order() -> None:
    model = load(model_path())
    images = datasets.open_cached(saved_models.data_folder()).test.images[:5]
    logits = model.logits(images).astype(np.float64)
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for said, row in zip(model.predict(images), wanted, strict=True):
        assert [int(guess.label) for guess in said.top] == np.argsort(-row)[:3].tolist()
        np.testing.assert_allclose([guess.probability for guess in said.top], np.sort(row)[:-4:-1])
        assert said.label == said.top[0].label
        assert said.took_s > 0


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
    assert [said for path in paths for said in _ways_to_run(ast.parse(path.read_text()))] == []


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
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            found += [n for n in names if n.partition(".")[0] in ("pickle", "joblib", "dill")]
        if isinstance(node, ast.Call) and not _is_safe(node):
            found.append(ast.unparse(node))
    return found


def _is_safe(call: ast.Call) -> bool:
    said = {each.arg: ast.unparse(each.value) for each in call.keywords}
    needed = {
        "np.load": {"allow_pickle": "False"},
        "keras.saving.load_model": {"safe_mode": "True", "compile": "False"},
    }
    name = ast.unparse(call.func)
    never = name in ("torch.load", "eval", "exec", "keras.models.load_model")
    return not never and needed.get(name, {}).items() <= said.items()

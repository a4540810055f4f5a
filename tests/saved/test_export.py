"""A saved model becomes an ONNX file that says the same, or none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import datasets
import models
from bench import UsageError
from bench.machine import hardware
from bench.results.evidence import Export
from bench.results.folder import Results
from bench.results.models import card_of, sha256, write_model
from bench.results.record import Record
from bench.run.material import describe
from bench.saved import export, export_child
from bench.saved.export_child import ExportRequest, ModelFiles, examine
from bench.saved.model import SavedModelError, load
from models.weights import initial_weights
from tests.records import make_record

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytest.importorskip("torch")

ROOT = Path(__file__).parents[2]
TEST_IMAGES = 40


@dataclass(frozen=True, kw_only=True)
class House:
    """A results folder with the saved model of one run of NumPy, and its images."""

    folder: Path
    data_folder: Path
    record: Record

    @property
    def model(self) -> Path:
        return Results(self.folder).model_path(self.record.run_id, ".safetensors")

    @property
    def onnx_file(self) -> Path:
        return Results(self.folder).onnx_path(self.record.run_id)


def a_model(folder: Path, **experiment: object) -> Path:
    """A file with the card of a run, for what never looks at its weights."""
    path = folder / "model.safetensors"
    card = card_of(make_record(**experiment))  # type: ignore[arg-type]
    write_model(path, card, lambda part: save_file({"one": np.zeros(1, np.float32)}, part))
    return path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    folder = tmp_path_factory.mktemp("results")
    drawn = datasets.prepare("digits", source="glyphs", glyphs_images=200)
    data = datasets.open_cached(drawn.folder)
    record = make_record(framework="numpy", source="glyphs")
    record = replace(record, data=describe(data))
    built = House(folder=folder, data_folder=drawn.folder, record=record)
    weights = initial_weights(models.load("mlp", "numpy").build(10).parameters, seed=0)
    write_model(built.model, card_of(record), lambda part: save_file(weights, part))
    return built


@pytest.fixture(scope="module")
def exported(house: House) -> House:
    """The same, exported by the command."""
    assert export.main([str(house.model)]) == 0
    return house


def examined(house: House, onnx_file: Path) -> Export:
    """Compared in this process, and timed for a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_child, "ROUNDS", 1)
        patch.setattr("bench.machine.clock.SAMPLING_S", 0.0)
        return _examined(house, onnx_file)


def _examined(house: House, onnx_file: Path) -> Export:
    files = ModelFiles(model=str(house.model), onnx=str(onnx_file))
    request = ExportRequest(
        work="compare",
        models=(files,),
        machine=hardware.observe(),
        data_folder=str(house.data_folder),
    )
    return examine(files, request)


def with_a_wrong_weight(onnx_file: Path, folder: Path) -> Path:
    """A copy in which one weight of the last layer is a hundredth larger."""
    model = onnx.load(onnx_file)
    kernel = next(
        tensor for tensor in model.graph.initializer if tensor.name.endswith("logits.weight")
    )
    values = onnx.numpy_helper.to_array(kernel).copy()
    values[3, 5] += 0.01
    kernel.CopyFrom(onnx.numpy_helper.from_array(values, kernel.name))
    wrong = folder / "wrong.onnx"
    onnx.save(model, wrong)
    return wrong


def test_the_file_says_what_the_model_says_and_its_record_says_so(exported: House) -> None:
    (export_record,) = Results(exported.folder).evidence().exports
    assert export_record.passed
    assert export_record.differing == 0
    assert 0 < export_record.logits.deviation <= export_record.logits.tolerance
    assert export_record.images == exported.record.data.test_images
    assert export_record.own == "numpy eager"
    assert export_record.onnx_sha256 == sha256(exported.onnx_file)
    assert [turn.batch_size for turn in export_record.inference] == [export_record.images, 1]
    assert export_record == Results(exported.folder).evidence().export(exported.record.run_id)


def test_the_file_alone_is_usable(exported: House, tmp_path: Path) -> None:
    from bench.saved import onnx as networks

    alone = tmp_path / "alone.onnx"
    alone.write_bytes(exported.onnx_file.read_bytes())
    network = networks.restore(alone)
    assert network.card == card_of(exported.record)
    assert network.features(np.zeros((1, 28, 28), np.float32)) is None
    logits = network.logits(np.zeros((1025, 28, 28), np.float32))
    assert logits.shape == (1025, 10)
    assert logits.dtype == np.float32
    # One image goes through products of another shape, which a processor may round otherwise.
    one_image = network.infer(np.zeros((1, 28, 28), np.float32))
    np.testing.assert_allclose(logits[:1], one_image, atol=1e-5)


def test_an_exported_model_is_loaded_and_asked_as_the_one_it_was_made_from(exported: House) -> None:
    images = datasets.open_cached(exported.data_folder).test.images[:5]
    original, made = (load(path) for path in (exported.model, exported.onnx_file))
    assert made.framework == "onnxruntime"
    wanted = [prediction.label for prediction in original.predict(images)]
    assert [prediction.label for prediction in made.predict(images)] == wanted


def test_the_file_holds_no_path_of_the_machine_that_made_it(exported: House) -> None:
    content = exported.onnx_file.read_bytes()
    assert str(ROOT).encode() not in content
    assert b"site-packages" not in content


def test_a_wrong_weight_is_found(exported: House, tmp_path: Path) -> None:
    comparison = examined(exported, with_a_wrong_weight(exported.onnx_file, tmp_path))
    assert not comparison.passed
    assert comparison.logits.deviation > 10 * comparison.logits.tolerance


def test_a_file_that_says_something_else_is_not_kept_but_its_record_is(
    exported: House, tmp_path: Path
) -> None:
    wrong = with_a_wrong_weight(exported.onnx_file, tmp_path)
    out = tmp_path / "exports" / "kept.onnx"
    export.keep(out, examined(exported, exported.onnx_file), wrong)
    assert out.exists()
    export.keep(out, examined(exported, wrong), wrong)
    assert not out.exists()
    (export_record,) = Results(tmp_path).evidence().exports
    assert not export_record.passed


@pytest.mark.parametrize("damage", [lambda content: content[:1000], lambda content: b""])
def test_a_truncated_onnx_file_is_named(
    damage: Callable[[bytes], bytes], exported: House, tmp_path: Path
) -> None:
    from bench.saved import onnx as networks

    path = tmp_path / "short.onnx"
    path.write_bytes(damage(exported.onnx_file.read_bytes()))
    with pytest.raises(SavedModelError, match=r"short\.onnx: no ONNX model, or cut off"):
        networks.restore(path)


def test_an_onnx_file_without_a_card_is_named(exported: House, tmp_path: Path) -> None:
    from bench.saved import onnx as networks

    model = onnx.load(exported.onnx_file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    with pytest.raises(SavedModelError, match=r"bare\.onnx: an ONNX model without a card"):
        networks.restore(tmp_path / "bare.onnx")


def test_an_export_is_not_replaced_without_force(
    exported: House, capsys: pytest.CaptureFixture[str]
) -> None:
    before = exported.onnx_file.stat().st_mtime_ns
    assert export.main([str(exported.model)]) == 2
    assert "--force" in capsys.readouterr().err
    assert exported.onnx_file.stat().st_mtime_ns == before


def test_only_what_is_missing_or_older_than_its_model_is_exported(
    exported: House, tmp_path: Path
) -> None:
    def missing(*records: Record) -> list[str]:
        data = {("digits", "glyphs"): exported.data_folder}
        lacking = export.missing(Results(exported.folder), records, data)
        return [wanted.model.stem for wanted in lacking]

    assert missing(exported.record) == []
    onnx_content, model_content = exported.onnx_file.read_bytes(), exported.model.read_bytes()
    exported.onnx_file.unlink()
    assert missing(exported.record) == [exported.record.run_id]
    assert missing(replace(exported.record, seed=1)) == []
    assert missing(replace(exported.record, status="diverged")) == []
    exported.onnx_file.write_bytes(onnx_content)
    exported.model.write_bytes(model_content + b" ")
    assert missing(exported.record) == [exported.record.run_id]
    exported.model.write_bytes(model_content)
    assert missing(exported.record) == []


@pytest.mark.parametrize(
    ("experiment", "said"),
    [
        ({"architecture": "gnn"}, "superpixels"),
        ({"precision": "bf16"}, "--precision fp32"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_its_reason(
    experiment: dict[str, object], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export.main([str(a_model(tmp_path, **experiment))]) == 2
    assert said in capsys.readouterr().err


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PACKAGES", ("numpy", "onnx_of_nowhere"))
    with pytest.raises(
        UsageError, match="needs onnx_of_nowhere; in the clone's folder: python -m pip install"
    ):
        export.require_packages()


def test_networks_of_keras_and_ensembles_are_exported(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    environment = os.environ | {"KERAS_BACKEND": "torch", "CUDA_VISIBLE_DEVICES": "-1"}
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/export_contract.py"]
    ended = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout[-8000:]

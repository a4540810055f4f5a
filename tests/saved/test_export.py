"""A saved model becomes an ONNX file that says the same, or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import datasets
from bench import UsageError
from bench.machine import hardware
from bench.results.evidence import Export
from bench.results.folder import Results
from bench.results.models import sha256, write_model
from bench.results.record import Record
from bench.saved import export, export_child
from bench.saved.export_child import ExportRequest, ModelFiles, examine
from bench.saved.model import load
from tests import saved_models
from tests.saved_models import a_card, data_folder, model_path, saver, weights_of

onnx = pytest.importorskip("onnx")
networks = pytest.importorskip("bench.saved.onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytest.importorskip("torch")


def examined(onnx_file: Path) -> Export:
    """Compared with its model in this process, and timed for a moment."""
    files = ModelFiles(model=str(model_path()), onnx=str(onnx_file))
    request = ExportRequest(
        work="compare",
        models=(files,),
        machine=hardware.observe(),
        data_folder=str(data_folder()),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export_child, "ROUNDS", 1)
        patch.setattr("bench.machine.clock.SAMPLING_S", 0.0)
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
    entries = {each.key: each.value for each in model.metadata_props}
    onnx.helper.set_model_props(model, entries | {networks.CHECKSUM: networks.checksum(model)})
    wrong = folder / "wrong.onnx"
    onnx.save(model, wrong)
    return wrong


def test_the_file_says_what_the_model_says_and_its_record_says_so(onnx_file: Path) -> None:
    results, run = Results(saved_models.results_folder()), saved_models.record()
    (export_record,) = results.evidence().exports
    assert export_record.passed
    assert export_record.differing == 0
    assert 0 < export_record.logits.deviation <= export_record.logits.tolerance
    assert export_record.images == run.data.test_images
    assert export_record.own == "numpy eager"
    assert export_record.onnx_sha256 == sha256(onnx_file)
    assert [turn.batch_size for turn in export_record.inference] == [export_record.images, 1]
    assert export_record == results.evidence().export(run.run_id)


def test_an_exported_model_is_loaded_and_asked_as_the_one_it_was_made_from(onnx_file: Path) -> None:
    images = datasets.open_cached(data_folder()).test.images[:5]
    original, exported = (load(path) for path in (model_path(), onnx_file))
    assert exported.framework == "onnxruntime"
    wanted = [prediction.label for prediction in original.predict(images)]
    assert [prediction.label for prediction in exported.predict(images)] == wanted


def test_a_wrong_weight_is_found(onnx_file: Path, tmp_path: Path) -> None:
    comparison = examined(with_a_wrong_weight(onnx_file, tmp_path))
    assert not comparison.passed
    assert comparison.logits.deviation > 10 * comparison.logits.tolerance


def test_a_file_that_says_something_else_is_not_kept_but_its_record_is(
    onnx_file: Path, tmp_path: Path
) -> None:
    wrong = with_a_wrong_weight(onnx_file, tmp_path)
    out = tmp_path / "exports" / "kept.onnx"
    export.keep(out, examined(onnx_file), wrong)
    assert out.exists()
    export.keep(out, examined(wrong), wrong)
    assert not out.exists()
    (export_record,) = Results(tmp_path).evidence().exports
    assert not export_record.passed


def test_an_export_is_not_replaced_without_force(
    onnx_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = onnx_file.stat().st_mtime_ns
    assert export.main([str(model_path())]) == 2
    assert "--force" in capsys.readouterr().err
    assert onnx_file.stat().st_mtime_ns == before


def test_only_what_is_missing_or_older_than_its_model_is_exported(
    onnx_file: Path,
) -> None:
    model, run = model_path(), saved_models.record()

    def missing(*records: Record) -> list[str]:
        data = {("digits", "glyphs"): data_folder()}
        lacking = export.missing(Results(saved_models.results_folder()), records, data)
        return [wanted.model.stem for wanted in lacking]

    assert missing(run) == []
    onnx_content, model_content = onnx_file.read_bytes(), model.read_bytes()
    onnx_file.unlink()
    assert missing(run) == [run.run_id]
    assert missing(replace(run, seed=1)) == []
    assert missing(replace(run, status="diverged")) == []
    onnx_file.write_bytes(onnx_content)
    model.write_bytes(model_content + b" ")
    assert missing(run) == [run.run_id]
    model.write_bytes(model_content)
    assert missing(run) == []


@pytest.mark.parametrize(
    ("experiment", "reason"),
    [
        ({"architecture": "gnn"}, "superpixels"),
        ({"precision": "bf16"}, "--precision fp32"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_its_reason(
    experiment: dict[str, Any], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.safetensors"
    write_model(path, a_card(**experiment), saver(weights_of("mlp")))
    assert export.main([str(path)]) == 2
    assert reason in capsys.readouterr().err


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PACKAGES", ("numpy", "onnx_of_nowhere"))
    with pytest.raises(
        UsageError, match="needs onnx_of_nowhere; in the clone's folder: python -m pip install"
    ):
        export.require_packages()

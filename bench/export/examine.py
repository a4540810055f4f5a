"""The process of a framework, in which its saved models are set beside their ONNX files.

``python -m bench.export.examine``; see ``bench.export.job`` for what comes in and goes out.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import datasets
from bench import UsageError, saved, versions
from bench.evidence import Export
from bench.export import latency
from bench.export.comparison import compare
from bench.export.job import ExportRequest, ModelFiles, serve
from bench.saved_models import Card, sha256
from bench.trainers import FRAMEWORKS


def examine(files: ModelFiles, request: ExportRequest) -> Export:
    """Compare the logits of all test images, then time both networks in turn.

    Raises SavedModelError where a file cannot be used, NotNumbers where logits are not finite.
    """
    model, onnx_file = Path(files.model), Path(files.onnx)
    own = saved.load(model)
    data = datasets.open_cached(Path(request.data_folder))
    _check_classes(own.card, data, model)
    from bench.saved import onnx  # late: after the framework, whose threads come first

    exported = onnx.restore(onnx_file)
    images = datasets.normalise(data.test.images, mean=own.card.pixel_mean, std=own.card.pixel_std)
    found = compare(own.network.logits(images), exported.logits(images))
    record = own.card.record
    return Export(
        run_id=record.run_id,
        experiment=record.experiment,
        seed=record.seed,
        # As a saved model is loaded, whatever execution trained it: the framework's default.
        own=f"{own.framework} {FRAMEWORKS[own.framework].default}",
        model_sha256=sha256(model),
        onnx_sha256=sha256(onnx_file),
        opset=_opset(onnx_file),
        versions=_versions(own.framework),
        threads=exported.threads,
        images=len(images),
        images_fingerprint=data.fingerprint,
        absolute_deviation=found.absolute,
        logits=found.logits,
        differing=found.differing,
        rounds=latency.measure(own.network, exported, images),
        machine=request.machine,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _check_classes(card: Card, data: datasets.Dataset, model: Path) -> None:
    if card.class_names != data.class_names:
        raise UsageError(
            f"{model} is for {card.task} with the classes {' '.join(card.class_names)}; the images "
            f"are {data.task} with {' '.join(data.class_names)}: give it those of its own task"
        )


def _opset(onnx_file: Path) -> int:
    import onnx

    model = onnx.load(onnx_file, load_external_data=False)
    return next(int(one.version) for one in model.opset_import if one.domain in ("", "ai.onnx"))


def _versions(framework: str) -> dict[str, str]:
    return versions.installed((*FRAMEWORKS[framework].packages, "onnx", "onnxruntime"))


if __name__ == "__main__":
    sys.exit(serve(examine))

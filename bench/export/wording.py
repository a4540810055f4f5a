"""An export as it is printed."""

from __future__ import annotations

import statistics
from pathlib import Path

from bench.evidence import Export
from bench.record import Inference


def outcome(model: Path, export: Export | None, failure: str | None) -> str:
    """What became of one saved model, in lines."""
    if export is None:
        return f"{model.name}: not exported: {failure}"
    said = "the same" if export.passed else "NOT THE SAME: the file is not kept"
    check = export.logits
    lines = [
        f"{model.name}: {said}",
        f"  compared: logits of all {export.images:,} test images, {export.own} and ONNX "
        f"Runtime {export.versions['onnxruntime']} (opset {export.opset}, "
        f"{export.threads} threads)",
        f"  largest deviation: {export.absolute_deviation:.2g} absolute, {check.deviation:.2g} of "
        f"the largest logit; allowed {check.tolerance:.2g}: {check.reason}",
        f"  images told otherwise: {export.differing:,}; allowed 0",
    ]
    both = zip(export.own_inference, export.inference, strict=True)
    return "\n".join([*lines, *(_times(own, exported, export) for own, exported in both)])


def _times(own: Inference, exported: Inference, export: Export) -> str:
    """The medians of both at one batch size."""
    times = {
        export.own: statistics.median(own.samples_s),
        "ONNX Runtime": statistics.median(exported.samples_s),
    }
    said = ", ".join(f"{name} {1000 * seconds:.3g} ms" for name, seconds in times.items())
    return f"  a batch of {own.batch_size:,}, median: {said}"

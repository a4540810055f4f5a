"""What the export of a saved model leaves: one immutable record beside the ``.onnx`` file.

``exports/RUN.json`` and ``exports/RUN.onnx`` in a results folder. Made by ``bench.export``, read
by reports. Raw values: what can be computed from them (percentiles, the ratio of the two
networks) is computed on reading.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.certificate import Check
from bench.experiment import Experiment
from bench.record import Inference, Machine
from bench.results import ResultsError, write_atomically


@dataclass(frozen=True, kw_only=True)
class Round:
    """One turn of each network at one batch size, in one process, the framework's own first."""

    own: Inference
    exported: Inference


@dataclass(frozen=True, kw_only=True)
class Export:
    """One saved model in ONNX Runtime, beside the same model in the framework that trained it."""

    run_id: str
    experiment: Experiment
    seed: int
    own: str  # what ran the saved model beside ONNX Runtime, such as 'pytorch eager'
    model_sha256: str  # of the saved model's file, hex
    onnx_sha256: str  # of the .onnx file, hex
    opset: int  # of ONNX's own operators
    versions: dict[str, str]  # 'python', the framework's packages, 'onnx', 'onnxruntime'
    threads: int  # of ONNX Runtime
    images: int  # test images compared: all there are
    images_fingerprint: str  # of the data they are of, as in ``bench.record.Data``
    absolute_deviation: float  # the largest difference of a logit
    logits: Check  # the same, relative to the largest logit
    differing: int  # images that the two give different classes
    rounds: tuple[Round, ...]  # in the order in which they were measured
    machine: Machine
    made_at: str  # UTC, ISO 8601

    @property
    def passed(self) -> bool:
        """Whether the two do the same: logits within the tolerance, no image told otherwise."""
        return self.logits.passed and self.differing == 0

    @property
    def own_inference(self) -> tuple[Inference, ...]:
        """All rounds of the framework's own network together; the large batch, then batch 1."""
        return _together(each.own for each in self.rounds)

    @property
    def inference(self) -> tuple[Inference, ...]:
        """All rounds of ONNX Runtime together, as ``bench.record.Measurement.inference``."""
        return _together(each.exported for each in self.rounds)


def _together(turns: Iterable[Inference]) -> tuple[Inference, ...]:
    samples_s: dict[int, tuple[float, ...]] = {}
    for turn in turns:
        samples_s[turn.batch_size] = samples_s.get(turn.batch_size, ()) + turn.samples_s
    return tuple(
        Inference(batch_size=size, samples_s=samples_s[size])
        for size in sorted(samples_s, reverse=True)
    )


def record_path(onnx_file: Path) -> Path:
    """Where the record of an exported model lies: beside it."""
    return onnx_file.with_suffix(".json")


def onnx_path(folder: Path, run_id: str) -> Path:
    """Where the exported model of a run lies in a results folder."""
    return folder / "exports" / f"{run_id}.onnx"


def save(path: Path, export: Export) -> None:
    """Write it as JSON, whole or not at all."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(export), indent=1) + b"\n")


def read(path: Path) -> Export | None:
    """One record; None where there is no such file. Raises ResultsError where it is broken."""
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Export)
    except (msgspec.MsgspecError, OSError) as error:
        raise ResultsError(f"{path}: not an export: {error}; move it away") from error


def load(folder: Path) -> tuple[Export, ...]:
    """All exports of a results folder, by run; raises ResultsError naming a broken file."""
    found = (read(path) for path in sorted((folder / "exports").glob("*.json")))
    return tuple(export for export in found if export is not None)


def sha256(path: Path) -> str:
    """Of a file's content, hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

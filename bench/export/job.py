"""What a process of the export is told, and what it answers."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass

from bench import UsageError, machine
from bench.evidence import Export
from bench.processes import Parent
from bench.record import Machine


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """One model to be converted, or to be compared."""

    model: str  # the saved model's file
    onnx: str  # the exported one's, to be written or read


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What a process is told; it answers with an ExportAnswer for each model, in their order."""

    models: tuple[ModelFiles, ...]
    machine: Machine  # as the parent saw it
    data_folder: str  # of arrays cached by datasets.prepare; all models are of these
    threads: int | None = None  # as of Experiment.threads


@dataclass(frozen=True, kw_only=True)
class ExportAnswer:
    """What became of one model."""

    failure: str | None = None  # why it was not done; None: it was
    export: Export | None = None  # of the process that compares


Work = Callable[[ModelFiles, ExportRequest], Export | None]


def serve(work: Work) -> int:
    """Do the work on every model of the request; answer each as soon as it is done."""
    parent = Parent()
    request = parent.request(ExportRequest)
    machine.confine(request.threads)  # before a framework is imported
    for files in request.models:
        parent.tell(_answer(work, files, request))
    return 0


def _answer(work: Work, files: ModelFiles, request: ExportRequest) -> ExportAnswer:
    try:
        return ExportAnswer(export=work(files, request))
    except UsageError as error:
        return ExportAnswer(failure=str(error))
    except Exception as error:  # noqa: BLE001 - whatever a framework raises is said of the model
        traceback.print_exc()
        lines = str(error).strip().splitlines() or ["no message"]
        return ExportAnswer(failure=f"{type(error).__name__}: {lines[0]}")

"""Predictions of a folder's saved models: one process a framework, only what is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from bench import children, predictions, results
from bench.evaluation import child
from bench.evaluation.child import Answer, Order, Question
from bench.predictions import Predictions
from bench.record import Record
from bench.trainers import FRAMEWORKS

TIMEOUT_S = 600.0  # for each model: the CNN in NumPy takes the longest, some ten seconds


def evaluate(
    folder: Path,
    records: Iterable[Record],
    data: Mapping[tuple[str, str], Path],
    *,
    pythons: Mapping[str, Path] | None = None,
) -> dict[str, Predictions]:
    """What the saved models of a results folder say of their test images, by run id.

    Each is loaded again from its file, in a process that has not trained it, on the CPU. What
    lies in ``predictions/`` already, and is no older than its model, is read and not made again.
    A run whose model cannot be asked is left out, and a line on standard error says why.

    Args:
        folder: a results folder.
        records: of its runs; those that failed or had no accuracy for a goal are passed over.
        data: (task, source) -> folder of arrays cached by ``datasets.prepare``.
        pythons: framework -> interpreter that runs it, where that is not this one.

    Raises:
        bench.results.ResultsError: where a predictions file is damaged.
    """
    trained = [each for each in records if each.status == "ok" and each.experiment.goal == "train"]
    for sentence in _make(
        folder, [r for r in trained if not _made(folder, r)], data, pythons or {}
    ):
        print(sentence, file=sys.stderr)
    paths = {each.run_id: results.predictions_path(folder, each.run_id) for each in trained}
    return {run_id: predictions.load(path) for run_id, path in paths.items() if path.exists()}


def saved_model(folder: Path, record: Record) -> Path:
    """Where the saved model of a run lies."""
    ending = FRAMEWORKS[record.experiment.framework].model_ending
    return results.model_path(folder, record.run_id, ending)


def _made(folder: Path, record: Record) -> bool:
    """Whether there are predictions, and no newer model of a run that was repeated."""
    path, model = results.predictions_path(folder, record.run_id), saved_model(folder, record)
    if not path.exists() or not model.exists():
        return path.exists()
    return path.stat().st_mtime_ns >= model.stat().st_mtime_ns


def _make(
    folder: Path,
    records: Sequence[Record],
    data: Mapping[tuple[str, str], Path],
    pythons: Mapping[str, Path],
) -> Iterator[str]:
    """Have the predictions written; a sentence for each run that has none after all."""
    askable: list[Record] = []
    for record in records:
        if reason := _unaskable(folder, record, data):
            yield f"{record.run_id} is not asked: {reason}"
        else:
            results.predictions_path(folder, record.run_id).unlink(missing_ok=True)  # out of date
            askable.append(record)
    by_framework = sorted(askable, key=lambda record: record.experiment.framework)
    for framework, members in groupby(by_framework, lambda record: record.experiment.framework):
        yield from _in_one_process(folder, tuple(members), data, pythons.get(framework))


def _unaskable(folder: Path, record: Record, data: Mapping[tuple[str, str], Path]) -> str | None:
    model = saved_model(folder, record)
    if not model.exists():
        said = record.settings.get("model not saved")
        return said or f"there is no saved model {model}"
    if (record.data.task, record.data.source) not in data:
        return f"{record.data.task} from {record.data.source} is not among the data at hand"
    return None


def _in_one_process(
    folder: Path,
    records: tuple[Record, ...],
    data: Mapping[tuple[str, str], Path],
    python: Path | None,
) -> Iterator[str]:
    order = Order(
        results_folder=str(folder.resolve()),
        framework=records[0].experiment.framework,
        questions=tuple(_question(folder, record, data) for record in records),
    )
    found = children.ask(
        child.__name__,
        order,
        Answer,
        experiment=replace(records[0].experiment, device="cpu", threads=None),
        python=python,
        limit_s=TIMEOUT_S * len(records),
    )
    answers = {answer.run_id: answer for answer in found.answers}
    for record in records:
        answer = answers.get(record.run_id)
        reason = found.ended if answer is None else answer.failure
        if reason is not None:
            yield f"{record.run_id} has no predictions: {reason}"


def _question(folder: Path, record: Record, data: Mapping[tuple[str, str], Path]) -> Question:
    return Question(
        run_id=record.run_id,
        model=saved_model(folder, record).relative_to(folder).as_posix(),
        data_folder=str(data[record.data.task, record.data.source].resolve()),
    )

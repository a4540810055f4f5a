"""Asks the saved models of a results folder again: one process a framework, only what is missing.

In that process, ``python -m bench.saved.asking``, each model is loaded from its file and predicts
the test images of its run. Nothing of the training is there any more.

The export hands its saved models to processes by the same functions: ``grouped`` and ``answers``
on this side, ``answer_each`` inside the process.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import datasets
from bench import UsageError
from bench.experiment import Experiment
from bench.results.evidence import Export
from bench.results.folder import Results
from bench.results.predictions import Predictions, load_predictions, save_predictions
from bench.results.record import Record
from bench.run.processes import Child, Parent
from bench.saved.model import Model, SavedModelError, load
from bench.stats.score import wrong
from bench.trainers import FRAMEWORKS

TIMEOUT_S = 600.0  # for each model: the CNN in NumPy takes the longest, some ten seconds

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Question:
    """The saved model of one run, and the images it is asked about."""

    run_id: str
    data_folder: str  # of arrays cached by datasets.prepare


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest:
    """What a process is told; it answers each question as soon as the predictions are written."""

    results_folder: str
    framework: str  # that trained them all
    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a process says of one model."""

    failure: str | None = None  # why its work was not done; None: it was
    export: Export | None = None  # where the work was to compare an exported model with its own


def evaluate(
    results: Results,
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
        results: a results folder.
        records: of its runs; those that failed or had no accuracy for a goal are passed over.
        data: (task, source) -> folder of arrays cached by ``datasets.prepare``.
        pythons: framework -> interpreter that runs it, where that is not this one.

    Raises:
        bench.results.folder.ResultsError: where a predictions file is damaged.
    """
    trained = [r for r in records if r.status == "ok" and r.experiment.goal == "train"]
    trained = [r for r in trained if r.experiment.framework in FRAMEWORKS]  # no one else's
    missing = [record for record in trained if not _is_made(results, record)]
    for sentence in _make(results, missing, data, pythons or {}):
        print(sentence, file=sys.stderr)
    paths = {record.run_id: results.predictions_path(record.run_id) for record in trained}
    return {run_id: load_predictions(path) for run_id, path in paths.items() if path.exists()}


def saved_model(results: Results, record: Record) -> Path:
    """Where the saved model of a run lies."""
    ending = FRAMEWORKS[record.experiment.framework].model_ending
    return results.model_path(record.run_id, ending)


def _is_made(results: Results, record: Record) -> bool:
    """Whether there are predictions, and no newer model of a run that was repeated."""
    path, model = results.predictions_path(record.run_id), saved_model(results, record)
    if not path.exists() or not model.exists():
        return path.exists()
    return path.stat().st_mtime_ns >= model.stat().st_mtime_ns


def _make(
    results: Results,
    records: Sequence[Record],
    data: Mapping[tuple[str, str], Path],
    pythons: Mapping[str, Path],
) -> Iterator[str]:
    """Have the predictions written; a sentence for each run that has none after all."""
    askable: list[Record] = []
    for record in records:
        if reason := _unaskable(results, record, data):
            yield f"{record.run_id} is not asked: {reason}"
        else:
            results.predictions_path(record.run_id).unlink(missing_ok=True)  # out of date
            askable.append(record)
    for members in grouped(askable, lambda record: record.experiment.framework):
        python = pythons.get(members[0].experiment.framework)
        yield from _in_one_process(results, members, data, python)


def _unaskable(
    results: Results, record: Record, data: Mapping[tuple[str, str], Path]
) -> str | None:
    model = saved_model(results, record)
    if not model.exists():
        not_saved = record.settings.get("model not saved")
        return not_saved or f"there is no saved model {model}"
    if (record.data.task, record.data.source) not in data:
        return f"{record.data.task} from {record.data.source} is not among the data at hand"
    return None


def _in_one_process(
    results: Results,
    records: tuple[Record, ...],
    data: Mapping[tuple[str, str], Path],
    python: Path | None,
) -> Iterator[str]:
    request = EvaluationRequest(
        results_folder=str(results.folder.resolve()),
        framework=records[0].experiment.framework,
        questions=tuple(
            Question(
                run_id=record.run_id,
                data_folder=str(data[record.data.task, record.data.source].resolve()),
            )
            for record in records
        ),
    )
    asked = answers(
        __name__,
        request,
        models=len(records),
        timeout_s=TIMEOUT_S,
        experiment=replace(records[0].experiment, threads=None, replicas=1),
        python=python,
    )
    for record, answer in zip(records, asked, strict=True):
        if answer.failure is not None:
            yield f"{record.run_id} has no predictions: {answer.failure}"


# Saved models, handed to processes: also those of the export


def grouped(items: Iterable[Item], key: Callable[[Item], object]) -> Iterator[tuple[Item, ...]]:
    """Those of the same key together, which can share a process."""
    ordered = sorted(items, key=lambda item: str(key(item)))
    for _, members in groupby(ordered, key):
        yield tuple(members)


def answers(
    module: str,
    request: Any,
    *,
    models: int,
    timeout_s: float,
    experiment: Experiment,
    python: Path | None,
) -> list[Answer]:
    """What a process says of each model, in their order; it failed with those it says nothing of.

    Args:
        module, request: as of ``bench.run.processes.Child``; the module does ``answer_each``.
        models: how many models the request names.
        timeout_s: seconds that it has for each.
        experiment: whose environment it gets; but it sees no GPU.
        python: the interpreter; None for this one.
    """
    with Child(
        module,
        request,
        limit_s=timeout_s * models,
        experiment=replace(experiment, device="cpu"),
        python=python,
    ) as child:
        given = list(child.messages(Answer))
    return given + [Answer(failure=str(child.ending))] * (models - len(given))


def answer_each(
    parent: Parent, models: Iterable[Item], work: Callable[[Item], Export | None]
) -> None:
    """Inside the process: do the work on one model after the other, and say so of each at once."""
    for model in models:
        parent.tell(_answer(model, work))


def _answer(model: Item, work: Callable[[Item], Export | None]) -> Answer:
    try:
        return Answer(export=work(model))
    except UsageError as error:
        return Answer(failure=str(error))
    except Exception as error:  # noqa: BLE001 - one model must not keep the others from answering
        traceback.print_exc()  # into the log
        first_line = (str(error).strip().splitlines() or ["no message"])[0]
        return Answer(failure=f"{type(error).__name__}: {first_line}")


# Inside the process that predicts


def main() -> int:
    """Ask every model in turn; whatever goes wrong with one becomes its answer."""
    parent = Parent()
    request = parent.request(EvaluationRequest)
    answer_each(parent, request.questions, partial(_write_predictions, request))
    return 0


def _write_predictions(request: EvaluationRequest, question: Question) -> None:
    results = Results(Path(request.results_folder))
    predicted = ask(question, results, request.framework)
    save_predictions(results.predictions_path(question.run_id), predicted)


def ask(question: Question, results: Results, framework: str) -> Predictions:
    """Load a model from its file and predict all test images of its run.

    Raises SavedModelError where the model is not that of the run or the images not those of
    its card.
    """
    path = results.model_path(question.run_id, FRAMEWORKS[framework].model_ending)
    model = load(path, framework)
    dataset = datasets.open_cached(Path(question.data_folder))
    _check(model, question, dataset)
    test, recorded = dataset.test, model.card.record.measurement
    logits = model.logits(test.images)
    labels = test.labels.astype(np.int64)
    return Predictions(
        run_id=question.run_id,
        model=path.relative_to(results.folder).as_posix(),
        logits=logits,
        features=model.features(test.images),
        labels=labels,
        as_recorded=bool(
            recorded and recorded.test and recorded.test.wrong == wrong(logits, labels)
        ),
    )


def _check(model: Model, question: Question, dataset: datasets.Dataset) -> None:
    record = model.card.record
    if record.run_id != question.run_id:
        raise SavedModelError(f"{model.path} is the model of another run, {record.run_id}")
    if dataset.fingerprint != record.data.fingerprint:
        raise SavedModelError(
            f"{model.path}: the images of {dataset.task} from {dataset.source} are no longer those "
            "of its run; give it the data it was trained on, or run it again"
        )


if __name__ == "__main__":
    sys.exit(main())

"""The process of one framework, in which saved models are loaded again and asked.

Started by ``bench.evaluation.processes`` as ``python -m bench.evaluation.child``: an Order comes
as one line of JSON on standard input; an Answer goes out as one line of JSON for each model, as
soon as its predictions are written. Nothing of the training is there: what is predicted with is
what lies in the file.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

import datasets
from bench import predictions, results
from bench.errors import UsageError
from bench.predictions import Predictions
from bench.saved import Model, SavedModelError, load
from bench.score import wrong


@dataclass(frozen=True, kw_only=True)
class Question:
    """One saved model, and the images it is asked about."""

    run_id: str
    model: str  # the file, relative to the results folder
    data_folder: str  # of arrays cached by datasets.prepare


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a child is told."""

    results_folder: str
    framework: str  # that trained them all
    questions: tuple[Question, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """That a model's predictions are written; or why not."""

    run_id: str
    failure: str | None = None


def main() -> int:
    """Ask every model in turn; whatever goes wrong with one becomes its answer."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    for question in order.questions:
        answer = _answer(question, order)
        print(msgspec.json.encode(answer).decode(), flush=True)
    return 0


def _answer(question: Question, order: Order) -> Answer:
    folder = Path(order.results_folder)
    try:
        said = ask(question, folder, order.framework)
        predictions.save(results.predictions_path(folder, question.run_id), said)
    except UsageError as error:
        return Answer(run_id=question.run_id, failure=str(error))
    except Exception as error:  # noqa: BLE001 - one model must not keep the others from answering
        traceback.print_exc()
        return Answer(run_id=question.run_id, failure=f"{type(error).__name__}: {error}")
    return Answer(run_id=question.run_id)


def ask(question: Question, folder: Path, framework: str) -> Predictions:
    """Load a model from its file and predict all test images of its run.

    Raises SavedModelError where the model is not that of the run or the images not those of
    its card.
    """
    model = load(folder / question.model, framework)
    dataset = datasets.open_cached(Path(question.data_folder))
    _check(model, question, dataset)
    test, recorded = dataset.test, model.card.record.measurement
    logits = model.logits(test.images)
    labels = test.labels.astype(np.int64)
    return Predictions(
        run_id=question.run_id,
        model=question.model,
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

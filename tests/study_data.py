"""A small task with known answers, for the tests of the study's steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from bench.report.tables.table import Table, to_frame
from bench.results.folder import Results
from bench.results.predictions import Predictions
from bench.results.record import Record
from bench.stats import runs
from bench.study.artifact import Artifact, Picture, Study
from datasets import Dataset, Split
from tests.records import make_record

Answers = Mapping[tuple[str, int], Sequence[int]]  # (architecture, seed) -> what it says


def make_images(labels: Sequence[int], seed: int = 0) -> NDArray[np.uint8]:
    """(n, 28, 28): each class a bright row of its own, in noise."""
    images = np.random.default_rng(seed).integers(0, 40, (len(labels), 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[label % 14 * 2, : 14 + label // 14] = 255
    return images


def make_split(labels: Sequence[int], seed: int = 0) -> Split:
    """Images of these classes."""
    return Split(images=make_images(labels, seed), labels=np.array(labels, np.uint8))


def make_dataset(
    train: Split,
    validation: Split | None = None,
    test: Split | None = None,
    *,
    names: Sequence[str] = "0123456789",
    **facts: Any,
) -> Dataset:
    """Splits of MNIST by name; those that are not given are the training images again."""
    return Dataset(
        **{
            "task": "digits",
            "source": "mnist",
            "drawn": False,
            "class_names": tuple(names),
            "fingerprint": "",
            "duplicates_removed": 0,
            "conflicting_labels": 0,
            "pixel_mean": 0.1,
            "pixel_std": 0.3,
            **facts,
        },
        train=train,
        validation=train if validation is None else validation,
        test=train if test is None else test,
    )


def make_study(
    train: Split,
    validation: Split,
    test: Split,
    classes: int,
    answers: Answers | None = None,
    names: Sequence[str] | None = None,
) -> Study:
    """A study of such data; each answer is given with a certainty that falls with the image."""
    records = [
        make_record(architecture=architecture, seed=seed) for architecture, seed in answers or {}
    ]
    records = records or [make_record()]
    predictions = [
        make_predictions(record.run_id, answer, test, classes)
        for record, answer in zip(records, (answers or {}).values(), strict=False)
    ]
    dataset = make_dataset(
        train,
        validation,
        test,
        names=names or [chr(ord("A") + label) for label in range(classes)],
        duplicates_removed=7,
        conflicting_labels=2,
    )
    return study_of(records, dataset, predictions=predictions)


def study_of(
    records: Sequence[Record],
    dataset: Dataset,
    *,
    folder: Path = Path("nowhere"),
    predictions: Iterable[Predictions] = (),
) -> Study:
    """A study of these records, whose results lie in a folder."""
    return Study(
        results=Results(folder),
        dataset=dataset,
        groups=runs.replicates(records),
        predictions={run.run_id: run for run in predictions},
    )


def make_predictions(run_id: str, answer: Sequence[int], test: Split, classes: int) -> Predictions:
    """Image i is answered with a logit of 10 - i / 100, all other logits being 0."""
    logits = np.zeros((len(answer), classes), np.float32)
    logits[np.arange(len(answer)), answer] = 10 - np.arange(len(answer)) / 100
    return Predictions(
        run_id=run_id,
        model=f"models/{run_id}.safetensors",
        logits=logits,
        features=None,
        labels=test.labels.astype(np.int64),
        as_recorded=True,
    )


def pictures(artifacts: Iterable[Artifact]) -> dict[str, Picture]:
    """Those of them, by name."""
    return {artifact.name: artifact for artifact in artifacts if isinstance(artifact, Picture)}


def frames(artifacts: Iterable[Artifact]) -> dict[str, pd.DataFrame]:
    """The rows of their tables, by the tables' names; what is not known is missing."""
    return {table.name: frame(table) for table in artifacts if isinstance(table, Table)}


def frame(table: Table) -> pd.DataFrame:
    """All rows of a table, numbers as numbers."""
    return to_frame(table).infer_objects()


def words(figure: Figure) -> list[str]:
    """All text of a figure, ticks and labels of axes included."""
    return list(_words(figure))


def _words(figure: Figure) -> Iterator[str]:
    for text in figure.findobj(Text):
        if isinstance(text, Text) and text.get_text():
            yield text.get_text()

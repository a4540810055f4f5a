"""The study of a results folder: saved models asked again, exported, and a page a task."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import datasets
from bench import export
from bench import run_statistics as stats
from bench.evaluation.processes import evaluate
from bench.predictions import Predictions
from bench.record import Record
from bench.results import PAGE, Results
from bench.run_statistics import Replicates
from bench.study import page
from bench.study.artifact import Study
from bench.study.steps import STEPS

Places = Mapping[tuple[str, str], Path]  # (task, source) -> folder of cached arrays


def carry_out(results: Results, data: Places) -> list[Path]:
    """Make the study of every task in the folder; return the pages.

    Args:
        results: a folder with records and saved models.
        data: where the arrays of each task and source lie.

    Raises:
        bench.results.ResultsError: where something in the folder is broken or missing.
        datasets.DataError: where the arrays are.
    """
    records = [r for r in results.records() if r.experiment.goal == "train"]
    print("asking the saved models of the test images ...", file=sys.stderr)
    predictions = evaluate(results, records, data)
    print("exporting to ONNX and comparing ...", file=sys.stderr)
    export.export_all(results, records, data)
    pages = []
    for study in _studies(results, records, predictions, data):
        print(f"the study of {study.dataset.task} ...", file=sys.stderr)
        page.write(study, STEPS)
        pages.append(study.folder / PAGE)
    return pages


def _studies(
    results: Results,
    records: Sequence[Record],
    predictions: Mapping[str, Predictions],
    data: Places,
) -> Iterator[Study]:
    groups = stats.replicates(records, results.evidence())
    for place in dict.fromkeys((g.experiment.task, g.experiment.source) for g in groups):
        if place not in data:  # of an earlier command on other data
            continue
        own = [g for g in groups if (g.experiment.task, g.experiment.source) == place]
        yield Study(
            results=results,
            dataset=datasets.open_cached(data[place]),
            groups=own,
            predictions=_of(predictions, own),
        )


def _of(
    predictions: Mapping[str, Predictions], groups: Sequence[Replicates]
) -> dict[str, Predictions]:
    ids = {record.run_id for group in groups for record in group.measured}
    return {run_id: said for run_id, said in predictions.items() if run_id in ids}

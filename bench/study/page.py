"""The study of a results folder: saved models asked again, exported, and a page a task.

study/TASK/README.md       every picture and table with its caption, in the order of the steps
study/TASK/pictures/*.png
study/TASK/tables/*.csv    and the same rounded, as Markdown
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import datasets
from bench.report import audit, wording
from bench.report.plots import style
from bench.report.tables.table import sections_to_markdown, to_csv, to_markdown, without_tags
from bench.results import write_atomically
from bench.results.folder import PAGE, Results
from bench.results.made import Made, making
from bench.results.predictions import Predictions
from bench.results.record import Record
from bench.saved.asking import evaluate
from bench.saved.export import export_all
from bench.stats import runs
from bench.stats.runs import Replicates
from bench.study import (
    augmentation,
    clusters,
    ensembles,
    errors,
    evaluation,
    graphs,
    look,
    projector,
    training,
)
from bench.study.artifact import Artifact, Picture, Step, Study

# The steps of the study, in their order. To add one: a module after ``artifact.Step`` here.
STEPS: tuple[Step, ...] = (
    look,
    training,
    augmentation,
    evaluation,
    errors,
    clusters,
    projector,
    ensembles,
    graphs,
)
ROWS_SHOWN = 60  # of a table on the page: the whole is in its file


def carry_out(
    results: Results, data: Mapping[tuple[str, str], Path], pythons: Mapping[str, Path]
) -> list[Path]:
    """Make the study of every task in the folder; return the pages.

    Args:
        results: a folder with records and saved models.
        data: (task, source) -> folder of cached arrays; runs on others are left out.
        pythons: framework -> interpreter that has it, where it is not this one.

    Raises:
        bench.results.folder.ResultsError: where something in the folder is broken or missing.
        datasets.DataError: where the arrays are.
    """
    records = [record for record in results.records() if record.experiment.goal == "train"]
    print("asking the saved models of the test images ...", file=sys.stderr)
    predictions = evaluate(results, records, data, pythons=pythons)
    print("exporting to ONNX and comparing ...", file=sys.stderr)
    export_all(results, records, data, pythons=pythons)
    pages = []
    for study in _studies(results, records, predictions, data):
        print(f"the study of {study.dataset.task} ...", file=sys.stderr)
        write(study, STEPS)
        pages.append(study.folder / PAGE)
    return pages


def _studies(
    results: Results,
    records: Sequence[Record],
    predictions: Mapping[str, Predictions],
    data: Mapping[tuple[str, str], Path],
) -> Iterator[Study]:
    by_data: dict[tuple[str, str], list[Replicates]] = {}
    for group in runs.replicates(records, results.evidence()):
        key = (group.experiment.task, group.experiment.source)
        if key in data:  # else of an earlier command on other data
            by_data.setdefault(key, []).append(group)
    for key, groups in by_data.items():
        ids = {record.run_id for group in groups for record in group.measured}
        yield Study(
            results=results,
            dataset=datasets.open_cached(data[key]),
            groups=groups,
            predictions={run: answers for run, answers in predictions.items() if run in ids},
        )


# The page


def write(study: Study, steps: Iterable[Step]) -> None:
    """Carry out the steps, write what each leaves at once, and the page at the end.

    Pictures and tables that an earlier study left and this one does not make are removed.
    Raises OSError where something cannot be written; each file is there whole or not at all.
    """
    paragraphs = [*_opening(study)]
    with making(study.folder / "pictures") as pictures, making(study.folder / "tables") as tables:
        for step in steps:
            paragraphs.append(f"## {step.TITLE}")
            artifacts = 0
            with style.applied():
                for artifact in step.make(study):
                    _save(artifact, pictures, tables)
                    paragraphs += _shown(artifact)
                    artifacts += 1
            if not artifacts:
                paragraphs.append(f"Not made: it needs {step.NEEDS}.")
    text = without_tags("\n\n".join(paragraphs) + "\n")
    write_atomically(study.folder / PAGE, text.encode())


def _opening(study: Study) -> Iterator[str]:
    data = study.groups[0].data
    yield f"# The study of {study.subject}"
    yield from wording.notices([data])
    if disturbed := audit.disturbed_note(study.groups):
        yield f"{disturbed}. Seconds on this page are not those of a quiet machine."
    seeds = sorted({record.seed for group in study.groups for record in group.measured})
    trained = dict.fromkeys(
        f"{wording.architecture(group.experiment.architecture)} in "
        f"{wording.framework(group.experiment)}"
        for group in study.groups
        if group.measured
    )
    yield (
        f"Trained: {', '.join(trained)}; seeds {', '.join(map(str, seeds))}. "
        f"{data.train_images:,} training, {data.validation_images:,} validation and "
        f"{data.test_images:,} test images of {len(data.class_names)} classes. What the models "
        "say of the test images comes from the saved models, loaded again."
    )


def _save(artifact: Artifact, pictures: Made, tables: Made) -> None:
    if isinstance(artifact, Picture):
        pictures.write(f"{artifact.name}.png", style.png(artifact.figure))
        return
    tables.write(f"{artifact.name}.csv", to_csv(artifact).encode())
    tables.write(f"{artifact.name}.md", to_markdown(artifact).encode())


def _shown(artifact: Artifact) -> Iterator[str]:
    yield f"### {artifact.title}"
    if isinstance(artifact, Picture):
        yield f"![{artifact.title}](pictures/{artifact.name}.png)"
        yield artifact.caption
        return
    yield artifact.explanation
    (section,) = artifact.sections
    first = replace(section, rows=section.rows[:ROWS_SHOWN])
    yield from sections_to_markdown(replace(artifact, sections=(first,)))
    left = len(section.rows) - ROWS_SHOWN
    more = f"{left:,} more rows are in the files: " if left > 0 else ""
    yield f"{more}[Markdown](tables/{artifact.name}.md), [CSV](tables/{artifact.name}.csv)."

"""The study of a results folder: saved models asked again, exported, and two pages a task.

study/TASK/index.html      every picture and table with how to read it, in one file for a browser
study/TASK/README.md       what each step found, with links
study/TASK/pictures/*.png
study/TASK/tables/*.csv    and the same rounded, as Markdown
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import datasets
from bench.report import audit, wording
from bench.report.plots import style
from bench.report.tables.table import to_csv, to_markdown, without_tags
from bench.report.web.page import NAME
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
    web,
)
from bench.study.artifact import Artifact, Picture, Step, Study, Tables
from bench.study.web import Exhibit, Part

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


def carry_out(
    results: Results, data: Mapping[tuple[str, str], Path], pythons: Mapping[str, Path]
) -> list[Path]:
    """Make the study of every task in the folder; return the pages for a browser.

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
        pages.append(study.folder / NAME)
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


# The pages


def write(study: Study, steps: Iterable[Step]) -> None:
    """Carry out the steps, write what each leaves at once, and the pages at the end.

    Pictures and tables that an earlier study left and this one does not make are removed.
    Raises OSError where something cannot be written; each file is there whole or not at all.
    """
    parts = []
    with making(study.folder / "pictures") as pictures, making(study.folder / "tables") as tables:
        for step in steps:
            with style.applied():
                exhibits = [
                    _exhibit(artifact, study.subject, pictures, tables)
                    for artifact in step.make(study)
                ]
            made = {each.name: each.table for each in exhibits if each.table}
            parts.append(_part(step, made, exhibits))
    title, opening = f"The study of {study.subject}", list(_opening(study))
    write_pages(study.folder, title, opening, parts)


def write_pages(folder: Path, title: str, opening: Sequence[str], parts: Sequence[Part]) -> None:
    """Write both pages of a study from what its steps left.

    Args:
        folder: of the study.
        title: above both.
        opening: paragraphs below it, notices first.
        parts: what the steps left, in their order.
    """
    summary = "\n\n".join(_summary(title, opening, parts))
    write_atomically(folder / PAGE, without_tags(f"{summary}\n").encode())
    with making(folder) as made:
        made.write(NAME, web.page(title, opening, parts))


def _part(step: Step, tables: Tables, exhibits: Sequence[Exhibit]) -> Part:
    finding = step.finding(tables) if exhibits else ""
    return Part(title=step.TITLE, finding=finding, needs=step.NEEDS, exhibits=exhibits)


def _opening(study: Study) -> Iterator[str]:
    data = study.groups[0].data
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


def _exhibit(artifact: Artifact, subject: str, pictures: Made, tables: Made) -> Exhibit:
    """Write the files of a picture or a table; return what the pages show of it."""
    title = re.sub(rf"(,|:| of| on)? {re.escape(subject)}", "", artifact.title)
    if isinstance(artifact, Picture):
        png = style.png(artifact.figure)
        pictures.write(f"{artifact.name}.png", png)
        return Exhibit(
            name=artifact.name,
            title=title,
            caption=artifact.caption,
            main=artifact.main,
            image=web.small(png),
        )
    tables.write(f"{artifact.name}.csv", to_csv(artifact).encode())
    tables.write(f"{artifact.name}.md", to_markdown(artifact).encode())
    return Exhibit(name=artifact.name, title=title, caption=artifact.explanation, table=artifact)


def _summary(title: str, opening: Iterable[str], parts: Iterable[Part]) -> Iterator[str]:
    """README.md: what each step found, the picture that shows it, and links to its tables."""
    yield f"# {title}"
    yield from opening
    yield (
        f"[{NAME}]({NAME}), opened in a browser, has every picture and table, and says how to read "
        "each. Every table is there as CSV too, under the same name."
    )
    for part in parts:
        yield f"## {part.title}"
        if not part.exhibits:
            yield f"Not made: it needs {part.needs}."
        if part.finding:
            yield part.finding.replace("](", r"]\(")  # a class may bear any name
        for exhibit in part.exhibits:
            if exhibit.main:
                yield f"![{exhibit.title}](pictures/{exhibit.name}.png)"
        links = [f"[{each.title}](tables/{each.name}.md)" for each in part.exhibits if each.table]
        if links:
            yield f"Tables: {', '.join(links)}."

"""The page that leads through a results folder: what was measured on what, tables, plots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench import run_statistics as stats
from bench.record import Data, Record
from bench.report import trust, wording
from bench.report.plots.plot import Page, Plot
from bench.report.tables.table import Table, markdown_line
from bench.run_statistics import Replicates

Plots = Sequence[tuple[Plot, Sequence[Page]]]


def page(
    name: str,
    records: Sequence[Record],
    said: Iterable[str],
    tables: Iterable[Table],
    plots: Plots,
    command: str | None,
    groups: Sequence[Replicates] = (),
    studies: Sequence[str] = (),
) -> str:
    """The page as Markdown.

    Args:
        name: of the results folder.
        records: all its records.
        said: the paragraphs of the summary.
        tables: all there are; those without sections are said to be missing, and why.
        plots: all there are with the pages that were drawn of each.
        command: that made the records; None: not known.
        groups: the same runs with what lies beside them; none: no word on whether to trust them.
        studies: tasks that have a page under ``study/``.
    """
    parts = (
        f"# Results: {name}",
        *_origin(records, command),
        "## What the runs show",
        *said,
        *(trust.paragraphs(groups, records) if groups else ()),
        *_machine(records),
        *_data(records),
        *_studies(studies),
        "## Tables",
        "\n".join(_tables(tables)),
        *_plots(plots),
    )
    return "\n\n".join(parts) + "\n"


def _origin(records: Sequence[Record], command: str | None) -> Iterator[str]:
    first, last = (pick(record.started_at for record in records) for pick in (min, max))
    seeds = sorted({record.seed for record in records})
    yield (
        f"{wording.counted(len(records), 'run')}, "
        f"{wording.counted(len(seeds), 'seed')} ({', '.join(map(str, seeds))}), started between "
        f"{first[:16]} and {last[:16]} UTC."
    )
    if command:
        yield f"Made by:\n\n```sh\n{command}\n```"
    yield (
        "This page, the tables and the plots are made from the records, the audit and the "
        "certificates of the folder alone; "
        "`python -m bench report` with this folder makes them again."
    )


def _machine(records: Iterable[Record]) -> Iterator[str]:
    """The machine, and the versions of each framework's packages; more than one is pointed at."""
    listed = list(records)
    yield "## Machine and versions"
    machines = list(dict.fromkeys(record.machine for record in listed))
    for machine in machines:
        lines = (wording.machine(stats.host(machine)), *map(wording.gpu, machine.gpus))
        yield "\n".join(f"- {line}" for line in lines)
    if len(machines) > 1:
        yield "Runs of different machines lie in this folder. They are never put together."
    versions = dict.fromkeys(
        (record.experiment.framework, wording.versions(record.versions))
        for record in listed
        if record.status != "not installed"
    )
    yield "\n".join(f"- {framework}: {packages}" for framework, packages in versions)


def _data(records: Iterable[Record]) -> Iterator[str]:
    yield "## Data"
    lines = [
        markdown_line(
            (
                "task",
                "source",
                "classes",
                "training",
                "validation",
                "test",
                "duplicates removed",
                "fingerprint",
            )
        ),
        markdown_line(["---", "---", *["---:"] * 5, "---"]),
        *dict.fromkeys(_data_line(record.data) for record in records),
    ]
    yield "\n".join(lines)


def _data_line(data: Data) -> str:
    counts = (
        len(data.class_names),
        data.train_images,
        data.validation_images,
        data.test_images,
        data.duplicates_removed,
    )
    said = (f"{count:,}" for count in counts)
    return markdown_line((data.task, wording.source(data), *said, f"`{data.fingerprint[:12]}`"))


def _studies(tasks: Sequence[str]) -> Iterator[str]:
    if tasks:
        yield "## The study"
        yield "\n".join(
            f"- [{task.capitalize()}](study/{task}/README.md): the data, training, the best "
            "checkpoint, errors, clusters, ensembles, graphs"
            for task in tasks
        )


def _tables(tables: Iterable[Table]) -> Iterator[str]:
    for table in tables:
        if table.sections:
            links = f"[{table.title}](tables/{table.name}.md) ([CSV](tables/{table.name}.csv))"
            yield f"- {links}. {table.explanation}"
        else:
            yield f"- {table.title}: not made; it needs {table.needs}."


def _plots(plots: Plots) -> Iterator[str]:
    yield "## Plots"
    for plot, made in plots:
        yield f"### {plot.title}"
        yield plot.caption if made else f"Not drawn: it needs {plot.needs}."
        for one in made:
            alt = f"{plot.title}: {one.conditions}"
            yield f"![{alt}](plots/{one.stem}.png)"
            yield f"{one.conditions} ([SVG](plots/{one.stem}.svg))"

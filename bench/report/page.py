"""A results folder's tables, plots and pages, from its records: ``python -m bench report DIR``.

No live object and no framework is needed for it; in a notebook ``load`` gives a table as a frame.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report import summary, trust, wording
from bench.report.lessons.page import lessons
from bench.report.plots import PLOTS, drawing
from bench.report.plots.drawing import Picture
from bench.report.plots.style import Plot
from bench.report.tables import TABLES, WITH_RUNGS, ladder
from bench.report.tables.table import (
    Table,
    fact_table,
    sections_to_markdown,
    to_csv,
    to_frame,
    to_markdown,
    without_tags,
)
from bench.report.web import page as web
from bench.report.web.drawn import drawing as drawing_of
from bench.report.web.pictures import Plotted
from bench.results import write_atomically
from bench.results.evidence import read_price
from bench.results.folder import Results, ResultsError
from bench.results.made import Made, making
from bench.results.record import Record
from bench.run.door import parser_of
from bench.stats import runs
from bench.stats.runs import Replicates

if TYPE_CHECKING:
    import pandas as pd

MOST_PAGES = 40  # of all plots: half a second each; of more, each plot has its first alone
PAGES_A_PLOT = 1


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A plot and what was drawn of it."""

    plot: Plot
    pages: Sequence[tuple[str, str]]  # file names without the ending, what is equal in all panels
    left: int  # pages that were not drawn


def write(results: Results, *, all_plots: bool = False) -> str:
    """Write tables, plots and page of a results folder from its records and what lies beside them.

    Args:
        results: the folder.
        all_plots: every page of every plot, however many there are.

    Returns:
        The closing summary in plain sentences.

    Raises:
        bench.results.folder.ResultsError: where a record, the audit, a certificate, the facts of
            the folder or its measurement of ensembles are broken.
        OSError: where something cannot be written; each file is there whole or not at all.
    """
    records = results.records()
    if not records:
        return "No run has ended, so there is nothing to report."
    groups = runs.replicates(records, results.evidence())
    with results.lock("report"):
        return _write(results, records, groups, None if all_plots else MOST_PAGES)


def _write(
    results: Results,
    records: Sequence[Record],
    groups: Sequence[Replicates],
    most_pages: int | None,
) -> str:
    plain = ladder.unrestored(groups)
    pages = drawing.every_page(plain)
    chosen = _chosen(pages, most_pages)
    with drawing.pictures(plain, pages, list(chain.from_iterable(chosen))) as pictures:
        summary_paragraphs = [*summary.paragraphs(plain), *ladder.sentences(groups)]
        with making(results.tables) as made:
            tables = list(_write_tables(made, _each_table(groups)))
        with making(results.plots) as made:
            names = dict(_write_picture(made, *numbered) for numbered in pictures)
    plots = [
        Drawn(plot=plot, pages=[names[n] for n in numbers], left=len(all_of_plot) - len(numbers))
        for plot, numbers, all_of_plot in zip(PLOTS, chosen, pages, strict=True)
    ]
    to_choose_from = web.page(
        results.folder.resolve().name,
        plain or groups,
        records,
        drawing_of(results, records),
        lessons(plain or groups, results.ensembling()),
        plots=(results.plots, [list(_plotted(drawn)) for drawn in plots]),
    )
    page = "\n\n".join(_paragraphs(results, records, groups, summary_paragraphs, tables, plots))
    write_atomically(results.page, without_tags(f"{page}\n").encode())
    with making(results.folder) as made:
        made.write(web.NAME, to_choose_from)
    trust_sentences = trust.sentences(groups, records)
    return "\n\n".join((*summary_paragraphs, *trust_sentences, _where(results)))


def _plotted(drawn: Drawn) -> Iterator[Plotted]:
    for stem, conditions in drawn.pages:
        plot = drawn.plot
        yield Plotted(title=plot.title, caption=plot.caption, conditions=conditions, stem=stem)


def tables_of(groups: Sequence[Replicates]) -> list[Table]:
    """All tables of all runs of a folder, those without sections too."""
    return list(_each_table(groups))


def _each_table(groups: Sequence[Replicates]) -> Iterator[Table]:
    plain = ladder.unrestored(groups)
    return (build(groups if build in WITH_RUNGS else plain) for build in TABLES)


def load(folder: str | Path, table: str = "runs") -> pd.DataFrame:
    """One row a run, one column a quantity; units end the names, fractions are fractions.

    What was not measured is missing (``pandas.isna``). The columns are those of
    ``tables/runs.csv``.

    Args:
        folder: a results folder.
        table: another table of the report instead, by the name of its CSV: 'frameworks',
            'differences' (ratios with interval, p and verdict) and so on.

    Raises:
        bench.results.folder.ResultsError: where there are no records, or the audit or a
            certificate is broken.
        ValueError: where there is no table of that name.
    """
    results = Results(Path(folder))
    groups = runs.replicates(results.require_records(), results.evidence())
    tables = {each.name: each for each in tables_of(groups)}
    if table not in tables:
        raise ValueError(f"unknown table {table!r}; choose from {', '.join(sorted(tables))}")
    return to_frame(tables[table]).convert_dtypes()


# The page


def _paragraphs(
    results: Results,
    records: Sequence[Record],
    groups: Sequence[Replicates],
    summary_paragraphs: Iterable[str],
    tables: Iterable[str],
    plots: Iterable[Drawn],
) -> Iterator[str]:
    """The page; of tables and plots that are not made it says what they need.

    ``tables``: their lines.
    """
    yield f"# Results: {results.folder.resolve().name}"
    yield from _origin(records, results.commands())
    yield (
        f"[{web.NAME}]({web.NAME}), opened in a browser, shows the same runs to choose from, and "
        "judges anew what is chosen."
    )
    yield "## What the runs show"
    yield from summary_paragraphs
    yield from trust.paragraphs(groups, records)
    yield from _machine(records)
    yield from _data(records)
    yield from _studies(results.studied())
    yield "## Tables"
    yield "\n".join(tables)
    yield from _plots(plots, results.folder)


def _origin(records: Sequence[Record], commands: Sequence[str]) -> Iterator[str]:
    first, last = (pick(record.started_at for record in records) for pick in (min, max))
    seeds = sorted({record.seed for record in records})
    yield (
        f"{wording.counted(len(records), 'run')}, "
        f"{wording.counted(len(seeds), 'seed')} ({', '.join(map(str, seeds))}), started between "
        f"{first[:16]} and {last[:16]} UTC."
    )
    if commands:
        yield "\n".join(("Made by:\n\n```sh", *commands, "```"))
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
        lines = (wording.machine(runs.host(machine)), *wording.gpus(machine.gpus))
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
    datasets = list(dict.fromkeys(record.data for record in records))
    facts = (
        {
            "task": data.task,
            "source": wording.source(data),
            "classes": len(data.class_names),
            "training": data.train_images,
            "validation": data.validation_images,
            "test": data.test_images,
            "duplicates_removed": data.duplicates_removed,
            "fingerprint": f"`{data.fingerprint[:12]}`",
        }
        for data in datasets
    )
    numbers = ("training", "validation", "test", "duplicates_removed")
    table = fact_table(
        name="data", title="Data", explanation="", rows=facts, formats={",": numbers}
    )
    yield from sections_to_markdown(table)
    for data in datasets:
        if data.reading:
            yield f"How the files of {data.task} were read:"
            yield "\n".join(f"- {sentence}" for sentence in data.reading)


def _studies(tasks: Sequence[str]) -> Iterator[str]:
    if tasks:
        yield "## The study"
        yield "\n".join(
            f"- [{task.capitalize()}](study/{task}/README.md): the data, training, the best "
            "checkpoint, errors, clusters, ensembles, graphs"
            for task in tasks
        )


def _line(table: Table) -> str:
    if not table.sections:
        return f"- {table.title}: not made; it needs {table.needs}."
    links = f"[{table.title}](tables/{table.name}.md) ([CSV](tables/{table.name}.csv))"
    return f"- {links}. {table.explanation}"


def _plots(plots: Iterable[Drawn], folder: Path) -> Iterator[str]:
    yield "## Plots"
    for drawn in plots:
        title = drawn.plot.title
        yield f"### {title}"
        yield drawn.plot.caption if drawn.pages else f"Not drawn: it needs {drawn.plot.needs}."
        for stem, conditions in drawn.pages:
            yield f"![{title}: {conditions}](plots/{stem}.png)"
            yield f"{conditions} ([SVG](plots/{stem}.svg))"
        if drawn.left:
            yield (
                f"{wording.counted(drawn.left, 'more page')} of it can be drawn: "
                f"`python -m bench report {folder} --all-plots`."
            )


# Writing


def _write_tables(made: Made, tables: Iterator[Table]) -> Iterator[str]:
    """Write those that have rows, let go of each, and yield its line on the page."""
    for table in tables:
        if table.sections:
            made.write(f"{table.name}.md", to_markdown(table).encode())
            made.write(f"{table.name}.csv", to_csv(table).encode())
        yield _line(table)


def _chosen(pages: Sequence[Sequence[object]], most: int | None) -> list[list[int]]:
    """The pages of each plot that are drawn, by their numbers through all plots.

    ``most``: of pages in all before each plot has its first ones alone; None: all are drawn.
    """
    numbers = count()
    numbered = [[next(numbers) for _ in of_plot] for of_plot in pages]
    few = most is not None and sum(map(len, pages)) > most
    return [of_plot[:PAGES_A_PLOT] if few else of_plot for of_plot in numbered]


def _write_picture(made: Made, number: int, picture: Picture) -> tuple[int, tuple[str, str]]:
    made.write(f"{picture.stem}.png", picture.png)
    made.write(f"{picture.stem}.svg", picture.svg)
    return number, (picture.stem, picture.conditions)


def _where(results: Results) -> str:
    return (
        f"Everything lies in {results.folder}: start with {web.NAME} in a browser, or with "
        f"{results.page.name}; the tables are in "
        "tables/ (CSV and Markdown), the plots in plots/ (PNG and SVG), one record a run in "
        "records/."
    )


# The command


def main(argv: Sequence[str] | None = None) -> int:
    """Make the report of a results folder and print its summary; 2 where it cannot be done."""
    options = _parser().parse_args(argv)
    try:
        results = Results(options.folder)
        results.require_records()  # before anything is written
        if options.price_per_h is not None:
            facts = results.evidence().suite
            results.save_evidence(replace(facts, price_per_h=options.price_per_h))
        print(write(results, all_plots=options.all_plots))
    except ResultsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: the report cannot be written: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench report",
        "Make the tables, plots and page of a results folder from its records alone.",
        "results/mine",
        "results/mine --price 2.50/h --all-plots",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="such as results/quick")
    parser.add_argument(
        "--price",
        dest="price_per_h",
        type=read_price,
        metavar="AMOUNT/h",
        help="what the machine costs an hour, such as 2.50/h; kept in the folder",
    )
    parser.add_argument(
        "--all-plots",
        action="store_true",
        help=f"every page of every plot; else, where they are more than {MOST_PAGES}, the first of "
        "each",
    )
    return parser

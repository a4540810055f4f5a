"""A results folder's tables, plots and pages, from its records: ``python -m bench report DIR``.

No live object and no framework is needed for it; in a notebook ``load`` gives a table as a frame.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from bench.report import readme, summary, trust
from bench.report.lessons.page import lessons
from bench.report.plots import PLOTS, drawing
from bench.report.plots.drawing import Picture, Ready
from bench.report.readme import Drawn, Listed
from bench.report.tables import TABLES, WITH_RUNGS, ladder
from bench.report.tables.table import Table, to_csv, to_frame, to_markdown, without_tags
from bench.report.web import page as web
from bench.report.web.drawn import drawing as drawing_of
from bench.report.web.pictures import Plotted
from bench.results import write_atomically
from bench.results.evidence import read_price
from bench.results.folder import PAGE, Results, ResultsError
from bench.results.made import Made, making
from bench.results.record import Record
from bench.run.door import parser_of
from bench.stats import runs
from bench.stats.runs import Replicates

if TYPE_CHECKING:
    import pandas as pd

MOST_PAGES = 40  # of all plots: half a second each; of more, each plot has its first alone
PAGES_A_PLOT = 1


def write(results: Results, *, all_plots: bool = False, child: Ready | None = None) -> str:
    """Write tables, plots and page of a results folder from its records and what lies beside them.

    Args:
        results: the folder.
        all_plots: every page of every plot, however many there are.
        child: that waits to draw some of them; None: one is started where it is worth it.

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
        return _write(results, records, groups, None if all_plots else MOST_PAGES, child)


def _write(
    results: Results,
    records: Sequence[Record],
    groups: Sequence[Replicates],
    most_pages: int | None,
    child: Ready | None,
) -> str:
    plain = ladder.unrestored(groups)
    pages = drawing.every_page(plain)
    chosen = _chosen(pages, most_pages)
    with drawing.pictures(plain, pages, list(chain.from_iterable(chosen)), child) as pictures:
        sentences = [*summary.paragraphs(plain), *ladder.sentences(groups)]
        tables = _each_table(groups)
        beside = next(tables)  # which the page shows in short; of the others it lets go
        with making(results.tables) as made:
            listed = [_written(made, table) for table in chain((beside,), tables)]
        with making(results.plots) as made:
            names = dict(_write_picture(made, *numbered) for numbered in pictures)
            report = readme.Report(
                results=results,
                records=records,
                groups=groups,
                plain=plain,
                sentences=sentences,
                beside=beside,
                tables=listed,
                plots=_drawn(names, chosen, pages),
            )
            if names:
                made.write(PAGE, _markdown(readme.plots(report)))
    to_choose_from = web.page(
        results.folder.resolve().name,
        plain or groups,
        records,
        drawing_of(results, records),
        lessons(plain or groups, results.ensembling()),
        plots=(results.plots, [list(_plotted(drawn)) for drawn in report.plots]),
    )
    write_atomically(results.page, _markdown(readme.paragraphs(report)))
    with making(results.folder) as made:
        made.write(web.NAME, to_choose_from)
        made.write(readme.DETAILS, _markdown(readme.details(report)))
    return "\n\n".join((*sentences, *trust.sentences(groups, records), _where(results)))


def _markdown(paragraphs: Iterable[str]) -> bytes:
    return without_tags("\n\n".join(paragraphs) + "\n").encode()


def _drawn(
    names: Mapping[int, tuple[str, str, str]],
    chosen: Sequence[Sequence[int]],
    pages: Sequence[Sequence[object]],
) -> list[Drawn]:
    """Each plot with its pages; ``names`` by the number of a page through all plots."""
    return [
        Drawn(plot=plot, pages=[names[n] for n in numbers], left=len(all_of_plot) - len(numbers))
        for plot, numbers, all_of_plot in zip(PLOTS, chosen, pages, strict=True)
    ]


def _plotted(drawn: Drawn) -> Iterator[Plotted]:
    for stem, conditions, _ in drawn.pages:
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


# Writing


def _written(made: Made, table: Table) -> Listed:
    """Write a table that has rows; return what the page says of it."""
    if table.sections:
        made.write(f"{table.name}.md", to_markdown(table).encode())
        made.write(f"{table.name}.csv", to_csv(table).encode())
    return Listed(
        name=table.name, title=table.title, needs="" if table.sections else table.needs or "runs"
    )


def _chosen(pages: Sequence[Sequence[object]], most: int | None) -> list[list[int]]:
    """The pages of each plot that are drawn, by their numbers through all plots.

    ``most``: of pages in all before each plot has its first ones alone; None: all are drawn.
    """
    numbers = count()
    numbered = [[next(numbers) for _ in of_plot] for of_plot in pages]
    few = most is not None and sum(map(len, pages)) > most
    return [of_plot[:PAGES_A_PLOT] if few else of_plot for of_plot in numbered]


def _write_picture(made: Made, number: int, picture: Picture) -> tuple[int, tuple[str, str, str]]:
    made.write(f"{picture.stem}.png", picture.png)
    made.write(f"{picture.stem}.svg", picture.svg)
    return number, (picture.stem, picture.conditions, picture.finding)


def _where(results: Results) -> str:
    return (
        f"Everything lies in {results.folder}: start with {web.NAME} in a browser, or with "
        f"{PAGE}; {readme.DETAILS} has every check. The tables are in "
        "tables/ (CSV and Markdown), the plots in plots/ (PNG and SVG), one record a run in "
        "records/."
    )


# The command


def main(argv: Sequence[str] | None = None) -> int:
    """Make the report of a results folder and print its summary; 2 where it cannot be done."""
    options = _parser().parse_args(argv)
    try:
        results = Results(options.folder)
        gc.set_threshold(*drawing.SELDOM)
        records = results.record_path("*")
        with drawing.ready(len(list(records.parent.glob(records.name)))) as child:
            results.require_records()  # before anything is written
            if options.price_per_h is not None:
                facts = results.evidence().suite
                results.save_evidence(replace(facts, price_per_h=options.price_per_h))
            print(write(results, all_plots=options.all_plots, child=child))
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

"""A results folder's tables, plots and page, made from its records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench import run_statistics as stats
from bench.report import index, rungs, summary, trust
from bench.report.plots import PLOTS, style
from bench.report.plots.plot import Page, Plot, pages
from bench.report.tables import TABLES, WITH_RUNGS
from bench.report.tables.table import Table, to_csv, to_markdown
from bench.results import Results, write_atomically
from bench.run_statistics import Replicates


def write_all(results: Results) -> str:
    """As ``bench.report.write``."""
    records = results.records()
    if not records:
        return "No run has ended, so there is nothing to report."
    groups = stats.replicates(records, results.evidence())
    plain = rungs.unrestored(groups)
    summary_paragraphs = [*summary.paragraphs(plain), *rungs.sentences(groups)]
    tables = [build(groups if build in WITH_RUNGS else plain) for build in TABLES]
    _keep_only(results.tables, _write_tables(results.tables, tables))
    plots = [(plot, list(_write_pages(results.plots, plot, plain))) for plot in PLOTS]
    _keep_only(results.plots, {page.stem for _, pages_made in plots for page in pages_made})
    page = index.page(
        results.folder.resolve().name,
        records,
        summary_paragraphs,
        tables,
        plots,
        "\n".join(results.commands()) or None,
        groups,
        results.studied(),
    )
    write_atomically(results.page, page.encode())
    trust_sentences = trust.sentences(groups, records)
    return "\n\n".join((*summary_paragraphs, *trust_sentences, _where(results)))


def _write_tables(folder: Path, tables: Iterable[Table]) -> set[str]:
    """Write those that have rows; return their names."""
    filled = [table for table in tables if table.sections]
    for table in filled:
        write_atomically(folder / f"{table.name}.md", to_markdown(table).encode())
        write_atomically(folder / f"{table.name}.csv", to_csv(table).encode())
    return {table.name for table in filled}


def _write_pages(folder: Path, plot: Plot, groups: Sequence[Replicates]) -> Iterator[Page]:
    for page in pages(plot, groups):
        write_atomically(folder / f"{page.stem}.png", style.png(page.figure))
        write_atomically(folder / f"{page.stem}.svg", style.svg(page.figure))
        yield page


def _keep_only(folder: Path, stems: set[str]) -> None:
    """Remove what an earlier report of other records left: it would be taken for this one's."""
    for path in folder.glob("*"):
        if path.suffix in (".md", ".csv", ".png", ".svg") and path.stem not in stems:
            path.unlink()


def _where(results: Results) -> str:
    return (
        f"Everything lies in {results.folder}: start with {results.page.name}; the tables are in "
        "tables/ (CSV and Markdown), the plots in plots/ (PNG and SVG), one record a run in "
        "records/."
    )

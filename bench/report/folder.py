"""A results folder's tables, plots and page, made from its records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench import evidence
from bench import run_statistics as stats
from bench.record import Record
from bench.report import index, rungs, summary, trust
from bench.report.plots import PLOTS, style
from bench.report.plots.plot import Page, Plot, pages
from bench.report.tables import TABLES, WITH_RUNGS
from bench.report.tables.table import Table, to_csv, to_markdown
from bench.results import write_atomically
from bench.run_statistics import Replicates


def write_all(folder: Path, records: Sequence[Record], command: str | None = None) -> str:
    """As ``bench.report.write``."""
    if not records:
        return "No run has ended, so there is nothing to report."
    found = evidence.load(folder)
    groups = stats.replicates(records, found)
    plain = rungs.unrestored(groups)
    said = [*summary.paragraphs(plain), *rungs.sentences(groups)]
    tables = [build(groups if build in WITH_RUNGS else plain) for build in TABLES]
    _keep_only(folder / "tables", _write_tables(folder / "tables", tables))
    plots = [(plot, list(_write_pages(folder / "plots", plot, plain))) for plot in PLOTS]
    _keep_only(folder / "plots", {page.stem for _, made in plots for page in made})
    studies = sorted(page.parent.name for page in folder.glob("study/*/README.md"))
    page = index.page(folder.resolve().name, records, said, tables, plots, command, groups, studies)
    write_atomically(folder / index.NAME, page.encode())
    return "\n\n".join((*said, *trust.sentences(groups, records), _where(folder)))


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


def _where(folder: Path) -> str:
    return (
        f"Everything lies in {folder}: start with {index.NAME}; the tables are in tables/ (CSV "
        "and Markdown), the plots in plots/ (PNG and SVG), one record a run in records/."
    )

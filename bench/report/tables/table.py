"""What a table is made of, and how it is written: Markdown to read, CSV to compute with.

A row stands for one or more groups of runs, and a column makes a cell of a row. A cell has two
sides: what Markdown shows (``1,234 ± 56 (3)``) and the raw numbers of the CSV, in columns that
name their unit. In Markdown a column that has nothing to show in a section is left out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pandas as pd

from bench.report import trust, wording
from bench.report.comparison import FRAMEWORK, HEADING, Comparison
from bench.stats.runs import Replicates

Row = tuple[Replicates, ...]
Raw = str | float | int | bool | None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell, as shown and as computed with."""

    shown: str
    raw: tuple[Raw, ...]  # one for each of its column's names in the CSV


@dataclass(frozen=True, kw_only=True)
class Column:
    """How one column makes its cell of a row."""

    header: str  # in Markdown; empty: in the CSV only
    names: tuple[str, ...]  # in the CSV, units at their ends; empty: in Markdown only
    cell: Callable[[Row], Cell]
    words: bool = False  # True: words, to be aligned left


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows that may be compared with one another."""

    heading: str
    note: str  # what is equal in all its rows
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A subject, in sections that are not to be compared with one another."""

    name: str  # its files' name
    title: str
    explanation: str  # how to read it
    needs: str  # what must have been run for it to have a row
    sections: tuple[Section, ...]


# Sections


def heading(comparison: Comparison) -> str:
    """What the runs of a section are of, and on what."""
    experiment = comparison.experiment
    place = wording.place(experiment, ("device", "batch_size", "goal"))
    return f"{wording.subject(experiment, comparison.data)}, {place}"


def of_frameworks(comparison: Comparison, columns: tuple[Column, ...], *notes: str) -> Section:
    """A section with a row a framework; ``notes`` follow what is equal in all its rows."""
    return Section(
        heading=heading(comparison),
        note=" ".join((equal_in_all_rows(comparison), *notes)),
        columns=columns,
        rows=tuple((group,) for group in comparison.groups),
    )


def equal_in_all_rows(comparison: Comparison) -> str:
    """The note of a section: what is held equal, what is not though it should be, the images."""
    equal = f"Equal in all rows: {comparison.constant(leave_out=(*HEADING, *FRAMEWORK))}."
    notices = wording.notices(group.data for group in comparison.groups)
    return " ".join(filter(None, (equal, trust.flags_note(comparison), *notices)))


# Writing


def to_markdown(table: Table) -> str:
    """The whole table, its sections under headings."""
    parts = (f"# {table.title}", table.explanation, *sections_to_markdown(table))
    return "\n\n".join(parts) + "\n"


def sections_to_markdown(table: Table) -> Iterator[str]:
    """The paragraphs of each section: heading, note, table."""
    for section in table.sections:
        yield f"## {section.heading}"
        yield section.note
        yield "\n".join(_lines(section))


def _lines(section: Section) -> Iterator[str]:
    columns = [column for column in section.columns if column.header]
    grid = [[column.cell(row).shown for column in columns] for row in section.rows]
    kept = [
        index
        for index in range(len(columns))
        if any(line[index] not in ("", wording.NOT_MEASURED) for line in grid)
    ]
    yield markdown_line(columns[index].header for index in kept)
    yield markdown_line("---" if columns[index].words else "---:" for index in kept)
    for line in grid:
        yield markdown_line(line[index] for index in kept)


def markdown_line(cells: Iterable[str]) -> str:
    """One line of a Markdown table; what would end a cell early is escaped."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def to_csv(table: Table) -> str:
    """All rows of all sections; what is not known is empty."""
    return to_frame(table).to_csv(index=False, lineterminator="\n")


def to_frame(table: Table) -> pd.DataFrame:
    """All rows of all sections under the union of their columns, raw numbers as they are.

    Columns hold Python objects, so that a count beside an absent one stays a whole number.
    """
    names: dict[str, None] = {}  # keeps the order
    lines: list[dict[str, Raw]] = []
    for section in table.sections:
        names.update(dict.fromkeys(n for column in section.columns for n in column.names))
        lines += [_raw(section, row) for row in section.rows]
    return pd.DataFrame(lines, columns=list(names), dtype=object)


def _raw(section: Section, row: Row) -> dict[str, Raw]:
    return {
        name: value
        for column in section.columns
        if column.names
        for name, value in zip(column.names, column.cell(row).raw, strict=True)
    }

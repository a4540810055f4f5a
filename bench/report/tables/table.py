"""What a table is made of, and how it is written: Markdown to read, CSV to compute with.

A row is about one or more groups of runs and carries what was found out about them, or it is a
mapping of facts by their names (``fact_table``); a column makes a cell of a row. A cell has two
sides: what Markdown shows (``1,234 ± 56 (3)``) and the raw numbers of the CSV, in columns that
name their unit. In Markdown a column that has nothing to show in a section is left out of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bench.report import audit, trust, wording
from bench.report.comparison import FRAMEWORK, HEADING, Comparison
from bench.stats.runs import Replicates
from bench.stats.verdict import Judged

if TYPE_CHECKING:  # pandas is imported where frames are made: who draws pictures does without
    import pandas as pd

Raw = str | float | int | bool | None

TAG = re.compile("<(?=[A-Za-z/!?])")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one line is about. A table that knows more of its rows adds fields of its own."""

    groups: tuple[Replicates, ...]
    label: str = ""  # the framework, told apart from that of other rows by versions where need be
    judged: Judged | None = None  # of two groups: the second beside the first

    @property
    def first(self) -> Replicates:
        """The group of a row that has one, or that stands for the others."""
        return self.groups[0]

    @property
    def second(self) -> Replicates:
        """The other group of a row of two."""
        return self.groups[1]


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
    cell: Callable[[Any], Cell]  # of the kind of row that its section has
    words: bool = False  # True: words, to be aligned left


@dataclass(frozen=True, kw_only=True)
class Section:
    """Rows that may be compared with one another."""

    heading: str  # empty: the table's title is enough
    note: str  # what is equal in all its rows; without a heading there is none
    columns: tuple[Column, ...]
    rows: Sequence[Any]  # of the kind that its columns make cells of

    @cached_property
    def grid(self) -> list[list[Cell]]:
        """Each row's cells, made once for Markdown and CSV."""
        return [[column.cell(row) for column in self.columns] for row in self.rows]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A subject, in sections that are not to be compared with one another."""

    name: str  # its files' name
    title: str
    explanation: str  # how to read it
    needs: str = ""  # what must have been run for it to have a row
    sections: tuple[Section, ...]


# Rows and sections


def labelled(rows: Iterable[Sequence[Replicates]]) -> tuple[Row, ...]:
    """Rows of groups, each with the label of its first group's framework."""
    groups = [tuple(members) for members in rows]
    labels = wording.distinct_labels([members[0] for members in groups])
    return tuple(
        Row(groups=members, label=label) for members, label in zip(groups, labels, strict=True)
    )


def _disturbed(row: Row) -> Cell:
    """In how many of its runs other programs took too much, and the most that they took."""
    measured = [record for group in row.groups for record in group.measured]
    shares = [r.measurement.others_share for r in measured if r.measurement]
    most = max((share for share in shares if share is not None), default=None)
    raw = (sum(record.disturbed for record in measured), most)
    return Cell(shown=audit.disturbance(row.groups) or "", raw=raw)


DISTURBED = Column(
    header="disturbed", names=("disturbed_n", "others_most_fraction"), cell=_disturbed, words=True
)


def marked(columns: Iterable[Column], rows: Sequence[Row]) -> tuple[Column, ...]:
    """The columns, and one that marks disturbed rows, where any run counted what others took.

    It stands behind the one that says whether work is equal, where there is one, else last.
    """
    listed = tuple(columns)
    if all(_disturbed(row).raw[-1] is None for row in rows):
        return listed
    at = next((i + 1 for i, column in enumerate(listed) if "work" in column.names), len(listed))
    return (*listed[:at], DISTURBED, *listed[at:])


def section_of(
    comparison: Comparison,
    columns: Iterable[Column],
    rows: Sequence[Row],
    *notes: str,
    heading: str | None = None,
) -> Section:
    """A section about the runs of a comparison.

    Its note says what is equal in all rows, what differs though nobody asked for it, what the
    images are, and then ``notes``; empty ones are left out. Disturbed rows are ``marked``.
    ``heading``: None for the comparison's own.
    """
    equal = f"Equal in all rows: {comparison.constant(leave_out=(*HEADING, *FRAMEWORK))}."
    notices = wording.notices(group.data for group in comparison.groups)
    sentences = (equal, trust.unasked_note(comparison.groups), *notices, *notes)
    return Section(
        heading=comparison.heading() if heading is None else heading,
        note=" ".join(filter(None, sentences)),
        columns=marked(columns, rows),
        rows=rows,
    )


# Tables of plain facts


def fact_table(
    *,
    name: str,
    title: str,
    explanation: str,
    rows: Iterable[Mapping[Any, Any]],
    formats: Mapping[str, Iterable[str]],
) -> Table:
    """A table of one section with a column for each fact, in the order in which they first come.

    Args:
        name: of its files.
        title: above it.
        explanation: how to read it.
        rows: at least one; facts by their names in the CSV, units at the ends. What a row lacks,
            None and nan are empty cells.
        formats: how Markdown shows numbers: format specifications, such as '.2%' or ',.1f', each
            with the names of its facts; other numbers stand as they are.
    """
    facts = list(rows)
    forms = {name: form for form, formed in formats.items() for name in formed}
    names = dict.fromkeys(name for row in facts for name in row)
    columns = tuple(_fact_column(name, forms.get(name, ""), facts) for name in names)
    section = Section(heading="", note="", columns=columns, rows=facts)
    return Table(name=name, title=title, explanation=explanation, sections=(section,))


def _fact_column(name: str, form: str, rows: Iterable[Mapping[Any, Any]]) -> Column:
    import pandas as pd

    def cell(row: Mapping[Any, Any]) -> Cell:
        value = row.get(name)
        if pd.isna(value):
            return Cell(shown="", raw=(None,))
        return Cell(shown=format(value, "" if isinstance(value, str) else form), raw=(value,))

    words = any(isinstance(row.get(name), str) for row in rows)
    return Column(header=name.replace("_", " "), names=(name,), cell=cell, words=words)


# Writing


def to_markdown(table: Table) -> str:
    """The whole table, its sections under headings."""
    parts = (f"# {table.title}", table.explanation, *sections_to_markdown(table))
    return "\n\n".join(parts) + "\n"


def sections_to_markdown(table: Table) -> Iterator[str]:
    """The paragraphs of each section: heading, note, table."""
    for section in table.sections:
        if section.heading:
            yield f"## {section.heading}"
            yield section.note
        yield _section_to_markdown(section)


def _section_to_markdown(section: Section) -> str:
    columns, lines = as_shown(section)
    headers = [column.header for column in columns]
    ruler = ["---" if column.words else "---:" for column in columns]
    return "\n".join(map(markdown_line, (headers, ruler, *lines)))


def as_shown(section: Section) -> tuple[list[Column], list[list[str]]]:
    """The columns that have something to show, and each row's cells in them."""
    kept = [
        index
        for index, column in enumerate(section.columns)
        if column.header
        and any(line[index].shown not in ("", wording.NOT_MEASURED) for line in section.grid)
    ]
    columns = [section.columns[index] for index in kept]
    return columns, [[line[index].shown for index in kept] for line in section.grid]


def markdown_line(cells: Iterable[str]) -> str:
    """One line of a Markdown table; what would end a cell early, or be a link, is escaped."""
    escaped = (cell.replace("|", r"\|").replace("](", r"]\(") for cell in cells)
    return without_tags(f"| {' | '.join(escaped)} |")


def without_tags(markdown: str) -> str:
    """Markdown in which no HTML is: a class or a file may bear any name."""
    return TAG.sub("&lt;", markdown)


def to_csv(table: Table) -> str:
    """All rows of all sections below the columns' names; what is not known is empty."""
    return to_frame(table).to_csv(index=False, lineterminator="\n")


def to_frame(table: Table) -> pd.DataFrame:
    """All rows of all sections under the union of their columns, raw numbers as they are.

    Columns hold Python objects, so that a count beside an absent one stays a whole number.
    """
    import pandas as pd

    lines = [_raw(section, line) for section in table.sections for line in section.grid]
    return pd.DataFrame(lines, dtype=object)


def _raw(section: Section, line: Sequence[Cell]) -> dict[str, Raw]:
    return {
        name: value
        for column, cell in zip(section.columns, line, strict=True)
        if column.names
        for name, value in zip(column.names, cell.raw, strict=True)
    }

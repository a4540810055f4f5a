"""python -m bench compare A B: two results folders side by side, and how they differ."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench.record import Record
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.pairing import Pairing, differences, name, pair
from bench.report.tables import beside, columns
from bench.report.tables.table import (
    Column,
    Row,
    Section,
    Table,
    equal_in_all_rows,
    heading,
    sections_to_markdown,
    to_csv,
)
from bench.results import Results, ResultsError, write_atomically

NAMES = ("A", "B")
EXPLANATION = (
    "Ratios are B's over A's, the geometric mean over the seeds that both have; brackets hold 95 % "
    "intervals over those pairs, and after an accuracy Wilson's for the number of test images. "
    "Time to accuracy is the Kaplan–Meier median, in which misses count. p is corrected by Holm's "
    "method for all rows of a section; intervals are not corrected, and no noise floor is used, "
    "since each folder has its own."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the comparison as Markdown; write it only where ``--out`` says so.

    Returns 0; 1 where nothing can be compared; 2 where a folder cannot be read or the file
    cannot be written.
    """
    options = _parser().parse_args(argv)
    try:
        first, second = (Results(folder).require_records() for folder in (options.a, options.b))
    except ResultsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found = pair(first, second)
    page = "\n\n".join(_page(options.a, options.b, first, second, found)) + "\n"
    print(page, end="")
    if options.out and not _write(options.out, to_csv(_table(found)), page):
        return 2
    return 0 if found.pairs else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench compare",
        description="Set two results folders side by side and name what differs between them.",
    )
    parser.add_argument("a", type=Path, metavar="A", help="a results folder")
    parser.add_argument("b", type=Path, metavar="B", help="another")
    parser.add_argument(
        "--out", type=_csv_or_markdown, metavar="FILE", help="write it too, as FILE.csv or FILE.md"
    )
    return parser


def _csv_or_markdown(path: str) -> Path:
    if Path(path).suffix not in (".csv", ".md"):
        raise argparse.ArgumentTypeError(f"{path!r} must end in .csv or .md")
    return Path(path)


def _write(path: Path, table: str, page: str) -> bool:
    try:
        write_atomically(path, (table if path.suffix == ".csv" else page).encode())
    except OSError as error:
        print(f"error: {path} cannot be written: {error}", file=sys.stderr)
        return False
    return True


def _page(
    a: Path, b: Path, first: Sequence[Record], second: Sequence[Record], found: Pairing
) -> Iterator[str]:
    yield "# A beside B"
    yield f"A is {a}, B is {b}. {EXPLANATION}"
    yield "## What differs"
    yield (
        _listed(differences(first, second)) or "Machine, versions, data and settings are the same."
    )
    if found.refused:
        yield "## NOT COMPARED"
        yield _listed(found.refused)
    yield from sections_to_markdown(_table(found))
    if not found.pairs:
        yield "Nothing can be compared: no experiment is in both on the same images."
    for title, experiments in (("Only in A", found.only_first), ("Only in B", found.only_second)):
        if experiments:
            yield f"## {title}"
            yield _listed(map(name, experiments))


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(found: Pairing) -> Table:
    partners = {id(first): second for first, second in found.pairs}
    return Table(
        name="compare",
        title="A beside B",
        explanation=EXPLANATION,
        needs="the same experiments in both",
        sections=tuple(
            _section(comparison, tuple((one, partners[id(one)]) for one in comparison.groups))
            for comparison in comparisons([first for first, _ in found.pairs], FRAMEWORK)
        ),
    )


def _section(comparison: Comparison, rows: tuple[Row, ...]) -> Section:
    return Section(
        heading=heading(comparison),
        note=equal_in_all_rows(comparison),
        columns=_columns(rows, comparison.targets),
        rows=rows,
    )


def _columns(rows: tuple[Row, ...], targets: Sequence[float]) -> tuple[Column, ...]:
    return (
        *columns.experiment(leave_out=("machine", "versions")),
        columns.framework(rows),
        *beside.throughputs(NAMES, ratio="B / A"),
        *beside.verdicts(rows, NAMES),
        *(
            column
            for target in targets
            for column in (*beside.times(NAMES, target), beside.time_ratio(NAMES, target))
        ),
        *beside.accuracies(NAMES),
        beside.accuracy_difference(NAMES),
        *beside.outcomes(NAMES),
    )

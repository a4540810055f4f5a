"""Pictures whose labels are in a table beside them: in each row a file's name and its label."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path

from datasets.formats import read_file
from datasets.own.columns import LABELS, separator_of
from datasets.tasks import DataError

MOST_TABLE_BYTES = 100 << 20  # of a table of names and labels
_ENDINGS = (".csv", ".tsv", ".txt")

Classes = dict[str, list[Path]]  # each label -> its images
Rows = list[list[str]]


def by_table(
    folder: Path, images: Sequence[Path], files: Sequence[Path]
) -> tuple[Classes, list[str]] | None:
    """The images by label, as the one table in a folder lists them, and sentences on how.

    None where no table lists them. Raises DataError where several do, and where the column of
    labels is not plain.
    """
    called = _names(folder, images)
    listings = {
        path: rows
        for path in files
        if path.suffix.casefold() in _ENDINGS
        and path.is_file()
        and (rows := _rows(path)) is not None
        and _file_column(rows, called) is not None
    }
    if not listings:
        return None
    if len(listings) > 1:
        names = ", ".join(str(path.relative_to(folder)) for path in listings)
        raise DataError(f"{folder}: {names} all list images; leave the one that has the labels")
    [(table, rows)] = listings.items()
    return _listed(table, rows, called)


def _names(folder: Path, images: Sequence[Path]) -> dict[str, Path]:
    """How a table may call each image: by its path, its name, or its name without the ending.

    What two images could be called is no name.
    """
    called: dict[str, Path | None] = {}
    for path in images:
        relative = path.relative_to(folder)
        for name in {relative.as_posix(), path.name, path.stem}:
            called[name] = path if name not in called else None
    return {name: path for name, path in called.items() if path is not None}


def _rows(path: Path) -> Rows | None:
    """The rows of a table of two columns and more; None where it is none."""
    if path.stat().st_size > MOST_TABLE_BYTES:
        return None
    try:
        lines = read_file(path).decode("utf-8-sig").splitlines()
        separator = separator_of(next((line for line in lines if line.strip()), ""))
        reader = csv.reader(StringIO("\n".join(lines)), delimiter=separator or " ")
        rows = [[field.strip() for field in row] for row in reader if row]
    except (DataError, UnicodeDecodeError, csv.Error):
        return None
    return rows if rows and min(map(len, rows)) >= 2 else None


def _file_column(rows: Rows, called: Mapping[str, Path]) -> int | None:
    """The column that names images in most of its rows, the first of those; None: there is none."""
    columns = range(min(map(len, rows)))
    counts = [sum(row[column] in called for row in rows) for column in columns]
    return counts.index(max(counts)) if 2 * max(counts) > len(rows) - 1 else None


def _listed(table: Path, rows: Rows, called: Mapping[str, Path]) -> tuple[Classes, list[str]]:
    column = _file_column(rows, called) or 0
    header = rows[0] if rows[0][column] not in called else None
    body = rows[1:] if header else rows
    labels = _label_column(header, len(rows[0]), column, table)
    classes: Classes = {}
    missing, taken = [], set()
    for row in body:
        path = called.get(row[column])
        if path is None:
            missing.append(row[column])
        elif path in taken:
            raise DataError(f"{table}: lists {row[column]!r} twice; wanted one row for each image")
        else:
            taken.add(path)
            classes.setdefault(row[labels], []).append(path)
    reading = [f"labels are column {labels + 1} of {table.name}, beside the files' names"]
    if missing:
        first = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        reading.append(f"{table.name} lists images that are not there: {len(missing):,} ({first})")
    return classes, reading


def _label_column(header: list[str] | None, columns: int, file: int, table: Path) -> int:
    others = [column for column in range(columns) if column != file]
    named = [column for column in others if header and header[column].casefold() in LABELS]
    for choice in (named, others):
        if len(choice) == 1:
            return choice[0]
    raise DataError(
        f"{table}: {columns} columns, and nothing says which has the labels; name that one 'label' "
        "in the first line"
    )

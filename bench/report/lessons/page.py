"""All lessons of a folder: for the tab of ``index.html``, and as a table in Markdown.

    python -m bench lessons results/lessons                          # a row a question
    python -m bench lessons results/mine results/yours               # a column a machine
    python -m bench lessons results/lessons --into docs/teaching.md  # in place of the table there

Exit code 2 where a folder has no records, or the file has no such table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bench import UsageError
from bench.report import wording
from bench.report.lessons import measuring, speed
from bench.report.lessons.lesson import Lesson, Measured, Question, measured
from bench.report.tables.table import markdown_line
from bench.results import write_atomically
from bench.results.evidence import Ensembling
from bench.results.folder import Results, ResultsError
from bench.run.door import parser_of
from bench.stats import runs
from bench.stats.runs import Replicates

# In the order in which they are asked.
LESSONS: tuple[Callable[[Measured], Lesson], ...] = (
    measuring.noise,
    speed.batch,
    speed.flop,
    speed.winner,
    speed.compiling,
    speed.processors,
    speed.ensemble,
    speed.bf16,
    measuring.accuracy,
    measuring.tuned,
    speed.device,
    measuring.clock,
)
HEAD = "| lesson |"  # begins the table


def lessons(groups: Iterable[Replicates], ensembling: Ensembling | None) -> list[Lesson]:
    """Every lesson, answered where the folder has measured it.

    Args:
        groups: of one folder, with the evidence beside them.
        ensembling: the folder's; None: it has none.
    """
    folder = measured(groups, ensembling)
    return [make(folder) for make in LESSONS]


def markdown(folders: Sequence[tuple[str, Sequence[Lesson]]]) -> str:
    """A row a question, a column a folder: what was measured there, and how the textbook stands.

    ``folders``: of each the name and the lessons.
    """
    names, answered = zip(*folders, strict=True)
    rows: list[Sequence[str]] = [("lesson", *names), ["---"] * (1 + len(names))]
    for same in zip(*answered, strict=True):  # a lesson, as each folder answers it
        first, again = zip(*(lesson.questions for lesson in same), strict=True)
        rows.append((same[0].title, *map(answer, first)))
        rows.append((f"{same[0].title}: again", *map(answer, again)))
    return "\n".join(map(markdown_line, rows))


def answer(question: Question) -> str:
    """What was measured, with its interval, and what the textbook expects of it."""
    truth, book = question.truth, question.textbook
    if truth is None:
        return wording.NOT_MEASURED
    low, high = (wording.number(end, 2) for end in (book.low, book.high))
    side = "within" if question.agrees else "above" if truth.value > book.high else "below"
    found = wording.estimate(truth.value, truth.interval)
    return f"{found} {question.unit}: {side} {low} to {high}"


def main(argv: Sequence[str] | None = None) -> int:
    """Print the answers of folders, or put them into a file; 2 where that cannot be done."""
    options = _parser().parse_args(argv)
    try:
        table = markdown(answered(options.folders))
        if options.into is None:
            print(table)
        else:
            replace_table(options.into, table)
    except (ResultsError, UsageError) as error:
        print(f"bench lessons: error: {error}", file=sys.stderr)
        return 2
    return 0


def answered(folders: Iterable[Path]) -> list[tuple[str, list[Lesson]]]:
    """Of each folder the name and the lessons. Raises ResultsError where one has no records."""
    every = []
    for folder in folders:
        results = Results(folder)
        groups = runs.replicates(results.require_records(), results.evidence())
        every.append((folder.absolute().name, lessons(groups, results.ensembling())))
    return every


def replace_table(file: Path, table: str) -> None:
    """Put the table in place of the one in a file that has the same head.

    Raises UsageError where the file cannot be read, or has no such table.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}") from error
    earlier = table_in(text)
    if earlier is None:
        raise UsageError(f"{file} has no table whose head begins with {HEAD!r}; add one")
    write_atomically(file, text.replace(earlier, table).encode())


def table_in(text: str) -> str | None:
    """The table of answers in a text; None where there is none."""
    _, head, rest = f"\n{text}".partition(f"\n{HEAD}")
    return f"{HEAD}{rest}".partition("\n\n")[0].rstrip("\n") if head else None


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench lessons",
        "Answer the lessons by the runs of results folders: a table in Markdown, a column a "
        "folder. On a folder's index.html they are asked before they are answered.",
        "results/lessons",
        "results/lessons --into docs/teaching.md",
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="DIR", help="such as results/lessons"
    )
    parser.add_argument(
        "--into",
        type=Path,
        metavar="FILE",
        help="put the table in place of the one in this file, instead of printing it",
    )
    return parser

"""All lessons of a folder: for the tab of ``index.html``, and as a table in Markdown.

    python -m bench lessons results/lessons                          # a row a question
    python -m bench lessons results/lessons --into docs/teaching.md  # in place of the table there

Exit code 2 where the folder has no records, or the file has no such table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
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
HEAD = ("lesson", "measured here", "textbook", "agrees")


def lessons(groups: Iterable[Replicates], ensembling: Ensembling | None) -> list[Lesson]:
    """Every lesson, answered where the folder has measured it.

    Args:
        groups: of one folder, with the evidence beside them.
        ensembling: the folder's; None: it has none.
    """
    folder = measured(groups, ensembling)
    return [make(folder) for make in LESSONS]


def markdown(listed: Iterable[Lesson]) -> str:
    """A row a question: what was measured, what the textbook expects, whether the two meet."""
    lines = [markdown_line(HEAD), markdown_line(["---"] * len(HEAD))]
    lines += [markdown_line(row) for lesson in listed for row in _rows(lesson)]
    return "\n".join(lines)


def _rows(lesson: Lesson) -> Iterator[Sequence[str]]:
    for number, question in enumerate(lesson.questions):
        title = lesson.title if number == 0 else f"{lesson.title}: again"
        yield title, answer(question), expected(question), _agrees(question)


def answer(question: Question) -> str:
    """What was measured, with its interval and unit; else that it was not."""
    truth = question.truth
    if truth is None:
        return wording.NOT_MEASURED
    return f"{wording.estimate(truth.value, truth.interval)} {question.unit}"


def expected(question: Question) -> str:
    """What the textbook expects of what was measured."""
    book = question.textbook
    ends = (wording.number(end, 2) for end in (book.low, book.high))
    return f"{' to '.join(ends)} {question.unit}" if question.truth else "–"


def _agrees(question: Question) -> str:
    return {None: "–", True: "yes", False: "no"}[question.agrees]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the answers of a folder, or put them into a file; 2 where that cannot be done."""
    options = _parser().parse_args(argv)
    results = Results(options.folder)
    try:
        groups = runs.replicates(results.require_records(), results.evidence())
        table = markdown(lessons(groups, results.ensembling()))
        if options.into is None:
            print(table)
        else:
            replace_table(options.into, table)
    except (ResultsError, UsageError) as error:
        print(f"bench lessons: error: {error}", file=sys.stderr)
        return 2
    return 0


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
        raise UsageError(f"{file} has no table with the head {markdown_line(HEAD)}; add one")
    write_atomically(file, text.replace(earlier, table).encode())


def table_in(text: str) -> str | None:
    """The table of answers in a text; None where there is none."""
    head = markdown_line(HEAD)
    if head not in text:
        return None
    return text[text.index(head) :].partition("\n\n")[0].rstrip("\n")


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench lessons",
        "Answer the lessons by the runs of a results folder: a table in Markdown. On the folder's "
        "index.html they are asked before they are answered.",
        "results/lessons",
        "results/lessons --into docs/teaching.md",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="such as results/lessons")
    parser.add_argument(
        "--into",
        type=Path,
        metavar="FILE",
        help="put the table in place of the one in this file, instead of printing it",
    )
    return parser

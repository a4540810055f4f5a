"""What a suite ends with: a short table in colour, one sentence, what to beware of, the page.

A row a framework, at most six; a column a network on a task. Colours go where there is no terminal
or NO_COLOR is set. Everything else is on the page of the results folder.
"""

from __future__ import annotations

import sys
import webbrowser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from bench.report import summary, trust, wording
from bench.report.comparison import FRAMEWORK, Comparison, Ranking, comparisons, ranking, told_apart
from bench.report.tables import ladder
from bench.report.web.page import NAME as PAGE
from bench.results.folder import Results
from bench.run import streams
from bench.stats import runs, verdict
from bench.stats.runs import Replicates

MOST_ROWS = 6
MOST_COLUMNS = 4
PLAIN_WIDTH = 120  # characters of a table that goes to no terminal
FASTEST, AS_FAST, FAILED = "bold green", "green", "red"
CAPTION = (
    "Training images per second, and that as a share of the fastest's. ~: not shown to be slower."
)


@dataclass(frozen=True, kw_only=True)
class Column:
    """One network on one task: who trained it how fast."""

    subject: str  # 'CNN on digits', and what tells it from other columns
    comparison: Comparison
    ranked: Ranking

    def cell(self, label: str) -> tuple[str, str]:
        """What the table says of a framework, and its style."""
        for standing in self.ranked.standings:
            if standing.name == label:
                best = self.ranked.standings[0]
                share = standing.mean / best.mean
                slower = self.ranked.beats(best.group, standing.group)
                mark = "" if slower or standing is best else "~"
                style = FASTEST if standing is best else "" if slower else AS_FAST
                return f"{wording.number(standing.mean)}  {mark}{share:.2f}×", style
        for name, group in self.labelled():
            if name == label and group.failed:
                return group.failed[0].status, FAILED
        return "–", ""

    def labelled(self) -> Iterator[tuple[str, Replicates]]:
        """Every framework of it by its label, those that failed too."""
        groups = self.comparison.groups
        return zip(wording.distinct_labels(groups), groups, strict=True)

    def claim(self) -> str:
        """Who is fastest, or why that cannot be said; no full stop."""
        best, *others = self.ranked.standings
        if not others:
            return f"{self.subject} trains at {summary.rate(best)} in {best.name}"
        beside = self.ranked.between(best.group, others[0].group)
        if beside is None or beside.paired.interval is None:
            pairs = "one seed shows no winner" if beside else "no seed is in all"
            return f"{self.subject}: {best.name} is ahead, but {pairs}"
        *rivals, last = [best, *self.ranked.rivals()]
        if rivals:
            names = ", ".join(rival.name for rival in rivals)
            return f"{self.subject}: undecided between {names} and {last.name}"
        times = wording.estimate(beside.paired.ratio, beside.paired.interval)
        return (
            f"{self.subject}: {best.name} is the fastest, {times} times as fast as {others[0].name}"
        )


def columns(groups: Sequence[Replicates]) -> list[Column]:
    """What is shown: training to the end before mere steps, comparisons before single rows."""
    measured = comparisons(groups, FRAMEWORK, lambda each: bool(each.measured))
    goal = measured[0].experiment.goal if measured else None
    alike = [each for each in measured if each.experiment.goal == goal]
    several = [each for each in alike if len(each.groups) > 1]
    chosen = (several or alike)[:MOST_COLUMNS]
    apart = told_apart(chosen, ("task", "architecture"))
    return [_column(each, fields) for each, fields in zip(chosen, apart, strict=True)]


def _column(comparison: Comparison, apart: Sequence[str]) -> Column:
    experiment = comparison.experiment
    network = f"{wording.architecture(experiment.architecture)} on {experiment.task}"
    return Column(
        subject=", ".join(filter(None, (network, wording.apart(experiment, apart)))),
        comparison=comparison,
        ranked=ranking(comparison.groups, runs.throughput_images_per_s, best="highest"),
    )


def sentence(shown: Sequence[Column]) -> str:
    """All claims in one; empty where nothing was measured."""
    claims = [column.claim() for column in shown if column.ranked.standings]
    return "; ".join(claims) + "." if claims else ""


def checked(groups: Sequence[Replicates]) -> str:
    """Whether equal work is shown, and how large a difference is noise."""
    reasons = [trust.why_not(each) for each in groups if each.measured]
    asked = [reason for reason in reasons if reason != trust.ONE_FRAMEWORK]
    floors = [floor for each in groups if (floor := verdict.noise_floor_of(each)) is not None]
    noise = f"Noise floor {wording.percent(max(floors), 1)}" if floors else "Noise floor not known"
    if not asked:
        return f"{noise}."
    return f"{noise}; equal work is shown for {asked.count(None)} of {len(asked)} experiments."


def show(results: Results, *, browser: bool = False, file: TextIO | None = None) -> None:
    """Print it.

    Args:
        results: a folder with records, whose page is written.
        browser: whether to open the page in one.
        file: where to; None for standard output.
    """
    out = file or sys.stdout
    groups = runs.replicates(results.records(), results.evidence())
    shown = columns(ladder.unrestored(groups) or groups)
    if any(column.ranked.standings for column in shown):
        _print_table(shown, out)
    lines = (
        sentence(shown),
        *ladder.sentences(groups),
        groups[0].evidence.suite.seeds_stopped,
        *wording.notices(group.data for group in groups),
        checked(groups),
        *summary.warnings(groups),
    )
    page = results.folder / PAGE
    print("\n".join(filter(None, lines)), file=out)
    print(f"\n{page}", file=out, flush=True)
    if browser and not webbrowser.open(page.resolve().as_uri()):
        print("no browser could be opened", file=sys.stderr)


def _print_table(shown: Sequence[Column], out: TextIO) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text  # which takes brackets in a name for no style

    ranked = (standing.name for column in shown for standing in column.ranked.standings)
    others = (label for column in shown for label, _ in column.labelled())
    labels = list(dict.fromkeys((*ranked, *others)))
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for column in shown:
        table.add_column(Text(column.subject), justify="right")
    for label in labels[:MOST_ROWS]:
        cells = (column.cell(label) for column in shown)
        table.add_row(Text(label), *(Text(words, style) for words, style in cells))
    width = None if streams.is_terminal(out) else PLAIN_WIDTH
    console = Console(file=out, width=width, highlight=False)
    console.print(table, Text(CAPTION, "dim"), sep="")
    if len(labels) > MOST_ROWS:
        print(f"{len(labels) - MOST_ROWS} more on the page.", file=out)

"""What a results folder's Markdown pages say.

README.md          a summary with links: the answer first, then what it rests on
details.md         what stands behind it: every sentence with interval and p, every check
plots/README.md    every plot with how to read it
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.report import audit, summary, trust, wording
from bench.report.plots import costs, curves, power
from bench.report.plots.style import Plot
from bench.report.tables import ladder
from bench.report.tables.table import (
    Cell,
    Section,
    Table,
    fact_table,
    markdown_line,
    sections_to_markdown,
)
from bench.report.web.page import NAME as BROWSER_PAGE
from bench.report.web.top import top
from bench.results.folder import PAGE, Results
from bench.results.record import Record
from bench.stats import runs
from bench.stats.runs import Replicates

DETAILS = "details.md"
MOST_LINES = 45  # of the table on the page: the whole is in its file
MAIN = (curves.ACCURACY,)  # the plots that the page shows; to the others it leads
APPENDIX = (costs.ROOFLINE, costs.STEADINESS, power.POWER)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A plot and what was drawn of it."""

    plot: Plot
    # files' names without the ending, what is equal in all panels, what they show in a sentence
    pages: Sequence[tuple[str, str, str]]
    left: int  # pages that were not drawn


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A table that is in a file, or is not made."""

    name: str
    title: str
    needs: str  # what it would need; empty: it is made


@dataclass(frozen=True, kw_only=True)
class Report:
    """A results folder and what was made of it."""

    results: Results
    records: Sequence[Record]
    groups: Sequence[Replicates]  # of the same runs, those of ladders too
    plain: Sequence[Replicates]  # without those of ladders
    sentences: Sequence[str]  # what the runs show, with intervals and p
    beside: Table  # the frameworks side by side
    tables: Sequence[Listed]
    plots: Sequence[Drawn]

    @property
    def name(self) -> str:
        """The folder's."""
        return self.results.folder.resolve().name


# README.md


def paragraphs(report: Report) -> Iterator[str]:
    """The summary: an answer in its first lines, and links to all else."""
    first = top(report.plain or report.groups, report.records)
    yield f"# Results: {report.name}"
    yield from first.notices
    yield first.measured
    yield first.faster
    yield (
        f"**{first.light}** {first.trusted} [All that was checked]({DETAILS}"
        f"#{_anchor(trust.HEADING)})."
    )
    yield (
        f"[{BROWSER_PAGE}]({BROWSER_PAGE}), opened in a browser, shows the same runs to choose "
        "from, judges anew what is chosen, and explains every word."
    )
    yield from _side_by_side(report.beside)
    yield "## What the runs show"
    shown = (*summary.brief(report.plain), *ladder.sentences(report.groups))
    yield "\n".join(
        (
            *(f"- {sentence}" for sentence in shown),
            f"- [Every comparison in full sentences, with intervals and p]({DETAILS}).",
        )
    )
    yield trust.HEADING
    yield "\n".join(f"- {sentence}" for sentence in trust.brief(report.groups, report.records))
    yield from _machine(report.records)
    yield from _data(report.records)
    yield from _studies(report.results.studied())
    yield from _links(report)
    if commands := report.results.commands():
        yield "## Made by"
        yield "\n".join(("```sh", *commands, "```"))


def _side_by_side(table: Table) -> Iterator[str]:
    """The first table in short: a line a framework, its figures beside the highest."""
    trained = [s for s in table.sections if s.rows[0].first.experiment.goal == "train"]
    sections = trained or table.sections
    lines: list[tuple[str, ...]] = []
    shown = 0
    for section in sections:
        if lines and len(lines) + len(section.rows) >= MOST_LINES:
            break
        lines += _block(section)
        shown += 1
    if not any("".join(line[1:]) for line in lines):
        return
    compared = any(line[2] for line in lines)
    beside = "Each row is set beside the fastest of its block, seed by seed. " if compared else ""
    left = len(sections) - shown
    more = f"{wording.counted(left, 'more block')} and all columns" if left else "All columns"
    yield "## Side by side"
    yield "\n".join(map(markdown_line, _without_empty_columns(lines)))
    yield (
        f"{beside}Brackets are 95 % intervals. {more}, with how to read them: "
        f"[{table.title}](tables/{table.name}.md)."
    )


HEADERS = (
    "",
    "training (images/s)",
    "beside the fastest",
    "time to target (s)",
    "test accuracy (%)",
    "remarks",
)
SPREAD = re.compile(r" ± \S+ \(\d+\)")  # '9,220 ± 340 (5)': the table itself has it


def _block(section: Section) -> Iterator[tuple[str, ...]]:
    """A line that says what was compared, and one a framework; of one alone a single line."""
    at = {(c.names or (c.header,))[0]: number for number, c in enumerate(section.columns)}
    times = [number for name, number in at.items() if name.startswith("time_to_")]
    reached = [
        number for number in times if any(_runs_there(line[number]) for line in section.grid)
    ]
    target = max(reached, default=None)  # the highest that any run reached
    asked = min(times, default=None) if target is None else target
    goal = "" if asked is None else section.columns[asked].header
    goal = goal.removeprefix("time ").removesuffix(" (s)")
    if goal and target is None:
        goal += ": not reached"  # said once, not on each line
    alone = len(section.grid) == 1
    if not alone:
        yield (f"**{section.heading}**", "", "", goal, "", "")
    for line in section.grid:
        shown = {name: _in_short(line[number].shown) for name, number in at.items()}
        ratio, verdict = (shown[f"throughput_to_highest_{name}"] for name in ("ratio", "verdict"))
        time = "" if target is None else _in_short(line[target].shown)
        yield (
            f"{section.heading}: {shown['framework']}" if alone else shown["framework"],
            shown["throughput_mean_images_per_s"],
            "" if alone else _beside(ratio, verdict),
            ": ".join(filter(None, (goal, time))) if alone else time,
            shown["test_accuracy_mean_fraction"],
            _remarks(shown["runs"], shown["work"], shown.get("disturbed_n", "")),
        )


def _runs_there(cell: Cell) -> bool:
    """Whether any run reached the target: the fourth of the raw numbers counts them."""
    return bool(cell.raw[3])


def _in_short(shown: str) -> str:
    """Without the standard deviation; what was not measured is empty."""
    return "" if shown == wording.NOT_MEASURED else SPREAD.sub("", shown)


def _beside(ratio: str, verdict: str) -> str:
    """'0.224 [0.209 to 0.236], slower', or why there is no ratio."""
    words = verdict.partition(":")[0]
    return f"{ratio}, {words}" if ratio[:1].isdigit() else words


def _remarks(outcome: str, work: str, disturbed: str) -> str:
    """What is not as it should be: runs that failed, work that is not equal, other programs."""
    remarks = (
        "" if outcome.isdigit() else outcome,
        "" if work in (trust.MATCHED, trust.ONE_FRAMEWORK) else work,
        f"{audit.MARK} {disturbed}" if disturbed else "",
    )
    return "; ".join(filter(None, remarks))


def _without_empty_columns(lines: Sequence[tuple[str, ...]]) -> Iterator[list[str]]:
    """Headers, ruler and lines of a Markdown table."""
    kept = [0, *(n for n in range(1, len(HEADERS)) if any(line[n] for line in lines))]
    yield [HEADERS[n] for n in kept]
    yield ["---" if n in (0, len(HEADERS) - 1) else "---:" for n in kept]
    yield from ([line[n] for n in kept] for line in lines)


def _machine(records: Iterable[Record]) -> Iterator[str]:
    """The machine, and the versions of each framework's packages; more than one is pointed at."""
    listed = list(records)
    yield "## Machine and versions"
    machines = list(dict.fromkeys(record.machine for record in listed))
    for machine in machines:
        lines = (wording.machine(runs.host(machine)), *wording.gpus(machine.gpus))
        yield "\n".join(f"- {line}" for line in lines)
    if len(machines) > 1:
        yield "Runs of different machines lie in this folder. They are never put together."
    versions = dict.fromkeys(
        (record.experiment.framework, tuple(record.versions.items()))
        for record in listed
        if record.status != "not installed"
    )
    if versions:
        yield "\n".join(
            _versions([(framework, dict(packages)) for framework, packages in versions])
        )


def _versions(packages: Sequence[tuple[str, dict[str, str]]]) -> Iterator[str]:
    """What all have in common once, and what each has besides."""
    common = {}
    if len(packages) > 1:
        first, *others = (versions.items() for _, versions in packages)
        common = dict(item for item in first if all(item in other for other in others))
    if common:
        yield f"- all: {wording.versions(common)}"
    for framework, versions in packages:
        own = {name: version for name, version in versions.items() if name not in common}
        if own or not common:
            yield f"- {framework}: {wording.versions(own)}"


def _data(records: Iterable[Record]) -> Iterator[str]:
    yield "## Data"
    datasets = list(dict.fromkeys(record.data for record in records))
    facts = (
        {
            "task": data.task,
            "source": wording.source(data),
            "classes": len(data.class_names),
            "training": data.train_images,
            "validation": data.validation_images,
            "test": data.test_images,
            "duplicates_removed": data.duplicates_removed,
            "fingerprint": f"`{data.fingerprint[:12]}`",
        }
        for data in datasets
    )
    numbers = ("training", "validation", "test", "duplicates_removed")
    table = fact_table(
        name="data", title="Data", explanation="", rows=facts, formats={",": numbers}
    )
    yield from sections_to_markdown(table)
    for data in datasets:
        if data.reading:
            yield f"How the files of {data.task} were read:"
            yield "\n".join(f"- {sentence}" for sentence in data.reading)


def _studies(tasks: Sequence[str]) -> Iterator[str]:
    if tasks:
        yield "## The study"
        yield "\n".join(
            f"- [{task.capitalize()}](study/{task}/{PAGE}), and with every picture and table "
            f"[in a browser](study/{task}/{BROWSER_PAGE})"
            for task in tasks
        )


def _links(report: Report) -> Iterator[str]:
    """Plots and tables: those that are made, and how many are not."""
    drawn = [each for each in report.plots if each.pages]
    if drawn:
        yield "## Plots"
    for each in drawn:
        if each.plot in MAIN:
            stem, _, finding = each.pages[0]
            yield f"![{finding or each.plot.title}](plots/{stem}.png)"
    if drawn:
        main = ", ".join(_plot_link(each) for each in drawn if each.plot not in APPENDIX)
        others = ", ".join(_plot_link(each) for each in drawn if each.plot in APPENDIX)
        yield f"{main}." + (f"\n\nAppendix: {others}." if others else "")
    yield "## Tables"
    made = [table for table in report.tables if not table.needs]
    yield ", ".join(f"[{table.title}](tables/{table.name}.md)" for table in made) + "."
    missing = len(list(_not_made(report)))
    yield "Each is there as CSV too, under the same name." + (
        f" Tables and plots that are [not made]({DETAILS}#not-made): {missing}." if missing else ""
    )


def _plot_link(drawn: Drawn) -> str:
    return f"[{drawn.plot.title}](plots/{PAGE}#{_anchor(drawn.plot.title)})"


def _anchor(heading: str) -> str:
    """As GitHub and most viewers of Markdown make them: 'Start-up phases' -> start-up-phases."""
    words = heading.lstrip("# ").lower()
    return re.sub(r"[^\w -]", "", words).replace(" ", "-")


# details.md


def details(report: Report) -> Iterator[str]:
    """Every sentence and every check; and what was not made."""
    records = report.records
    first, last = (pick(record.started_at for record in records) for pick in (min, max))
    seeds = sorted({record.seed for record in records})
    yield f"# Results: {report.name}, in detail"
    yield (
        f"{wording.counted(len(records), 'run')}, "
        f"{wording.counted(len(seeds), 'seed')} ({', '.join(map(str, seeds))}), started between "
        f"{first[:16]} and {last[:16]} UTC. [{PAGE}]({PAGE}) is the summary. All pages, tables and "
        "plots are made from the records, the audit and the certificates alone; "
        "`python -m bench report` with this folder makes them again."
    )
    yield "## What the runs show"
    yield from report.sentences
    yield from trust.paragraphs(report.groups, records)
    missing = list(_not_made(report))
    if missing:
        yield "## Not made"
        yield "\n".join(f"- {line}" for line in missing)


def _not_made(report: Report) -> Iterator[str]:
    for table in report.tables:
        if table.needs:
            yield f"{table.title}: not made; it needs {table.needs}."
    for drawn in report.plots:
        if not drawn.pages:
            yield f"{drawn.plot.title}: not drawn; it needs {drawn.plot.needs}."


# plots/README.md


def plots(report: Report) -> Iterator[str]:
    """Every plot that was drawn, with how to read it."""
    yield f"# Plots: {report.name}"
    for drawn in report.plots:
        if not drawn.pages:
            continue
        title = drawn.plot.title
        yield f"## {title}"
        yield drawn.plot.caption
        for stem, conditions, finding in drawn.pages:
            yield f"![{title}: {conditions}]({stem}.png)"
            yield f"{finding}. {conditions} ([SVG]({stem}.svg))"
        if drawn.left:
            yield (
                f"{wording.counted(drawn.left, 'more page')} of it can be drawn: "
                f"`python -m bench report {report.results.folder} --all-plots`."
            )

"""The report of a grid: which framework is faster on all machines, and which machine is odd."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.cluster.grid import Grid
from bench.cluster.machines import Across, Machine, Read, Speed, Subject, compare, read, speeds
from bench.cluster.status import Standing
from bench.report import wording
from bench.report.comparison import EXPERIMENT_FIELDS, FRAMEWORK, HEADING, USUAL
from bench.report.plots import style
from bench.report.tables.table import (
    Table,
    fact_table,
    sections_to_markdown,
    to_csv,
    without_tags,
)
from bench.results.folder import PAGE, ResultsError
from bench.results.made import making
from bench.stats.verdict import Outcome

MOST_PANELS = 6
SENTENCES = 8  # of comparisons; the table has all of them
NAMED = 40  # machines of a kind: of more, odd ones alone are named in the picture
WORDS: Mapping[Outcome, str] = {
    "higher": "faster",
    "lower": "slower",
    "tie": "tie",
    "undecided": "undecided",
}
MACHINES = (
    "A row a node. Speed is the geometric mean of its training throughputs over the medians of the "
    "nodes of its kind, by the same experiments; its 95 % interval is over experiments, or over "
    "blocks where there is one experiment. The noise floor is what the audits of its blocks found "
    "an experiment to differ by from itself. Odd is a node whose whole interval is farther from 1 "
    "than that; it takes three nodes of a kind."
)
FRAMEWORKS = (
    "A row two frameworks. Their ratio is taken within each block, so on one node with one seed; "
    "then comes the mean over a node's blocks, then the geometric mean over nodes, with its 95 % "
    "interval over nodes and p of Student's paired t test, corrected by Holm's method. Blocks in "
    "which other programs, or heat, disturbed one of the two are left out."
)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that a grid's page is made of."""

    content: Read
    across: list[Across]
    speeds: list[Speed]
    headings: Mapping[Subject, str]


def write(grid: Grid, standings: Sequence[Standing]) -> str:
    """Write page, tables and picture of all blocks, and return what they say in sentences.

    Raises ResultsError where no run has ended, or a file is broken.
    """
    names = [(kind.name, name) for kind in grid.kinds() for name in grid.names(kind)]
    content = read(grid, names)
    if not content.machines:
        raise ResultsError(f"{grid.folder}: no run of any block has ended")
    across = compare(content.machines)
    findings = Findings(
        content=content,
        across=across,
        speeds=speeds(content.machines),
        headings=_headings(across, content),
    )
    sentences = [*_sentences(findings)]
    tables = [_machines(findings), *_frameworks(findings)]
    with grid.held("report") as held, making(grid.folder) as made:
        if not held:
            raise ResultsError(f"{grid.folder}: another process makes its report; wait for it")
        for table in tables:
            made.write(f"{table.name}.csv", to_csv(table).encode())
        if findings.speeds:
            figure = draw(findings.speeds)
            made.write("machines.png", style.png(figure))
            made.write("machines.svg", style.svg(figure))
        page = "\n\n".join(_paragraphs(grid, findings, standings, tables, sentences))
        made.write(PAGE, without_tags(f"{page}\n").encode())
    return "\n".join([*sentences, f"\nEverything lies in {grid.folder}: start with {PAGE}"])


def _paragraphs(
    grid: Grid,
    findings: Findings,
    standings: Sequence[Standing],
    tables: Sequence[Table],
    sentences: Sequence[str],
) -> Iterator[str]:
    machines = findings.content.machines
    blocks = sum(len(machine.blocks) for machine in machines)
    yield f"# {grid.folder.resolve().name}: {wording.counted(blocks, 'block')} on " + (
        wording.counted(len(machines), "machine")
    )
    yield from wording.notices(findings.content.data.values())
    yield "\n".join(f"- {sentence}" for sentence in sentences)
    if findings.speeds:
        yield f"![{title(findings.speeds)}](machines.png)"
    for table in tables:
        yield f"## {table.title}"
        yield f"{table.explanation} [{table.name}.csv]({table.name}.csv) is to compute with."
        yield from sections_to_markdown(table)
    undone = [each for each in standings if each.stage != "done"]
    if undone:
        yield "## Blocks that are not done"
        yield "\n".join(
            f"- {each.name}: {each.stage}, {each.recorded} of {each.runs} runs"
            f"{f' ({each.reason})' if each.reason else ''}"
            for each in undone
        )
    yield (
        "Each block is a results folder of its own in `blocks/`, with its records, audit and "
        "certificates; `python -m bench report` makes a page of it. A block is all runs of one "
        "seed on one node, and rows are compared within it alone."
    )


# Words


def _sentences(findings: Findings) -> Iterator[str]:
    for each in findings.across[:SENTENCES]:
        first, second = " ".join(each.contender), " ".join(each.baseline)
        ratios = [within.ratio for within in each.within]
        blocks = sum(within.blocks for within in each.within)
        shown = wording.estimate(each.paired.ratio, each.paired.interval, sign=" ×")
        yield (
            f"{findings.headings[each.subject]}: {first} trains at {shown} the throughput of "
            f"{second} on the same machine ({wording.counted(len(ratios), 'machine')}, "
            f"{wording.counted(blocks, 'block')}; {wording.number(min(ratios))} to "
            f"{wording.number(max(ratios))} × by machine): {WORDS[each.outcome]}."
        )
    if (more := len(findings.across) - SENTENCES) > 0:
        yield f"{wording.counted(more, 'more comparison')} in frameworks.csv."
    yield from (_of_speed(each) for each in findings.speeds if each.odd)
    judged = [each for each in findings.speeds if each.odd is not None]
    if judged and not any(each.odd for each in judged):
        yield f"No machine is odd: {wording.counted(len(judged), 'machine')} could be judged."
    matched = sum(machine.matched for machine in findings.content.machines)
    records = sum(machine.records for machine in findings.content.machines)
    yield f"Equal work is shown by a certificate for {wording.all_or(matched, records)} runs."


def _of_speed(speed: Speed) -> str:
    shown = wording.estimate(speed.ratio, speed.interval, sign=" ×")
    return (
        f"{speed.machine.node} is odd: it trains at {shown} the median of the {speed.machine.kind} "
        f"machines, beyond the noise floor of {wording.percent(speed.floor, 1)}."
    )


def _headings(across: Iterable[Across], content: Read) -> dict[Subject, str]:
    """What was trained on what, and what tells subjects apart."""
    subjects = list(dict.fromkeys(each.subject for each in across))
    told = [name for name in EXPERIMENT_FIELDS if name not in (*HEADING, *FRAMEWORK, *USUAL)]
    apart = [n for n in told if len({getattr(experiment, n) for experiment, _ in subjects}) > 1]
    return {
        (experiment, fingerprint): ", ".join(
            filter(
                None,
                (
                    wording.subject(experiment, content.data[fingerprint]),
                    wording.heading_conditions(experiment, USUAL),
                    wording.apart(experiment, apart),
                ),
            )
        )
        for experiment, fingerprint in subjects
    }


# Tables


def _machines(findings: Findings) -> Table:
    known = {id(each.machine): each for each in findings.speeds}
    return fact_table(
        name="machines",
        title="The machines",
        explanation=MACHINES,
        rows=[_row(each, known.get(id(each))) for each in findings.content.machines],
        formats={".3g": ("speed", "speed_low", "speed_high"), ".1%": ("noise_floor",)},
    )


def _row(machine: Machine, speed: Speed | None) -> dict[str, object]:
    interval = speed.interval if speed else None
    odd = speed.odd if speed else None
    return {
        "kind": machine.kind,
        "node": machine.node,
        "processor": machine.host.cpu,
        "cores": machine.host.cores,
        "GPU": machine.gpus or None,
        "blocks": len(machine.blocks),
        "runs": machine.records,
        "failed": "; ".join(machine.failed) or None,
        "disturbed_runs": machine.disturbed,
        "noise_floor": machine.floor,
        "speed": speed.ratio if speed else None,
        "speed_low": interval.low if interval else None,
        "speed_high": interval.high if interval else None,
        "odd": None if odd is None else "odd" if odd else "no",
    }


def _frameworks(findings: Findings) -> Iterator[Table]:
    """Over machines, and machine by machine; nothing where no two frameworks were run."""
    if not findings.across:
        return
    formats = {
        ".3g": ("ratio", "ratio_low", "ratio_high", "lowest", "highest"),
        ".2g": ("p",),
    }
    yield fact_table(
        name="frameworks",
        title="Frameworks, over machines",
        explanation=FRAMEWORKS,
        rows=[_over_machines(each, findings) for each in findings.across],
        formats=formats,
    )
    yield fact_table(
        name="frameworks-by-machine",
        title="Frameworks, machine by machine",
        explanation="A row two frameworks on one node; the interval is over its blocks.",
        rows=[row for each in findings.across for row in _by_machine(each, findings)],
        formats=formats,
    )


def _names(across: Across, findings: Findings) -> dict[str, object]:
    return {
        "comparison": findings.headings[across.subject],
        "framework": " ".join(across.contender),
        "beside": " ".join(across.baseline),
    }


def _over_machines(across: Across, findings: Findings) -> dict[str, object]:
    interval = across.paired.interval
    return _names(across, findings) | {
        "machines": len(across.within),
        "blocks": sum(within.blocks for within in across.within),
        "blocks_left_out": across.left_out,
        "ratio": across.paired.ratio,
        "ratio_low": interval.low if interval else None,
        "ratio_high": interval.high if interval else None,
        "lowest": min(within.ratio for within in across.within),
        "highest": max(within.ratio for within in across.within),
        "p": across.p,
        "verdict": WORDS[across.outcome],
    }


def _by_machine(across: Across, findings: Findings) -> Iterator[dict[str, object]]:
    for within in across.within:
        yield _names(across, findings) | {
            "kind": within.machine.kind,
            "node": within.machine.node,
            "blocks": within.blocks,
            "ratio": within.ratio,
            "ratio_low": within.interval.low if within.interval else None,
            "ratio_high": within.interval.high if within.interval else None,
        }


# The picture


def title(listed: Sequence[Speed]) -> str:
    """What the picture shows, in one line."""
    odd = [each.machine.node for each in listed if each.odd]
    if odd:
        return f"{', '.join(odd[:3])}{' and others' if len(odd) > 3 else ''} not as the others"
    ratios = [each.ratio for each in listed]
    return (
        f"Machines of a kind train at {wording.number(min(ratios))} to "
        f"{wording.number(max(ratios))} × their median"
    )


def draw(listed: Sequence[Speed]) -> Figure:
    """A panel a kind, of the first ones: a dot a machine. ``listed``: at least one."""
    kinds = [
        (kind, list(members))
        for kind, members in groupby(
            sorted(listed, key=lambda each: (each.machine.kind, each.ratio)),
            key=lambda each: each.machine.kind,
        )
    ][:MOST_PANELS]
    notes = [
        "A dot is a machine, with its 95 % interval; grey is the noise floor about the median of "
        "its kind, and ringed is odd."
    ]
    with style.applied():
        figure, grid = style.page(len(kinds))
        for axes, (kind, members) in zip(grid, kinds, strict=True):
            _draw(axes, kind, members)
        style.frame(figure, grid, title(listed), notes)
    return figure


def _draw(axes: Axes, kind: str, members: Sequence[Speed]) -> None:
    look = style.LOOKS[0]
    for row, each in enumerate(members):
        if each.interval:
            ends = [each.interval.low, each.interval.high]
            axes.plot(ends, [row, row], color=look.colour, linewidth=1.6, alpha=0.6)
        axes.plot(
            each.ratio,
            row,
            marker="o",
            color=look.colour,
            markeredgecolor="black" if each.odd else "white",
            markeredgewidth=1.8 if each.odd else 0.6,
            linestyle="",
        )
        if each.odd and len(members) > NAMED:
            style.write_beside(axes, each.machine.node, (each.ratio, row), (8, -4))
    floor = max(each.floor for each in members)
    axes.axvspan(1 / (1 + floor), 1 + floor, color="0.9", zorder=0)
    axes.axvline(1, color="black", linewidth=1.2, linestyle="--")
    few = len(members) <= NAMED
    axes.set_yticks(
        range(len(members)) if few else [], [each.machine.node for each in members] if few else []
    )
    axes.set_ylim(-0.6, len(members) - 0.4)
    axes.xaxis.set_major_formatter(style.PLAIN)
    axes.set_xlabel("throughput, times the median of the kind")
    axes.set_title(f"{kind}: {wording.counted(len(members), 'machine')}")

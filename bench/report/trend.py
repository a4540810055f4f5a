"""python -m bench trend FILES: how long each benchmark took at each commit, and where that changed.

FILES are what pytest-benchmark wrote, results folders, and folders with such in them.
``bench.report.snapshots`` reads them, and ``bench.stats.changes`` finds what changed.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from bench import UsageError
from bench.report import snapshots, wording
from bench.report.plots import style
from bench.report.snapshots import Snapshot
from bench.report.tables.columns import column
from bench.report.tables.table import (
    Cell,
    Section,
    Table,
    sections_to_markdown,
    to_csv,
    without_tags,
)
from bench.results import write_atomically
from bench.results.folder import ResultsError
from bench.results.made import making
from bench.results.sound import RecordError
from bench.run.door import parser_of
from bench.stats import changes
from bench.stats.changes import FEWEST, Change, Segmented, Series
from bench.stats.verdict import Ratio

PAGE = "trend.md"
PANELS = 6  # of a picture
SLOWEST = 3  # benchmarks that are drawn though they did not change
TICKS = 6  # commits named below a panel, at most
CHARACTERS = 40  # of a line above it
EXPLANATION = (
    "Runs stand in the order of their commits. First and last are geometric means over the first "
    "and the last segment, between which and at each change the benchmark became slower (above 1) "
    "or faster; brackets are 95 % intervals. A change is stated only where its interval does not "
    "include 1, p after Holm's correction for all possible segments of all benchmarks is below "
    "0.05, and it is larger than the noise floor: what neighbouring runs of one segment differ "
    "by. It lies between two commits that were measured; others may stand between them."
)


# What is found


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One benchmark, over all runs that have it."""

    name: str
    snapshots: tuple[Snapshot, ...]
    found: Segmented

    def sentence(self, change: Change) -> str:
        """What changed between which commits, and what that rests on."""
        before, after = self.snapshots[change.at - 1], self.snapshots[change.at]
        word = "slower" if change.ratio.ratio > 1 else "faster"
        p = wording.p_value(change.p)
        return (
            f"`{self.name}` became {word} between {before.label} and {after.label}: "
            f"{wording.estimate(change.ratio.ratio, change.ratio.interval)} times the seconds, "
            f"p {p if p.startswith('<') else f'= {p}'}"
        )


def trends(taken: Sequence[Snapshot]) -> list[Trend]:
    """Every benchmark; those that changed come first.

    Args:
        taken: of one machine, in order; at least one.
    """
    names = sorted({name for snapshot in taken for name in snapshot.seconds})
    having = [[each for each in taken if name in each.seconds] for name in names]
    series = [
        Series(
            seconds=tuple(snapshot.seconds[name] for snapshot in members),
            commits=tuple(snapshot.state for snapshot in members),
        )
        for name, members in zip(names, having, strict=True)
    ]
    every = [
        Trend(name=name, snapshots=tuple(members), found=found)
        for name, members, found in zip(names, having, changes.find(series), strict=True)
    ]
    return sorted(every, key=lambda trend: not trend.found.changes)


def slower(every: Sequence[Trend], newest: Snapshot) -> list[str]:
    """The benchmarks of the newest run whose last change was a slowdown."""
    return [
        trend.name
        for trend in every
        if trend.snapshots[-1] is newest
        and trend.found.changes
        and trend.found.changes[-1].ratio.ratio > 1
    ]


# Table, plot and page


def write(folder: Path, taken: Sequence[Snapshot], left_out: Sequence[str] = ()) -> list[Trend]:
    """Write page, table and plots of runs of one machine.

    ``left_out``: what differs in those of others.
    """
    every = trends(taken)
    table = _table(every)
    with making(folder / "plots") as plots:
        pictures = list(_pictures(every, plots.write))
    paragraphs = _page(every, taken, left_out, table, pictures)
    write_atomically(folder / PAGE, ("\n\n".join(paragraphs) + "\n").encode())
    write_atomically(folder / "trend.csv", to_csv(table).encode())
    return every


def sentences(every: Sequence[Trend]) -> list[str]:
    """Every change that is stated, the newest first; or that there is none."""
    found = [(trend, change) for trend in every for change in trend.found.changes]
    found.sort(key=lambda each: each[0].snapshots[each[1].at].order, reverse=True)
    if found:
        return [trend.sentence(change) for trend, change in found]
    most = max(len(trend.snapshots) for trend in every)
    few = f"; that takes {2 * FEWEST} runs (so far: {most})" if most < 2 * FEWEST else ""
    return [f"No change is shown{few}"]


def _page(
    every: Sequence[Trend],
    taken: Sequence[Snapshot],
    left_out: Sequence[str],
    table: Table,
    pictures: Sequence[str],
) -> Iterator[str]:
    first, last = taken[0], taken[-1]
    states = len({snapshot.state for snapshot in taken})
    yield "# The trend"
    yield (
        f"{wording.counted(len(every), 'benchmark')}, {wording.counted(len(taken), 'run')} of "
        f"{wording.counted(states, 'commit')}, {first.label} to {last.label} "
        f"({first.order[0]:%Y-%m-%d} to {last.order[0]:%Y-%m-%d})."
    )
    yield without_tags(_listed(f"{sentence}." for sentence in sentences(every)))
    unknown = sum(snapshot.commit is None for snapshot in taken)
    if unknown:
        yield (
            f"Of {wording.counted(unknown, 'run')} the commit is not known: the place is that of "
            "the time."
        )
    yield from (f"![Times by commit](plots/{stem}.png)" for stem in pictures)
    yield from sections_to_markdown(table)
    yield "## Where"
    yield without_tags(_listed(f"{what}: {value}" for what, value in last.machine.items()))
    if left_out:
        yield "Runs of other machines are left out:"
        yield without_tags(_listed(left_out))


def _listed(lines: Iterator[str] | Sequence[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)


def _table(every: Sequence[Trend]) -> Table:
    section = Section(heading="Every benchmark", note=EXPLANATION, columns=COLUMNS, rows=every)
    return Table(name="trend", title="The trend", explanation="", sections=(section,))


def _plain(value: str | int) -> Cell:
    return Cell(shown=str(value), raw=(value,))


def _ms(seconds: float) -> Cell:
    return Cell(shown=wording.number(1000 * seconds), raw=(seconds,))


def _estimate(ratio: Ratio) -> Cell:
    interval = ratio.interval
    low, high = (interval.low, interval.high) if interval else (None, None)
    return Cell(shown=wording.estimate(ratio.ratio, interval), raw=(ratio.ratio, low, high))


def _changes(trend: Trend) -> str:
    return "; ".join(
        f"×{wording.number(change.ratio.ratio)} at {trend.snapshots[change.at].label}"
        for change in trend.found.changes
    )


COLUMNS = (
    column("benchmark", "benchmark", lambda trend: trend.name, _plain, words=True),
    column("runs", "runs_n", lambda trend: len(trend.snapshots), _plain),
    column("first (ms)", "first_s", lambda trend: trend.found.means_s[0], _ms),
    column("last (ms)", "last_s", lambda trend: trend.found.means_s[-1], _ms),
    column(
        "last / first",
        ("last_over_first", "last_over_first_low", "last_over_first_high"),
        lambda trend: trend.found.overall,
        _estimate,
        absent="",
    ),
    column("changes", "changes", _changes, _plain, words=True),
    column(
        "noise floor",
        "noise_floor_fraction",
        lambda trend: trend.found.floor,
        lambda floor: Cell(shown=wording.about(floor), raw=(floor,)),
        absent="",
    ),
)


def _pictures(every: Sequence[Trend], keep: Callable[[str, bytes], None]) -> Iterator[str]:
    """Those that changed, and of the others the slowest; yields the files' names."""
    drawn = [trend for trend in every if trend.found.changes]
    title = f"{len(drawn)} of {wording.counted(len(every), 'benchmark')} became slower or faster"
    others = [trend for trend in every if not trend.found.changes]
    drawn += sorted(others, key=lambda trend: trend.found.means_s[-1], reverse=True)[:SLOWEST]
    for number, start in enumerate(range(0, len(drawn), PANELS), 1):
        panels = drawn[start : start + PANELS]
        with style.applied():
            figure, grid = style.page(len(panels))
            for axes, trend in zip(grid, panels, strict=True):
                _draw(axes, trend)
            notes = (
                "A point a run, in the order of the commits; lines are the means of segments, "
                "numbers the seconds after a change over those before",
                "Axes do not begin at 0",
            )
            style.frame(figure, grid, title, notes)
        stem = f"trend_{number}"
        keep(f"{stem}.png", style.png(figure))
        keep(f"{stem}.svg", style.svg(figure))
        yield stem


def _draw(axes: Axes, trend: Trend) -> None:
    found, line, mark = trend.found, style.LOOKS[0].colour, style.LOOKS[3].colour
    ms = [1000 * seconds for seconds in found.series.seconds]
    axes.plot(range(len(ms)), ms, "o", color="0.6", markersize=5)
    for segment, mean_s in zip(found.segments, found.means_s, strict=True):
        axes.plot([segment.start - 0.4, segment.stop - 0.6], [1000 * mean_s] * 2, color=line)
    axes.margins(y=0.15)
    top = axes.get_ylim()[1]
    for change in found.changes:
        axes.axvline(change.at - 0.5, color=mark, linestyle=":")
        words = f"×{wording.number(change.ratio.ratio)}"
        style.write_beside(axes, words, (change.at - 0.5, top), (4, -12), color=mark)
    named = np.unique(np.linspace(0, len(ms) - 1, TICKS).round().astype(int)).tolist()
    labels = [trend.snapshots[at].label for at in named]
    axes.set_xticks(named, labels, rotation=30, ha="right", fontsize=10)
    axes.yaxis.set_major_formatter(style.PLAIN)
    axes.set_ylabel("ms")
    axes.set_title(textwrap.fill(trend.name.rpartition("/")[2], CHARACTERS), fontsize=11)


# The command


def main(argv: Sequence[str] | None = None) -> int:
    """Write the trend and say what changed.

    Returns 0; 1 where ``--check`` is given and the last change of a benchmark was a slowdown; 2
    where a file cannot be read, or the runs cannot be joined.
    """
    options = _parser().parse_args(argv)
    try:
        taken, left_out = snapshots.of_one_machine(
            snapshots.read(options.paths), newest_machine=options.newest_machine
        )
        if not any(snapshot.seconds for snapshot in taken):
            raise UsageError("no benchmark was measured in any of the runs; give others")
    except (UsageError, ResultsError, RecordError) as error:
        print(f"bench trend: error: {error}", file=sys.stderr)
        return 2
    every = write(options.out, taken, left_out)
    for sentence in sentences(every):
        print(f"{sentence}.")
    print(f"All of it: {options.out / PAGE}")
    worse = slower(every, taken[-1])
    if options.check and worse:
        print(f"slower than before: {', '.join(worse)}", file=sys.stderr)
    return 1 if options.check and worse else 0


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench trend",
        "Say where benchmarks became slower or faster, from the results of several commits: a "
        "page, a table and plots. Only runs of one machine are joined.",
        ".benchmarks",
        "results/monday results/friday --out results/week --check",
    )
    parser.add_argument(
        "paths",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="a file of pytest-benchmark, a results folder, or a folder with such in it",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results/trend"),
        metavar="DIR",
        help="where to (default: %(default)s)",
    )
    parser.add_argument(
        "--newest-machine",
        action="store_true",
        help="leave out the runs of other machines than that of the newest run",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="end with exit code 1 where the last change of a benchmark was a slowdown",
    )
    return parser

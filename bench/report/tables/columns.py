"""Columns about one group of runs: what it was, how it ended, what was measured.

A column is about one ``Side`` of a row: its only group, or one of several beside one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.report import trust, wording
from bench.report.comparison import EXPERIMENT_FIELDS, Comparison
from bench.report.tables.table import Cell, Column, Raw, Row
from bench.stats import runs, survival, uncertainty
from bench.stats.runs import Replicates, Statistic, Summary
from bench.stats.uncertainty import Interval

Columns = tuple[Column, ...]
Words = str | Callable[[Any], str]  # the same for all rows, or made of a row


@dataclass(frozen=True, kw_only=True)
class Side:
    """Which group of a row a column is about, and what the column's header says of it."""

    pick: Callable[[Row], Replicates | None] = lambda row: row.first  # None: the row lacks it
    header: str = ""  # precedes the column's: 'CPU', 'digits (mnist):'

    @property
    def name(self) -> str:
        """What precedes the column's names in the CSV: 'cpu_', 'digits_mnist_'."""
        kept = (letter if letter.isalnum() else " " for letter in self.header.replace(",", ""))
        return "".join(f"{word}_" for word in "".join(kept).lower().split())


ONLY = Side()


def sides(first: str, second: str) -> tuple[Side, Side]:
    """Both groups of a row of two, under these headers."""
    return (
        Side(pick=lambda row: row.first, header=first),
        Side(pick=lambda row: row.second, header=second),
    )


def column(
    header: str,
    names: str | Iterable[str],
    fact: Callable[[Any], Any],
    cell: Callable[[Any], Cell],
    *,
    absent: Words = wording.NOT_MEASURED,
    words: bool = False,
) -> Column:
    """A column of one fact of each row; a row whose fact is None says ``absent`` instead.

    Its raw values are then empty, and those that count (names that end in ``_n``) are 0.
    """
    names = (names,) if isinstance(names, str) else tuple(names)
    nothing = tuple(0 if name.endswith("_n") else None for name in names)

    def of_row(row: Any) -> Cell:
        known = fact(row)
        if known is not None:
            return cell(known)
        return Cell(shown=absent if isinstance(absent, str) else absent(row), raw=nothing)

    return Column(header=header, names=names, cell=of_row, words=words)


def text(header: str, of: Callable[[Replicates], str]) -> Column:
    """A column of words about a row's first group, in Markdown only."""
    return column(
        header, (), lambda row: row.first, lambda group: Cell(shown=of(group), raw=()), words=True
    )


def words(
    header: str,
    name: str,
    fact: Callable[[Any], str | None],
    absent: Words = wording.NOT_MEASURED,
) -> Column:
    """A column of words, the same in Markdown and in the CSV; ``absent`` in Markdown alone."""

    def cell(known: str) -> Cell:
        return Cell(shown=known, raw=(known,))

    return column(header, name, fact, cell, absent=absent, words=True)


def number(
    header: str,
    name: str,
    fact: Callable[[Any], float | None],
    *,
    scale: float = 1.0,
    digits: int = 3,
) -> Column:
    """A column of one number of each row; without a name in Markdown only.

    ``scale`` and ``digits`` are for Markdown alone, as of ``wording.number``.
    """

    def cell(known: float) -> Cell:
        return Cell(shown=wording.number(known * scale, digits), raw=(known,) if name else ())

    return column(header, (name,) if name else (), fact, cell)


# What the runs of a row were, and how they ended


ABOUT: dict[str, Callable[[Replicates], Raw]] = {
    **{
        name: lambda group, name=name: getattr(group.experiment, name)  # type: ignore[misc]
        for name in ("goal", *EXPERIMENT_FIELDS)
    },
    "native": lambda group: " ".join(group.experiment.native),
    "images_drawn": lambda group: group.data.drawn,
    "data_fingerprint": lambda group: group.data.fingerprint,
    "machine": lambda group: wording.machine(group.host),
    "versions": lambda group: wording.versions(group.versions),
}


def experiment(leave_out: Iterable[str] = ()) -> Column:
    """What a row's runs were: experiment, data, machine, versions; in the CSV only.

    ``leave_out`` names what a row has several of.
    """
    about = {name: of for name, of in ABOUT.items() if name not in {*leave_out}}

    def cell(row: Row) -> Cell:
        return Cell(shown="", raw=tuple(of(row.first) for of in about.values()))

    return Column(header="", names=tuple(about), cell=cell)


def _outcome(row: Row) -> Cell:
    """How many runs a row has, and how and why some did not end well."""
    group = row.first
    reasons = "; ".join(dict.fromkeys(map(wording.failure, group.failed)))
    raw = (len(group.records), len(group.failed), reasons or None)
    return Cell(shown=wording.outcome(group), raw=raw)


def _work(row: Row) -> Cell:
    """Whether its work is matched; of a row of several groups each reason once."""
    reasons = dict.fromkeys(trust.work(group) for group in row.groups if group.measured)
    unmatched = "; ".join(reason for reason in reasons if reason != trust.MATCHED)
    shown = unmatched or "".join(reasons)
    return Cell(shown=shown, raw=(shown or None,))


FRAMEWORK = Column(
    header="framework", names=(), cell=lambda row: Cell(shown=row.label, raw=()), words=True
)
OUTCOME = Column(header="runs", names=("runs", "runs_failed", "reason"), cell=_outcome, words=True)
WORK = Column(header="work", names=("work",), cell=_work, words=True)


def outcome_of(side: Side) -> Column:
    """How many runs one group of a row has, and what failed."""

    def outcome(row: Row) -> str | None:
        group = side.pick(row)
        return wording.outcome(group) if group else None

    return words(f"{side.header} runs", f"{side.name}runs", outcome)


def failed(told_by: Callable[[Replicates], str]) -> Column:
    """What failed and why, of rows of several groups; ``told_by`` tells a row's groups apart."""

    def reasons(row: Row) -> str | None:
        failures = dict.fromkeys(
            f"{told_by(group)}: {wording.failure(record)}"
            for group in row.groups
            for record in group.failed
        )
        return "; ".join(failures) or None

    return words("failed", "failed", reasons, absent="")


# Quantities of one group


def quantity(
    header: str,
    name: str,
    unit: str,
    statistic: Statistic,
    *,
    scale: float = 1.0,
    decimals: int | None = None,
    side: Side = ONLY,
) -> Column:
    """A column of a statistic over seeds.

    Args:
        header: in Markdown.
        name, unit: make the CSV's ``NAME_mean_UNIT``, ``NAME_std_UNIT`` and ``NAME_n``.
        statistic: of one run, in ``unit``.
        scale, decimals: for Markdown alone, as of ``wording.spread``.
        side: the group that it is about.
    """

    def summary(row: Row) -> Summary | None:
        group = side.pick(row)
        return group.summary(statistic) if group else None

    return column(
        f"{side.header} {header}".strip(),
        spread_names(f"{side.name}{name}", unit),
        summary,
        lambda known: Cell(shown=wording.spread(known, scale, decimals), raw=numbers(known)),
    )


def spread_names(name: str, unit: str) -> tuple[str, str, str]:
    """What the CSV calls mean, standard deviation and n."""
    return f"{name}_mean_{unit}", f"{name}_std_{unit}", f"{name}_n"


def numbers(summary: Summary | None) -> tuple[Raw, Raw, Raw]:
    """Mean, standard deviation and n for the CSV."""
    return (summary.mean, summary.std, summary.n) if summary else (None, None, 0)


def ends(interval: Interval | None) -> tuple[Raw, Raw]:
    """Both ends for the CSV; empty where there is no interval."""
    return (interval.low, interval.high) if interval else (None, None)


def throughput(side: Side = ONLY) -> Column:
    """Training images per second."""
    statistic = runs.throughput_images_per_s
    return quantity("training (images/s)", "throughput", "images_per_s", statistic, side=side)


def accuracy(side: Side = ONLY) -> Column:
    """Test accuracy over seeds, and Wilson's interval for the number of test images."""

    def cell(group: Replicates) -> Cell:
        summary, interval = group.summary(runs.test_accuracy), wilson_of(group)
        shown = f"{wording.spread(summary, 100, 2)} {wording.bounds(interval, scale=100)}"
        return Cell(shown=shown.strip(), raw=(*numbers(summary), *ends(interval)))

    test = f"{side.name}test_accuracy"
    names = (*spread_names(test, "fraction"), f"{test}_low_fraction", f"{test}_high_fraction")
    return column(f"{side.header} test accuracy (%)".strip(), names, side.pick, cell)


def wilson_of(group: Replicates) -> Interval | None:
    """Of the mean test accuracy of its runs, on the test images that all of them share."""
    summary = group.summary(runs.test_accuracy)
    images = group.data.test_images
    return uncertainty.wilson(summary.mean * images, images) if summary else None


def time(target: float, side: Side = ONLY) -> Column:
    """Training seconds to a target: the Kaplan–Meier median with its interval, the misses kept."""

    def cell(group: Replicates) -> Cell:
        observed = survival.observed(group, target)
        median = survival.median(observed)
        counts = (len(observed.times), len(observed.censored))
        raw = (median.time, median.low, median.high, *counts)
        return Cell(shown=wording.time_to_target(observed), raw=raw)

    parts = ("median_s", "median_low_s", "median_high_s", "reached_n", "not_reached_n")
    names = (f"{side.name}{time_name(target)}_{part}" for part in parts)
    header = f"{side.header} time to {wording.target(target)} (s)".strip()
    return column(header, names, side.pick, cell)


def time_name(target: float) -> str:
    """What the CSV calls a time to a target: 'time_to_99_percent'."""
    return f"time_to_{100 * target:g}_percent"


def inference(comparison: Comparison) -> Column:
    """Images a second at the large batch."""
    header = f"inference at batch {large_batch(comparison)} (images/s)"
    return quantity(header, "inference", "images_per_s", runs.inference_images_per_s)


def large_batch(comparison: Comparison) -> str:
    """The batch size that inference was asked with for throughput: '1,024'."""
    records = [record for group in comparison.measured for record in group.measured]
    sizes = {size for record in records if (size := runs.inference_batch_size(record))}
    return " or ".join(f"{size:,}" for size in sorted(sizes))


def latencies() -> Columns:
    """Percentiles of the seconds that one image takes."""
    return tuple(
        quantity(
            f"latency {name} (ms)",
            f"latency_{name}",
            "s",
            partial(runs.latency_s, fraction=fraction),
            scale=1000,
        )
        for name, fraction in runs.LATENCY_PERCENTILES.items()
    )

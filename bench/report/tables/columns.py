"""The columns that tables are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bench.report import trust, wording
from bench.report.comparison import EXPERIMENT_FIELDS, Comparison
from bench.report.tables.table import Cell, Column, Raw, Row
from bench.stats import runs as stats
from bench.stats import survival, uncertainty
from bench.stats import verdict as stats_verdict
from bench.stats.runs import Replicates, Statistic, Summary
from bench.stats.survival import Observed
from bench.stats.uncertainty import Interval
from bench.stats.verdict import Difference, Judged, Paired

# Columns for what two groups of runs are beside one another: ratio, interval, p and verdict.


ABSENT = "–"  # of what cannot be compared

Find = Callable[[Any], Judged | None]  # of the kind of row that the section has
Words = Callable[[Any], str]


def absent(row: Row) -> str:
    """What is said of a row that has no pair."""
    return ABSENT


def ratio(header: str, name: str, find: Find, alone: Words = absent) -> Column:
    """Geometric mean of the paired ratios with its interval; the CSV's names as of ``paired``."""

    def pair(row: Row) -> Paired | None:
        found = find(row)
        return found.paired if found else None

    return paired(header, name, pair, alone=alone)


def paired(
    header: str,
    name: str,
    find: Callable[[Any], Paired | None],
    *,
    sign: str = "",
    alone: Words = absent,
) -> Column:
    """Geometric mean of the paired ratios with its interval.

    Args:
        header: in Markdown.
        name: makes the CSV's ``NAME_ratio``, ``NAME_ratio_low``, ``_high`` and ``NAME_pairs_n``.
        find: the pair of a row; None where it has none.
        sign: follows the ratio in Markdown, such as ' ×'.
        alone: what is said of a row that has no pair.
    """

    def cell(row: Row) -> Cell:
        found = find(row)
        if found is None:
            return Cell(shown=alone(row), raw=(None, None, None, 0))
        shown = wording.estimate(found.ratio, found.interval, sign=sign)
        return Cell(shown=shown, raw=(found.ratio, *ends(found.interval), found.n))

    ratio = f"{name}_ratio"
    names = (ratio, f"{ratio}_low", f"{ratio}_high", f"{name}_pairs_n")
    return Column(header=header, names=names, cell=cell)


def difference(header: str, name: str, find: Callable[[Any], Difference | None]) -> Column:
    """Mean of the paired differences of a fraction, in points, with its interval over seeds.

    ``name`` makes the CSV's ``NAME_fraction``, ``NAME_low_fraction`` and ``NAME_high_fraction``.
    """

    def cell(row: Row) -> Cell:
        found = find(row)
        if found is None:
            return Cell(shown=ABSENT, raw=(None, None, None))
        shown = wording.estimate(found.mean, found.interval, scale=100, decimals=2, signed=True)
        return Cell(shown=shown, raw=(found.mean, *ends(found.interval)))

    names = (f"{name}_fraction", f"{name}_low_fraction", f"{name}_high_fraction")
    return Column(header=header, names=names, cell=cell)


def seconds(header: str, name: str, find: Callable[[Any], Difference | None]) -> Column:
    """Mean of the paired differences of seconds, with its interval over seeds.

    ``name`` makes the CSV's ``NAME_s``, ``NAME_low_s`` and ``NAME_high_s``.
    """

    def cell(row: Row) -> Cell:
        found = find(row)
        if found is None:
            return Cell(shown=ABSENT, raw=(None, None, None))
        shown = wording.estimate(found.mean, found.interval, decimals=2, signed=True)
        return Cell(shown=shown, raw=(found.mean, *ends(found.interval)))

    return Column(header=header, names=(f"{name}_s", f"{name}_low_s", f"{name}_high_s"), cell=cell)


def p_value(header: str, name: str, find: Find) -> Column:
    """Corrected p; the CSV has ``NAME_p``, not corrected, ``NAME_p_holm`` and ``NAME_family_n``."""

    def cell(row: Row) -> Cell:
        found = find(row)
        if found is None:
            return Cell(shown=ABSENT, raw=(None, None, 0))
        shown = ABSENT if found.p is None else wording.p_value(found.p)
        return Cell(shown=shown, raw=(found.paired.p, found.p, found.family))

    return Column(
        header=header, names=(f"{name}_p", f"{name}_p_holm", f"{name}_family_n"), cell=cell
    )


def verdict(
    header: str, name: str, find: Find, words: tuple[str, str], alone: Words = absent
) -> Column:
    """What may be said of the first beside the second; ``NAME_verdict`` in the CSV, in a word.

    ``words`` are those for a ratio above and below 1, such as 'faster' and 'slower'.
    """
    better, worse = words
    said: dict[str, str] = {"higher": better, "lower": worse}

    def cell(row: Row) -> Cell:
        found = find(row)
        if found is None:
            return Cell(shown=alone(row), raw=(None,))
        shown = wording.verdict(found, better, worse)
        return Cell(shown=shown, raw=(said.get(found.outcome, found.outcome),))

    return Column(header=header, names=(f"{name}_verdict",), cell=cell, words=True)


def ends(interval: Interval | None) -> tuple[Raw, Raw]:
    """Both ends for the CSV; empty where there is no interval."""
    return (interval.low, interval.high) if interval else (None, None)


Pick = Callable[[Row], Replicates | None]  # the group of a row that a column is about, if any


def first(row: Row) -> Replicates:
    """The first group of a row."""
    return row.first


def second(row: Row) -> Replicates:
    """The second group of a row of two."""
    return row.second


SIDES = (first, second)


def text(header: str, of: Callable[[Replicates], str]) -> Column:
    """A column of words about a row's first group, in Markdown only."""
    return Column(
        header=header, names=(), cell=lambda row: Cell(shown=of(row.first), raw=()), words=True
    )


def quantity(
    header: str,
    name: str,
    unit: str,
    statistic: Statistic,
    *,
    scale: float = 1.0,
    decimals: int | None = None,
    pick: Pick = first,
) -> Column:
    """A column of a statistic over seeds.

    Args:
        header: in Markdown.
        name, unit: make the CSV's ``NAME_mean_UNIT``, ``NAME_std_UNIT`` and ``NAME_n``.
        statistic: of one run, in ``unit``.
        scale, decimals: for Markdown alone, as of ``wording.spread``.
        pick: the group of a row that it is about; None where the row has none.
    """

    def cell(row: Row) -> Cell:
        group = pick(row)
        summary = group.summary(statistic) if group else None
        return Cell(shown=wording.spread(summary, scale, decimals), raw=numbers(summary))

    names = (f"{name}_mean_{unit}", f"{name}_std_{unit}", f"{name}_n")
    return Column(header=header, names=names, cell=cell)


def throughput(*, of: str = "", name: str = "", pick: Pick = first) -> Column:
    """Training images per second; ``of`` and ``name`` precede header and CSV name."""
    return quantity(
        f"{of} training (images/s)".strip(),
        f"{name}throughput",
        "images_per_s",
        stats.throughput_images_per_s,
        pick=pick,
    )


def accuracy(*, of: str = "", name: str = "", pick: Pick = first) -> Column:
    """Test accuracy over seeds, and Wilson's interval for the number of test images.

    ``of`` and ``name`` precede header and CSV name.
    """
    test = f"{name}test_accuracy"

    def cell(row: Row) -> Cell:
        group = pick(row)
        summary = group.summary(stats.test_accuracy) if group else None
        interval = wilson_of(group) if group else None
        shown = wording.spread(summary, 100, decimals=2)
        brackets = wording.bounds(interval, scale=100)
        raw = (*numbers(summary), *ends(interval))
        return Cell(shown=f"{shown} {brackets}".strip(), raw=raw)

    return Column(
        header=f"{of} test accuracy (%)".strip(),
        names=(
            f"{test}_mean_fraction",
            f"{test}_std_fraction",
            f"{test}_n",
            f"{test}_low_fraction",
            f"{test}_high_fraction",
        ),
        cell=cell,
    )


def wilson_of(group: Replicates) -> Interval | None:
    """Of the mean test accuracy of its runs, on the test images that all of them share."""
    summary = group.summary(stats.test_accuracy)
    images = group.data.test_images
    return uncertainty.wilson(summary.mean * images, images) if summary else None


def numbers(summary: Summary | None) -> tuple[Raw, Raw, Raw]:
    """Mean, standard deviation and n for the CSV."""
    return (summary.mean, summary.std, summary.n) if summary else (None, None, 0)


def _work(row: Row) -> Cell:
    """Whether its work is matched; of a row of several groups each reason once."""
    reasons = dict.fromkeys(trust.said(group) for group in row.groups if group.measured)
    unmatched = "; ".join(reason for reason in reasons if reason != trust.MATCHED)
    shown = unmatched or (trust.MATCHED if reasons else "")
    return Cell(shown=shown, raw=(shown or None,))


FRAMEWORK = Column(
    header="framework",
    names=(),
    cell=lambda row: Cell(shown=row.label, raw=()),
    words=True,
)
WORK = Column(header="work", names=("work",), cell=_work, words=True)


def outcome() -> Column:
    """How many runs a row has, and how and why some did not end well."""
    return Column(
        header="runs",
        names=("runs", "runs_failed", "reason"),
        cell=lambda row: Cell(shown=wording.outcome(row.first), raw=_outcome(row.first)),
        words=True,
    )


def failed(told_by: Callable[[Replicates], str]) -> Column:
    """What failed and why, of rows of several groups; ``told_by`` tells a row's groups apart."""

    def cell(row: Row) -> Cell:
        reasons = dict.fromkeys(
            f"{told_by(group)}: {wording.failure(record)}"
            for group in row.groups
            for record in group.failed
        )
        return Cell(shown="; ".join(reasons), raw=("; ".join(reasons) or None,))

    return Column(header="failed", names=("failed",), cell=cell, words=True)


def _outcome(group: Replicates) -> tuple[Raw, Raw, Raw]:
    reasons = "; ".join(dict.fromkeys(map(wording.failure, group.failed)))
    return (len(group.records), len(group.failed), reasons or None)


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


def experiment(leave_out: Iterable[str] = ()) -> tuple[Column, ...]:
    """What a row's runs were: experiment, data, machine, versions; in the CSV only.

    ``leave_out`` names what a row has several of.
    """
    told = {name: of for name, of in ABOUT.items() if name not in {*leave_out}}

    def cell(row: Row) -> Cell:
        return Cell(shown="", raw=tuple(of(row.first) for of in told.values()))

    return (Column(header="", names=tuple(told), cell=cell),)


def time(target: float, *, pick: Pick = first, of: str = "") -> Column:
    """Training seconds to a target: the Kaplan–Meier median with its interval, the misses kept.

    ``of`` names what ``pick`` picks, where a row has more than one group.
    """
    whose = of.lower().replace(" ", "_")
    name = "_".join(filter(None, (whose, f"time_to_{100 * target:g}_percent")))

    def cell(row: Row) -> Cell:
        group = pick(row)
        seen = survival.observed(group, target) if group else Observed(times=())
        middle = survival.median(seen)
        raw = (middle.time, middle.low, middle.high, len(seen.times), len(seen.censored))
        return Cell(shown=wording.time_to_target(seen), raw=raw)

    parts = ("median_s", "median_low_s", "median_high_s", "reached_n", "not_reached_n")
    return Column(
        header=f"{of} time to {wording.target(target)} (s)".strip(),
        names=tuple(f"{name}_{part}" for part in parts),
        cell=cell,
    )


def inference(comparison: Comparison) -> Column:
    """Images a second at the large batch."""
    return quantity(
        f"inference at batch {large_batch(comparison)} (images/s)",
        "inference",
        "images_per_s",
        stats.inference_images_per_s,
    )


def large_batch(comparison: Comparison) -> str:
    """The batch size that inference was asked with for throughput: '1,024'."""
    runs = [record for group in comparison.measured for record in group.measured]
    sizes = {size for record in runs if (size := stats.inference_batch_size(record))}
    return " or ".join(f"{size:,}" for size in sorted(sizes))


def latencies() -> tuple[Column, ...]:
    """Percentiles of the seconds that one image takes."""
    return tuple(
        quantity(
            f"latency {name} (ms)",
            f"latency_{name}",
            "s",
            partial(stats.latency_s, fraction=fraction),
            scale=1000,
        )
        for name, fraction in stats.LATENCY_PERCENTILES.items()
    )


# Columns for rows of two groups of runs, such as CPU and CUDA, or two results folders.


def slug(name: str) -> str:
    """A name as the CSV writes it: '2 threads' is '2_threads'."""
    return name.lower().replace(" ", "_")


def throughputs(names: tuple[str, str], ratio: str) -> tuple[Column, ...]:
    """Training throughput of both, and the second's over the first's under the header ``ratio``."""
    return (
        *(
            throughput(of=name, name=f"{slug(name)}_", pick=side)
            for name, side in zip(names, SIDES, strict=True)
        ),
        paired(
            ratio, f"{slug(names[1])}_over_{slug(names[0])}_throughput", throughput_ratio, sign=" ×"
        ),
    )


def throughput_ratio(row: Row) -> Paired | None:
    """Throughput of a row's second group over that of its first, seed by seed."""
    return stats_verdict.compare(row.second, row.first, stats.throughput_images_per_s)


def judged_rows(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows with what may be said of the second group's throughput, corrected for all."""
    pairs = [(row.second, row.first) for row in rows]
    verdicts = stats_verdict.judge_pairs(pairs, stats.throughput_images_per_s)
    return tuple(replace(row, judged=judged) for row, judged in zip(rows, verdicts, strict=True))


def verdicts(names: tuple[str, str]) -> tuple[Column, ...]:
    """What may be said of the second group's throughput."""
    name = f"{slug(names[1])}_over_{slug(names[0])}_throughput"
    return (
        p_value("p (Holm)", name, lambda row: row.judged),
        verdict(f"{names[1]} is", name, lambda row: row.judged, ("faster", "slower")),
    )


def times(names: tuple[str, str], target: float) -> tuple[Column, ...]:
    """Time to a target of both."""
    return tuple(time(target, of=name, pick=side) for name, side in zip(names, SIDES, strict=True))


def time_ratio(names: tuple[str, str], target: float) -> Column:
    """Time to a target, the second's over the first's; absent where either has a miss."""
    name = f"{slug(names[1])}_over_{slug(names[0])}_time_to_{100 * target:g}_percent"
    return paired(f"{names[1]} / {names[0]}", name, partial(_time_ratio, target=target), sign=" ×")


def _time_ratio(row: Row, target: float) -> Paired | None:
    if not all(survival.all_reached(group, target) for group in row.groups):
        return None
    return stats_verdict.compare(
        row.second, row.first, partial(stats.time_to_accuracy_s, target=target)
    )


def accuracies(names: tuple[str, str]) -> tuple[Column, ...]:
    """Test accuracy of both."""
    return tuple(
        accuracy(of=name, name=f"{slug(name)}_", pick=side)
        for name, side in zip(names, SIDES, strict=True)
    )


def accuracy_difference(names: tuple[str, str]) -> Column:
    """Test accuracy, the second's less the first's, seed by seed."""
    return difference(
        f"{names[1]} - {names[0]} (points)",
        f"{slug(names[1])}_less_{slug(names[0])}_test_accuracy",
        lambda row: stats_verdict.difference(row.second, row.first, stats.test_accuracy),
    )


def outcomes(names: tuple[str, str]) -> tuple[Column, ...]:
    """How many runs each has, and what failed."""
    return tuple(
        Column(
            header=f"{name} runs",
            names=(f"{slug(name)}_runs",),
            cell=partial(_outcome_beside, side),
            words=True,
        )
        for name, side in zip(names, SIDES, strict=True)
    )


def _outcome_beside(side: Callable[[Row], Replicates], row: Row) -> Cell:
    said = wording.outcome(side(row))
    return Cell(shown=said, raw=(said,))

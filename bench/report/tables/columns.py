"""The columns that tables are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from bench import run_statistics as stats
from bench import survival, uncertainty
from bench.report import certainty, wording
from bench.report.comparison import EXPERIMENT_FIELDS, Comparison
from bench.report.tables.judged import ends
from bench.report.tables.table import Cell, Column, Raw, Row
from bench.run_statistics import Replicates, Statistic, Summary
from bench.survival import Observed
from bench.uncertainty import Interval

Pick = Callable[[Row], Replicates | None]  # the group of a row that a column is about, if any


def first(row: Row) -> Replicates:
    """The group of a row that has one, or that stands for the others."""
    return row[0]


def text(header: str, of: Callable[[Replicates], str]) -> Column:
    """A column of words about a row's first group, in Markdown only."""
    return Column(
        header=header, names=(), cell=lambda row: Cell(shown=of(row[0]), raw=()), words=True
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
        brackets = certainty.bounds(interval, scale=100)
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


def framework(rows: Iterable[Row]) -> Column:
    """Which framework a row is of, told apart by its versions where need be; in Markdown only."""
    firsts = [row[0] for row in rows]
    labels = dict(zip(map(id, firsts), wording.distinct_labels(firsts), strict=True))
    return text("framework", lambda group: labels[id(group)])


def outcome() -> Column:
    """How many runs a row has, and how and why some did not end well."""
    return Column(
        header="runs",
        names=("runs", "runs_failed", "reason"),
        cell=lambda row: Cell(shown=wording.outcome(row[0]), raw=_outcome(row[0])),
        words=True,
    )


def failed(told_by: Callable[[Replicates], str]) -> Column:
    """What failed and why, of rows of several groups; ``told_by`` tells a row's groups apart."""

    def cell(row: Row) -> Cell:
        reasons = dict.fromkeys(
            f"{told_by(group)}: {wording.failure(record)}"
            for group in row
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
        return Cell(shown="", raw=tuple(of(row[0]) for of in told.values()))

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
        return Cell(shown=certainty.time_to_target(seen), raw=raw)

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

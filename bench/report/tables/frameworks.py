"""Frameworks side by side: speed, time to accuracy, accuracy, inference, memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons, only, ranking
from bench.report.tables import columns
from bench.report.tables.table import (
    Cell,
    Column,
    Row,
    Section,
    Table,
    equal_in_all_rows,
    labelled,
    of_frameworks,
)
from bench.results.record import Data
from bench.stats import runs, survival
from bench.stats.runs import Replicates, Statistic
from bench.stats.verdict import Judged


def build_frameworks(groups: Sequence[Replicates]) -> Table:
    """A section for each set of experiments that differ in framework and execution alone."""
    return Table(
        name="frameworks",
        title="Frameworks side by side",
        explanation=(
            "Throughput counts training images over all steps after the warm-up; beside it, its "
            "ratio to that of the row with the highest, seed by seed, and what may be said of it, "
            "corrected by Holm's method for all pairs of the section. Time to accuracy is training "
            "time until the validation set is first read at the target or above: the Kaplan–Meier "
            "median, in which misses count (∞: too few runs to bound it). Test accuracy is of the "
            "checkpoint with the lowest validation loss. Brackets hold 95 % intervals; that of the "
            "accuracy is Wilson's for the number of test images, not multiplied by the seeds, "
            "which are all asked the same images. ± is the standard deviation over seeds. "
            "Inference goes from host memory to host memory; latency is of one image."
        ),
        needs="a run",
        sections=tuple(map(_frameworks_section, comparisons(groups, FRAMEWORK))),
    )


def _frameworks_section(comparison: Comparison) -> Section:
    return of_frameworks(comparison, _frameworks_columns(comparison))


def _frameworks_columns(comparison: Comparison) -> tuple[Column, ...]:
    return (
        *columns.experiment(),
        columns.FRAMEWORK,
        columns.outcome(),
        columns.WORK,
        columns.throughput(),
        *_beside_the_highest(comparison),
        *map(columns.time, comparison.targets),
        columns.accuracy(),
        columns.inference(comparison),
        *columns.latencies(),
        _memory("process", runs.peak_process_memory_bytes),
        _memory("device", runs.peak_device_memory_bytes),
    )


def _beside_the_highest(comparison: Comparison) -> tuple[Column, ...]:
    """Ratio of throughput to the highest of the section, and what may be said of it."""
    ranked = ranking(comparison.groups, runs.throughput_images_per_s, best="highest")
    best = ranked.standings[0].group if len(ranked.standings) > 1 else None

    def find(row: Row) -> Judged | None:
        return ranked.between(row.first, best) if best else None

    def alone(row: Row) -> str:
        if row.first is best:
            return "the highest"
        return "no seed in common" if row.first.measured else wording.NOT_MEASURED

    name = "throughput_to_highest"
    return (
        columns.ratio("of the highest", name, find),
        columns.p_value("", name, find),
        columns.verdict("beside the highest", name, find, ("faster", "slower"), alone=alone),
    )


def _memory(of: str, statistic: Statistic) -> Column:
    return columns.quantity(
        f"peak {of} memory (MiB)",
        f"peak_{of}_memory",
        "bytes",
        statistic,
        scale=1 / wording.MIB,
        decimals=0,
    )


# The whole ledger: where every second went, from the start of the process to its record.


DECIMALS = 2  # of seconds, in all columns alike, so that a reader can add them up


def build_ledger(groups: Sequence[Replicates]) -> Table:
    """A section for each set of experiments that differ in framework and execution alone."""
    return Table(
        name="ledger",
        title="The whole ledger",
        explanation=(
            "Seconds of each phase from the start of the process to its record, and their share "
            "of the wall time; with several seeds the means. Start-up is everything before the "
            "first step that counts: starting Python, importing the framework and finding its "
            "device, normalising the data, building the network, bringing the data to the "
            "device, and the warm-up, in which a compiled execution compiles. The rest is what "
            "lies in no phase: opening the data, putting images in order, writing the record. "
            "Phases and rest add up to the wall time."
        ),
        needs="a run that ended well",
        sections=tuple(
            map(
                _ledger_section,
                comparisons(groups, FRAMEWORK, keep=lambda found: bool(found.measured)),
            )
        ),
    )


def _ledger_section(comparison: Comparison) -> Section:
    return of_frameworks(comparison, _ledger_columns(comparison))


def _ledger_columns(comparison: Comparison) -> tuple[Column, ...]:
    return (
        *columns.experiment(),
        columns.FRAMEWORK,
        columns.outcome(),
        columns.WORK,
        *map(_phase, runs.PHASES),
        _seconds("rest", "rest", runs.rest_s),
        columns.quantity("wall (s)", "wall", "s", runs.wall_s, decimals=DECIMALS),
        columns.quantity(
            "start-up in all (s)", "start_up", "s", runs.start_up_s, decimals=DECIMALS
        ),
        columns.quantity(
            "cold start to last step (s)",
            "cold_start_to_last_step",
            "s",
            runs.cold_start_to_last_step_s,
            decimals=DECIMALS,
        ),
    )


def _phase(name: str) -> Column:
    subject = name.removesuffix("_s")
    return _seconds(subject.replace("_", "-"), subject, partial(runs.phase_s, name=name))


def _seconds(header: str, name: str, statistic: Statistic) -> Column:
    """Seconds and their share of the wall time; deviations in the CSV alone."""

    def cell(row: Row) -> Cell:
        seconds = row.first.summary(statistic)
        share = row.first.summary(lambda record: runs.share_of_wall(record, statistic(record)))
        if seconds is None or share is None:
            return Cell(shown=wording.NOT_MEASURED, raw=(*columns.numbers(seconds), None))
        shown = f"{seconds.mean:,.{DECIMALS}f} ({100 * share.mean:.1f} %)"
        return Cell(shown=shown, raw=(*columns.numbers(seconds), share.mean))

    names = (f"{name}_mean_s", f"{name}_std_s", f"{name}_n", f"{name}_mean_share_of_wall_fraction")
    return Column(header=f"{header} (s)", names=names, cell=cell)


# The batch-size sweep: training throughput of each framework at each batch size.


def build_batch_size(groups: Sequence[Replicates]) -> Table:
    """A section a subject, device and goal; a row a framework, a column a batch size."""
    return Table(
        name="batch-size",
        title="Training throughput over batch size",
        explanation=(
            "Training images per second over all steps after the warm-up. A larger batch gives "
            "the device more to do at once; what it does to accuracy is not shown here."
        ),
        needs="the same experiments at two or more batch sizes",
        sections=tuple(map(_batch_size_section, sweeps(groups))),
    )


def sweeps(groups: Sequence[Replicates]) -> list[Comparison]:
    """Sets of experiments that differ in framework and in batch size."""
    return comparisons(
        groups, (*FRAMEWORK, "batch_size"), keep=lambda found: len(found.values("batch_size")) > 1
    )


def _batch_size_section(comparison: Comparison) -> Section:
    experiment = comparison.experiment
    place = wording.place(experiment, ("device", "goal"))
    rows = labelled(
        tuple(members)
        for _, members in groupby(sorted(comparison.groups, key=_row), lambda g: _row(g)[:-1])
    )
    return Section(
        heading=f"{wording.subject(experiment, comparison.data)}, {place}",
        note=equal_in_all_rows(comparison),
        columns=_batch_size_columns(comparison.values("batch_size")),
        rows=rows,
    )


def _row(group: Replicates) -> tuple[str, str, str, int]:
    one = group.experiment
    return one.framework, one.execution, wording.versions(group.versions), one.batch_size


def _batch_size_columns(batch_sizes: Sequence[int]) -> tuple[Column, ...]:
    return (
        *columns.experiment(leave_out=("batch_size",)),
        columns.FRAMEWORK,
        *(
            columns.quantity(
                f"batch {size:,} (images/s)",
                f"batch_{size}_throughput",
                "images_per_s",
                runs.throughput_images_per_s,
                pick=partial(_at, size=size),
            )
            for size in batch_sizes
        ),
        columns.WORK,
        columns.failed(lambda group: f"batch {group.experiment.batch_size:,}"),
    )


def _at(row: Row, size: int) -> Replicates | None:
    found = only(row.groups, batch_size=size)
    return found[0] if found else None


# Every run, one a row, those that failed included.


def build_runs(groups: Sequence[Replicates]) -> Table:
    """A section a task and source, a row a run."""
    by_images = groupby(groups, lambda group: (group.experiment.task, group.experiment.source))
    return Table(
        name="runs",
        title="All runs",
        explanation=(
            "One row a run. A run that did not end well keeps its row, with its reason; the CSV "
            "has every field of the experiment, the seconds of every phase, and Wilson's 95 % "
            "interval of the test accuracy."
        ),
        needs="a run",
        sections=tuple(_runs_section(list(members)) for _, members in by_images),
    )


def _runs_section(groups: Sequence[Replicates]) -> Section:
    data = groups[0].data
    rows = tuple(
        Row(groups=(replace(group, records=(record,)),))
        for group in groups
        for record in group.records
    )
    timed = sorted({t for group in groups for t in group.experiment.targets})
    return Section(
        heading=f"{data.task} ({wording.source(data)})",
        note=" ".join((*wording.notices([data]), _images(data))),
        columns=_runs_columns(timed),
        rows=rows,
    )


def _images(data: Data) -> str:
    return (
        f"{data.train_images:,} training, {data.validation_images:,} validation and "
        f"{data.test_images:,} test images; {data.duplicates_removed:,} exact duplicates were "
        "removed before the split."
    )


def _runs_columns(timed: Sequence[float]) -> tuple[Column, ...]:
    return (
        *columns.experiment(),
        columns.text("network", lambda group: wording.architecture(group.experiment.architecture)),
        columns.text("framework", lambda group: wording.framework(group.experiment)),
        columns.text("device", lambda group: wording.device(group.experiment.device)),
        columns.text("batch size", lambda group: f"{group.experiment.batch_size:,}"),
        columns.text("goal", lambda group: group.experiment.goal),
        Column(header="seed", names=("run_id", "seed"), cell=_seed),
        Column(header="ended", names=("status", "reason"), cell=_ended, words=True),
        columns.WORK,
        _value("training (images/s)", "throughput_images_per_s", runs.throughput_images_per_s),
        *map(_time, timed),
        _value("test accuracy (%)", "test_accuracy_fraction", runs.test_accuracy, scale=100),
        Column(
            header="",
            names=("test_accuracy_low_fraction", "test_accuracy_high_fraction"),
            cell=lambda row: Cell(shown="", raw=columns.ends(columns.wilson_of(row.first))),
        ),
        _value("", "inference_images_per_s", runs.inference_images_per_s),
        *(
            _value("", f"latency_{name}_s", partial(runs.latency_s, fraction=fraction))
            for name, fraction in runs.LATENCY_PERCENTILES.items()
        ),
        _value("", "peak_process_memory_bytes", runs.peak_process_memory_bytes),
        _value("", "peak_device_memory_bytes", runs.peak_device_memory_bytes),
        _value("training (s)", "", runs.train_s),
        *(_value("", name, partial(runs.phase_s, name=name)) for name in runs.PHASES),
        _value("whole process (s)", "wall_s", lambda record: record.wall_s),
    )


def _value(header: str, name: str, statistic: Statistic, scale: float = 1.0) -> Column:
    def cell(row: Row) -> Cell:
        value = statistic(row.first.records[0])
        shown = wording.NOT_MEASURED if value is None else wording.number(value * scale, 4)
        return Cell(shown=shown, raw=(value,))

    return Column(header=header, names=(name,) if name else (), cell=cell)


def _time(target: float) -> Column:
    def cell(row: Row) -> Cell:
        seen = survival.observed(row.first, target)
        return Cell(shown=wording.time_to_target(seen), raw=(*seen.times, None)[:1])

    return Column(
        header=f"time to {wording.target(target)} (s)",
        names=(f"time_to_{100 * target:g}_percent_s",),
        cell=cell,
    )


def _seed(row: Row) -> Cell:
    record = row.first.records[0]
    return Cell(shown=str(record.seed), raw=(record.run_id, record.seed))


def _ended(row: Row) -> Cell:
    record = row.first.records[0]
    shown = "ok" if record.status == "ok" else wording.failure(record)
    return Cell(shown=shown, raw=(record.status, record.reason))

"""Every run, one a row; and where its seconds went, from its process's start to its record."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby

from bench.report import wording
from bench.report.comparison import FRAMEWORK, comparisons
from bench.report.tables import columns
from bench.report.tables.columns import Columns
from bench.report.tables.frameworks import framework_section
from bench.report.tables.table import Cell, Column, Row, Section, Table, marked
from bench.results.record import Record
from bench.stats import runs, survival
from bench.stats.runs import Replicates, Statistic


def all_runs(groups: Sequence[Replicates]) -> Table:
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
    images = (
        f"{data.train_images:,} training, {data.validation_images:,} validation and "
        f"{data.test_images:,} test images; {data.duplicates_removed:,} exact duplicates were "
        "removed before the split."
    )
    rows = [
        Row(groups=(replace(group, records=(record,)),))
        for group in groups
        for record in group.records
    ]
    targets = sorted({target for group in groups for target in group.experiment.targets})
    return Section(
        heading=f"{data.task} ({wording.source(data)})",
        note=" ".join((*wording.notices([data]), images)),
        columns=marked(_runs_columns(targets), rows),
        rows=rows,
    )


def _runs_columns(targets: Sequence[float]) -> Columns:
    return (
        columns.experiment(),
        columns.text("network", lambda group: wording.architecture(group.experiment.architecture)),
        columns.text("framework", lambda group: wording.framework(group.experiment)),
        columns.text("device", lambda group: wording.device(group.experiment.device)),
        columns.text("batch size", lambda group: f"{group.experiment.batch_size:,}"),
        columns.text("goal", lambda group: group.experiment.goal),
        Column(header="seed", names=("run_id", "seed"), cell=_seed),
        Column(header="ended", names=("status", "reason"), cell=_ended, words=True),
        columns.WORK,
        _value("training (images/s)", "throughput_images_per_s", runs.throughput_images_per_s),
        *map(_time, targets),
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
        _value("", "resident_device_memory_bytes", _resident_device_memory_bytes),
        *(
            _value("", f"gpu_{name}_median", partial(_gpu_median, name=name))
            for name in ("clock_hz", "temperature_c", "power_w")
        ),
        _value("", "gpu_throttled_fraction", lambda record: record.throttled_share or None),
        _value("training (s)", "", runs.train_s),
        *(_value("", name, partial(runs.phase_s, name=name)) for name in runs.PHASES),
        _value("whole process (s)", "wall_s", lambda record: record.wall_s),
    )


def _value(header: str, name: str, statistic: Statistic, scale: float = 1.0) -> Column:
    """A number of one run; without a header in the CSV only, without a name in Markdown only."""

    def value(row: Row) -> float | None:
        return statistic(row.first.records[0])

    return columns.number(header, name, value, scale=scale, digits=4)


def _resident_device_memory_bytes(record: Record) -> float | None:
    """The part of a device's memory that the images and labels take; None on a CPU."""
    return record.measurement.resident_device_memory_bytes if record.measurement else None


def _gpu_median(record: Record, name: str) -> float | None:
    """The median of one tuple of ``GpuSamples``, such as 'clock_hz'; None where there is none."""
    seen = record.measurement.gpu if record.measurement else None
    samples: Sequence[float] = getattr(seen, name) if seen else ()
    return statistics.median(samples) if samples else None


def _time(target: float) -> Column:
    def cell(row: Row) -> Cell:
        observed = survival.observed(row.first, target)
        return Cell(shown=wording.time_to_target(observed), raw=(*observed.times, None)[:1])

    names = (f"{columns.time_name(target)}_s",)
    return Column(header=f"time to {wording.target(target)} (s)", names=names, cell=cell)


def _seed(row: Row) -> Cell:
    record = row.first.records[0]
    return Cell(shown=str(record.seed), raw=(record.run_id, record.seed))


def _ended(row: Row) -> Cell:
    record = row.first.records[0]
    shown = "ok" if record.status == "ok" else wording.failure(record)
    return Cell(shown=shown, raw=(record.status, record.reason))


# The whole ledger: where every second went, from the start of the process to its record

DECIMALS = 2  # of seconds, in all columns alike, so that a reader can add them up


def ledger(groups: Sequence[Replicates]) -> Table:
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
            "lies in no phase: opening the data, putting images in order, asking the trainer again "
            "after the clocks, writing the record. "
            "Phases and rest add up to the wall time."
        ),
        needs="a run that ended well",
        sections=tuple(
            framework_section(comparison, LEDGER)
            for comparison in comparisons(groups, FRAMEWORK)
            if comparison.measured
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

    names = (*columns.spread_names(name, "s"), f"{name}_mean_share_of_wall_fraction")
    return Column(header=f"{header} (s)", names=names, cell=cell)


def _wall(header: str, name: str, statistic: Statistic) -> Column:
    return columns.quantity(header, name, "s", statistic, decimals=DECIMALS)


LEDGER = (
    *map(_phase, runs.PHASES),
    _seconds("rest", "rest", runs.rest_s),
    _wall("wall (s)", "wall", runs.wall_s),
    _wall("start-up in all (s)", "start_up", runs.start_up_s),
    _wall("cold start to last step (s)", "cold_start_to_last_step", runs.cold_start_to_last_step_s),
)

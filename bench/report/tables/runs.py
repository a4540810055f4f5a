"""Every run, one a row, those that failed included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby

from bench import run_statistics as stats
from bench import survival
from bench.record import Data
from bench.report import certainty, matched, wording
from bench.report.tables import columns, judged
from bench.report.tables.table import Cell, Column, Row, Section, Table
from bench.run_statistics import Replicates, Statistic


def build(groups: Sequence[Replicates]) -> Table:
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
        sections=tuple(_section(list(members)) for _, members in by_images),
    )


def _section(groups: Sequence[Replicates]) -> Section:
    data = groups[0].data
    rows = tuple(
        (replace(group, records=(record,)),) for group in groups for record in group.records
    )
    timed = sorted({t for group in groups for t in group.experiment.targets})
    return Section(
        heading=f"{data.task} ({wording.source(data)})",
        note=" ".join((*wording.notices([data]), _images(data))),
        columns=_columns(timed),
        rows=rows,
    )


def _images(data: Data) -> str:
    return (
        f"{data.train_images:,} training, {data.validation_images:,} validation and "
        f"{data.test_images:,} test images; {data.duplicates_removed:,} exact duplicates were "
        "removed before the split."
    )


def _columns(timed: Sequence[float]) -> tuple[Column, ...]:
    return (
        *columns.experiment(),
        columns.text("network", lambda group: wording.architecture(group.experiment.architecture)),
        columns.text("framework", lambda group: wording.framework(group.experiment)),
        columns.text("device", lambda group: wording.device(group.experiment.device)),
        columns.text("batch size", lambda group: f"{group.experiment.batch_size:,}"),
        columns.text("goal", lambda group: group.experiment.goal),
        Column(header="seed", names=("run_id", "seed"), cell=_seed),
        Column(header="ended", names=("status", "reason"), cell=_ended, words=True),
        matched.column(),
        _value("training (images/s)", "throughput_images_per_s", stats.throughput_images_per_s),
        *map(_time, timed),
        _value("test accuracy (%)", "test_accuracy_fraction", stats.test_accuracy, scale=100),
        Column(
            header="",
            names=("test_accuracy_low_fraction", "test_accuracy_high_fraction"),
            cell=lambda row: Cell(shown="", raw=judged.ends(columns.wilson_of(row[0]))),
        ),
        _value("", "inference_images_per_s", stats.inference_images_per_s),
        *(
            _value("", f"latency_{name}_s", partial(stats.latency_s, fraction=fraction))
            for name, fraction in stats.LATENCY_PERCENTILES.items()
        ),
        _value("", "peak_process_memory_bytes", stats.peak_process_memory_bytes),
        _value("", "peak_device_memory_bytes", stats.peak_device_memory_bytes),
        _value("training (s)", "", stats.train_s),
        *(_value("", name, partial(stats.phase_s, name=name)) for name in stats.PHASES),
        _value("whole process (s)", "wall_s", lambda record: record.wall_s),
    )


def _value(header: str, name: str, statistic: Statistic, scale: float = 1.0) -> Column:
    def cell(row: Row) -> Cell:
        value = statistic(row[0].records[0])
        shown = wording.NOT_MEASURED if value is None else wording.number(value * scale, 4)
        return Cell(shown=shown, raw=(value,))

    return Column(header=header, names=(name,) if name else (), cell=cell)


def _time(target: float) -> Column:
    def cell(row: Row) -> Cell:
        seen = survival.observed(row[0], target)
        return Cell(shown=certainty.time_to_target(seen), raw=(*seen.times, None)[:1])

    return Column(
        header=f"time to {wording.target(target)} (s)",
        names=(f"time_to_{100 * target:g}_percent_s",),
        cell=cell,
    )


def _seed(row: Row) -> Cell:
    record = row[0].records[0]
    return Cell(shown=str(record.seed), raw=(record.run_id, record.seed))


def _ended(row: Row) -> Cell:
    record = row[0].records[0]
    shown = "ok" if record.status == "ok" else wording.failure(record)
    return Cell(shown=shown, raw=(record.status, record.reason))

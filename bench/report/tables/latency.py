"""Inference: what one image and a large batch take, in each framework and in ONNX Runtime."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons, only
from bench.report.tables import columns
from bench.report.tables.columns import ends
from bench.report.tables.table import Cell, Column, Row, Section, Table, equal_in_all_rows
from bench.results.evidence import Export
from bench.results.record import Inference
from bench.stats import runs, uncertainty
from bench.stats.runs import Replicates
from bench.stats.uncertainty import Interval

# Exports of a group's saved models: ONNX Runtime's inference, beside the framework's own.


@dataclass(frozen=True, kw_only=True)
class Beside:
    """How many times as fast ONNX Runtime answers, round by round of the two in turn."""

    ratio: float  # geometric mean over the rounds
    interval: Interval | None  # of that mean over such rounds; None of one round
    rounds: int


def exports(group: Replicates) -> tuple[Export, ...]:
    """Those of its runs, made on the machine that the runs were measured on."""
    found = (group.evidence.export(record.run_id) for record in group.measured)
    return tuple(one for one in found if one and runs.host(one.machine) == group.host)


def exported_group(group: Replicates) -> Replicates | None:
    """Its exported runs, with ONNX Runtime's inference in place of their own; None: of none."""
    made = {export.run_id: export for export in exports(group)}
    records = tuple(
        replace(
            record,
            measurement=replace(record.measurement, inference=made[record.run_id].inference),
        )
        for record in group.measured
        if record.run_id in made and record.measurement
    )
    return replace(group, records=records) if records else None


def beside(group: Replicates, *, one_image: bool) -> Beside | None:
    """The ratio of the medians of each round: the framework's own seconds over ONNX Runtime's.

    ``one_image``: True for batch 1, False for the large batch. None where nothing was exported.
    """
    ratios = [
        statistics.median(each.own.samples_s) / statistics.median(each.exported.samples_s)
        for export in exports(group)
        for each in export.rounds
        if _is_of(each.own, one_image)
    ]
    if not ratios:
        return None
    return Beside(
        ratio=math.exp(statistics.fmean(map(math.log, ratios))),
        interval=uncertainty.of_ratio(ratios),
        rounds=len(ratios),
    )


def _is_of(inference: Inference, one_image: bool) -> bool:
    return (inference.batch_size == 1) == one_image


def worst(found: Sequence[Export]) -> Export | None:
    """The one that is furthest from its model: most images told otherwise, then deviation."""
    return max(found, key=lambda one: (one.differing, one.logits.deviation), default=None)


def build(groups: Sequence[Replicates]) -> Table:
    """A section for each set of trained networks that differ in framework and execution alone."""
    trained = only(groups, goal="train")
    return Table(
        name="latency",
        title="Inference latency",
        explanation=(
            "One call from host memory to host memory, each with other images. Percentiles are of "
            "one image, over all calls of a run; with several seeds their mean. A row of a "
            "framework is the network at the end of its run, on the run's device. A row of "
            "onnxruntime is the saved model of a run, exported, on the CPU, with a thread for "
            "each processor. First its logits of all test images were compared with those of the "
            "saved model in its own framework: shown are the largest difference over the largest "
            "logit, and how many images are told otherwise, which has to be none. Then the two "
            "were asked in turn in one process, round by round, so that they saw the same "
            "machine. Speed-up is the framework's seconds over ONNX Runtime's, of the medians of "
            "a round, averaged over rounds (geometric mean); brackets hold the 95 % interval of "
            "that average, by bootstrap over rounds. It speaks of this model in this process and "
            "does not know what another day gives. Rows of frameworks were not measured in turn: "
            "their runs lie apart."
        ),
        needs="a run that trained to the end",
        sections=tuple(_sections(trained)),
    )


def _sections(groups: Sequence[Replicates]) -> Iterator[Section]:
    for comparison in comparisons(groups, FRAMEWORK, keep=lambda found: bool(found.measured)):
        yield Section(
            heading=_heading(comparison),
            note=equal_in_all_rows(comparison),
            columns=_columns(comparison),
            rows=tuple(_rows(comparison)),
        )


def _heading(comparison: Comparison) -> str:
    experiment = comparison.experiment
    subject = wording.subject(experiment, comparison.data)
    place = wording.place(experiment, ("device",))
    return f"{subject}, {place}, trained at batch size {experiment.batch_size:,}"


def _rows(comparison: Comparison) -> Iterator[Row]:
    """Each framework, and behind it its export: a row of two, the second the framework's own."""
    labels = wording.distinct_labels(comparison.groups)
    for group, label in zip(comparison.groups, labels, strict=True):
        if not group.measured:
            continue
        yield Row(groups=(group,), label=label)
        in_onnxruntime = exported_group(group)
        if in_onnxruntime:
            yield Row(groups=(in_onnxruntime, group), label=label)


def _columns(comparison: Comparison) -> tuple[Column, ...]:
    large = columns.large_batch(comparison)
    return (
        *columns.experiment(),
        _runtime(comparison),
        *columns.latencies(),
        columns.inference(comparison),
        _beside("speed-up of one image", "one_image", one_image=True),
        _beside(f"speed-up at batch {large}", "large_batch", one_image=False),
        _deviation(),
        _differing(),
    )


def _runtime(comparison: Comparison) -> Column:
    """What answered: the framework, or ONNX Runtime with the framework it was exported from."""

    def cell(row: Row) -> Cell:
        found = exports(row.groups[-1]) if len(row.groups) > 1 else ()
        if not found:
            return Cell(shown=row.label, raw=(None, None))
        export = found[0]
        version = export.versions["onnxruntime"]
        where = "" if comparison.experiment.device == "cpu" else ", on the CPU"
        beside = (
            "" if export.own == wording.framework(export.experiment) else f" beside {export.own}"
        )
        shown = f"onnxruntime {version} (exported from {row.label}{beside}{where})"
        return Cell(shown=shown, raw=(version, export.own))

    return Column(header="runtime", names=("onnxruntime_version", "beside"), cell=cell, words=True)


def _beside(header: str, name: str, *, one_image: bool) -> Column:
    def cell(row: Row) -> Cell:
        found = beside(row.groups[-1], one_image=one_image) if len(row.groups) > 1 else None
        if found is None:
            return Cell(shown="", raw=(None, None, None, 0))
        shown = wording.estimate(found.ratio, found.interval, sign=" ×")
        return Cell(shown=shown, raw=(found.ratio, *ends(found.interval), found.rounds))

    speed_up = f"{name}_speed_up"
    ratio = f"{speed_up}_ratio"
    names = (ratio, f"{ratio}_low", f"{ratio}_high", f"{speed_up}_rounds_n")
    return Column(header=header, names=names, cell=cell)


def _deviation() -> Column:
    def cell(row: Row) -> Cell:
        found = worst(exports(row.groups[-1])) if len(row.groups) > 1 else None
        if found is None:
            return Cell(shown="", raw=(None, None, None))
        check = found.logits
        shown = f"{check.deviation:.1e}"
        if not found.passed:
            shown = f"FAILED: {shown}, allowed {check.tolerance:.1e}"
        raw = (check.deviation, check.tolerance, found.absolute_deviation)
        return Cell(shown=shown, raw=raw)

    names = ("logits_deviation_fraction", "logits_tolerance_fraction", "logits_deviation_absolute")
    return Column(header="largest deviation of a logit", names=names, cell=cell)


def _differing() -> Column:
    def cell(row: Row) -> Cell:
        found = worst(exports(row.groups[-1])) if len(row.groups) > 1 else None
        if found is None:
            return Cell(shown="", raw=(None, None))
        return Cell(
            shown=f"{found.differing:,} of {found.images:,}", raw=(found.differing, found.images)
        )

    return Column(
        header="images told otherwise", names=("images_differing", "images_compared"), cell=cell
    )

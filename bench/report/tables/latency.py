"""Inference: what one image and a large batch take, in each framework and in ONNX Runtime."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons, only
from bench.report.tables import beside, columns
from bench.report.tables.table import Cell, Column, Row, Section, Table, section_of
from bench.results.evidence import Export
from bench.stats import runs, verdict
from bench.stats.runs import Replicates
from bench.stats.verdict import Paired

DEVIATION = ("logits_deviation_fraction", "logits_tolerance_fraction", "logits_deviation_absolute")
DIFFERING = ("images_differing", "images_compared")


@dataclass(frozen=True, kw_only=True)
class LatencyRow(Row):
    """A framework; or ONNX Runtime, whose inference stands in the records of its group."""

    exports: tuple[Export, ...] = ()  # of the runs' saved models; none in a framework's own row


def exports_of(group: Replicates) -> tuple[Export, ...]:
    """Those of its runs, made on the machine that the runs were measured on."""
    exports = (group.evidence.export(record.run_id) for record in group.measured)
    return tuple(export for export in exports if export and runs.host(export.machine) == group.host)


def exported_group(group: Replicates, exports: Sequence[Export]) -> Replicates | None:
    """Its exported runs, with ONNX Runtime's inference in place of their own; None: of none."""
    by_run = {export.run_id: export for export in exports}
    records = tuple(
        # asked another day: what disturbed the run did not disturb this
        replace(
            record,
            measurement=replace(record.measurement, inference=export.inference, others_share=None),
        )
        for record in group.measured
        if record.measurement and (export := by_run.get(record.run_id))
    )
    return replace(group, records=records) if records else None


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
        sections=tuple(
            _section(comparison)
            for comparison in comparisons(trained, FRAMEWORK)
            if comparison.measured
        ),
    )


def _section(comparison: Comparison) -> Section:
    large = columns.large_batch(comparison)
    batch_size = comparison.experiment.batch_size
    return section_of(
        comparison,
        (
            columns.experiment(),
            Column(
                header="runtime", names=("onnxruntime_version", "beside"), cell=_runtime, words=True
            ),
            *columns.latencies(),
            columns.inference(comparison),
            _speed_up("speed-up of one image", "one_image", one_image=True),
            _speed_up(f"speed-up at batch {large}", "large_batch", one_image=False),
            columns.column(
                "largest deviation of a logit", DEVIATION, _worst, _deviation, absent=""
            ),
            columns.column("images told otherwise", DIFFERING, _worst, _differing, absent=""),
        ),
        tuple(_rows(comparison)),
        heading=f"{comparison.heading('device')}, trained at batch size {batch_size:,}",
    )


def _rows(comparison: Comparison) -> Iterator[LatencyRow]:
    """Each framework, and behind it its export."""
    labels = wording.distinct_labels(comparison.groups)
    for group, label in zip(comparison.groups, labels, strict=True):
        if group.measured:
            yield LatencyRow(groups=(group,), label=label)
            exports = exports_of(group)
            if in_onnxruntime := exported_group(group, exports):
                yield LatencyRow(groups=(in_onnxruntime,), label=label, exports=exports)


def _runtime(row: LatencyRow) -> Cell:
    """What answered: the framework, or ONNX Runtime with the framework it was exported from."""
    if not row.exports:
        return Cell(shown=row.label, raw=(None, None))
    export = row.exports[0]
    version = export.versions["onnxruntime"]
    where = "" if row.first.experiment.device == "cpu" else ", on the CPU"
    same = export.own == wording.framework(export.experiment)
    beside = "" if same else f" beside {export.own}"
    shown = f"onnxruntime {version} (exported from {row.label}{beside}{where})"
    return Cell(shown=shown, raw=(version, export.own))


def _speed_up(header: str, name: str, *, one_image: bool) -> Column:
    """How many times as fast ONNX Runtime answers, by the medians of each round of the two in turn.

    ``one_image``: True for batch 1, False for the large batch.
    """

    def paired(row: LatencyRow) -> Paired | None:
        rounds = [
            (statistics.median(turn.own.samples_s), statistics.median(turn.exported.samples_s))
            for export in row.exports
            for turn in export.rounds
            if (turn.own.batch_size == 1) == one_image
        ]
        return verdict.compare_arms(*zip(*rounds, strict=True)) if rounds else None

    name = f"{name}_speed_up"
    return beside.ratio(header, name, paired, sign=" ×", pairs="rounds", absent="")


def _worst(row: LatencyRow) -> Export | None:
    """The one that is furthest from its model: most images told otherwise, then deviation."""
    return max(row.exports, key=lambda e: (e.differing, e.logits.deviation), default=None)


def _deviation(export: Export) -> Cell:
    check = export.logits
    shown = f"{check.deviation:.1e}"
    if not export.passed:
        shown = f"FAILED: {shown}, allowed {check.tolerance:.1e}"
    return Cell(shown=shown, raw=(check.deviation, check.tolerance, export.absolute_deviation))


def _differing(export: Export) -> Cell:
    counts = (export.differing, export.images)
    return Cell(shown=f"{export.differing:,} of {export.images:,}", raw=counts)

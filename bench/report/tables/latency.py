"""Inference: what one image and a large batch take, in each framework and in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.report import certainty, exported, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons, only
from bench.report.tables import columns
from bench.report.tables.judged import ends
from bench.report.tables.table import Cell, Column, Row, Section, Table, equal_in_all_rows
from bench.run_statistics import Replicates


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
    for group in comparison.measured:
        yield (group,)
        in_onnxruntime = exported.in_onnxruntime(group)
        if in_onnxruntime:
            yield (in_onnxruntime, group)


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
    groups = comparison.groups
    labels = dict(zip(map(id, groups), wording.distinct_labels(groups), strict=True))

    def cell(row: Row) -> Cell:
        label = labels[id(row[-1])]
        found = exported.exports(row[-1]) if len(row) > 1 else ()
        if not found:
            return Cell(shown=label, raw=(None, None))
        export = found[0]
        version = export.versions["onnxruntime"]
        where = "" if comparison.experiment.device == "cpu" else ", on the CPU"
        beside = (
            "" if export.own == wording.framework(export.experiment) else f" beside {export.own}"
        )
        shown = f"onnxruntime {version} (exported from {label}{beside}{where})"
        return Cell(shown=shown, raw=(version, export.own))

    return Column(header="runtime", names=("onnxruntime_version", "beside"), cell=cell, words=True)


def _beside(header: str, name: str, *, one_image: bool) -> Column:
    def cell(row: Row) -> Cell:
        found = exported.beside(row[-1], one_image=one_image) if len(row) > 1 else None
        if found is None:
            return Cell(shown="", raw=(None, None, None, 0))
        shown = certainty.estimate(found.ratio, found.interval, sign=" ×")
        return Cell(shown=shown, raw=(found.ratio, *ends(found.interval), found.rounds))

    speed_up = f"{name}_speed_up"
    ratio = f"{speed_up}_ratio"
    names = (ratio, f"{ratio}_low", f"{ratio}_high", f"{speed_up}_rounds_n")
    return Column(header=header, names=names, cell=cell)


def _deviation() -> Column:
    def cell(row: Row) -> Cell:
        found = exported.worst(exported.exports(row[-1])) if len(row) > 1 else None
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
        found = exported.worst(exported.exports(row[-1])) if len(row) > 1 else None
        if found is None:
            return Cell(shown="", raw=(None, None))
        return Cell(
            shown=f"{found.differing:,} of {found.images:,}", raw=(found.differing, found.images)
        )

    return Column(
        header="images told otherwise", names=("images_differing", "images_compared"), cell=cell
    )

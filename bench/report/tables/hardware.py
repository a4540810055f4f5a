"""Hardware side by side: the CPU and an accelerator of the same machine, with the speed-up."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report import matched, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons, only
from bench.report.tables import beside, columns
from bench.report.tables.table import Column, Row, Section, Table, equal_in_all_rows
from bench.run_statistics import Replicates


def build(groups: Sequence[Replicates]) -> Table:
    """A section a device beside the CPU and a subject; a row a framework."""
    sections = (
        _section(comparison, device)
        for comparison in comparisons(groups, (*FRAMEWORK, "device"))
        for device in comparison.values("device")
        if device != "cpu"
    )
    return Table(
        name="hardware",
        title="Hardware side by side",
        explanation=(
            "The same experiment on the CPU and on an accelerator of the same machine. The "
            "speed-up is the accelerator's training throughput over the CPU's, the geometric mean "
            "of the ratios seed by seed, with its 95 % interval in brackets. Time to accuracy is "
            "the Kaplan–Meier median, in which misses count, and brackets after an accuracy are "
            "Wilson's interval for the number of test images. p is corrected by Holm's method for "
            "all rows of a section."
        ),
        needs="the same experiments on the CPU and on another device, such as CUDA",
        sections=tuple(section for section in sections if section.rows),
    )


def pairs(comparison: Comparison, device: str) -> tuple[tuple[Replicates, Replicates], ...]:
    """CPU and device of each framework that was run on both."""
    return tuple(
        (on_cpu, on_device)
        for on_cpu in only(comparison.groups, device="cpu")
        for on_device in only(
            comparison.groups,
            device=device,
            framework=on_cpu.experiment.framework,
            execution=on_cpu.experiment.execution,
        )
    )


def _section(comparison: Comparison, device: str) -> Section:
    experiment = comparison.experiment
    place = wording.place(experiment, ("batch_size", "goal"))
    shown = wording.device(device)
    rows = pairs(comparison, device)
    return Section(
        heading=f"CPU and {shown}: {wording.subject(experiment, comparison.data)}, {place}",
        note=f"{equal_in_all_rows(comparison)} {_hardware(comparison)}",
        columns=_columns(comparison, rows, shown),
        rows=rows,
    )


def _hardware(comparison: Comparison) -> str:
    gpus = {g: None for group in comparison.groups for g in group.records[0].machine.gpus}
    named = "; ".join(map(wording.gpu, gpus))
    return f"CPU: {wording.machine(comparison.host)}. " + (f"GPU: {named}." if named else "")


def _columns(comparison: Comparison, rows: Sequence[Row], device: str) -> tuple[Column, ...]:
    names = ("CPU", device)
    return (
        *columns.experiment(leave_out=("device",)),
        columns.framework(rows),
        *beside.throughputs(names, ratio="speed-up"),
        *beside.verdicts(rows, names),
        *(column for target in comparison.targets for column in beside.times(names, target)),
        *beside.accuracies(names),
        matched.column(),
        *beside.outcomes(names),
    )

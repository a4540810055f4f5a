"""What precision and threads buy: the same experiment at two values of one axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, groupby
from typing import Any

from bench.report import wording
from bench.report.comparison import (
    FRAMEWORK,
    HEADING,
    RECIPE,
    SCHEDULE,
    Comparison,
    comparisons,
    differences,
    only,
    swaps,
)
from bench.report.tables import columns
from bench.report.tables.table import Column, Row, Section, Table, equal_in_all_rows, labelled
from bench.stats.runs import Replicates


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One field of an experiment that a reader may want to vary."""

    field: str
    title: str
    order: Callable[[Any], Any]  # of its values; the first of two is what the other stands beside
    said: Callable[[Any], str]
    needs: str


PRECISION = Axis(
    field="precision",
    title="What precision buys",
    order=("fp32", "tf32", "bf16").index,
    said=str,
    needs="the same experiments in two precisions, such as --precision fp32,bf16",
)
THREADS = Axis(
    field="threads",
    title="What threads buy",
    order=lambda threads: (threads is None, threads or 0),
    said=lambda threads: "all threads" if threads is None else wording.counted(threads, "thread"),
    needs="the same experiments on different numbers of processors, such as --threads 1,2",
)


def precision(groups: Sequence[Replicates]) -> Table:
    """A section a subject and pair of precisions; a row a framework."""
    return _table(PRECISION, groups)


def threads(groups: Sequence[Replicates]) -> Table:
    """A section a subject and pair of numbers of threads; a row a framework."""
    return _table(THREADS, groups)


def _table(axis: Axis, groups: Sequence[Replicates]) -> Table:
    sections = (
        _section(axis, comparison, one, other)
        for comparison in comparisons(groups, (*FRAMEWORK, axis.field))
        for one, other in combinations(sorted(comparison.values(axis.field), key=axis.order), 2)
    )
    return Table(
        name=axis.field,
        title=axis.title,
        explanation=(
            "The same experiment with one thing changed. The ratio is of training throughputs, "
            "seed by seed, with its 95 % interval in brackets; p is corrected by Holm's method "
            "for all rows of a section. Brackets after an accuracy are Wilson's interval for the "
            "number of test images."
        ),
        needs=axis.needs,
        sections=tuple(section for section in sections if section.rows),
    )


def _section(axis: Axis, comparison: Comparison, one: Any, other: Any) -> Section:
    experiment = comparison.experiment
    place = wording.place(experiment, ("device", "batch_size", "goal"), leave_out=(axis.field,))
    names = (axis.said(one), axis.said(other))
    rows = labelled(
        (first, second)
        for first in only(comparison.groups, **{axis.field: one})
        for second in only(
            comparison.groups,
            framework=first.experiment.framework,
            execution=first.experiment.execution,
            **{axis.field: other},
        )
        if first.versions == second.versions
    )
    subject = wording.subject(experiment, comparison.data)
    return Section(
        heading=f"{names[0]} and {names[1]}: {subject}, {place}",
        note=equal_in_all_rows(comparison),
        columns=_columns(axis, comparison, names),
        rows=columns.judged_rows(rows),
    )


def _columns(axis: Axis, comparison: Comparison, names: tuple[str, str]) -> tuple[Column, ...]:
    return (
        *columns.experiment(leave_out=(axis.field,)),
        columns.FRAMEWORK,
        *columns.throughputs(names, ratio=f"{names[1]} / {names[0]}"),
        *columns.verdicts(names),
        *(column for target in comparison.targets for column in columns.times(names, target)),
        *columns.accuracies(names),
        columns.WORK,
        *columns.outcomes(names),
    )


# The architecture swap: every architecture on every task.


OF_A_PAIR = ("task", "source", *RECIPE, *SCHEDULE, "data_fingerprint")  # a row has several of each


def build_swap(groups: Sequence[Replicates]) -> Table:
    """A section for each framework, device and batch size; a row an architecture."""
    return Table(
        name="swap",
        title="Architecture swap",
        explanation=(
            "Each network on each task. Read down a column to see what the network buys on one "
            "task, along a row to see how much harder the other task is for it. Brackets hold "
            "Wilson's 95 % interval of the accuracy for the number of test images."
        ),
        needs="runs of two architectures with goal 'train', alike in all else",
        sections=tuple(map(_swap_section, swaps(groups))),
    )


def _swap_section(comparison: Comparison) -> Section:
    experiment = comparison.experiment
    by_architecture = groupby(
        sorted(comparison.groups, key=lambda group: group.experiment.architecture),
        lambda group: group.experiment.architecture,
    )
    return Section(
        heading=f"{wording.framework(experiment)}, "
        + wording.place(experiment, ("device", "batch_size")),
        note=_note(comparison),
        columns=_swap_columns(comparison),
        rows=[Row(groups=tuple(members)) for _, members in by_architecture],
    )


def _note(comparison: Comparison) -> str:
    equal = comparison.constant(leave_out=(*HEADING, *FRAMEWORK))
    own = differences(comparison)
    notices = wording.notices(group.data for group in comparison.groups)
    return " ".join((f"Equal in all cells: {equal}.", *([f"{own}."] if own else []), *notices))


def _swap_columns(comparison: Comparison) -> tuple[Column, ...]:
    places = sorted({(g.experiment.task, g.experiment.source) for g in comparison.groups})
    return (
        *columns.experiment(leave_out=OF_A_PAIR),
        columns.text("network", lambda group: wording.architecture(group.experiment.architecture)),
        *(column for task, source in places for column in _task_columns(task, source)),
        columns.WORK,
        columns.failed(lambda group: wording.images(group.data)),
    )


def _task_columns(task: str, source: str) -> tuple[Column, Column]:
    pick = partial(_pick, task=task, source=source)
    of, name = f"{task} ({source}):", f"{task}_{source.replace('-', '_')}_"
    return (
        columns.accuracy(of=of, name=name, pick=pick),
        columns.throughput(of=of, name=name, pick=pick),
    )


def _pick(row: Row, task: str, source: str) -> Replicates | None:
    found = only(row.groups, task=task, source=source)
    return found[0] if found else None


# Hardware side by side: the CPU and an accelerator of the same machine, with the speed-up.


def build_hardware(groups: Sequence[Replicates]) -> Table:
    """A section a device beside the CPU and a subject; a row a framework."""
    sections = (
        _hardware_section(comparison, device)
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


def _hardware_section(comparison: Comparison, device: str) -> Section:
    experiment = comparison.experiment
    place = wording.place(experiment, ("batch_size", "goal"))
    shown = wording.device(device)
    rows = labelled(pairs(comparison, device))
    return Section(
        heading=f"CPU and {shown}: {wording.subject(experiment, comparison.data)}, {place}",
        note=f"{equal_in_all_rows(comparison)} {_hardware(comparison)}",
        columns=_hardware_columns(comparison, shown),
        rows=columns.judged_rows(rows),
    )


def _hardware(comparison: Comparison) -> str:
    gpus = {g: None for group in comparison.groups for g in group.records[0].machine.gpus}
    named = "; ".join(map(wording.gpu, gpus))
    return f"CPU: {wording.machine(comparison.host)}. " + (f"GPU: {named}." if named else "")


def _hardware_columns(comparison: Comparison, device: str) -> tuple[Column, ...]:
    names = ("CPU", device)
    return (
        *columns.experiment(leave_out=("device",)),
        columns.FRAMEWORK,
        *columns.throughputs(names, ratio="speed-up"),
        *columns.verdicts(names),
        *(column for target in comparison.targets for column in columns.times(names, target)),
        *columns.accuracies(names),
        columns.WORK,
        *columns.outcomes(names),
    )

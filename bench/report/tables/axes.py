"""One thing varied: hardware, precision, threads, batch size; and architectures by tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, groupby
from typing import Any

from bench.machine import devices
from bench.report import wording
from bench.report.comparison import (
    FRAMEWORK,
    HEADING,
    RECIPE,
    SCHEDULE,
    Comparison,
    by_contender,
    comparisons,
    differences,
    only,
    swaps,
)
from bench.report.tables import beside, columns
from bench.report.tables.columns import Side
from bench.report.tables.table import Column, Row, Section, Table, labelled, marked, section_of
from bench.stats import runs
from bench.stats.runs import Replicates

# What a row of the swap has several of.
OF_A_PAIR = ("task", "source", *RECIPE, *SCHEDULE, "data_fingerprint")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One field of an experiment that a reader may want to vary, and the table of it."""

    field: str
    title: str
    explanation: str
    needs: str
    order: Callable[[Any], Any]  # of its values; the first of two is what the other stands beside
    name: Callable[[Any], str]  # of a value, for a reader
    over: str = "{1} / {0}"  # header of the second throughput over the first, of their names
    conditions: tuple[str, ...] = ("device", "batch_size", "goal")  # in a section's heading
    same_versions: bool = True  # whether both have to have the same packages
    note: Callable[[Comparison], str] = lambda _: ""  # more of what is equal in all rows


def _hardware_note(comparison: Comparison) -> str:
    """The processor, and each GPU that a row was measured on."""
    facts = {"CPU": wording.machine(comparison.host)}
    for group in comparison.groups:
        device = group.experiment.device
        used = devices.gpu(device, group.records[0].machine)
        if used is not None:
            facts[wording.device(device)] = wording.gpu(used)
    return " ".join(f"{device}: {named}." for device, named in facts.items())


ONE_THING_CHANGED = (
    "The same experiment with one thing changed. The ratio is of training throughputs, "
    "seed by seed, with its 95 % interval in brackets; p is corrected by Holm's method "
    "for all rows of a section. Brackets after an accuracy are Wilson's interval for the "
    "number of test images."
)
HARDWARE = Axis(
    field="device",
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
    order=lambda device: (device != "cpu", device),
    name=wording.device,
    over="speed-up",
    conditions=("batch_size", "goal"),
    same_versions=False,  # a device may have an environment of its own
    note=_hardware_note,
)
PRECISION = Axis(
    field="precision",
    title="What precision buys",
    explanation=ONE_THING_CHANGED,
    needs="the same experiments in two precisions, such as --precision fp32,bf16",
    order=("fp32", "tf32", "bf16").index,
    name=str,
)
THREADS = Axis(
    field="threads",
    title="What threads buy",
    explanation=ONE_THING_CHANGED,
    needs="the same experiments on different numbers of processors, such as --threads 1,2",
    order=lambda threads: (threads is None, threads or 0),
    name=lambda threads: "all threads" if threads is None else wording.counted(threads, "thread"),
)


def _table(table_name: str, axis: Axis, groups: Sequence[Replicates]) -> Table:
    """A section a subject and two values of the axis, if a framework has both; a row each."""
    sections = (
        _section(axis, comparison, values)
        for comparison in comparisons(groups, (*FRAMEWORK, axis.field))
        for values in combinations(sorted(comparison.values(axis.field), key=axis.order), 2)
    )
    return Table(
        name=table_name,
        title=axis.title,
        explanation=axis.explanation,
        needs=axis.needs,
        sections=tuple(section for section in sections if section.rows),
    )


hardware = partial(_table, "hardware", HARDWARE)
precision = partial(_table, "precision", PRECISION)
threads = partial(_table, "threads", THREADS)


def _section(axis: Axis, comparison: Comparison, values: tuple[Any, Any]) -> Section:
    first, second = map(axis.name, values)
    both = columns.sides(first, second)
    subject = comparison.heading(*axis.conditions, leave_out=(axis.field,))
    return section_of(
        comparison,
        (
            columns.experiment(leave_out=(axis.field,)),
            columns.FRAMEWORK,
            *beside.speeds(both, axis.over.format(first, second)),
            *(columns.time(target, side) for target in comparison.targets for side in both),
            *map(columns.accuracy, both),
            columns.WORK,
            *map(columns.outcome_of, both),
        ),
        beside.judged_rows(labelled(pairs(axis, comparison, values))),
        axis.note(comparison),
        heading=f"{first} and {second}: {subject}",
    )


def pairs(
    axis: Axis, comparison: Comparison, values: tuple[Any, Any]
) -> list[tuple[Replicates, Replicates]]:
    """The groups of each framework that was run at both values of the axis."""
    firsts, seconds = (only(comparison.groups, **{axis.field: value}) for value in values)
    return [
        (first, second)
        for first in firsts
        for second in only(seconds, **{name: getattr(first.experiment, name) for name in FRAMEWORK})
        if first.versions == second.versions or not axis.same_versions
    ]


# The batch-size sweep: training throughput of each framework at each batch size


def batch_sizes(groups: Sequence[Replicates]) -> Table:
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
    varied = comparisons(groups, (*FRAMEWORK, "batch_size"))
    return [comparison for comparison in varied if len(comparison.values("batch_size")) > 1]


def _batch_size_section(comparison: Comparison) -> Section:
    return section_of(
        comparison,
        (
            columns.experiment(leave_out=("batch_size",)),
            columns.FRAMEWORK,
            *map(_throughput_at, comparison.values("batch_size")),
            columns.WORK,
            columns.failed(lambda group: f"batch {group.experiment.batch_size:,}"),
        ),
        labelled(by_contender(comparison.groups)),
        heading=comparison.heading("device", "goal"),
    )


def _throughput_at(size: int) -> Column:
    side = Side(
        pick=lambda row: next(iter(only(row.groups, batch_size=size)), None),
        header=f"batch {size:,}",
    )
    statistic = runs.throughput_images_per_s
    return columns.quantity("(images/s)", "throughput", "images_per_s", statistic, side=side)


# The architecture swap: every architecture on every task


def swap(groups: Sequence[Replicates]) -> Table:
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
    def architecture(group: Replicates) -> str:
        return group.experiment.architecture

    experiment = comparison.experiment
    conditions = wording.heading_conditions(experiment, ("device", "batch_size"))
    equal = comparison.constant(leave_out=(*HEADING, *FRAMEWORK))
    sentences = (f"Equal in all cells: {equal}", differences(comparison))
    notices = wording.notices(group.data for group in comparison.groups)
    tasks = sorted({(g.experiment.task, g.experiment.source) for g in comparison.groups})
    by_architecture = groupby(sorted(comparison.groups, key=architecture), architecture)
    rows = [Row(groups=tuple(members)) for _, members in by_architecture]
    return Section(
        heading=f"{wording.framework(experiment)}, {conditions}",
        note=" ".join((*(f"{sentence}." for sentence in sentences if sentence), *notices)),
        columns=marked(
            (
                columns.experiment(leave_out=OF_A_PAIR),
                columns.text("network", lambda group: wording.architecture(architecture(group))),
                *(
                    column(side)
                    for side in (_task_side(task, source) for task, source in tasks)
                    for column in (columns.accuracy, columns.throughput)
                ),
                columns.WORK,
                columns.failed(lambda group: wording.images(group.data)),
            ),
            rows,
        ),
        rows=rows,
    )


def _task_side(task: str, source: str) -> Side:
    """The group of a row that was trained on one task."""
    return Side(
        pick=lambda row: next(iter(only(row.groups, task=task, source=source)), None),
        header=f"{task} ({source}):",
    )

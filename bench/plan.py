"""From what the user asked for to a plan: which runs, on what data, on which machine, where."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import datasets
from bench import UsageError
from bench.cli import Options
from bench.experiment import NATIVE_INIT, Experiment, Run
from bench.machine import hardware
from bench.machine.devices import choose_devices, with_precision
from bench.presets import PRESETS, Grid, TaskSource, expand, for_tasks, restrict
from bench.report.seeds import FEWEST
from bench.results.folder import Results, ResultsError
from bench.results.record import Machine
from bench.run import interpreters, material, replicas, scheduler
from bench.run.estimate import expected_s
from bench.run.progress import StageDisplay, minutes, title
from bench.trainers import FRAMEWORKS

REPEATS = 2  # of a run that other programs disturb, at most
MOST_RUNS = 100_000  # days of the shortest runs there are; a plan lists all of its runs


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be run, on what, and where it is left."""

    experiments: tuple[Experiment, ...]
    seeds: int  # of --seeds auto: the fewest
    first_seed: int = 0  # of a block of a grid: its only one
    site: scheduler.Site
    notes: tuple[str, ...]  # what the user should know of the data, and of what is left out

    def __post_init__(self) -> None:
        if (runs := len(self.experiments) * self.seeds) > MOST_RUNS:
            raise UsageError(
                f"{runs:,} runs planned, at most {MOST_RUNS:,} can be; give fewer --seeds, or less "
                "to compare"
            )

    @property
    def runs(self) -> list[Run]:
        """All runs, in their order."""
        seeds = range(self.first_seed, self.first_seed + self.seeds)
        return scheduler.round_robin(self.experiments, seeds)

    def estimate_s(self, run: Run) -> float:
        """About how long a run takes, seconds."""
        experiment = run.experiment
        _, facts = self.site.data[experiment.task, experiment.source]
        return expected_s(experiment, facts)


def make_plan(options: Options, elsewhere: Machine | None = None) -> Plan:
    """Look at the machine, prepare the data, and expand the preset.

    ``elsewhere``: the machine that is to carry it out, where it is not this one.
    Raises UsageError for a device that is not there or a plan that is empty or too large,
    ResultsError for a folder that cannot be used, DataError for the data.
    """
    preset = PRESETS[options.preset]
    results = Results(options.out or _new_folder(options.preset))
    check_folder(results, options)  # before minutes may go into preparing the data
    here = elsewhere or hardware.observe()
    if elsewhere is None:
        hardware.check_threads(options.threads)
    grids = _grids(options, preset.grids, choose_devices(options.devices, here))
    tasks = tuple(dict.fromkeys(task for grid in grids for task in grid.tasks))
    prepared = _prepare(options, tasks, options.glyphs_images or preset.glyphs_images)
    sources = [TaskSource(task=p.task, source=p.source, targets=p.targets) for p in prepared]
    expanded = expand(grids, sources, preset.schedules)
    if not elsewhere:  # each node asks for itself
        replicas.check(expanded, here, asked=options.replicas is not None, energy=options.energy)
    offered, unconfined = (expanded, []) if elsewhere else hardware.with_threads(expanded)
    experiments, left_out = with_precision(offered, options.precisions or (), here)
    left_out = [*unconfined, *left_out]
    if not experiments:
        why = left_out or [
            "no framework chosen offers the execution, precision and device asked for"
        ]
        raise UsageError(f"nothing to run: {' '.join(why)}; see 'run_all.py --help'")
    site = scheduler.Site(
        results=results,
        data={
            (p.task, p.source): (p.folder, material.describe(datasets.open_cached(p.folder)))
            for p in prepared
        },
        machine=here,
        timeout_s=options.timeout_s,
        pythons=options.pythons,
        versions={n: interpreters.versions_of(n, options.pythons) for n in FRAMEWORKS},
        energy=options.energy,
        repeats=0 if options.unchecked else REPEATS,
    )
    return Plan(
        experiments=tuple(experiments),
        seeds=_seeds(options, preset.seeds, experiments),
        site=site,
        notes=(
            *(note for p in prepared for note in p.notes),
            *left_out,
            *replicas.notes(experiments),
            *interpreters.notes((e.framework for e in experiments), site.pythons, site.versions),
        ),
    )


def _seeds(options: Options, preset: int, experiments: Sequence[Experiment]) -> int:
    """How many seeds; of --seeds auto the fewest. Raises UsageError where --between has no part."""
    if options.seeds != "auto":
        return options.seeds or preset
    between = options.between or ()
    planned = {experiment.framework for experiment in experiments}
    absent = [name for name in between if name not in planned]
    if absent:
        raise UsageError(
            f"--between {','.join(between)}: {' and '.join(absent)} is not among the frameworks "
            "to be run; add it with --framework"
        )
    if not _comparable(experiments, between):
        raise UsageError(
            f"--between {','.join(between)}: no two of their experiments differ in framework and "
            "execution alone; choose what both run, such as the same --task and --architecture"
        )
    return FEWEST


def _comparable(experiments: Sequence[Experiment], names: Sequence[str]) -> bool:
    """Whether two frameworks have experiments that are alike in all else."""
    alike = [
        {replace(e, framework="", execution="") for e in experiments if e.framework == name}
        for name in names
    ]
    return bool(set.intersection(*alike))


def check_folder(results: Results, options: Options) -> None:
    """Raise ResultsError where the folder has records and the user did not ask to resume."""
    records = results.records()
    if records and not options.resume:
        raise ResultsError(
            f"{results.folder} has {len(records)} records already; "
            "add --resume to run what is missing, or choose another --out"
        )


def _prepare(options: Options, tasks: Sequence[str], glyphs_images: int) -> list[datasets.Prepared]:
    """Have the data of each task in the cache, and show how far that is."""
    with StageDisplay() as show:
        return [
            datasets.prepare(
                task,
                source=source,
                data_dir=options.data_dir,
                data_file=options.data_file,
                glyphs_images=glyphs_images,
                progress=show,
            )
            for task, source in _sources(options, tasks).items()
        ]


def _grids(options: Options, grids: Sequence[Grid], devices: tuple[str, ...]) -> list[Grid]:
    choices = {
        "tasks": options.tasks,
        "architectures": options.architectures,
        "frameworks": options.frameworks,
        "executions": options.executions,
        "devices": devices,
        "batch_sizes": options.batch_sizes,
        "precisions": options.precisions,
        "threads": options.threads,
        "evaluations_per_epoch": options.evaluations_per_epoch,
        "augmentation": tuple(word == "on" for word in options.augmentation or ()) or None,
    } | replicas.choices(options)
    lists: dict[str, Sequence[Any] | None] = {  # a grid has one of each: there will be several
        "native": [NATIVE_INIT if init == "native" else None for init in options.inits],
        "epochs": options.epochs,
        "optimizer": options.optimizers,
        "learning_rate": options.learning_rates,
        "validation_share": options.validation_shares,
    }
    combinations = [*itertools.product(*(values or (None,) for values in lists.values()))]
    planned = for_tasks(grids, options.tasks or ())
    all_choices = [choices | dict(zip(lists, each, strict=True)) for each in combinations]
    narrowed = [restrict(grid, chosen) for grid in planned for chosen in all_choices]
    return [grid for grid in narrowed if grid.tasks and grid.architectures]


def _sources(options: Options, tasks: Sequence[str]) -> dict[str, str | None]:
    """Task -> the source asked for, where the task has it: 'mnist' says nothing of letters.

    Raises UsageError for a source that none of the tasks has.
    """
    if options.data_file is not None:
        return dict.fromkeys(tasks)
    offered = {task: [source.name for source in datasets.TASKS[task].sources] for task in tasks}
    chosen = {task: options.source if options.source in offered[task] else None for task in tasks}
    if options.source is not None and not any(chosen.values()):
        known = ", ".join(dict.fromkeys(name for names in offered.values() for name in names))
        raise UsageError(
            f"--source {options.source}: {' and '.join(tasks)} has no such source; "
            f"choose from {known}"
        )
    return chosen


def _new_folder(preset: str) -> Path:
    return Path("results") / f"{preset}-{datetime.now():%Y%m%d-%H%M%S}"


def describe(plan: Plan) -> str:
    """The plan in words, with about how long it will take."""
    runs = plan.runs
    lines = [f"{title(run)}: about {minutes(plan.estimate_s(run))}" for run in runs]
    closing = (
        f"{len(runs)} runs ({len(plan.experiments)} experiments, {plan.seeds} seeds), about "
        f"{minutes(sum(map(plan.estimate_s, runs)))} by rates measured on a two-core machine, "
        "audit and certificates before them left out"
    )
    return "\n".join([*plan.notes, *lines, closing])

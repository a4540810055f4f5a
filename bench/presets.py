"""Grids and presets: from a few lists of choices to the experiments of a suite."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from bench.experiment import Experiment, Goal, Optimizer, recipe
from bench.trainers import FRAMEWORKS

DEFAULT_EXECUTION = "default"  # what the users of a framework get without asking
ALL_EXECUTIONS = "all"


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Lists of choices; every combination that exists is an experiment."""

    tasks: tuple[str, ...] = ("digits", "letters")
    architectures: tuple[str, ...] = ("mlp", "cnn")
    frameworks: tuple[str, ...] = tuple(FRAMEWORKS)
    executions: tuple[str, ...] = (DEFAULT_EXECUTION,)
    devices: tuple[str, ...] = ("cpu",)
    batch_sizes: tuple[int, ...] = (128,)
    goal: Goal = "train"
    epochs: float | None = None  # None: by source, from SOURCE_EPOCHS of the preset
    evaluations_per_epoch: int = 1
    optimizer: Optimizer | None = None  # None: the recipe's
    learning_rate: float | None = None  # None: the recipe's


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A suite with a purpose."""

    description: str
    grids: tuple[Grid, ...]
    epochs: Mapping[str, float]  # source -> epochs, for grids that name none
    seeds: int
    glyphs_images: int  # images to draw where no real data can be had


SWEEP = Grid(
    tasks=("digits",),
    executions=(ALL_EXECUTIONS,),
    batch_sizes=(20, 128, 1024),
    goal="throughput",
    epochs=0.2,
)

PRESETS: dict[str, Preset] = {
    "quick": Preset(
        description="a coffee: all frameworks, both tasks and architectures, one seed",
        grids=(Grid(evaluations_per_epoch=4),),
        epochs={"mnist": 1, "az": 0.25, "az-sample": 5, "glyphs": 2},
        seeds=1,
        glyphs_images=12_000,
    ),
    "standard": Preset(
        description="the comparison to quote: trained to the end, and a batch-size sweep",
        grids=(Grid(evaluations_per_epoch=2), SWEEP),
        epochs={"mnist": 5, "az": 2, "az-sample": 15, "glyphs": 8},
        seeds=3,
        glyphs_images=40_000,
    ),
    "paper": Preset(
        description="the study this project comes from: MLP on digits, CNN on letters",
        grids=(
            Grid(
                tasks=("digits",),
                architectures=("mlp",),
                frameworks=("pytorch",),
                batch_sizes=(20,),
                epochs=50,
                optimizer="sgd",
                learning_rate=0.01,
            ),
            Grid(tasks=("letters",), architectures=("cnn",), frameworks=("keras-tensorflow",)),
        ),
        epochs={"mnist": 50, "az": 10, "az-sample": 40, "glyphs": 10},
        seeds=1,
        glyphs_images=40_000,
    ),
}


@dataclass(frozen=True, kw_only=True)
class TaskSource:
    """The source that serves a task in this suite, with the accuracies to be timed."""

    task: str
    source: str
    targets: tuple[float, ...]


def expand(
    grids: Iterable[Grid], sources: Iterable[TaskSource], epochs: Mapping[str, float]
) -> list[Experiment]:
    """Every experiment of the grids, each once, in the order of the grids.

    A combination that a framework does not offer (an execution, a device) is left out.
    """
    by_task = {source.task: source for source in sources}
    found: dict[Experiment, None] = {}
    for grid in grids:
        for experiment in _experiments(grid, by_task, epochs):
            found[experiment] = None
    return list(found)


def restrict(grid: Grid, choices: Mapping[str, object]) -> Grid:
    """The grid with the choices a user made in place of its own; None is no choice."""
    return replace(grid, **{name: choice for name, choice in choices.items() if choice is not None})


def _experiments(
    grid: Grid, sources: Mapping[str, TaskSource], epochs: Mapping[str, float]
) -> Iterator[Experiment]:
    axes = itertools.product(
        grid.tasks, grid.architectures, grid.devices, grid.batch_sizes, grid.frameworks
    )
    for task, architecture, device, batch_size, framework in axes:
        if device not in FRAMEWORKS[framework].devices:
            continue
        source, training = sources[task], recipe(task, architecture)
        for execution in _executions(grid, framework):
            yield Experiment(
                task=task,
                source=source.source,
                architecture=architecture,
                framework=framework,
                execution=execution,
                device=device,
                goal=grid.goal,
                batch_size=batch_size,
                epochs=grid.epochs if grid.epochs is not None else epochs[source.source],
                evaluations_per_epoch=grid.evaluations_per_epoch,
                optimizer=grid.optimizer or training.optimizer,
                learning_rate=grid.learning_rate or training.learning_rate,
                momentum=training.momentum,
                targets=source.targets if grid.goal == "train" else (),
            )


def _executions(grid: Grid, framework: str) -> Iterator[str]:
    """The grid's executions that the framework offers, each once."""
    offered = FRAMEWORKS[framework].executions
    chosen: dict[str, None] = {}
    for execution in grid.executions:
        if execution == DEFAULT_EXECUTION:
            chosen[offered[0]] = None
        elif execution == ALL_EXECUTIONS:
            chosen.update(dict.fromkeys(offered))
        elif execution in offered:
            chosen[execution] = None
    yield from chosen

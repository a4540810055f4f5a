"""Grids and presets: from a few lists of choices to the experiments of a suite."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.experiment import PARALLEL, Experiment, Goal, Optimizer, Precision, recipe
from bench.trainers import FRAMEWORKS, restorable
from datasets import TASKS
from models import ARCHITECTURES, COMPARED

DEFAULT_EXECUTION = "default"  # what the users of a framework get without asking
ALL_EXECUTIONS = "all"
SCALINGS = ("strong", "weak")  # with more replicas the batch stays, or grows with them


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Lists of choices; every combination that exists is an experiment."""

    tasks: tuple[str, ...] = tuple(TASKS)
    architectures: tuple[str, ...] = COMPARED
    frameworks: tuple[str, ...] = tuple(FRAMEWORKS)
    executions: tuple[str, ...] = (DEFAULT_EXECUTION,)
    devices: tuple[str, ...] = ("cpu",)
    batch_sizes: tuple[int, ...] = (128,)
    accelerated_batch_sizes: tuple[int, ...] = ()  # more, on every device, where one is no CPU
    precisions: tuple[Precision, ...] = ("fp32",)
    threads: tuple[int | None, ...] = (None,)  # None: all the processors there are
    replicas: tuple[int, ...] = (1,)  # of the execution PARALLEL; all others have one
    scalings: tuple[str, ...] = SCALINGS[:1]
    native: tuple[str, ...] = ()  # what is left to the frameworks' own defaults
    goal: Goal = "train"
    epochs: float | None = None  # None: by source, from the preset
    evaluations_per_epoch: int | None = None  # None: by source, from the preset
    optimizer: Optimizer | None = None  # None: the recipe's
    learning_rate: float | None = None  # None: the recipe's
    validation_share: float | None = None  # None: as the data set is split
    augmentation: tuple[bool, ...] = (False,)  # both: with and without
    training_accuracy: bool = False
    # True: made for its tasks and architectures, so that a choice of others leaves the grid out
    tailored: bool = False


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long a source is trained on, and how often validation is read meanwhile.

    Each stretch between two evaluations is a call of Keras's ``fit``, which costs tens of
    milliseconds on TensorFlow, as each epoch of a single call does too. A stretch should
    therefore last much longer than that: the small sources are evaluated once an epoch.
    """

    epochs: float
    evaluations_per_epoch: int = 1


OTHER_SCHEDULE = Schedule(epochs=5)  # of a source that a preset does not name


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A suite with a purpose."""

    description: str
    grids: tuple[Grid, ...]
    schedules: Mapping[str, Schedule]  # by source, for grids that name no epochs
    seeds: int
    glyphs_images: int  # images to draw where no real data can be had
    study: bool = False  # True: with pictures and tables of what was learned, a page a task
    ensembles: bool = False  # True: with members trained at once and one by one, bench ensemble


BATCH_SIZES = Grid(
    tasks=("digits",),
    frameworks=tuple(name for name in FRAMEWORKS if name != "numpy"),  # which nobody scales
    batch_sizes=(20, 128, 1024),
    accelerated_batch_sizes=(8192,),  # small batches leave a GPU idle; a laptop may not hold these
    goal="throughput",
    epochs=0.5,  # one stretch, long enough for the 40 ms that a call of fit costs on TensorFlow
)
# What compiling buys, at one batch size: each compilation takes longer than the steps it speeds.
COMPILERS = replace(
    BATCH_SIZES, executions=(ALL_EXECUTIONS,), batch_sizes=(128,), accelerated_batch_sizes=()
)

# The study: what it trained, as it did, then what it proposed. Epochs suit MNIST and the sample
# of the letters; each run keeps its best checkpoint, so that more of them do no harm.
_STUDIED = Grid(
    frameworks=("pytorch",), evaluations_per_epoch=1, training_accuracy=True, tailored=True
)
STUDY = (
    replace(
        _STUDIED,
        tasks=("digits",),
        architectures=("mlp",),
        batch_sizes=(20,),
        epochs=50,
        optimizer="sgd",
        learning_rate=0.01,
        validation_share=0.2,
    ),
    replace(
        _STUDIED,
        tasks=("digits",),
        architectures=("cnn",),
        frameworks=("keras-tensorflow",),
    ),
    replace(
        _STUDIED,
        tasks=("letters",),
        architectures=("cnn",),
        frameworks=("keras-tensorflow",),
        augmentation=(False, True),
    ),
    replace(_STUDIED, tasks=("letters",), architectures=("mlp",)),
    *(
        replace(_STUDIED, tasks=(task,), architectures=names, epochs=epochs)
        # members one after the other: each has the epochs that the small MLP alone has
        for task, epochs_each in (("digits", 10), ("letters", 40))
        for names, epochs in (
            (("mlp-small", "mlp-wide", "ensemble-mlp"), epochs_each),
            (("adaboost-mlp",), 16 * epochs_each),
        )
    ),
    replace(_STUDIED, tasks=("digits",), architectures=("gnn",), batch_sizes=(64,), epochs=8),
    replace(_STUDIED, tasks=("letters",), architectures=("gnn",), batch_sizes=(32,), epochs=20),
)

# The lessons: each asks for a few experiments that differ in one thing. What is compared with
# accuracies is trained; all else is steps alone, as few as can be timed.
_LESSON = Grid(
    tasks=("digits",),
    architectures=("mlp",),
    frameworks=("pytorch", "keras-tensorflow", "jax", "numpy"),
    goal="throughput",
    epochs=0.5,
    tailored=True,
)
_LESSON_CNN = replace(_LESSON, architectures=("cnn",), epochs=0.2)
_MLP_ALONE, _CNN_ALONE = (replace(each, frameworks=("pytorch",)) for each in (_LESSON, _LESSON_CNN))
LESSONS = (
    replace(_LESSON, goal="train", epochs=None),
    _LESSON_CNN,
    replace(_LESSON, tasks=("letters",), epochs=None),
    replace(_MLP_ALONE, batch_sizes=(20, 128, 1024)),
    replace(_CNN_ALONE, batch_sizes=(1024,)),
    replace(_MLP_ALONE, batch_sizes=(20,), threads=(1, 2)),
    replace(_CNN_ALONE, threads=(1, 2)),
    replace(_MLP_ALONE, precisions=("bf16",)),
    replace(_CNN_ALONE, precisions=("bf16",)),
    # not PyTorch's compiler, which takes 15 s a run, and takes them on a CPU in vain
    replace(_LESSON, frameworks=("keras-tensorflow",), executions=("graph", "compiled")),
)

PRESETS: dict[str, Preset] = {
    "quick": Preset(
        description="a coffee: digits in all frameworks and letters in PyTorch, both "
        "architectures, three seeds of few steps",
        # Three seeds of everything would take twice as long: most of a short run is its start.
        grids=(Grid(tasks=("digits",)), Grid(tasks=("letters",), frameworks=("pytorch",))),
        schedules={  # about ten thousand images; a shorter stretch would be no measurement
            "mnist": Schedule(epochs=0.25, evaluations_per_epoch=4),
            "az": Schedule(epochs=0.05, evaluations_per_epoch=20),
            "az-sample": Schedule(epochs=3),
            "glyphs": Schedule(epochs=1),
            "own": Schedule(epochs=5),
        },
        seeds=3,
        glyphs_images=12_000,
    ),
    "standard": Preset(
        description="the comparison to quote: trained to the end, and a batch-size sweep",
        grids=(Grid(), BATCH_SIZES, COMPILERS),
        schedules={
            "mnist": Schedule(epochs=3, evaluations_per_epoch=2),
            "az": Schedule(epochs=2, evaluations_per_epoch=4),
            "az-sample": Schedule(epochs=10),
            "glyphs": Schedule(epochs=8),
            "own": Schedule(epochs=20),
        },
        seeds=5,
        glyphs_images=40_000,
    ),
    "lessons": Preset(
        description="what the lessons of the page ask for: ten minutes on two cores",
        grids=LESSONS,
        schedules={
            "mnist": Schedule(epochs=1),
            "az": Schedule(epochs=0.2),
            "az-sample": Schedule(epochs=10),
            "glyphs": Schedule(epochs=1),
            "own": Schedule(epochs=5),
        },
        seeds=3,
        glyphs_images=40_000,
        ensembles=True,
    ),
    "sweep": Preset(
        description="throughput over seven batch sizes: training steps alone, on digits",
        grids=(replace(BATCH_SIZES, batch_sizes=(16, 32, 64, 128, 256, 512, 1024)),),
        schedules=dict.fromkeys(
            ("mnist", "az", "az-sample", "glyphs", "own"), Schedule(epochs=0.5)
        ),
        seeds=3,
        glyphs_images=12_000,
    ),
    "paper": Preset(
        description="the study this project comes from, with what it proposed: MLP and CNN, "
        "augmentation, boosting, ensembles, graphs",
        grids=STUDY,
        schedules={
            "mnist": Schedule(epochs=20),
            "az": Schedule(epochs=10),
            "az-sample": Schedule(epochs=100),
            "glyphs": Schedule(epochs=10),
            "own": Schedule(epochs=30),
        },
        seeds=3,
        glyphs_images=40_000,
        study=True,
    ),
}


@dataclass(frozen=True, kw_only=True)
class TaskSource:
    """The source that serves a task in this suite, with the accuracies to be timed."""

    task: str
    source: str
    targets: tuple[float, ...]


def expand(
    grids: Iterable[Grid], sources: Iterable[TaskSource], schedules: Mapping[str, Schedule]
) -> list[Experiment]:
    """Every experiment of the grids, each once, in the order of the grids.

    A combination that a framework does not offer (an execution, a device) is left out.
    """
    by_task = {source.task: source for source in sources}
    experiments = (e for grid in grids for e in _experiments(grid, by_task, schedules))
    return list(dict.fromkeys(experiments))


def restrict(grid: Grid, choices: Mapping[str, Any]) -> Grid:
    """The grid with the choices a user made in place of its own; None is no choice.

    Of a tailored grid the tasks and architectures that were chosen are left; a grid without
    any makes no experiment.
    """
    made = {name: choice for name, choice in choices.items() if choice is not None}
    if "batch_sizes" in made:
        made["accelerated_batch_sizes"] = ()
    if grid.tailored:
        for name in ("tasks", "architectures"):
            own = getattr(grid, name)
            made[name] = tuple(word for word in own if word in made.get(name, own))
    return replace(grid, **made)


def for_tasks(grids: Iterable[Grid], tasks: Collection[str]) -> list[Grid]:
    """The grids, and for each task that none was tailored for those of letters, made for it."""
    planned = list(grids)
    known = {task for grid in planned for task in grid.tasks}
    for task in tasks:
        if task not in known:
            planned += [
                replace(grid, tasks=(task,))
                for grid in grids
                if grid.tailored and "letters" in grid.tasks
            ]
    return planned


def _experiments(
    grid: Grid, sources: Mapping[str, TaskSource], schedules: Mapping[str, Schedule]
) -> Iterator[Experiment]:
    axes = itertools.product(
        grid.tasks,
        grid.architectures,
        grid.devices,
        grid.precisions,
        grid.threads,
        grid.batch_sizes + (grid.accelerated_batch_sizes if _accelerated(grid) else ()),
        grid.frameworks,
        grid.augmentation,
    )
    for task, architecture, device, precision, threads, batch_size, framework, augmented in axes:
        offered = FRAMEWORKS[framework]
        if not offered.offers(precision, device):
            continue
        if not _exists(architecture, framework, augmented):
            continue
        source, training = sources[task], recipe(task, architecture)
        schedule = schedules.get(source.source, OTHER_SCHEDULE)
        executions = _executions(grid, architecture, framework, device)
        for execution, replicas, times in _replicated(grid, executions):
            yield Experiment(
                task=task,
                source=source.source,
                architecture=architecture,
                framework=framework,
                execution=execution,
                device=device,
                goal=grid.goal,
                batch_size=times * batch_size,
                epochs=grid.epochs or schedule.epochs,
                evaluations_per_epoch=_evaluations(grid, schedule),
                optimizer=grid.optimizer or training.optimizer,
                learning_rate=grid.learning_rate or training.learning_rate,
                momentum=training.momentum,
                precision=precision,
                threads=threads,
                native=grid.native,
                targets=source.targets if grid.goal == "train" else (),
                validation_share=grid.validation_share,
                augmentation=augmented,
                training_accuracy=grid.training_accuracy and grid.goal == "train",
                replicas=replicas,
            )


def _replicated(grid: Grid, executions: Iterable[str]) -> Iterator[tuple[str, int, int]]:
    """Each execution with its numbers of replicas, and how many times the batch each has."""
    for execution in executions:
        for replicas in grid.replicas if execution == PARALLEL else (1,):
            for scaling in grid.scalings:
                yield execution, replicas, replicas if scaling == "weak" else 1


def _exists(architecture: str, framework: str, augmented: bool) -> bool:
    """Whether the framework has the network, and it can be trained so."""
    network = ARCHITECTURES[architecture]
    return FRAMEWORKS[framework].family in network.families and (
        network.augmentable or not augmented
    )


def _evaluations(grid: Grid, schedule: Schedule) -> int:
    """An epoch; timing steps alone goes on without a stop, since each stop costs some time.

    Where a device is no CPU, once at most: there a part of an epoch may last milliseconds.
    """
    if grid.goal == "throughput":
        return 1
    usual = 1 if _accelerated(grid) else schedule.evaluations_per_epoch
    return grid.evaluations_per_epoch or usual


def _accelerated(grid: Grid) -> bool:
    return any(device != "cpu" for device in grid.devices)


def _executions(grid: Grid, architecture: str, framework: str, device: str) -> Iterator[str]:
    """The grid's executions that the framework offers for the architecture, each once."""
    possible = ARCHITECTURES[architecture].executions or FRAMEWORKS[framework].executions
    offered = FRAMEWORKS[framework].executions_on(device, architecture)
    offered = tuple(name for name in offered if name in possible)
    chosen: dict[str, None] = {}
    for execution in grid.executions:
        if execution == DEFAULT_EXECUTION:
            chosen[FRAMEWORKS[framework].default_execution(device)] = None
        elif execution == ALL_EXECUTIONS:
            chosen.update(dict.fromkeys(name for name in offered if name != PARALLEL))
        elif execution in offered:
            chosen[execution] = None
    yield from chosen


def rungs(matched: Experiment) -> Iterator[Experiment]:
    """The matched experiment, in its framework's default execution, and all rungs above it."""
    yield matched
    words = restorable(matched)
    for word in words:
        yield replace(matched, native=(word,))
    framework = FRAMEWORKS[matched.framework]
    for execution in framework.executions_on(matched.device, matched.architecture):
        if execution not in (matched.execution, PARALLEL):
            yield replace(matched, execution=execution)
    if len(words) > 1:
        yield replace(matched, native=words)

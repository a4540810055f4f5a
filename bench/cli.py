"""The words of the command line, each once: what it is called, how it is read, what it does.

``Options`` lists the options of run_all.py, most of which the study and the ladder have too;
``parse`` reads a command line into it, and ``bench.run.reading`` each of its words. Other commands
take single ones of these options by ``add_option``; those that ask a saved model begin with
``saved_model_parser``.
"""

# ruff: noqa: RUF009 - the fields of Options say how they are read, by functions called there

from __future__ import annotations

import argparse
import reprlib
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, Literal

import datasets
import models
from bench.experiment import PARALLEL, Optimizer, Precision
from bench.machine.devices import DEVICES
from bench.presets import ALL_EXECUTIONS, DEFAULT_EXECUTION, PRESETS, SCALINGS
from bench.results.evidence import read_price
from bench.run import interpreters, reading
from bench.run.door import parser_of
from bench.trainers import FRAMEWORKS

EXECUTIONS = (
    DEFAULT_EXECUTION,
    ALL_EXECUTIONS,
    *dict.fromkeys(name for each in FRAMEWORKS.values() for name in each.executions),
)
OPTIMIZERS = ("adam", "sgd")
PRECISIONS: tuple[Precision, ...] = ("fp32", "tf32", "bf16")
INITS = ("matched", "native")
AUGMENTATIONS = ("off", "on")
# More than any comparison needs, and as much as a run can count: field of Options -> at most
MOST = {
    "seeds": 1e9,  # and as many runs as bench.front takes
    "batch_sizes": 1e9,
    "replicas": 1024,
    "epochs": 1e6,
    "evaluations_per_epoch": 1e4,
    "timeout_s": 1e8,  # three years
    "budget_s": 1e8,
    "price_per_h": 1e9,
}
SOURCES = tuple(dict.fromkeys(s.name for task in datasets.TASKS.values() for s in task.sources))

SEEDS_HELP = "run each experiment with the seeds 0 to N-1"
AUTO_SEEDS = ("between", "within", "budget_s")  # the options that belong to --seeds auto
REPLICAS = ("replicas", "scalings")  # ... and to data-parallel training
GRID = ("on", "cluster", "shard", "kind", "status", "collect")  # those of many machines
ENGINES = ("slurm", "local")
DEFAULT_KIND = "node"
FOR_SUITES = (*AUTO_SEEDS, *REPLICAS, *GRID)  # and neither for the study nor for a ladder
DEVICE_HELP = f"any of {', '.join(DEVICES)}, or cuda:1, the second of several GPUs"


class _Joined(argparse.Action):
    """Puts the dictionaries of an option that is given several times together."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, getattr(namespace, self.dest) | values)


# The options


def _option(group: str, flag: str, **argument: Any) -> Any:
    """A field of Options that is read from the command line.

    ``group``: its heading in the help. ``argument``: as ``add_argument`` takes it.
    """
    return field(metadata={"group": group, "flag": flag, "argument": argument})


_choice = partial(_option, "what to compare")
_repetition = partial(_option, "how often")
_training = partial(_option, "how to train")
_data = partial(_option, "data")
_running = partial(_option, "running")
_grid = partial(_option, "many machines: docs/cluster.md")


def _choices(name: str, known: Sequence[str], note: str = "") -> Any:
    """A choice of some of the words that are known."""
    return _choice(
        f"--{name}",
        type=reading.list_of(name, known),
        metavar=name.upper(),
        help=f"any of {', '.join(known)}{note}",
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user asked for; None: the preset's choice."""

    preset: str = _choice(
        "--preset",
        type=reading.one_of("preset", PRESETS),
        default="quick",
        help="; ".join(f"{name}: {preset.description}" for name, preset in PRESETS.items()),
    )
    tasks: tuple[str, ...] | None = _choice(
        "--task",
        type=reading.words,  # known or new: judged when --data-file is known
        metavar="TASK",
        help=f"any of {', '.join(datasets.TASKS)}; a new name with --data-file",
    )
    architectures: tuple[str, ...] | None = _choices("architecture", tuple(models.ARCHITECTURES))
    frameworks: tuple[str, ...] | None = _choices("framework", tuple(FRAMEWORKS))
    executions: tuple[str, ...] | None = _choices("execution", EXECUTIONS)
    devices: tuple[str, ...] | None = _choice(
        "--device",
        type=reading.devices,
        metavar="DEVICE",
        help=f"{DEVICE_HELP}; several with commas (default: cpu, and cuda where there is one)",
    )
    batch_sizes: tuple[int, ...] | None = _choice(
        "--batch-size", type=reading.wholes, metavar="N", help="images a step, such as 20,128,1024"
    )
    precisions: tuple[Precision, ...] | None = _choices(
        "precision", PRECISIONS, " (default: fp32; tf32 needs CUDA)"
    )
    threads: tuple[int, ...] | None = _choice(
        "--threads",
        type=reading.wholes,
        metavar="N",
        help="processors a run may use, such as 1,2 (default: all there are)",
    )
    replicas: tuple[int, ...] | None = _choice(
        "--replicas",
        type=reading.wholes,
        metavar="N",
        help="share each batch out among so many processes or devices, such as 1,2,4, beside the "
        "usual execution",
    )
    scalings: tuple[str, ...] | None = _choice(
        "--scaling",
        type=reading.list_of("scaling", SCALINGS),
        metavar="SCALING",
        help="with --replicas: strong: the batch stays as it is; weak: it grows with them; "
        "'strong,weak' measures both (default: strong)",
    )

    seeds: int | Literal["auto"] | None = _repetition(
        "--seeds",
        type=reading.seed_count,
        metavar="N",
        help=f"{SEEDS_HELP}; 'auto': as many as --between needs",
    )
    # of --seeds auto: the two frameworks that are compared
    between: tuple[str, ...] | None = _repetition(
        "--between",
        type=reading.list_of("framework", tuple(FRAMEWORKS)),
        metavar="A,B",
        help="with --seeds auto: the two frameworks whose throughputs are compared",
    )
    # of --seeds auto: the interval's upper end over its lower one, less 1
    within: float = _repetition(
        "--within",
        type=reading.share,
        default=0.05,
        metavar="PERCENT",
        help="with --seeds auto: stop when the interval of their ratio is this narrow "
        "(default: 5%%)",
    )
    budget_s: float = _repetition(
        "--budget",
        type=reading.duration,
        default=1800.0,
        metavar="TIME",
        help="with --seeds auto: start no new seed after this time, such as 20m or 1.5h "
        "(default: 30m)",
    )

    epochs: tuple[float, ...] | None = _training(
        "--epochs",
        type=reading.positives,
        metavar="E",
        help="passes over the training images, such as 3; may be a fraction, or several: 0.5,3",
    )
    evaluations_per_epoch: int | None = _training(
        "--evaluations-per-epoch",
        type=reading.whole,
        metavar="N",
        help="how often the validation set is evaluated in each epoch; its time is not counted",
    )
    inits: tuple[str, ...] = _training(
        "--init",
        type=reading.list_of("init", INITS),
        default=INITS[:1],
        metavar="INIT",
        help="matched: every framework starts from the same weights; native: each from its own; "
        "'matched,native' measures both (default: matched)",
    )
    optimizers: tuple[Optimizer, ...] | None = _training(
        "--optimizer",
        type=reading.list_of("optimizer", OPTIMIZERS),
        metavar="OPTIMIZER",
        help=f"any of {', '.join(OPTIMIZERS)}, each with every --learning-rate (default: by task "
        "and architecture)",
    )
    learning_rates: tuple[float, ...] | None = _training(
        "--learning-rate",
        type=reading.positives,
        metavar="LR",
        help="such as 0.001,0.01 (default: by task and architecture)",
    )
    validation_shares: tuple[float, ...] | None = _training(
        "--validation-share",
        type=reading.shares,
        metavar="PERCENT",
        help="how much of the images that are not test images is for validation "
        "(default: the data set's own split)",
    )
    augmentation: tuple[str, ...] | None = _training(
        "--augmentation",
        type=reading.list_of("augmentation", AUGMENTATIONS),
        metavar="AUGMENTATION",
        help="on: training images are distorted anew in every epoch; 'off,on' measures both",
    )

    source: str | None = _data(
        "--source",
        type=reading.one_of("source", SOURCES),
        help=f"one of {', '.join(SOURCES)} (default: the best that can be found)",
    )
    data_dir: Path | None = _data(
        "--data-dir",
        type=reading.path,
        metavar="DIR",
        help="folder with the data (default: GLYPHBENCH_DATA, then the user's cache)",
    )
    data_file: Path | None = _data(
        "--data-file",
        type=reading.path,
        metavar="FILE",
        help="your own data, as a new task that --task names: IDX, CSV, npz, or a folder of "
        "images by class",
    )
    glyphs_images: int | None = _data(
        "--glyphs-images",
        type=reading.whole,
        metavar="N",
        help="how many images to draw where the source is glyphs",
    )

    out: Path | None = _running(
        "--out",
        type=reading.path,
        metavar="DIR",
        help="results folder (default: results/PRESET-TIME)",
    )
    resume: bool = _running(
        "--resume", action="store_true", help="run only what is missing in --out"
    )
    retry_failed: bool = _running(
        "--retry-failed", action="store_true", help="with --resume: run again what failed"
    )
    allow_mixed: bool = _running(
        "--allow-mixed",
        action="store_true",
        help="with --resume: even if machine, versions or data differ",
    )
    timeout_s: float = _running(
        "--timeout",
        type=reading.positive,
        default=3600.0,
        metavar="S",
        help="seconds after which a run is ended (default: 3600)",
    )
    pythons: dict[str, Path] = _running(
        "--python",
        type=reading.named_interpreters,
        action=_Joined,
        default=interpreters.beside,  # those named go before
        metavar="FRAMEWORK=PATH,...",
        help="the interpreter that runs a framework, where it is not this one (default: with a "
        "GPU that of .venv-tensorflow, where it is, for keras-tensorflow)",
    )
    price_per_h: float | None = _running(
        "--price",
        type=read_price,
        metavar="AMOUNT/h",
        help="what the machine costs an hour, such as 2.50/h: adds the cost to the target",
    )
    energy: bool = _running(
        "--energy",
        action="store_true",
        help="read the energy of training, where the hardware counts it; each run then takes "
        "some seconds more",
    )
    unchecked: bool = _running(
        "--unchecked",
        action="store_true",
        help="no audit, no certificates, and no repetition of runs that other programs disturb: "
        "quicker, and every row is marked as not matched",
    )
    dry_run: bool = _running(
        "--dry-run", action="store_true", help="print the plan and about how long it will take"
    )
    open: bool = _running(
        "--open", action="store_true", help="show the page of the results in a browser at the end"
    )

    on: Literal["slurm", "local"] | None = _grid(
        "--on",
        type=reading.one_of("engine", ENGINES),
        metavar="ENGINE",
        help="slurm: submit the blocks of --out as jobs, a block being all runs of one seed on one "
        "node; local: run them here, one after the other; both return at once",
    )
    cluster: Path | None = _grid(
        "--cluster",
        type=reading.path,
        metavar="FILE",
        help="with --on slurm: the kinds of nodes and their options, in TOML",
    )
    shard: tuple[int, int] | None = _grid(
        "--shard",
        type=reading.shard,
        metavar="I/N",
        help="run every N-th block of --out, from the I-th; shards may run side by side",
    )
    kind: str = _grid(
        "--kind",
        type=reading.kind_of_node,
        default=DEFAULT_KIND,
        metavar="NAME",
        help=f"with --shard: what the nodes are called in the report (default: {DEFAULT_KIND})",
    )
    status: bool = _grid(
        "--status", action="store_true", help="show how far each block of --out is"
    )
    collect: bool = _grid(
        "--collect", action="store_true", help="make the report of all blocks of --out"
    )

    @property
    def on_many_machines(self) -> bool:
        """Whether it is about a grid."""
        return bool(self.on or self.shard or self.status or self.collect)


def add_options(parser: argparse.ArgumentParser, *, without: Collection[str] = ()) -> None:
    """Give a parser all options of a suite, under their headings.

    ``without``: fields of ``Options`` left out, which keep their defaults. Where those of
    ``--seeds auto`` are among them, seeds are a number.
    """
    groups: dict[str, Any] = {}
    counted = {"type": reading.whole, "help": SEEDS_HELP} if "between" in without else {}
    for option in fields(Options):
        title, argument = option.metadata["group"], option.metadata["argument"]
        if option.name in without:
            parser.set_defaults(**{option.name: argument.get("default")})
            continue
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        add_option(groups[title], option.name, **(counted if option.name == "seeds" else {}))
    parser.add_argument("--version", action=Version, nargs=0, help="that of the project")


def add_option(container: argparse._ActionsContainer, name: str, **changes: Any) -> None:
    """Give a parser, or a group of one, a single option of a suite.

    ``name``: the field of ``Options``. ``changes``: what is said of it otherwise here, as
    ``add_argument`` takes it, such as ``help``.
    """
    declared = Options.__dataclass_fields__[name].metadata
    argument = declared["argument"] | changes
    if callable(argument.get("default")):  # known only where the command runs
        argument["default"] = argument["default"]()
    container.add_argument(declared["flag"], dest=name, **argument)


def add_device(parser: argparse.ArgumentParser, default: str = "cpu") -> None:
    """Give a parser the option for a single device."""
    parser.add_argument(
        "--device",
        type=reading.device,
        default=default,
        metavar="DEVICE",
        help=f"{DEVICE_HELP} (default: {default})",
    )


def add_labels_from(parser: argparse.ArgumentParser) -> None:
    """Give a parser the option for own data whose labels number the classes of a known task."""
    parser.add_argument(
        "--labels-from",
        type=int,
        choices=(0, 1),
        help="with --data-file and a known task: the number that stands for its first class "
        "(default: what alone fits, and a question where both do)",
    )


# Parsers


class Version(argparse.Action):
    """Prints the version that pyproject.toml has, and ends."""

    def __init__(self, **argument: Any) -> None:
        super().__init__(**(argument | {"dest": argparse.SUPPRESS, "default": argparse.SUPPRESS}))

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and exit with 0."""
        print(version())
        parser.exit()


def version() -> str:
    """'glyphbench 1.2.3'."""
    with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    return f"{project['name']} {project['version']}"


MODEL_HELP = "a .safetensors, .keras or .onnx file"


def saved_model_parser(
    command: str, description: str, *examples: str, model: str = MODEL_HELP
) -> argparse.ArgumentParser:
    """A parser of ``python -m bench COMMAND MODEL``, with the options --framework and --json.

    ``description`` and ``examples`` are as of ``bench.run.door.parser_of``; ``model`` says what it
    may be.
    """
    parser = parser_of(f"python -m bench {command}", description, *examples)
    parser.add_argument("model", type=Path, metavar="MODEL", help=model)
    parser.add_argument(
        "--framework",
        type=reading.one_of("framework", FRAMEWORKS),
        help="to run it in (default: the one that trained it)",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def parse(argv: Sequence[str]) -> Options:
    """Read the command line of run_all.py; a mistake is explained and exits with 2."""
    parser = parser_of(
        "python run_all.py",
        "Train the same small networks in several frameworks, measure, and compare. Lists are "
        "comma-separated: each value more is measured beside the others. Everything is left in one "
        "folder, with a page to open. 'python -m bench' has the other commands.",
        "--framework pytorch,keras-jax --task digits",
        "--preset standard --out results/mine",
        "--architecture mlp --learning-rate 0.001,0.01 --seeds 3",
    )
    parser.usage = "%(prog)s [OPTION ...]"
    add_options(parser)
    return read(parser, argv)


def read(parser: argparse.ArgumentParser, argv: Sequence[str]) -> Options:
    """Read a command line by a parser of a suite; a mistake is explained and exits with 2."""
    words, unknown = parser.parse_known_args(argv)
    if unknown:
        parser.error(
            f"unrecognized arguments: {' '.join(unknown)}; '{parser.prog} --help' lists those "
            "that there are"
        )
    options = Options(**{each.name: getattr(words, each.name) for each in fields(Options)})
    for mistake in _contradictions(options):
        parser.error(mistake)
    return options


def _contradictions(options: Options) -> Iterator[str]:
    """What cannot be meant by words that are each right."""
    yield from _mistaken_tasks(options)
    yield from _too_much(options)
    if options.resume and options.out is None:
        yield "--resume needs --out: name the results folder to go on with"
    if options.retry_failed and not options.resume:
        yield "--retry-failed needs --resume: without it everything is run anyway"
    if (options.seeds == "auto") != (options.between is not None):
        yield "--seeds auto and --between go together: name the two frameworks to be compared"
    if options.between is not None and len(set(options.between)) != 2:
        yield "--between needs two different frameworks, such as pytorch,keras-jax"
    yield from _mistaken_grid(options)
    if any(share >= 1 for share in options.validation_shares or ()):
        yield "--validation-share: nothing would be left to train on; give less than 100, as 20%"
    if options.scalings is not None and options.replicas is None:
        yield "--scaling needs --replicas: name how many, such as --replicas 1,2"
    if options.replicas is not None and PARALLEL not in (options.executions or (PARALLEL,)):
        yield f"--replicas needs the execution {PARALLEL}: add it to --execution, or leave that out"
    if options.optimizers is not None and options.learning_rates is None:
        yield "--optimizer needs --learning-rate: a rate that suits one does not suit another"


def _mistaken_grid(options: Options) -> Iterator[str]:
    given = {
        "--on": options.on,
        "--shard": options.shard,
        "--status": options.status,
        "--collect": options.collect,
    }
    said = [flag for flag, value in given.items() if value]
    if len(said) > 1:
        yield f"{' and '.join(said)} are different things to do; give one of them at a time"
    if said and options.out is None:
        yield f"{said[0]} needs --out: name the folder that all blocks share"
    if said and options.between is not None:
        yield f"{said[0]} needs a number of --seeds: each is a block, and they are counted before"
    if options.cluster is not None and options.on != "slurm":
        yield "--cluster goes with --on slurm: it names partitions and GPUs"
    if options.kind != DEFAULT_KIND and options.shard is None:
        yield "--kind goes with --shard; with --on slurm kinds are named in the file of --cluster"


def _too_much(options: Options) -> Iterator[str]:
    for name, most in MOST.items():
        given = getattr(options, name)
        for number in given if isinstance(given, tuple) else (given,):
            if isinstance(number, int | float) and number > most:
                flag = Options.__dataclass_fields__[name].metadata["flag"]
                yield f"{flag}: {reprlib.repr(number)} is too much; give at most {most:,.0f}"


def _mistaken_tasks(options: Options) -> Iterator[str]:
    """A task is a known one, or a new name for the user's own data."""
    tasks, known = options.tasks or (), tuple(datasets.TASKS)
    unknown = [task for task in tasks if task not in known]
    if options.data_file is None:
        yield from (
            f"unknown task {task!r}; choose from {', '.join(known)}, or give your own data with "
            "--data-file FILE"
            for task in unknown
        )
        return
    if len(tasks) != 1:
        yield "--data-file needs --task with one name for your own data, such as --task my-digits"
    elif not unknown:
        yield (
            f"--data-file with --task {tasks[0]}: results would be taken for those on its own "
            f"images, which --data-dir is for; give yours a new name, such as --task my-{tasks[0]}"
        )
    if options.source is not None or options.glyphs_images is not None:
        yield "--data-file leaves nothing to choose by --source or --glyphs-images; leave them out"

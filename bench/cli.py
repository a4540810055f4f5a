"""The command line of run_all.py: words in, checked options out."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
import models
from bench.presets import ALL_EXECUTIONS, DEFAULT_EXECUTION, PRESETS
from bench.trainers import FRAMEWORKS

DEVICES = ("cpu", "cuda", "mps")
EXECUTIONS = (DEFAULT_EXECUTION, ALL_EXECUTIONS, "eager", "graph", "compiled")
OPTIMIZERS = ("adam", "sgd")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the user asked for; None: the preset's choice."""

    preset: str
    tasks: tuple[str, ...] | None
    architectures: tuple[str, ...] | None
    frameworks: tuple[str, ...] | None
    executions: tuple[str, ...] | None
    devices: tuple[str, ...] | None
    batch_sizes: tuple[int, ...] | None
    epochs: float | None
    evaluations_per_epoch: int | None
    optimizer: str | None
    learning_rate: float | None
    seeds: int | None
    source: str | None
    data_dir: Path | None
    glyphs_images: int | None
    out: Path | None
    resume: bool
    retry_failed: bool
    allow_mixed: bool
    timeout_s: float
    pythons: dict[str, Path]
    dry_run: bool


def parse(argv: Sequence[str]) -> Options:
    """Read the command line; a mistake is explained on standard error and exits with 2."""
    made = parser()
    words = vars(made.parse_args(argv))
    words["pythons"] = {name: path for one in words["pythons"] or [] for name, path in one.items()}
    options = Options(**words)
    mistake = _contradiction(options)
    if mistake:
        made.error(mistake)
    return options


def _contradiction(options: Options) -> str | None:
    """What cannot be meant by words that are each right; None where there is nothing."""
    if options.resume and options.out is None:
        return "--resume needs --out: name the results folder to go on with"
    if options.retry_failed and not options.resume:
        return "--retry-failed needs --resume: without it everything is run anyway"
    if options.optimizer is not None and options.learning_rate is None:
        return "--optimizer needs --learning-rate: a rate that suits one does not suit another"
    return None


def parser() -> argparse.ArgumentParser:
    """The parser of run_all.py."""
    made = argparse.ArgumentParser(
        prog="run_all.py",
        allow_abbrev=False,  # --seed 5 is not --seeds 5
        description="Train the same small networks in several frameworks, measure, and compare.",
        epilog="Lists are comma-separated. Everything is left in one folder: records, tables, "
        "plots. 'python -m bench' has the rest: report, compare, data, doctor.",
    )
    _add_choices(made.add_argument_group("what to compare"))
    _add_training(made.add_argument_group("how to train"))
    _add_data(made.add_argument_group("data"))
    _add_running(made.add_argument_group("running"))
    return made


def _add_choices(group: argparse._ArgumentGroup) -> None:
    presets = "; ".join(f"{name}: {preset.description}" for name, preset in PRESETS.items())
    group.add_argument("--preset", type=_one_of("preset", PRESETS), default="quick", help=presets)
    for name, dest, known in (
        ("task", "tasks", tuple(datasets.TASKS)),
        ("architecture", "architectures", tuple(models.ARCHITECTURES)),
        ("framework", "frameworks", tuple(FRAMEWORKS)),
        ("execution", "executions", EXECUTIONS),
        ("device", "devices", DEVICES),
    ):
        default = " (default: cpu, and cuda where there is one)" if name == "device" else ""
        group.add_argument(
            f"--{name}",
            dest=dest,
            type=_list_of(name, known),
            metavar=name.upper(),
            help=f"of {', '.join(known)}{default}",
        )
    group.add_argument(
        "--batch-size",
        dest="batch_sizes",
        type=_batch_sizes,
        metavar="N",
        help="images a step, such as 20,128,1024",
    )
    group.add_argument(
        "--seeds", type=_whole("--seeds", 1), metavar="N", help="run each with seeds 0 to N-1"
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--epochs",
        type=_positive("--epochs"),
        metavar="E",
        help="passes over the training images; may be a fraction",
    )
    group.add_argument(
        "--evaluations-per-epoch",
        type=_whole("--evaluations-per-epoch", 1),
        metavar="N",
        help="how often an epoch the validation set is read, off the clock",
    )
    group.add_argument(
        "--optimizer",
        type=_one_of("optimizer", OPTIMIZERS),
        help=f"of {', '.join(OPTIMIZERS)} (default: the recipe of task and architecture)",
    )
    group.add_argument(
        "--learning-rate",
        type=_positive("--learning-rate"),
        metavar="LR",
        help="(default: the recipe of task and architecture)",
    )


def _add_data(group: argparse._ArgumentGroup) -> None:
    sources = dict.fromkeys(s.name for task in datasets.TASKS.values() for s in task.sources)
    group.add_argument(
        "--source",
        type=_one_of("source", sources),
        help=f"of {', '.join(sources)} (default: the best that can be found)",
    )
    group.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder with the data (default: GLYPHBENCH_DATA, then the user's cache)",
    )
    group.add_argument(
        "--glyphs-images",
        type=_whole("--glyphs-images", 1),
        metavar="N",
        help="how many images to draw where the source is glyphs",
    )


def _add_running(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--out", type=Path, metavar="DIR", help="results folder (default: results/PRESET-TIME)"
    )
    group.add_argument("--resume", action="store_true", help="run only what is missing in --out")
    group.add_argument(
        "--retry-failed", action="store_true", help="with --resume: also what had failed"
    )
    group.add_argument(
        "--allow-mixed",
        action="store_true",
        help="with --resume: even if machine, versions or data differ",
    )
    group.add_argument(
        "--timeout",
        dest="timeout_s",
        type=_positive("--timeout"),
        default=3600.0,
        metavar="S",
        help="seconds after which a run is ended (default: 3600)",
    )
    group.add_argument(
        "--python",
        dest="pythons",
        type=pythons,
        action="append",
        metavar="FRAMEWORK=PATH,...",
        help="the interpreter that runs a framework, where it is not this one",
    )
    group.add_argument(
        "--dry-run", action="store_true", help="print the plan and about how long it will take"
    )


def _one_of(name: str, known: Collection[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(
                f"unknown {name} {text!r}; choose from {', '.join(known)}"
            )
        return text

    return read


def _list_of(name: str, known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    one = _one_of(name, known)

    def read(text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one(word.strip()) for word in text.split(",")))

    return read


def _whole(option: str, least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(
                f"{text!r} is no whole number from {least} up; give {option} one"
            )
        return number

    return read


def _positive(option: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise argparse.ArgumentTypeError(
                f"{text!r} is no number above 0; give {option} one, such as 0.5"
            )
        return number

    return read


def _batch_sizes(text: str) -> tuple[int, ...]:
    one = _whole("--batch-size", 1)
    return tuple(dict.fromkeys(one(word) for word in text.split(",")))


def pythons(text: str) -> dict[str, Path]:
    """Read FRAMEWORK=PATH,...; raises argparse.ArgumentTypeError saying what came."""
    found: dict[str, Path] = {}
    for word in text.split(","):
        framework, separator, name = word.partition("=")
        path = Path(name).expanduser()  # the shell leaves a ~ behind = alone
        if not separator or framework not in FRAMEWORKS:
            raise argparse.ArgumentTypeError(
                f"{word!r} is not FRAMEWORK=PATH with a framework of {', '.join(FRAMEWORKS)}"
            )
        if not path.is_file():
            raise argparse.ArgumentTypeError(
                f"{name!r} is no Python interpreter; give the path of one for {framework}"
            )
        found[framework] = path.absolute()  # not resolved: a venv's link is its identity
    return found

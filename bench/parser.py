"""The words of the command line: every option of what runs a suite, and how each is read.

What options mean together is judged in ``bench.cli``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import datasets
import models
from bench import arguments
from bench.experiment import Precision
from bench.presets import ALL_EXECUTIONS, DEFAULT_EXECUTION, PRESETS
from bench.trainers import FRAMEWORKS

DEVICES = ("cpu", "cuda", "mps")
EXECUTIONS = (DEFAULT_EXECUTION, ALL_EXECUTIONS, "eager", "graph", "compiled")
OPTIMIZERS = ("adam", "sgd")
PRECISIONS: tuple[Precision, ...] = ("fp32", "tf32", "bf16")
INITS = ("matched", "native")
AUGMENTATIONS = ("off", "on")


def parser(program: str = "run_all.py") -> argparse.ArgumentParser:
    """The parser of run_all.py, and of what else runs a suite."""
    made = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,  # --seed 5 is not --seeds 5
        description="Train the same small networks in several frameworks, measure, and compare.",
        epilog="Lists are comma-separated. Everything is left in one folder: records, tables, "
        "plots. 'python -m bench' has the rest: report, compare, parity, audit, ladder, data, "
        "doctor.",
    )
    _add_choices(made.add_argument_group("what to compare"))
    _add_seeds(made.add_argument_group("how often"))
    _add_training(made.add_argument_group("how to train"))
    _add_data(made.add_argument_group("data"))
    _add_running(made.add_argument_group("running"))
    return made


def _add_choices(group: argparse._ArgumentGroup) -> None:
    presets = "; ".join(f"{name}: {preset.description}" for name, preset in PRESETS.items())
    group.add_argument(
        "--preset", type=arguments.one_of("preset", PRESETS), default="quick", help=presets
    )
    group.add_argument(
        "--task",
        dest="tasks",
        type=arguments.words,  # known or new: judged when --data-file is known
        metavar="TASK",
        help=f"of {', '.join(datasets.TASKS)}; a new name with --data-file",
    )
    for name, dest, known in (
        ("architecture", "architectures", tuple(models.ARCHITECTURES)),
        ("framework", "frameworks", tuple(FRAMEWORKS)),
        ("execution", "executions", EXECUTIONS),
        ("device", "devices", DEVICES),
    ):
        default = " (default: cpu, and cuda where there is one)" if name == "device" else ""
        group.add_argument(
            f"--{name}",
            dest=dest,
            type=arguments.list_of(name, known),
            metavar=name.upper(),
            help=f"of {', '.join(known)}{default}",
        )
    group.add_argument(
        "--batch-size",
        dest="batch_sizes",
        type=arguments.wholes("--batch-size"),
        metavar="N",
        help="images a step, such as 20,128,1024",
    )
    group.add_argument(
        "--precision",
        dest="precisions",
        type=arguments.list_of("precision", PRECISIONS),
        metavar="PRECISION",
        help=f"of {', '.join(PRECISIONS)} (default: fp32; tf32 exists on CUDA alone)",
    )
    group.add_argument(
        "--threads",
        type=arguments.wholes("--threads"),
        metavar="N",
        help="processors a run may use, such as 1,2 (default: all there are)",
    )


def _add_seeds(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--seeds",
        type=_seeds,
        metavar="N",
        help="run each with seeds 0 to N-1; 'auto': as many as --between needs",
    )
    group.add_argument(
        "--between",
        type=arguments.list_of("framework", tuple(FRAMEWORKS)),
        metavar="A,B",
        help="with --seeds auto: the two frameworks whose ratio of throughputs is to be told",
    )
    group.add_argument(
        "--within",
        type=arguments.share("--within"),
        default=0.05,
        metavar="PERCENT",
        help="with --seeds auto: stop when the interval of that ratio is no wider (default: 5%%)",
    )
    group.add_argument(
        "--budget",
        dest="budget_s",
        type=arguments.duration,
        default=1800.0,
        metavar="TIME",
        help="with --seeds auto: begin no seed after so long, such as 20m or 1.5h (default: 30m)",
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--epochs",
        type=arguments.positive("--epochs"),
        metavar="E",
        help="passes over the training images; may be a fraction",
    )
    group.add_argument(
        "--evaluations-per-epoch",
        type=arguments.whole("--evaluations-per-epoch", 1),
        metavar="N",
        help="how often an epoch the validation set is read, off the clock",
    )
    group.add_argument(
        "--init",
        type=arguments.one_of("init", INITS),
        default=INITS[0],
        help="of matched (the same initial weights in every framework) and native (its own)",
    )
    group.add_argument(
        "--optimizer",
        type=arguments.one_of("optimizer", OPTIMIZERS),
        help=f"of {', '.join(OPTIMIZERS)} (default: the recipe of task and architecture)",
    )
    group.add_argument(
        "--learning-rate",
        type=arguments.positive("--learning-rate"),
        metavar="LR",
        help="(default: the recipe of task and architecture)",
    )
    group.add_argument(
        "--validation-share",
        type=arguments.share("--validation-share"),
        metavar="PERCENT",
        help="of all images that are not for the test (default: as the data set is split)",
    )
    group.add_argument(
        "--augmentation",
        type=arguments.list_of("augmentation", AUGMENTATIONS),
        metavar="AUGMENTATION",
        help="of off and on: training images distorted anew every epoch; 'off,on' measures both",
    )


def _add_data(group: argparse._ArgumentGroup) -> None:
    sources = dict.fromkeys(s.name for task in datasets.TASKS.values() for s in task.sources)
    group.add_argument(
        "--source",
        type=arguments.one_of("source", sources),
        help=f"of {', '.join(sources)} (default: the best that can be found)",
    )
    group.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder with the data (default: GLYPHBENCH_DATA, then the user's cache)",
    )
    group.add_argument(
        "--data-file",
        type=Path,
        metavar="FILE",
        help="your own data as a task of its own, named by --task: IDX, CSV, npz, or a folder "
        "of images by class",
    )
    group.add_argument(
        "--glyphs-images",
        type=arguments.whole("--glyphs-images", 1),
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
        type=arguments.positive("--timeout"),
        default=3600.0,
        metavar="S",
        help="seconds after which a run is ended (default: 3600)",
    )
    add_pythons(group)
    group.add_argument(
        "--price",
        dest="price_per_h",
        type=arguments.price,
        metavar="AMOUNT/h",
        help="what the machine costs an hour, such as 2.50/h: adds the cost to the target",
    )
    group.add_argument(
        "--energy",
        action="store_true",
        help="read the energy of training where the hardware tells; trains on for seconds a run",
    )
    group.add_argument(
        "--unchecked",
        action="store_true",
        help="without audit and certificates: quicker, and every row is marked as not matched",
    )
    group.add_argument(
        "--dry-run", action="store_true", help="print the plan and about how long it will take"
    )


def _seeds(text: str) -> int | str:
    return text if text == "auto" else arguments.whole("--seeds", 1)(text)


def add_pythons(group: argparse._ActionsContainer) -> None:
    """The option --python, which may be given several times: ``pythons``, a dictionary."""
    group.add_argument(
        "--python",
        dest="pythons",
        type=_pythons,
        action=_Joined,
        default={},
        metavar="FRAMEWORK=PATH,...",
        help="the interpreter that runs a framework, where it is not this one",
    )


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


def _pythons(text: str) -> dict[str, Path]:
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

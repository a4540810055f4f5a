"""The command line of run_all.py: words in, checked options out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import datasets
from bench.experiment import Precision
from bench.parser import parser


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
    validation_share: float | None
    augmentation: tuple[str, ...] | None
    precisions: tuple[Precision, ...] | None
    threads: tuple[int, ...] | None
    init: str
    seeds: int | Literal["auto"] | None
    between: tuple[str, ...] | None  # of --seeds auto: the two frameworks that are compared
    within: float  # of --seeds auto: how wide the interval of their ratio may be, as a share
    budget_s: float  # of --seeds auto: no new seed is begun after so long
    price_per_h: float | None
    energy: bool
    unchecked: bool
    source: str | None
    data_dir: Path | None
    data_file: Path | None
    glyphs_images: int | None
    out: Path | None
    resume: bool
    retry_failed: bool
    allow_mixed: bool
    timeout_s: float
    pythons: dict[str, Path]
    dry_run: bool


def parse(argv: Sequence[str], program: str = "run_all.py") -> Options:
    """Read the command line; a mistake is explained on standard error and exits with 2."""
    made = parser(program)
    words = vars(made.parse_args(argv))
    options = Options(**words)
    mistake = _contradiction(options)
    if mistake:
        made.error(mistake)
    return options


def _contradiction(options: Options) -> str | None:
    """What cannot be meant by words that are each right; None where there is nothing."""
    if (mistake := _mistaken_task(options)) is not None:
        return mistake
    if options.resume and options.out is None:
        return "--resume needs --out: name the results folder to go on with"
    if options.retry_failed and not options.resume:
        return "--retry-failed needs --resume: without it everything is run anyway"
    if (options.seeds == "auto") != (options.between is not None):
        return "--seeds auto and --between go together: name the two frameworks to be compared"
    if options.between is not None and len(set(options.between)) != 2:
        return "--between needs two different frameworks, such as pytorch,keras-jax"
    if options.validation_share is not None and options.validation_share >= 1:
        return "--validation-share: nothing would be left to train on; give less than 100, as 20%"
    if options.optimizer is not None and options.learning_rate is None:
        return "--optimizer needs --learning-rate: a rate that suits one does not suit another"
    return None


def _mistaken_task(options: Options) -> str | None:
    """A task is a known one, or a new name for the user's own data."""
    tasks, known = options.tasks or (), tuple(datasets.TASKS)
    unknown = [task for task in tasks if task not in known]
    if options.data_file is None:
        said = f"choose from {', '.join(known)}, or give your own data with --data-file FILE"
        return f"unknown task {unknown[0]!r}; {said}" if unknown else None
    if len(tasks) != 1:
        return "--data-file needs --task with one name for your own data, such as --task my-digits"
    if not unknown:
        return (
            f"--data-file with --task {tasks[0]}: results would be taken for those on its own "
            f"images, which --data-dir is for; give yours a new name, such as --task my-{tasks[0]}"
        )
    if options.source is not None or options.glyphs_images is not None:
        return "--data-file leaves nothing to choose by --source or --glyphs-images; leave them out"
    return None

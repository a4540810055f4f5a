"""How numbers, names and conditions are said to a reader. No statistics, no files."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Collection, Iterable

from bench.experiment import Experiment
from bench.record import Data, Gpu, Record
from bench.run_statistics import Host, Replicates, Summary
from models import ARCHITECTURES

NOT_MEASURED = "not measured"
REASON_WIDTH = 160  # characters; the CSV of all runs has the whole
MIB = 2**20
GIB = 2**30
UNUSUAL = ("precision", "threads", "native")  # said in a heading only where not the default


# Numbers


def number(value: float, digits: int = 3) -> str:
    """Rounded to so many significant digits, thousands apart, no exponent: 12,300 or 0.0123."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    exponent = math.floor(math.log10(abs(value)))
    decimals = digits - 1 - exponent
    return f"{round(value, decimals):,.{max(decimals, 0)}f}"


def percent(fraction: float) -> str:
    """An accuracy with its sign: 98.12 %."""
    return f"{100 * fraction:.2f} %"


def target(fraction: float) -> str:
    """A target accuracy with no digit too many: 99 %, 99.5 %."""
    return f"{100 * fraction:g} %"


def spread(
    summary: Summary | None, scale: float = 1.0, decimals: int | None = None, unit: str = ""
) -> str:
    """``mean ± standard deviation (n)``; the mean alone of one run; 'not measured' of none.

    Args:
        summary: of the runs.
        scale: multiplies both numbers, to change their unit.
        decimals: digits after the point; None: three or more significant ones.
        unit: follows the numbers.
    """
    if summary is None:
        return NOT_MEASURED
    mean = summary.mean * scale
    std = summary.std * scale if summary.std is not None else None
    digits = places(mean, std) if decimals is None else decimals
    said = fixed(mean, digits) if std is None else f"{fixed(mean, digits)} ± {fixed(std, digits)}"
    return " ".join(filter(None, (said, unit, f"({summary.n})" if std is not None else "")))


def places(value: float, spread: float | None) -> int:
    """Digits after the point: three significant ones, or as many as show one of its spread."""
    found = _places(value, 3)
    return min(max(found, _places(spread, 1)), _places(value, 5)) if spread else found


def _places(value: float, digits: int) -> int:
    return digits - 1 - math.floor(math.log10(abs(value))) if value else 0


def fixed(value: float, places: int) -> str:
    """Rounded to so many digits after the point (below 0: before it), thousands apart."""
    return f"{round(value, places):,.{max(places, 0)}f}"


# Names


def framework(experiment: Experiment) -> str:
    """Framework and execution: 'pytorch eager'."""
    return f"{experiment.framework} {experiment.execution}"


def architecture(name: str) -> str:
    """As the field writes it: MLP, CNN, AdaBoost of MLPs."""
    return ARCHITECTURES[name].label if name in ARCHITECTURES else name.upper()


def device(name: str) -> str:
    """As the field writes it: CPU, CUDA."""
    return name.upper()


def source(data: Data) -> str:
    """Where the images come from, and whether they are what they seem."""
    if data.drawn:
        return f"{data.source}, drawn by the project, not real handwriting"
    if data.source.endswith("-sample"):
        return f"{data.source}, a sample of the full set"
    return data.source


def notices(data: Iterable[Data]) -> list[str]:
    """Sentences that stand wherever images are not what they seem: drawn ones, and samples."""
    listed = list(data)
    drawn = [one for one in listed if one.drawn]
    sampled = [one for one in listed if one.source.endswith("-sample")]
    return [
        *_notice(drawn, "drawn by the project ({}), not real handwriting"),
        *_notice(sampled, "a sample of the full set ({})"),
    ]


def _notice(data: list[Data], what: str) -> list[str]:
    tasks = " and ".join(sorted({one.task for one in data}))
    sources = ", ".join(sorted({one.source for one in data}))
    return [f"{tasks.capitalize()}: {what.format(sources)}."] if data else []


def subject(experiment: Experiment, data: Data) -> str:
    """What was trained on what: 'CNN on letters (az-sample)'. Its notices belong beside it."""
    return f"{architecture(experiment.architecture)} on {images(data)}"


def images(data: Data) -> str:
    """Task and source: 'letters (az-sample)', 'digits (glyphs, drawn)'."""
    return f"{data.task} ({data.source}, drawn)" if data.drawn else f"{data.task} ({data.source})"


def distinct_labels(groups: Iterable[Replicates]) -> list[str]:
    """A label a group; where framework and execution do not tell two apart, their versions do."""
    listed = list(groups)
    names = [framework(group.experiment) for group in listed]
    return [
        name if names.count(name) == 1 else f"{name} ({versions(group.versions)})"
        for name, group in zip(names, listed, strict=True)
    ]


def versions(packages: dict[str, str]) -> str:
    """'torch 2.13.0, python 3.11.7'."""
    return ", ".join(f"{name} {version}" for name, version in packages.items()) or "unknown"


def machine(seen: Host) -> str:
    """A machine in one line, its GPUs apart."""
    return f"{seen.cpu}, {seen.cores} cores, {seen.memory_gib} GiB memory, {seen.system}"


def gpu(seen: Gpu) -> str:
    """A GPU in one line."""
    memory = "" if seen.memory_bytes is None else f", {seen.memory_bytes / GIB:.0f} GiB"
    return f"{seen.name}{memory}, driver {seen.driver}"


# Outcomes


def outcome(group: Replicates) -> str:
    """How many runs there are, and of those that did not end well, how and why."""
    total, failed = len(group.records), group.failed
    if not failed:
        return str(total)
    reasons = "; ".join(dict.fromkeys(failure(record) for record in failed))
    return f"{total - len(failed)} of {total}; {reasons}"


def failure(record: Record) -> str:
    """Status and reason of a run that did not end well, on one line of a bearable length."""
    reason = textwrap.shorten(record.reason or "", REASON_WIDTH, placeholder=" …")
    return f"{record.status}: {reason}" if reason else record.status


# Conditions


def place(experiment: Experiment, fields: Iterable[str], leave_out: Collection[str] = ()) -> str:
    """``conditions`` for a heading: precision, threads and own defaults only if unusual."""
    usual = {one.name: one.default for one in dataclasses.fields(Experiment)}
    unusual = [name for name in UNUSUAL if getattr(experiment, name) != usual[name]]
    return conditions(experiment, (*fields, *(one for one in unusual if one not in leave_out)))


def conditions(experiment: Experiment, fields: Iterable[str]) -> str:
    """The named fields of an experiment in words; those that have no effect on it are left out."""
    said = {
        "device": device(experiment.device),
        "goal": "training steps only" if experiment.goal == "throughput" else "",
        "batch_size": f"batch size {experiment.batch_size:,}",
        "epochs": counted(experiment.epochs, "epoch"),
        "evaluations_per_epoch": (
            f"{counted(experiment.evaluations_per_epoch, 'evaluation')} an epoch"
            if experiment.goal == "train"
            else ""
        ),
        "optimizer": {"sgd": "SGD", "adam": "Adam"}.get(experiment.optimizer, experiment.optimizer),
        "learning_rate": f"learning rate {experiment.learning_rate:g}",
        "momentum": f"momentum {experiment.momentum:g}" if experiment.optimizer == "sgd" else "",
        "adam_epsilon": f"ε {experiment.adam_epsilon:g}" if experiment.optimizer == "adam" else "",
        "dropout": "" if experiment.dropout else "no dropout",
        "threads": "" if experiment.threads is None else counted(experiment.threads, "thread"),
        "validation_share": (
            ""
            if experiment.validation_share is None
            else f"{experiment.validation_share:.0%} of the training images for validation"
        ),
        "augmentation": "augmented" if experiment.augmentation else "",
        "training_accuracy": "",  # read off the clock: it changes nothing
        "native": f"own {' and '.join(experiment.native)}" if experiment.native else "matched",
    }
    words = (said.get(name, str(getattr(experiment, name))) for name in fields)
    return ", ".join(word for word in words if word)


def counted(amount: float, noun: str) -> str:
    """'1 epoch', '0.2 epochs', '3 runs'."""
    return f"{amount:g} {noun}" if amount == 1 else f"{amount:g} {noun}s"

"""How numbers, names, intervals, verdicts and conditions are said to a reader. No files."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Collection, Iterable, Sequence

from bench.experiment import Experiment
from bench.machine import devices
from bench.results.record import Data, Gpu, Record
from bench.stats import survival
from bench.stats.runs import Host, Replicates, Summary
from bench.stats.survival import Observed
from bench.stats.uncertainty import SIGNIFICANCE, Interval
from bench.stats.verdict import Judged
from bench.trainers import FRAMEWORKS
from models import ARCHITECTURES

NOT_MEASURED = "not measured"
REASON_WIDTH = 160  # characters; the CSV of all runs has the whole
MIB = 2**20
GIB = 2**30
# said in a heading only where not the default
UNUSUAL = ("precision", "threads", "replicas", "native")


# Numbers


def number(value: float, digits: int = 3) -> str:
    """Rounded to so many significant digits, thousands apart, no exponent: 12,300 or 0.0123."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    return _rounded(value, _decimals_of(value, digits))


def percent(fraction: float, decimals: int = 2, *, signed: bool = False) -> str:
    """An accuracy or another share: 98.12 %; ``signed``: +1.5 %, with a plus from 0 on."""
    return f"{100 * fraction:{'+' if signed else ''}.{decimals}f} %"


def about(fraction: float) -> str:
    """A share of two significant digits, whatever its size: 0.35 %, 2.3 %, 120 %."""
    return f"{number(100 * fraction, 2)} %"


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
    mean, n = summary.mean * scale, f"({summary.n})"
    std = summary.std * scale if summary.std is not None else None
    digits = _decimals_to_show(mean, std) if decimals is None else decimals
    if std is None:
        return " ".join(filter(None, (_rounded(mean, digits), unit)))
    return " ".join(filter(None, (f"{_rounded(mean, digits)} ± {_rounded(std, digits)}", unit, n)))


def _decimals_to_show(value: float, spread: float | None) -> int:
    """Three significant digits, or as many as show one of its spread; five at most."""
    decimals = _decimals_of(value, 3)
    if not spread:
        return decimals
    return min(max(decimals, _decimals_of(spread, 1)), _decimals_of(value, 5))


def _decimals_of(value: float, digits: int) -> int:
    return digits - 1 - math.floor(math.log10(abs(value))) if value else 0


def _rounded(value: float, decimals: int) -> str:
    """To so many digits after the point (below 0: before it), thousands apart."""
    return f"{round(value, decimals):,.{max(decimals, 0)}f}"


def estimate(
    value: float,
    interval: Interval | None,
    *,
    scale: float = 1.0,
    decimals: int | None = None,
    sign: str = "",
    signed: bool = False,
) -> str:
    """``value [low to high]``, its 95 % interval in brackets; the value alone where there is none.

    Args:
        value, interval: of what is said.
        scale, decimals: as of ``spread``.
        sign: follows the value.
        signed: True: a plus stands before what is above 0.
    """
    digits = _estimate_decimals(value, interval, scale) if decimals is None else decimals
    plus = "+" if signed and value > 0 else ""
    shown = f"{plus}{_rounded(value * scale, digits)}{sign}"
    return shown if interval is None else f"{shown} [{_ends(interval, scale, digits)}]"


def bounds(interval: Interval | None, scale: float = 1.0, decimals: int = 2) -> str:
    """``[low to high]``; empty where there is none."""
    return "" if interval is None else f"[{_ends(interval, scale, decimals)}]"


def _ends(interval: Interval, scale: float, decimals: int) -> str:
    low, high = sorted((interval.low * scale, interval.high * scale))
    return f"{_rounded(low, decimals)} to {_rounded(high, decimals)}"


def _estimate_decimals(value: float, interval: Interval | None, scale: float = 1.0) -> int:
    reach = abs(interval.high - interval.low) / 2 * scale if interval else None
    return _decimals_to_show(value * scale, reach)


def p_value(p: float | None) -> str:
    """Two significant digits, three decimals at most: 0.013; '< 0.001' below that."""
    if p is None:
        return NOT_MEASURED
    return "< 0.001" if p < 0.001 else f"{p:.{3 if p < 0.1 else 2}f}"


def time_to_target(observed: Observed) -> str:
    """Seconds to a target: the Kaplan–Meier median with its interval, and the misses counted.

    An upper end that too few runs bound is ∞.
    """
    if not observed.n:
        return NOT_MEASURED
    missed = f"not reached in {len(observed.censored)} of {observed.n}" if observed.censored else ""
    if not observed.times:
        return "not reached" if observed.n == 1 else missed
    middle = survival.median(observed)
    if middle.time is None:
        return f"{missed}; the soonest {number(min(observed.times))}"
    high = "∞" if middle.high is None else number(middle.high)
    interval = "" if middle.low is None else f" [{number(middle.low)} to {high}]"
    return "; ".join(filter(None, (f"{number(middle.time)}{interval}", missed)))


# Names


def framework(experiment: Experiment) -> str:
    """Framework and execution: 'pytorch eager'."""
    return f"{experiment.framework} {experiment.execution}"


def architecture(name: str) -> str:
    """As the field writes it: MLP, CNN, AdaBoost of MLPs."""
    return ARCHITECTURES[name].label if name in ARCHITECTURES else name.upper()


def device(name: str) -> str:
    """As the field writes it: CPU, CUDA, CUDA 1."""
    return devices.label(name)


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
    drawn = [data for data in listed if data.drawn]
    sampled = [data for data in listed if data.source.endswith("-sample")]
    return [
        *_notice(drawn, "drawn by the project ({}), not real handwriting"),
        *_notice(sampled, "a sample of the full set ({})"),
    ]


def slow_convolutions(groups: Iterable[Replicates]) -> str:
    """Why frameworks are slow at convolutions on a CPU, where that was found out; or nothing."""
    slow: dict[str, dict[str, None]] = {}
    for group in groups:
        experiment = group.experiment
        framework = FRAMEWORKS.get(experiment.framework)
        network = ARCHITECTURES.get(experiment.architecture)
        reason = framework.slow_convolutions if framework else None
        convolves = bool(network and network.convolutional)
        if reason and convolves and experiment.device == "cpu" and experiment.execution != "tuned":
            slow.setdefault(reason, {})[experiment.framework] = None
    return " ".join(
        f"Why {' and '.join(of)} trains slowly here: {why}." for why, of in slow.items()
    )


def _notice(listed: list[Data], nature: str) -> list[str]:
    tasks = " and ".join(sorted({data.task for data in listed}))
    sources = ", ".join(sorted({data.source for data in listed}))
    return [f"{tasks.capitalize()}: {nature.format(sources)}."] if listed else []


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


def machine(host: Host) -> str:
    """A machine in one line, its GPUs apart."""
    return f"{host.cpu}, {host.cores} cores, {host.memory_gib} GiB memory, {host.system}"


def gpus(cards: Sequence[Gpu]) -> list[str]:
    """Each GPU in one line, with its number where there are several."""
    if len(cards) == 1:
        return [gpu(cards[0])]
    return [f"{device(f'cuda:{number}')}: {gpu(card)}" for number, card in enumerate(cards)]


def gpu(card: Gpu) -> str:
    """A GPU in one line."""
    memory = "" if card.memory_bytes is None else f", {card.memory_bytes / GIB:.0f} GiB"
    return f"{card.name}{memory}, driver {card.driver}"


# Verdicts


def verdict(judged: Judged, better: str, worse: str) -> str:
    """What may be said of the first beside the second, and why no more.

    ``better`` and ``worse`` are the words for a ratio above and below 1, such as 'faster' and
    'slower' for a throughput.
    """
    floor = f"the noise floor of {percent(judged.noise_floor or 0, 1)}"
    if judged.disturbed:
        return "undecided: disturbed"
    if judged.outcome == "tie":
        return f"tie: the whole interval lies within {floor}"
    if judged.outcome != "undecided":
        return better if judged.outcome == "higher" else worse
    if judged.paired.interval is None:
        return "undecided: one pair"
    if judged.paired.interval.includes(1):
        return "not significant: the interval includes 1"
    if judged.p is None or judged.p >= SIGNIFICANCE:
        return "not significant: p is not below 0.05 after Holm's correction"
    return f"undecided: below {floor}, but the interval reaches beyond it"


def evidence(judged: Judged) -> str:
    """What a sentence rests on: interval, pairs, and how many comparisons it was corrected for."""
    paired = judged.paired
    if paired.interval is None:
        return "1 paired seed"
    ends = _ends(paired.interval, 1.0, _estimate_decimals(paired.ratio, paired.interval))
    parts = [f"95 % interval {ends}", counted(paired.n, "paired seed")]
    p = p_value(judged.p)
    parts.append(f"p {p}" if p.startswith("<") else f"p = {p}")
    if judged.family > 1:
        parts.append(f"Holm-corrected over {judged.family} pairs")
    return ", ".join(parts)


# Outcomes of runs


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


def heading_conditions(
    experiment: Experiment, fields: Iterable[str], leave_out: Collection[str] = ()
) -> str:
    """``conditions`` for a heading: precision, threads, replicas, own defaults only if unusual."""
    usual = {field.name: field.default for field in dataclasses.fields(Experiment)}
    unusual = [name for name in UNUSUAL if getattr(experiment, name) != usual[name]]
    return conditions(experiment, (*fields, *(name for name in unusual if name not in leave_out)))


def conditions(experiment: Experiment, fields: Iterable[str]) -> str:
    """The named fields of an experiment in words; those that have no effect on it are left out."""
    in_words = {
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
        "replicas": "" if experiment.replicas == 1 else counted(experiment.replicas, "replica"),
        "validation_share": (
            ""
            if experiment.validation_share is None
            else f"{experiment.validation_share:.0%} of the training images for validation"
        ),
        "augmentation": "augmented" if experiment.augmentation else "",
        "training_accuracy": "",  # read off the clock: it changes nothing
        "native": f"own {' and '.join(experiment.native)}" if experiment.native else "matched",
    }
    words = (in_words.get(name, str(getattr(experiment, name))) for name in fields)
    return ", ".join(word for word in words if word)


def apart(
    experiment: Experiment,
    fields: Iterable[str],
    told: Collection[str] = ("augmentation", "dropout"),
) -> str:
    """``conditions`` beside experiments that differ in these fields: what is off is said too.

    ``told``: of which of them it is.
    """
    listed = list(fields)
    off = {"augmentation": "not augmented", "dropout": "dropout"}
    usual = {"augmentation": not experiment.augmentation, "dropout": experiment.dropout}
    said = (off[name] for name in off if name in listed and name in told and usual[name])
    return ", ".join(filter(None, (conditions(experiment, listed), *said)))


def all_or(part: int, whole: int) -> str:
    """'all 240', or '238 of 240'; of one thing '1 of 1'."""
    return f"all {whole}" if part == whole > 1 else f"{part} of {whole}"


def counted(amount: float, noun: str) -> str:
    """'1 epoch', '0.2 epochs', '3 runs'."""
    return f"{amount:g} {noun}" if amount == 1 else f"{amount:g} {noun}s"

"""What the page carries: of each group of runs its settings and its values, by metric.

Whatever follows from one group alone is computed here, by the functions the tables use; only what
depends on which groups stand side by side (ratios, p, verdicts) is left to the page's scripts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, geometric_mean
from typing import Any, Literal, NamedTuple

import numpy as np

from bench.experiment import Experiment
from bench.report import trust, wording
from bench.report.comparison import EXPERIMENT_FIELDS, FRAMEWORK, Best
from bench.report.plots.style import look_of
from bench.report.tables.columns import wilson_of
from bench.stats import costs, runs, survival, uncertainty, verdict
from bench.stats.runs import Replicates, Statistic
from bench.trainers import FRAMEWORKS

# The fields of an experiment that the reader chooses by one by one; all others together are
# 'other settings'. Of the first ones several values may stand side by side.
COMPARABLE = ("device", "batch_size", "precision", "architecture")
CHOSEN = ("task", "source", *COMPARABLE)
OTHERS = tuple(name for name in EXPERIMENT_FIELDS if name not in (*CHOSEN, *FRAMEWORK))
SHAPES = {  # matplotlib's markers, which FRAMEWORKS names -> Vega's
    "D": "diamond",
    "s": "square",
    "o": "circle",
    "^": "triangle-up",
    "v": "triangle-down",
    "X": "cross",
}
MOST_SEEDS = 30  # up to which the page can compare at least


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What can be compared, and how its values are shown."""

    key: str
    label: str
    unit: str
    best: Best
    term: str  # in the glossary
    higher: str = ""  # of the first of a pair whose ratio is above 1: 'faster'
    lower: str = ""
    # Read off the clock: then the noise floor counts, and whether other programs disturbed a run.
    of_time: bool = True
    # What is made of a pair: their ratio, which is judged, or their difference, which is not.
    beside: Literal["ratio", "difference"] = "ratio"
    scale: float = 1.0  # to the unit
    decimals: int | None = None  # None: by the digits that count
    target: float | None = None  # to which validation accuracy


class Measured(NamedTuple):
    """A metric, and how it is read off a run."""

    metric: Metric
    statistic: Statistic


@dataclass(frozen=True, kw_only=True)
class Values:
    """One metric of one group."""

    by_run: list[float | None]  # in the order of the group's seeds; None: not measured, a miss
    complete: bool  # False: a run lacks it, so that the group is not compared
    middle: float | None  # of the runs: where its point lies
    low: float | None  # the 95 % interval of the middle
    high: float | None
    shown: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """One row: the runs that differ in their seeds alone."""

    name: str  # framework and execution
    versions: str
    colour: str
    outline: str
    shape: str
    at: list[int]  # the index of its value in each facet
    seeds: list[int]  # of the runs that ended well
    noise_floor: float | None
    disturbed: bool
    outcome: str  # how many runs there are, and what failed
    work: str  # whether it is shown to be equal
    values: dict[str, Values]
    experiment: Experiment  # by which another machine's runs of the same are found
    fingerprint: str  # of its images


@dataclass(frozen=True, kw_only=True)
class Facet:
    """One setting by which the reader chooses."""

    key: str
    label: str
    term: str
    values: list[str]
    comparable: bool  # whether all its values may stand side by side


@dataclass(frozen=True, kw_only=True)
class Constants:
    """What the statistics need of SciPy and NumPy, so that the page's are the same."""

    significance: float
    all_up_to: int
    resamples: int
    stream: tuple[str, str]  # state and increment of NumPy's PCG64 at the seed, in decimals
    student: dict[int, float]  # number of values -> the t beyond which 2.5 % lie
    tail: dict[int, float]  # number of values -> ``uncertainty.tail``


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """All of it, as it stands in the page as JSON."""

    name: str
    metrics: list[Metric]
    facets: list[Facet]
    groups: list[Group]
    start: list[int]  # the facets' values that are shown first
    constants: Constants
    glossary: Mapping[str, str]


# Metrics


def metrics(groups: Sequence[Replicates]) -> list[Measured]:
    """All that some run of the folder has a value of, or has missed."""
    targets = sorted({target for group in groups for target in group.experiment.targets})
    price = groups[0].evidence.suite.price_per_h
    every = (_THROUGHPUT, *map(_time_to, targets), *_LATER, *_prices(targets, price))
    found = [
        measured
        for measured in every
        if any(values(measured, group) is not None for group in groups)
    ]
    return found or [_THROUGHPUT]  # of which the page then says that nothing was measured


def _fast(key: str, label: str, statistic: Statistic) -> Measured:
    metric = Metric(
        key=key,
        label=label,
        unit="images/s",
        best="highest",
        term=label.lower(),
        higher="faster",
        lower="slower",
    )
    return Measured(metric, statistic)


def _seconds(key: str, label: str, term: str, statistic: Statistic, scale: float) -> Measured:
    metric = Metric(
        key=key,
        label=label,
        unit="s" if scale == 1 else "ms",
        best="lowest",
        term=term,
        higher="slower",
        lower="faster",
        scale=scale,
    )
    return Measured(metric, statistic)


def _memory(of: str, statistic: Statistic) -> Measured:
    metric = Metric(
        key=f"{of} memory",
        label=f"Peak {of} memory",
        unit="MiB",
        best="lowest",
        term="peak memory",
        higher="more",
        lower="less",
        of_time=False,
        scale=1 / wording.MIB,
        decimals=0,
    )
    return Measured(metric, statistic)


def _time_to(target: float) -> Measured:
    goal = wording.target(target)
    metric = Metric(
        key=f"time to {goal}",
        label=f"Time to {goal} validation accuracy",
        unit="s",
        best="lowest",
        term="time to target",
        higher="slower",
        lower="sooner",
        target=target,
    )
    return Measured(metric, partial(runs.time_to_accuracy_s, target=target))


def _prices(targets: Sequence[float], price_per_h: float | None) -> list[Measured]:
    return [] if price_per_h is None else [_price_of(target, price_per_h) for target in targets]


def _price_of(target: float, price_per_h: float) -> Measured:
    goal = wording.target(target)
    metric = Metric(
        key=f"price of {goal}",
        label=f"Price of {goal} validation accuracy",
        unit=f"in your currency, at {price_per_h:g} an hour",
        best="lowest",
        term="price",
        higher="dearer",
        lower="cheaper",
        target=target,
    )
    statistic = partial(costs.price_to_target, target=target, price_per_h=price_per_h)
    return Measured(metric, statistic)


_THROUGHPUT = _fast("throughput", "Training throughput", runs.throughput_images_per_s)
_ACCURACY = Metric(
    key="accuracy",
    label="Test accuracy",
    unit="%",
    best="highest",
    term="test accuracy",
    of_time=False,
    beside="difference",
    scale=100,
    decimals=2,
)
_ENERGY = Metric(
    key="energy",
    label="Energy of training one image",
    unit="mJ",
    best="lowest",
    term="energy",
    higher="more",
    lower="less",
    scale=1000,
)
_LATER = (
    _seconds("start-up", "Start-up", "start-up", runs.start_up_s, 1),
    Measured(_ACCURACY, runs.test_accuracy),
    *(
        _seconds(
            f"latency {name}",
            f"Latency of one image, {name}",
            "latency",
            partial(runs.latency_s, fraction=fraction),
            1000,
        )
        for name, fraction in runs.LATENCY_PERCENTILES.items()
    ),
    _fast("inference", "Inference throughput", runs.inference_images_per_s),
    _memory("process", runs.peak_process_memory_bytes),
    _memory("device", runs.peak_device_memory_bytes),
    Measured(_ENERGY, costs.joules_per_image),
)


# Values


def values(measured: Measured, group: Replicates) -> Values | None:
    """One metric of one group; None where none of its runs has to do with it."""
    metric = measured.metric
    by_run = [measured.statistic(record) for record in group.measured]
    if metric.target is not None:
        return _to_target(metric, group, by_run, metric.target)
    known = [value for value in by_run if value is not None]
    if not known:
        return None
    complete = len(known) == len(by_run)
    middle: float | None
    if metric.beside == "difference":
        middle, interval = fmean(known), wilson_of(group)
    elif min(known) > 0:
        middle, interval = geometric_mean(known), uncertainty.of_ratio(known)
    else:  # a counter that did not move: there is no ratio to it
        middle, interval, complete = None, None, False
    return Values(
        by_run=by_run,
        complete=complete,
        middle=middle,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        shown=wording.spread(runs.summarize(known), metric.scale, metric.decimals),
    )


def _to_target(
    metric: Metric, group: Replicates, by_run: list[float | None], target: float
) -> Values | None:
    """Of a target: its misses count, and with one of them the group is not compared."""
    observed = survival.observed(group, target)
    if target not in group.experiment.targets or not observed.n:
        return None
    known = [value for value in by_run if value is not None]
    complete = survival.all_reached(group, target) and len(known) == len(by_run)
    interval = uncertainty.of_ratio(known) if complete else None
    shown = wording.time_to_target(observed)
    if not metric.key.startswith("time") and known:
        shown = wording.spread(runs.summarize(known))
    return Values(
        by_run=by_run,
        complete=complete,
        middle=geometric_mean(known) if complete else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        shown=shown,
    )


# Groups and facets


def embedded(name: str, groups: Sequence[Replicates], glossary: Mapping[str, str]) -> Embedded:
    """All that the page carries. ``groups``: of one folder, at least one."""
    listed = metrics(groups)
    facets, at = _facets(groups)
    seeds = max(MOST_SEEDS, *(len(group.measured) for group in groups))
    return Embedded(
        name=name,
        metrics=[measured.metric for measured in listed],
        facets=facets,
        groups=[_group(group, places, listed) for group, places in zip(groups, at, strict=True)],
        start=_first(groups, at),
        constants=constants(seeds),
        glossary=glossary,
    )


def constants(most: int) -> Constants:
    """For pairs of up to so many seeds."""
    from scipy.special import stdtrit

    state = np.random.PCG64(uncertainty.SEED).state["state"]
    counts = range(2, most + 1)
    share = (1 + uncertainty.CONFIDENCE) / 2
    return Constants(
        significance=uncertainty.SIGNIFICANCE,
        all_up_to=uncertainty.ALL_UP_TO,
        resamples=uncertainty.RESAMPLES,
        stream=(str(state["state"]), str(state["inc"])),
        student={n: float(stdtrit(n - 1, share)) for n in counts},
        tail={n: uncertainty.tail(n) for n in counts},
    )


def _group(group: Replicates, places: list[int], listed: Sequence[Measured]) -> Group:
    look = look_of(group.experiment)
    of_metric = {measured.metric.key: values(measured, group) for measured in listed}
    return Group(
        name=wording.framework(group.experiment),
        versions=wording.versions(group.versions),
        colour=look.colour,
        outline=FRAMEWORKS[group.experiment.framework].colour,
        shape=SHAPES.get(look.marker, "circle"),
        at=places,
        seeds=[record.seed for record in group.measured],
        noise_floor=verdict.noise_floor_of(group),
        disturbed=bool(group.disturbed),
        outcome=wording.outcome(group),
        work=trust.work(group),
        values={key: known for key, known in of_metric.items() if known is not None},
        experiment=group.experiment,
        fingerprint=group.data.fingerprint,
    )


def _first(groups: Sequence[Replicates], at: Sequence[list[int]]) -> list[int]:
    """The settings shown first: where most rows were trained to the end, else most rows."""

    def worth(place: int) -> tuple[bool, int]:
        group = groups[place]
        return group.experiment.goal == "train" and bool(group.measured), at.count(at[place])

    return at[max(range(len(groups)), key=worth)]


def _facets(groups: Sequence[Replicates]) -> tuple[list[Facet], list[list[int]]]:
    """The facets, and the index of each group's value in each of them."""
    others = _others(groups)
    described = [
        ("task", "Task", "task", _task, False),
        ("architecture", "Network", "network", _of("architecture", wording.architecture), True),
        ("device", "Device", "device", _of("device", wording.device), True),
        ("batch", "Batch size", "batch size", _of("batch_size", "{:,}".format), True),
        ("precision", "Precision", "precision", _of("precision", str), True),
        ("goal", "Runs", "goal", _goal, False),
        ("machine", "Machine", "machine", _machine, False),
        ("others", "Other settings", "other settings", others, False),
    ]
    facets, columns = [], []
    for key, label, term, of, comparable in described:
        keyed = [of(group) for group in groups]
        ordered = sorted(set(keyed))
        facets.append(
            Facet(
                key=key,
                label=label,
                term=term,
                values=_distinct([words for _, words in ordered]),
                comparable=comparable,
            )
        )
        columns.append([ordered.index(each) for each in keyed])
    return facets, [list(places) for places in zip(*columns, strict=True)]


Key = tuple[Any, str]  # what orders the values, and what is said of one


def _of(name: str, words: Callable[..., str]) -> Callable[[Replicates], Key]:
    def key(group: Replicates) -> Key:
        value = getattr(group.experiment, name)
        return (value,), words(value)

    return key


def _task(group: Replicates) -> Key:
    return (group.data.task, group.data.source, group.data.fingerprint), wording.images(group.data)


def _goal(group: Replicates) -> Key:
    whole = group.experiment.goal == "train"
    return (not whole,), "trained and tested" if whole else "training steps only"


def _machine(group: Replicates) -> Key:
    cards = group.records[0].machine.gpus
    words = "; ".join((wording.machine(group.host), *(wording.gpu(card) for card in cards)))
    return (group.host, tuple(card.name for card in cards)), words


def _others(groups: Sequence[Replicates]) -> Callable[[Replicates], Key]:
    """All settings that have no facet of their own; said are those that vary."""

    def settings(experiment: Experiment) -> tuple[object, ...]:
        return tuple(_sortable(getattr(experiment, name)) for name in OTHERS)

    varying = [
        name for name in OTHERS if len({getattr(g.experiment, name) for g in groups}) > 1
    ] or ["optimizer", "learning_rate", "epochs"]

    def key(group: Replicates) -> Key:
        words = wording.conditions(group.experiment, varying)
        return settings(group.experiment), words or "as usual"

    return key


def _sortable(value: object) -> tuple[bool, object]:
    return value is None, 0 if value is None else value


def _distinct(words: Sequence[str]) -> list[str]:
    """Each with its number where several read alike."""
    return [
        each if words.count(each) == 1 else f"{each} ({words[:place].count(each) + 1})"
        for place, each in enumerate(words)
    ]

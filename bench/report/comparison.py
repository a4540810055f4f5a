"""Which runs may stand side by side: those that differ in the compared axes and in no other.

Hyper-parameters, data and machine are held equal. Accuracies to be timed are not among them:
they change what is read off a run, not the run. The groups of a comparison can be ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby
from statistics import geometric_mean
from typing import Any, Literal

from bench.experiment import Experiment
from bench.report import wording
from bench.results.record import Data
from bench.stats import runs, verdict
from bench.stats.runs import Host, Replicates, Statistic
from bench.stats.verdict import Judged

EXPERIMENT_FIELDS = tuple(
    field.name for field in fields(Experiment) if field.name not in ("goal", "targets")
)
FRAMEWORK = ("framework", "execution")
RECIPE = ("optimizer", "learning_rate", "momentum", "adam_epsilon")
SCHEDULE = ("epochs", "evaluations_per_epoch")
HEADING = ("task", "source", "architecture")
USUAL = ("device", "batch_size", "goal")  # said in a heading beside them
Best = Literal["highest", "lowest"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Replicates that differ in the varying fields of their experiments alone."""

    varying: frozenset[str]
    groups: tuple[Replicates, ...]  # at least one
    apart: tuple[str, ...] = ()  # fields by which alone others of the usual heading differ

    @property
    def experiment(self) -> Experiment:
        """Stands for all in every field that does not vary."""
        return self.groups[0].experiment

    @property
    def data(self) -> Data:
        """The images of all, where task and source do not vary."""
        return self.groups[0].data

    @property
    def host(self) -> Host:
        """The machine of all."""
        return self.groups[0].host

    @property
    def measured(self) -> tuple[Replicates, ...]:
        """Those of which at least one run ended well."""
        return tuple(group for group in self.groups if group.measured)

    @property
    def targets(self) -> tuple[float, ...]:
        """Every accuracy that was to be timed in any of them, ascending."""
        return tuple(sorted({t for group in self.groups for t in group.experiment.targets}))

    def values(self, field: str) -> list[Any]:
        """The different values of one field of the experiments, ascending; None comes last."""
        return sorted({getattr(group.experiment, field) for group in self.groups}, key=_sortable)

    def heading(self, *fields: str, leave_out: Collection[str] = ()) -> str:
        """What the runs are of, and on what: these fields, and those that are unusual."""
        fields = fields or USUAL
        conditions = wording.heading_conditions(self.experiment, fields, leave_out)
        apart = wording.apart(self.experiment, [f for f in self.apart if f not in fields])
        return ", ".join(
            filter(None, (wording.subject(self.experiment, self.data), conditions, apart))
        )

    def constant(self, leave_out: Collection[str]) -> str:
        """The fields that have one value in all of them, in words."""
        return wording.conditions(
            self.experiment,
            [
                name
                for name in ("goal", *EXPERIMENT_FIELDS)
                if name not in leave_out and len(self.values(name)) == 1
            ],
        )


def comparisons(
    groups: Iterable[Replicates],
    varying: Collection[str],
    keep: Callable[[Comparison], bool] = lambda _: True,
) -> list[Comparison]:
    """Split into sets that differ in the varying fields alone; those that ``keep`` refuses go.

    Where the task varies the images do, but drawn ones never stand beside real ones.
    """

    def key(group: Replicates) -> tuple[Any, ...]:
        held = [
            _sortable(getattr(group.experiment, f)) for f in EXPERIMENT_FIELDS if f not in varying
        ]
        images = group.data.drawn if "task" in varying else group.data.fingerprint
        # versions follow the framework, and may follow the device (an environment for each)
        packages = () if {*varying} & {"framework", "device"} else sorted(group.versions.items())
        # training to the end before mere training steps: it is what most readers come for
        return (group.experiment.goal != "train", *held, group.host, images, packages)

    split = [
        Comparison(varying=frozenset(varying), groups=tuple(members))
        for _, members in groupby(sorted(groups, key=key), key)
    ]
    kept = [comparison for comparison in split if keep(comparison)]
    fields = told_apart(kept, (*HEADING, *USUAL, *wording.UNUSUAL))
    return [replace(each, apart=apart) for each, apart in zip(kept, fields, strict=True)]


def told_apart(listed: Sequence[Comparison], usual: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Of each, the fields that tell it from others that are alike in the ``usual`` ones."""
    by_usual: dict[tuple[Any, ...], list[Experiment]] = {}
    for each in listed:
        by_usual.setdefault(_values(each.experiment, usual), []).append(each.experiment)
    for each in listed:
        alike = by_usual[_values(each.experiment, usual)]
        fields = (f for f in ("goal", *EXPERIMENT_FIELDS) if f not in each.varying)
        yield tuple(f for f in fields if len({getattr(other, f) for other in alike}) > 1)


def _values(experiment: Experiment, fields: Collection[str]) -> tuple[Any, ...]:
    return tuple(getattr(experiment, field) for field in fields)


def by_machine(groups: Iterable[Replicates]) -> list[Comparison]:
    """All that was run on one machine, on real or on drawn images: every field may vary."""

    def key(group: Replicates) -> tuple[Host, bool]:
        return group.host, group.data.drawn

    return [
        Comparison(varying=frozenset(EXPERIMENT_FIELDS), groups=tuple(members))
        for _, members in groupby(sorted(groups, key=key), key)
    ]


def _sortable(value: Any) -> tuple[bool, Any]:
    """None, such as all the processors there are, after every value."""
    return value is None, 0 if value is None else value


def only(groups: Iterable[Replicates], **wanted: object) -> list[Replicates]:
    """Those whose experiments have all the wanted values."""
    return [
        group
        for group in groups
        if all(getattr(group.experiment, name) == value for name, value in wanted.items())
    ]


def contender(group: Replicates) -> tuple[str, str, str]:
    """What tells the rows of a table of frameworks apart: framework, execution, packages."""
    experiment = group.experiment
    return experiment.framework, experiment.execution, wording.versions(group.versions)


def by_contender(groups: Iterable[Replicates]) -> list[tuple[Replicates, ...]]:
    """The groups of each contender, by ascending batch size."""
    ordered = sorted(groups, key=lambda group: (contender(group), group.experiment.batch_size))
    return [tuple(members) for _, members in groupby(ordered, contender)]


# The architecture swap


def swaps(groups: Iterable[Replicates]) -> list[Comparison]:
    """Two or more architectures, each on every task: recipes and epochs belong to the pairs.

    Where that would put two experiments into one cell, they differ in recipe or epochs, and
    those are held equal instead.
    """
    free = ("task", "source", "architecture")
    swapped: list[Comparison] = []
    for comparison in comparisons(only(groups, goal="train"), (*free, *RECIPE, *SCHEDULE)):
        cells = [[getattr(group.experiment, f) for f in free] for group in comparison.groups]
        crowded = any(cells.count(cell) > 1 for cell in cells)
        swapped += comparisons(comparison.groups, free) if crowded else [comparison]
    return [swap for swap in swapped if len(swap.values("architecture")) > 1]


def differences(swap: Comparison) -> str:
    """How the pairs of a swap differ in recipe and schedule; empty where they do not.

    By task where the architectures of a task are trained alike, else by pair.
    """
    differing = [name for name in (*SCHEDULE, *RECIPE) if len(swap.values(name)) > 1]
    by_pair: dict[str, str] = {}
    by_task: dict[str, set[str]] = {}
    for group in swap.groups:
        recipe = wording.conditions(group.experiment, differing)
        by_pair[wording.subject(group.experiment, group.data)] = recipe
        by_task.setdefault(wording.images(group.data), set()).add(recipe)
    if all(len(of_task) == 1 for of_task in by_task.values()):
        by_pair = {task: of_task.pop() for task, of_task in by_task.items()}
    return "; ".join(f"{name}: {recipe}" for name, recipe in by_pair.items() if recipe)


# Rankings


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One framework in a ranking."""

    name: str
    group: Replicates
    values: tuple[float, ...]  # one a run; at least one

    @property
    def mean(self) -> float:
        """The geometric mean of its runs, as ratios are averaged: the two then agree."""
        return geometric_mean(self.values)


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The groups of a comparison from best to worst, and every two of them judged."""

    standings: tuple[Standing, ...]  # the best first
    judged: tuple[Judged, ...]  # corrected for one another
    best: Best

    def between(self, first: Replicates, second: Replicates) -> Judged | None:
        """What may be said of the first beside the second; None where they cannot be compared."""
        for judged in self.judged:
            if judged.first is first and judged.second is second:
                return judged
            if judged.first is second and judged.second is first:
                return judged.swapped
        return None

    def beats(self, first: Replicates, second: Replicates) -> bool:
        """Whether the first is shown to be better than the second."""
        judged = self.between(first, second)
        wanted = "higher" if self.best == "highest" else "lower"
        return judged is not None and judged.outcome == wanted

    def rivals(self) -> list[Standing]:
        """Those that the best is not shown to be better than."""
        best, *others = self.standings
        return [other for other in others if not self.beats(best.group, other.group)]


def ranking(
    groups: Sequence[Replicates],
    statistic: Statistic,
    *,
    best: Best,
    labels: Sequence[str] | None = None,
) -> Ranking:
    """The best mean first; a framework with a run that lacks the statistic is left out.

    ``labels`` names the groups; None: by framework and execution.
    """
    standings = []
    names = wording.distinct_labels(groups) if labels is None else labels
    for name, group in zip(names, groups, strict=True):
        values = [statistic(record) for record in group.measured]
        known = tuple(value for value in values if value is not None)
        if known and len(known) == len(values):
            standings.append(Standing(name=name, group=group, values=known))
    standings.sort(key=lambda standing: standing.mean, reverse=best == "highest")
    judged = verdict.judge([standing.group for standing in standings], statistic)
    return Ranking(standings=tuple(standings), judged=tuple(judged), best=best)


def at_best_size(comparison: Comparison) -> Ranking:
    """Each framework once, at the batch size at which its throughput is highest."""
    statistic = runs.throughput_images_per_s
    best: dict[str, Replicates] = {}
    for standing in ranking(comparison.measured, statistic, best="highest").standings:
        best.setdefault(wording.framework(standing.group.experiment), standing.group)
    labels = [f"{name} at batch {g.experiment.batch_size:,}" for name, g in best.items()]
    return ranking(list(best.values()), statistic, best="highest", labels=labels)

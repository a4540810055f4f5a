"""Which runs may stand side by side: those that differ in the compared axes and in no other.

Hyper-parameters, data and machine are held equal. Accuracies to be timed are not among them:
they change what is read off a run, not the run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, fields
from itertools import groupby
from typing import Any

from bench.experiment import Experiment
from bench.record import Data
from bench.report import wording
from bench.run_statistics import Host, Replicates

EXPERIMENT_FIELDS = tuple(
    one.name for one in fields(Experiment) if one.name not in ("goal", "targets")
)
FRAMEWORK = ("framework", "execution")
RECIPE = ("optimizer", "learning_rate", "momentum", "adam_epsilon")
SCHEDULE = ("epochs", "evaluations_per_epoch")
HEADING = ("task", "source", "architecture")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Replicates that differ in the varying fields of their experiments alone."""

    varying: frozenset[str]
    groups: tuple[Replicates, ...]  # at least one

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
        found = {getattr(group.experiment, field) for group in self.groups}
        return sorted(found, key=_sortable)

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

    found = (
        Comparison(varying=frozenset(varying), groups=tuple(members))
        for _, members in groupby(sorted(groups, key=key), key)
    )
    return [comparison for comparison in found if keep(comparison)]


def _sortable(value: Any) -> tuple[bool, Any]:
    """None, such as all the processors there are, after every value."""
    return value is None, 0 if value is None else value


def swaps(groups: Iterable[Replicates]) -> list[Comparison]:
    """Two or more architectures, each on every task: recipes and epochs belong to the pairs.

    Where that would put two experiments into one place, they differ in recipe or epochs, and
    those are held equal instead.
    """
    trained = [group for group in groups if group.experiment.goal == "train"]
    free = ("task", "source", "architecture", *RECIPE, *SCHEDULE)
    found: list[Comparison] = []
    for comparison in comparisons(trained, free):
        places = [place(group) for group in comparison.groups]
        if len(places) == len(set(places)):
            found.append(comparison)
        else:
            found.extend(comparisons(comparison.groups, ("task", "source", "architecture")))
    return [one for one in found if len(one.values("architecture")) > 1]


def differences(swap: Comparison) -> str:
    """How the pairs of a swap differ in recipe and schedule; empty where they do not.

    By task where the architectures of a task are trained alike, else by pair.
    """
    differing = [name for name in (*SCHEDULE, *RECIPE) if len(swap.values(name)) > 1]
    by_pair: dict[str, str] = {}
    by_task: dict[str, set[str]] = {}
    for group in swap.groups:
        said = wording.conditions(group.experiment, differing)
        by_pair[wording.subject(group.experiment, group.data)] = said
        by_task.setdefault(wording.images(group.data), set()).add(said)
    if all(len(said) == 1 for said in by_task.values()):
        by_pair = {task: said.pop() for task, said in by_task.items()}
    return "; ".join(f"{name}: {said}" for name, said in by_pair.items() if said)


def place(group: Replicates) -> tuple[str, str, str]:
    """Row and columns of a swap: architecture, task, source."""
    one = group.experiment
    return one.architecture, one.task, one.source


def only(groups: Iterable[Replicates], **wanted: object) -> list[Replicates]:
    """Those whose experiments have all the wanted values."""
    return [
        group
        for group in groups
        if all(getattr(group.experiment, name) == value for name, value in wanted.items())
    ]

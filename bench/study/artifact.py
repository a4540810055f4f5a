"""What a step of the study gets, and what it leaves: pictures and tables with their captions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.experiment import Experiment
from bench.report import wording
from bench.report.comparison import EXPERIMENT_FIELDS
from bench.report.tables.table import Table
from bench.results.folder import Results
from bench.results.predictions import Predictions
from bench.stats.runs import Replicates
from datasets import Dataset


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure and what it shows."""

    name: str  # its files' name without the ending
    title: str
    caption: str  # how to read it: sentences
    figure: Figure
    main: bool = False  # True: it shows what its step found, and stands in the summary too


Artifact = Picture | Table
Tables = Mapping[str, Table]  # those that a step has made, by name


@dataclass(frozen=True, kw_only=True)
class Study:
    """One task's data and everything that was learned of it."""

    results: Results  # the folder of the runs
    dataset: Dataset
    groups: Sequence[Replicates]  # of this task and source; goal 'train'; failures included
    predictions: Mapping[str, Predictions]  # by run id, of the runs that ended well

    @property
    def subject(self) -> str:
        """Task and source in words: 'letters (az-sample)'."""
        return wording.images(self.groups[0].data)

    @property
    def folder(self) -> Path:
        """Where its page, pictures and tables go, and files beside them."""
        return self.results.study_folder(self.dataset.task)


class Step(Protocol):
    """A module of the study; ``bench.study.page`` lists them in their order."""

    @property
    def TITLE(self) -> str:  # noqa: N802 (a constant of the module)
        """The heading of its part of the page."""
        ...

    @property
    def NEEDS(self) -> str:  # noqa: N802
        """What must have been run for it to leave anything: 'a run that ended well'."""
        ...

    def make(self, study: Study) -> Iterator[Artifact]:
        """Its pictures and tables, as they come; none where what it needs is not there.

        ``bench.report.plots.style`` is applied while they are drawn.
        """
        ...

    def finding(self, tables: Tables) -> str:
        """A sentence or two for the summary, of its own tables; empty where they show nothing."""
        ...


# What each model says of the test images, seed by seed


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One network and recipe, with what its runs answer."""

    name: str  # of files: 'cnn_keras-tensorflow_augmented'
    title: str  # 'CNN in keras-tensorflow, augmented'
    network: str  # 'cnn'
    parameters: int | None  # None: not counted
    predictions: Mapping[int, Predictions]  # by seed; at least one

    @property
    def seed(self) -> int:
        """The lowest: the run that is shown where one has to do."""
        return min(self.predictions)

    @property
    def shown(self) -> Predictions:
        """What the run of the lowest seed says."""
        return self.predictions[self.seed]

    @property
    def errors(self) -> int:
        """How many test images that run gets wrong."""
        return int(self.wrong(self.seed).sum())

    @property
    def certainty(self) -> NDArray[np.float64]:
        """(n,) the probability that it gives to what it says."""
        return np.asarray(self.shown.probabilities.max(axis=1))

    def wrong(self, seed: int) -> NDArray[np.bool_]:
        """(n,) which test images the run of a seed gets wrong."""
        run = self.predictions[seed]
        return np.asarray(run.predicted != run.labels)


def answered(study: Study) -> list[Answered]:
    """Every group with predictions, in the order of the groups; names are distinct."""
    groups = [
        (group.experiment, records)
        for group in study.groups
        if (records := [r for r in group.measured if r.run_id in study.predictions])
    ]
    names = numbered([_name(experiment) for experiment, _ in groups], "_")
    titles = distinct_titles([experiment for experiment, _ in groups], _title)
    return [
        Answered(
            name=name,
            title=title,
            network=experiment.architecture,
            parameters=first.parameter_count if (first := records[0].measurement) else None,
            predictions={record.seed: study.predictions[record.run_id] for record in records},
        )
        for name, title, (experiment, records) in zip(names, titles, groups, strict=True)
    ]


def _title(experiment: Experiment) -> str:
    return f"{wording.architecture(experiment.architecture)} in {experiment.framework}"


def distinct_titles(
    experiments: Sequence[Experiment], title: Callable[[Experiment], str]
) -> list[str]:
    """The title of each, with what tells it from the others of that title: 'learning rate 0.01'.

    An augmented one is always called so.
    """
    titles = list(map(title, experiments))
    distinct = []
    for experiment, own in zip(experiments, titles, strict=True):
        alike = [e for e, other in zip(experiments, titles, strict=True) if other == own]
        apart = [name for name in EXPERIMENT_FIELDS if len({getattr(e, name) for e in alike}) > 1]
        if experiment.augmentation and "augmentation" not in apart:
            apart.append("augmentation")
        distinct.append(", ".join(filter(None, (own, wording.apart(experiment, apart)))))
    return distinct


def _name(experiment: Experiment) -> str:
    ending = "_augmented" if experiment.augmentation else ""
    return f"{experiment.architecture}_{experiment.framework}{ending}"


# Names and sentences


def facts(tables: Tables, name: str) -> list[Mapping[str, Any]]:
    """The rows of a table, numbers as they are; none where it was not made."""
    table = tables.get(name)
    return list(table.sections[0].rows) if table else []


def known(value: float | None) -> bool:
    """Whether there is such a number: neither None nor nan."""
    return value is not None and value == value


def numbered(names: Iterable[str], mark: str) -> list[str]:
    """The names told apart: 'a', 'a', 'b' with the mark '_' -> 'a', 'a_2', 'b'."""
    counts: Counter[str] = Counter()
    distinct = []
    for name in names:
        counts[name] += 1
        distinct.append(name if counts[name] == 1 else f"{name}{mark}{counts[name]}")
    return distinct


def seeds_sentence(groups: Iterable[Replicates]) -> str:
    """Which seeds ended well: 'Seeds 0, 1, 2.' or 'Seed 0, alone.'; at least one."""
    seeds = sorted({record.seed for group in groups for record in group.measured})
    return f"Seeds {', '.join(map(str, seeds))}." if len(seeds) > 1 else f"Seed {seeds[0]}, alone."

"""What a step of the study leaves: pictures and tables, each with its caption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from matplotlib.figure import Figure

from bench.report.tables.table import Table
from bench.results.folder import Results
from bench.results.models import Predictions
from bench.stats.runs import Replicates
from datasets import Dataset


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure and what it shows."""

    name: str  # its files' name without the ending
    title: str
    caption: str  # how to read it: sentences
    figure: Figure


Artifact = Picture | Table


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


@dataclass(frozen=True, kw_only=True)
class Study:
    """One task's data and everything that was learned of it."""

    results: Results  # the folder of the runs
    dataset: Dataset
    groups: Sequence[Replicates]  # of this task and source; goal 'train'; failures included
    predictions: Mapping[str, Predictions]  # by run id, of the runs that ended well

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
        """Its pictures and tables, as they come; none where what it needs is not there."""
        ...

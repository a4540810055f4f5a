"""The frameworks of a comparison from best to worst, and whether the order means anything."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from bench.report import wording
from bench.report.comparison import Comparison
from bench.stats import Statistic


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One framework in a ranking."""

    name: str
    values: tuple[float, ...]  # one a run; at least one

    @property
    def mean(self) -> float:
        """Of its runs."""
        return fmean(self.values)


def ranking(
    comparison: Comparison, statistic: Statistic, *, best: Literal["highest", "lowest"]
) -> list[Standing]:
    """The best mean first; a framework with a run that lacks the statistic is left out."""
    standings = []
    labels = wording.distinct_labels(comparison.groups)
    for name, group in zip(labels, comparison.groups, strict=True):
        values = [statistic(record) for record in group.measured]
        known = tuple(value for value in values if value is not None)
        if known and len(known) == len(values):
            standings.append(Standing(name=name, values=known))
    return sorted(standings, key=lambda one: one.mean, reverse=best == "highest")


def overlap(one: Standing, other: Standing) -> bool:
    """Whether the ranges of their runs overlap; two single runs never do."""
    if len(one.values) == len(other.values) == 1:
        return False
    lowest = max(min(one.values), min(other.values))
    return lowest <= min(max(one.values), max(other.values))

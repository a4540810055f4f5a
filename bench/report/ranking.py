"""The frameworks of a comparison from best to worst, and which of them are shown to differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import geometric_mean
from typing import Literal

from bench import verdict
from bench.report import wording
from bench.run_statistics import Replicates, Statistic
from bench.verdict import Judged

Best = Literal["highest", "lowest"]


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
    """All of them, and every two of them judged."""

    standings: tuple[Standing, ...]  # the best first
    judged: tuple[Judged, ...]  # corrected for one another
    best: Best

    def between(self, first: Replicates, second: Replicates) -> Judged | None:
        """What may be said of the first beside the second; None where they cannot be compared."""
        for one in self.judged:
            if one.first is first and one.second is second:
                return one
            if one.first is second and one.second is first:
                return one.swapped
        return None

    def beats(self, first: Replicates, second: Replicates) -> bool:
        """Whether the first is shown to be better than the second."""
        found = self.between(first, second)
        wanted = "higher" if self.best == "highest" else "lower"
        return found is not None and found.outcome == wanted

    def rivals(self) -> list[Standing]:
        """Those that the best is not shown to be better than."""
        return [
            one for one in self.standings[1:] if not self.beats(self.standings[0].group, one.group)
        ]


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
    standings.sort(key=lambda one: one.mean, reverse=best == "highest")
    judged = verdict.judge([one.group for one in standings], statistic)
    return Ranking(standings=tuple(standings), judged=tuple(judged), best=best)

"""What a page of panels shows, in a sentence short enough to be its title.

A winner is named only where ``bench.stats.verdict`` allows it; else the title says that it is
undecided. What is merely described (a range, a share) names no winner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median_low

from bench.report import wording
from bench.report.comparison import (
    EXPERIMENT_FIELDS,
    Comparison,
    Ranking,
    Standing,
    at_best_size,
    only,
    ranking,
)
from bench.report.plots import layout
from bench.stats import runs, survival, verdict

Panels = Sequence[Comparison]
Rank = Callable[[Comparison], Ranking]

LINES, ACROSS, SIZE = 2, 15.0, 20  # that a title may have; inches; points
LEVELS = IN_FULL, SHORTER, SHORTEST = range(3)  # of what a title says
NAMED = 3  # frameworks that are named where it is undecided which of them is first


def names(of: Panels, among: Panels) -> str:
    """'the MLP', or 'the CNN on digits' where only some of the panels of that network are meant."""
    parts = []
    for architecture in dict.fromkeys(panel.experiment.architecture for panel in of):
        own, every = (
            [panel for panel in panels if panel.experiment.architecture == architecture]
            for panels in (of, among)
        )
        network = f"the {wording.architecture(architecture)}"
        if len(own) == len(every):
            parts.append(network)
        else:
            parts.append(f"{network} on {joined(_task(panel, every) for panel in own)}")
    return joined(parts)


def _task(panel: Comparison, among: Panels) -> str:
    """Its task, with what tells it from the other panels of that task."""
    experiment = panel.experiment
    others = [other.experiment for other in among if other.experiment.task == experiment.task]
    differing = [
        name
        for name in EXPERIMENT_FIELDS
        if name not in panel.varying and len({getattr(other, name) for other in others}) > 1
    ]
    return " ".join(filter(None, (experiment.task, _bracketed(panel, differing))))


def _bracketed(panel: Comparison, fields: Sequence[str]) -> str:
    words = wording.apart(panel.experiment, fields)
    return f"({words})" if words else ""


def joined(words: Iterable[str]) -> str:
    """'a, b and c', each once; at least one."""
    *others, last = dict.fromkeys(words)
    return f"{', '.join(others)} and {last}" if others else last


def span(values: Sequence[float]) -> str:
    """'1.9', or '1.9 to 2.4' of several."""
    return " to ".join(dict.fromkeys(wording.number(pick(values), 2) for pick in _ENDS))


_ENDS: tuple[Callable[[Sequence[float]], float], ...] = (min, max)


# Who is first


@dataclass(frozen=True, kw_only=True)
class Firsts:
    """Who is first in which panels, by name; why nobody is; and what stands alone."""

    winners: dict[str, list[tuple[Comparison, float]]]  # with the ratio to the next
    undecided: dict[Open, list[Comparison]]
    alone: list[tuple[Comparison, Standing]]


@dataclass(frozen=True, kw_only=True)
class Open:
    """Why no winner is named."""

    why: str  # 'undecided', 'undecided with one seed' or 'tie'
    between: tuple[str, ...]  # those that may be first, or ('5 frameworks',); none of one seed

    @property
    def words(self) -> str:
        """'undecided between a and b', 'tie of a and b'."""
        if not self.between:
            return self.why
        return f"{self.why} {'of' if self.why == 'tie' else 'between'} {joined(self.between)}"


def _firsts(panels: Panels, rank: Rank) -> Firsts:
    firsts = Firsts(winners={}, undecided={}, alone=[])
    for panel in panels:
        ranked = rank(panel)
        if not ranked.standings:
            continue
        best, *others = ranked.standings
        rivals = ranked.rivals()  # one that cannot be compared is one
        beside = ranked.between(best.group, others[0].group) if others else None
        if not others:
            firsts.alone.append((panel, best))
        elif rivals or beside is None:
            firsts.undecided.setdefault(_open(ranked, rivals), []).append(panel)
        else:
            firsts.winners.setdefault(best.name, []).append((panel, beside.paired.ratio))
    return firsts


@dataclass(frozen=True, kw_only=True)
class Saying:
    """How a plot says who is first. Gaps: {name}, {panels}, {times} or {middle}."""

    won: str
    shorter: str  # of a winner, where that is too long for a title
    either: str  # of several, of which one is first: {name} is 'a or b'
    alone: str  # of one that nothing stands beside
    undecided: str = "{panels}: {why}"
    middle: Callable[[Sequence[float]], float] = fmean  # of what is told of one alone

    def claims(self, firsts: Firsts, panels: Panels, level: int) -> Iterator[str]:
        """Winners first, then what is undecided, then what stands alone.

        ``level``: from ``IN_FULL`` on ever shorter, to ``SHORTEST``.
        """
        for name, of in firsts.winners.items():
            yield (self.won if level == IN_FULL else self.shorter).format(
                name=name,
                panels=names([panel for panel, _ in of], panels),
                times=span([ratio for _, ratio in of]),
            )
        reasons: dict[str, list[Comparison]] = {}
        for reason, open_ in firsts.undecided.items():
            if level == SHORTER and reason.why == "undecided" and len(reason.between) > 1:
                name = " or ".join(reason.between)
                yield self.either.format(name=name, panels=names(open_, panels))
                continue
            why = reason.why.split()[0] if level == SHORTEST else reason.words
            reasons.setdefault(why, []).extend(open_)
        for why, open_ in reasons.items():
            yield self.undecided.format(panels=names(open_, panels), why=why)
        if level > IN_FULL and (firsts.winners or firsts.undecided):
            return
        ordered = sorted(firsts.alone, key=lambda each: each[1].mean)
        for panel, standing in (*ordered[:1], *ordered[1:][-1:]):
            yield self.alone.format(
                name=standing.name,
                panels=names([panel], panels),
                middle=wording.number(self.middle(standing.values)),
            )


def _first(panels: Panels, rank: Rank, saying: Saying) -> str:
    """Who is first in which panels, and in which it is undecided; in how many, if that is long."""
    firsts = _firsts(panels, rank)
    for level in LEVELS:
        if fits(said := "; ".join(saying.claims(firsts, panels, level))):
            return said
    return _counted(firsts)


def _counted(firsts: Firsts) -> str:
    counts = [f"{name} in {len(of)}" for name, of in firsts.winners.items()]
    doubtful = sum(map(len, firsts.undecided.values()))
    total = sum(map(len, firsts.winners.values())) + doubtful
    if not total:
        return ""
    first = f"first of all is {', '.join(counts)}" if counts else ""
    return f"Of {total} panels, " + "; ".join(
        filter(
            None,
            (first, f"{doubtful} {'is' if doubtful == 1 else 'are'} undecided" if doubtful else ""),
        )
    )


def _open(ranked: Ranking, rivals: Sequence[Standing]) -> Open:
    """Why no winner is named."""
    best = ranked.standings[0]
    judged = [ranked.between(best.group, rival.group) for rival in rivals]
    if judged[0] is None or judged[0].paired.n == 1:
        return Open(why="undecided with one seed", between=())
    listed = (best.name, *(rival.name for rival in rivals))
    named = listed if len(listed) <= NAMED else (f"{len(listed)} frameworks",)
    tied = all(each is not None and each.outcome == "tie" for each in judged)
    return Open(why="tie" if tied else "undecided", between=named)


def fits(title: str) -> bool:
    """Whether a page has room for it in two lines."""
    return len(layout.wrapped(title, ACROSS, SIZE, bold=True)) <= LINES


def throughput(panels: Panels) -> str:
    """Who trains fastest, and by how much."""
    return _first(
        panels,
        lambda panel: ranking(panel.groups, runs.throughput_images_per_s, best="highest"),
        Saying(
            won="{name} trains {panels} {times} times as fast as the next",
            shorter="{name} wins {panels} by {times} times",
            either="{name} wins {panels}",
            alone="{name} trains {panels} at {middle} images/s",
        ),
    )


def batch_size(panels: Panels) -> str:
    """Who trains fastest, each at its best batch size."""
    return _first(
        panels,
        at_best_size,
        Saying(
            won="{name} trains {panels} {times} times as fast as the next at its best",
            shorter="{name} wins {panels} by {times} times",
            either="{name} wins {panels}",
            alone="{name} trains {panels} at {middle} images/s",
        ),
    )


def start_up(panels: Panels) -> str:
    """Who starts first, and by how much."""
    return _first(
        panels,
        lambda panel: ranking(panel.groups, runs.start_up_s, best="lowest"),
        Saying(
            won="{name} starts first with {panels}, in {times} of the time of the next",
            shorter="{name} starts {panels} in {times} of the next's time",
            either="{name} starts {panels} first",
            alone="{name} starts {panels} in {middle} s",
        ),
    )


def time_to_accuracy(panels: Panels) -> str:
    """Who reaches each target first; panels are of one target each."""
    by_target: dict[float, list[Comparison]] = {}
    for panel in panels:
        (target,) = panel.targets
        by_target.setdefault(target, []).append(panel)
    for level in LEVELS:
        claims = (_soonest(of, target, level) for target, of in by_target.items())
        if fits(said := "; ".join(filter(None, claims))):
            return said
    firsts = _firsts([panel for panel in panels if not _partly(panel)], _by_time)
    ordered = sorted(firsts.alone, key=lambda each: each[1].mean)
    return _counted(firsts) or "; ".join(
        f"{names([panel], panels)} reaches {wording.target(panel.targets[0])} after "
        f"{wording.number(median_low(standing.values))} s"
        for panel, standing in (*ordered[:1], *ordered[1:][-1:])
    )


def _soonest(panels: Panels, target: float, level: int) -> str:
    goal = wording.target(target)
    sure, partly = ([p for p in panels if _partly(p) == some] for some in (False, True))
    said = Saying(
        won=f"{{name}} reaches {goal} first with {{panels}}, in {{times}} of the next's time",
        shorter=f"{{name}} reaches {goal} first with {{panels}}",
        either=f"{{name}} reaches {goal} first with {{panels}}",
        alone=f"{{name}} reaches {goal} with {{panels}} after {{middle}} s",
        middle=median_low,  # Kaplan and Meier's where every run gets there
        undecided=f"{goal} with {{panels}}: {{why}}",
    )
    claims = [*said.claims(_firsts(sure, _by_time), sure, level)]
    if partly:
        claims.append(f"not every seed reaches {goal} with {names(partly, panels)}")
    return "; ".join(claims)


def _by_time(panel: Comparison) -> Ranking:
    """Of those that reach the panel's target with every seed."""
    (target,) = panel.targets
    reached = [group for group in panel.groups if survival.all_reached(group, target)]
    return ranking(reached, partial(runs.time_to_accuracy_s, target=target), best="lowest")


def _partly(panel: Comparison) -> bool:
    """Whether some framework gets there with some of its seeds alone: then none is the first."""
    watched = [survival.observed(group, *panel.targets) for group in panel.groups]
    return any(seen.times and seen.censored for seen in watched)


def swap(panels: Panels) -> str:
    """Which architecture has the higher test accuracy on each task; a panel is a framework."""
    claims: dict[tuple[str, int], list[tuple[str, float]]] = {}
    tasks = dict.fromkeys(g.experiment.task for panel in panels for g in panel.groups)
    asked = 0
    for task in tasks:
        leads = [lead for panel in panels if (lead := _most_accurate(panel, task))]
        asked = max(asked, len(leads))
        for winner in dict.fromkeys(name for name, _ in leads if name):
            points = [gap for name, gap in leads if name == winner]
            claims.setdefault((winner, len(points)), []).append((task, fmean(points)))
    said = []
    for (winner, count), of in claims.items():
        by = joined(wording.number(100 * gap, 2) for _, gap in of)
        where = "" if asked < 2 else f", in {wording.all_or(count, asked)} frameworks"
        said.append(
            f"the {wording.architecture(winner)} has the highest test accuracy on "
            f"{joined(task for task, _ in of)}, by {by} points{where}"
        )
    return "; ".join(said) or "Which network is more accurate is undecided"


def _most_accurate(panel: Comparison, task: str) -> tuple[str, float] | None:
    """The architecture and how far it is ahead of the next; '': undecided; None: nothing to tell.

    By accuracy itself: the noise floor is of seconds.
    """
    groups = [g for g in only(panel.measured, task=task) if g.summary(runs.test_accuracy)]
    means = {id(g): s.mean for g in groups if (s := g.summary(runs.test_accuracy))}
    if len({group.experiment.architecture for group in groups}) < 2:
        return None
    best, *others = sorted(groups, key=lambda group: -means[id(group)])
    judged = verdict.judge_pairs(
        [(best, other) for other in others], runs.test_accuracy, of_time=False
    )
    ahead = all(each is not None and each.outcome == "higher" for each in judged)
    name = best.experiment.architecture if ahead else ""
    return name, means[id(best)] - means[id(others[0])]

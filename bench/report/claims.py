"""Sentences that say who was faster, each from its test: a winner, a tie, or why neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.report import certainty, wording
from bench.report.ranking import Ranking, Standing
from bench.verdict import Judged

Say = Callable[[Standing], str]


def fastest(ranked: Ranking) -> Iterator[str]:
    """Who trained fastest, by throughput, and how far the slowest is behind."""
    if not ranked.standings:
        return
    best, *others = ranked.standings
    if not others:
        yield f"{best.name} trained at {rate(best)}."
        return
    beside = _beside(ranked, others[0])
    rivals = ranked.rivals()
    if beside is None or beside.paired.n == 1:
        yield _unpaired(ranked, rate, "trained fastest")
        return
    if rivals:
        yield from _no_winner(ranked, rivals, rate, "trained fastest")
    else:
        yield (
            f"{best.name} trained fastest, at {rate(best)}: {_times(beside)} times as fast as the "
            f"next, {others[0].name} ({certainty.evidence(beside)})."
        )
    last = _beside(ranked, others[-1])
    if len(others) > 1 and others[-1] not in rivals and last:
        yield (
            f"{best.name} was {_times(last)} times as fast as {others[-1].name}, which has the "
            f"lowest throughput ({certainty.evidence(last)})."
        )


def soonest(ranked: Ranking, goal: str, misses: str) -> str:
    """Who reached a target first, of those that did with every run; ``misses`` ends the words."""
    best, *others = ranked.standings
    if not others:
        return f"{best.name} reached {goal} after {seconds(best)}{misses}."
    beside = _beside(ranked, others[0])
    if beside is None or beside.paired.n == 1:
        return _unpaired(ranked, seconds, f"reached {goal} first", misses)
    if rivals := ranked.rivals():
        return " ".join(_no_winner(ranked, rivals, seconds, f"reached {goal} first", misses))
    return (
        f"{_of_those(misses)}{best.name} reached {goal} first, after "
        f"{seconds(best)}: in {_times(beside)} of the time "
        f"of the next, {others[0].name} ({certainty.evidence(beside)}){misses}."
    )


def _of_those(misses: str) -> str:
    return "Of those that did with every seed, " if misses else ""


def faster(name: str, judged: Judged) -> str:
    """How a framework trained on another device, by throughput, beside itself on the CPU."""
    ratio = f"{_times(judged)} times"
    if judged.outcome in ("higher", "lower"):
        return f"{name} trained {ratio} as fast as on the CPU ({certainty.evidence(judged)})"
    verdict = certainty.verdict(judged, "", "")
    return f"{name} had {ratio} the throughput, {verdict} ({certainty.evidence(judged)})"


def rate(standing: Standing) -> str:
    """Its mean throughput."""
    return f"{wording.number(standing.mean)} images/s"


def seconds(standing: Standing) -> str:
    """Its mean time."""
    return f"{wording.number(standing.mean)} s"


def _beside(ranked: Ranking, other: Standing) -> Judged | None:
    """The best beside another."""
    return ranked.between(ranked.standings[0].group, other.group)


def _times(judged: Judged) -> str:
    return wording.number(judged.paired.ratio)


def _unpaired(ranked: Ranking, say: Say, won: str, misses: str = "") -> str:
    """All of them in their order, where too few pairs allow no interval."""
    listed = ", ".join(f"{standing.name} {say(standing)}" for standing in ranked.standings)
    pairs = "one seed" if _beside(ranked, ranked.standings[1]) else "no seed in common"
    return f"With {pairs} it cannot be said which {won}: {listed}{misses}."


def _no_winner(
    ranked: Ranking, rivals: Sequence[Standing], say: Say, won: str, misses: str = ""
) -> Iterator[str]:
    """Why no winner is named: what the test against the nearest rival says; then all rivals."""
    best, nearest = ranked.standings[0], rivals[0]
    names = f"{best.name} ({say(best)}) and {nearest.name} ({say(nearest)})"
    beside = _beside(ranked, nearest)
    if beside is None:
        yield f"Which {won} cannot be said: {names} have no seed in common{misses}."
    elif beside.outcome == "tie":
        yield (
            f"Which {won} cannot be said: {names} tie. They differ by "
            f"{_percent(beside.paired.difference)}, and the whole 95 % interval lies within the "
            f"noise floor of {_percent(beside.noise_floor or 0)}{misses}."
        )
    else:
        yield (
            f"Which {won} is undecided between {names}: ratio {_times(beside)}, "
            f"{certainty.evidence(beside)}{misses}."
        )
    if rivals[1:]:
        others = " and ".join(rival.name for rival in rivals[1:])
        yield f"Nor can {best.name} be told apart from {others}."


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f} %"

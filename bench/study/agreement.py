"""Whether models fail on the same images: every two models, and every two seeds of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import pandas as pd

from bench.study.answered import Answered
from bench.study.artifact import Sheet
from bench.study.overlap import Overlap, overlap
from bench.uncertainty import holm

KINDS = {True: "two seeds of one model", False: "two models, the same seed"}
CAPTION = (
    "Two models on the same test images, with the same seed. Overlap: of the images that either "
    "gets wrong, the share that both do (Jaccard); by chance: what it would be if their errors had "
    "nothing to do with each other. Correlation: of being wrong, image by image (phi). Same "
    "answer: of the images both get wrong, the share on which they say the same. p: McNemar's "
    "exact test that both err alike often, corrected by Holm for all rows of the table by seed. "
    "Where two seeds of one model stand beside each other, they show what overlap is to be "
    "expected of the same network and recipe: a pair of models that overlap less has something to "
    "tell each other."
)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two models with each seed that both have, or one model with each two of its seeds."""

    first: str
    second: str
    seeds: tuple[tuple[int, int], ...]  # of the first and of the second; at least one
    overlaps: tuple[Overlap, ...]  # one each

    @property
    def of_seeds(self) -> bool:
        """Whether it is of one model with itself."""
        return self.first == self.second

    @property
    def jaccards(self) -> list[float]:
        """The overlaps that are defined."""
        return [one.jaccard for one in self.overlaps if one.jaccard is not None]


def comparisons(models: Sequence[Answered]) -> list[Comparison]:
    """Every two models with a seed in common, then every model with two seeds."""
    found = [_compared(a, b, _common(a, b)) for a, b in combinations(models, 2)]
    found += [_compared(one, one, list(combinations(sorted(one.said), 2))) for one in models]
    return [one for one in found if one.overlaps]


def _common(first: Answered, second: Answered) -> list[tuple[int, int]]:
    return [(seed, seed) for seed in sorted(first.said.keys() & second.said.keys())]


def _compared(first: Answered, second: Answered, seeds: list[tuple[int, int]]) -> Comparison:
    return Comparison(
        first=first.title,
        second=second.title,
        seeds=tuple(seeds),
        overlaps=tuple(overlap(first.said[a], second.said[b]) for a, b in seeds),
    )


def by_pair(found: Sequence[Comparison], what: str) -> Sheet:
    """A row a comparison: means over its seeds."""
    corrected = iter(_corrected(found))
    rows = [_row(one, [next(corrected) for _ in one.overlaps]) for one in found]
    return Sheet(
        name="overlap",
        title=f"Do they fail on the same images? {what}",
        caption=(
            f"{CAPTION} Means over seeds, the overlap beside its lowest and highest; of p the "
            "largest, so that what it says holds with every seed."
        ),
        frame=pd.DataFrame(rows),
        formats=_formats(rows),
    )


def by_seed(found: Sequence[Comparison], what: str) -> Sheet:
    """A row a comparison and seed."""
    corrected = iter(_corrected(found))
    rows = [
        {
            **_named(one),
            "first_seed": a,
            "second_seed": b,
            **_counts([each]),
            "overlap": each.jaccard,
            **_rest([each]),
            "p": next(corrected),
        }
        for one in found
        for (a, b), each in zip(one.seeds, one.overlaps, strict=True)
    ]
    return Sheet(
        name="overlap_by_seed",
        title=f"Do they fail on the same images? Seed by seed, {what}",
        caption=CAPTION,
        frame=pd.DataFrame(rows),
        formats={**_formats(rows), "first_seed": "d", "second_seed": "d"},
    )


def _corrected(found: Sequence[Comparison]) -> list[float]:
    return holm([each.p for one in found for each in one.overlaps])


def _row(one: Comparison, corrected: Sequence[float]) -> dict[str, object]:
    jaccards = one.jaccards
    return {
        **_named(one),
        "times": len(one.overlaps),
        **_counts(one.overlaps),
        "overlap": _mean(jaccards),
        "lowest_overlap": min(jaccards, default=None),
        "highest_overlap": max(jaccards, default=None),
        **_rest(one.overlaps),
        "p": max(corrected),
    }


def _named(one: Comparison) -> dict[str, object]:
    return {"of": KINDS[one.of_seeds], "first": one.first, "second": one.second}


def _counts(overlaps: Sequence[Overlap]) -> dict[str, object]:
    return {
        "both_right": fmean(one.both_right for one in overlaps),
        "first_alone_wrong": fmean(one.first_only for one in overlaps),
        "second_alone_wrong": fmean(one.second_only for one in overlaps),
        "both_wrong": fmean(one.both_wrong for one in overlaps),
    }


def _rest(overlaps: Sequence[Overlap]) -> dict[str, object]:
    return {
        "by_chance": _mean([one.jaccard_by_chance for one in overlaps]),
        "correlation": _mean([one.correlation for one in overlaps]),
        "same_answer": _mean(
            [one.same_answer / one.both_wrong for one in overlaps if one.both_wrong]
        ),
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _formats(rows: Sequence[dict[str, object]]) -> dict[str, str]:
    shares = ("overlap", "lowest_overlap", "highest_overlap", "by_chance", "same_answer")
    counts = ("both_right", "first_alone_wrong", "second_alone_wrong", "both_wrong")
    forms = {**dict.fromkeys(shares, ".1%"), **dict.fromkeys(counts, ",.1f")}
    return {**forms, "correlation": ".2f", "p": ".2g", "times": "d"} if rows else {}

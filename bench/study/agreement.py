"""Whether models fail on the same images: every two models, and every two seeds of each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bench.report.plots import style
from bench.results.predictions import Predictions
from bench.stats.uncertainty import holm, mcnemar
from bench.study.answers import Answered
from bench.study.artifact import Picture, Sheet

# Whether two models fail on the same images. NumPy only.


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Two models on the same images."""

    both_right: int
    first_only: int  # the first alone is wrong
    second_only: int
    both_wrong: int
    same_answer: int  # of those that both get wrong: with the same wrong answer

    @property
    def images(self) -> int:
        """All of them."""
        return self.both_right + self.first_only + self.second_only + self.both_wrong

    @property
    def jaccard(self) -> float | None:
        """Share of the images that either gets wrong which both do; None where neither errs.

        Jaccard, 'The Distribution of the Flora in the Alpine Zone', New Phytologist 11 (1912).
        """
        either = self.first_only + self.second_only + self.both_wrong
        return self.both_wrong / either if either else None

    @property
    def jaccard_by_chance(self) -> float | None:
        """What it would be if each erred as often, on images that have nothing to do with it."""
        first = (self.first_only + self.both_wrong) / self.images
        second = (self.second_only + self.both_wrong) / self.images
        either = first + second - first * second
        return first * second / either if either else None

    @property
    def correlation(self) -> float | None:
        """Of being wrong, image by image (Pearson's, here called phi); None: one is never wrong.

        1: on the same images; 0: as if by chance; below 0: where one is wrong the other tends to
        be right.
        """
        first, second = self.first_only + self.both_wrong, self.second_only + self.both_wrong
        spread = first * (self.images - first) * second * (self.images - second)
        together = self.both_wrong * self.images - first * second
        return together / math.sqrt(spread) if spread else None

    @property
    def p(self) -> float:
        """McNemar's, that both err alike often."""
        return mcnemar(self.first_only, self.second_only)


def overlap(first: Predictions, second: Predictions) -> Overlap:
    """Of two models' answers to the same images."""
    one, other = (said.predicted != said.labels for said in (first, second))
    same = one & other & (first.predicted == second.predicted)
    return Overlap(
        both_right=_count(~one & ~other),
        first_only=_count(one & ~other),
        second_only=_count(~one & other),
        both_wrong=_count(one & other),
        same_answer=_count(same),
    )


def _count(which: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(which))


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
    found += [_compared(one, one, list(combinations(sorted(one.predictions), 2))) for one in models]
    return [one for one in found if one.overlaps]


def _common(first: Answered, second: Answered) -> list[tuple[int, int]]:
    return [(seed, seed) for seed in sorted(first.predictions.keys() & second.predictions.keys())]


def _compared(first: Answered, second: Answered, seeds: list[tuple[int, int]]) -> Comparison:
    return Comparison(
        first=first.title,
        second=second.title,
        seeds=tuple(seeds),
        overlaps=tuple(overlap(first.predictions[a], second.predictions[b]) for a, b in seeds),
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


# How far the errors of models overlap, as a picture.


DRAWN = 36  # bars on the slide, at most
ROOMY = 20  # bars up to which their names are as large as all words


def picture(found: Sequence[Comparison], what: str) -> Picture:
    """A bar a comparison, the largest overlap first; a mark at what chance would make of it."""
    title = f"Do they fail on the same images? {what}"
    known = sorted((one for one in found if one.jaccards), key=lambda one: -fmean(one.jaccards))
    shown = known[:DRAWN]
    notes = ["test images that both get wrong, of those that either gets wrong"]
    if len(shown) < len(known):
        notes.append(f"{len(known) - len(shown)} comparisons with less overlap are not shown")
    with style.applied():
        figure, (axes,) = style.page(1)
        _bars(axes, shown)
        _marks(axes, shown)
        size = 13 if len(shown) <= ROOMY else 10
        axes.set_yticks(range(len(shown)), [_short_name(one) for one in shown], fontsize=size)
        axes.set_ylim(max(len(shown), 4) - 0.5, -0.5)  # a few bars are not made thick
        axes.set_xlim(left=0)
        axes.set_xlabel("overlap of errors (%)")
        axes.grid(axis="y", visible=False)
        style.frame(figure, [axes], title, notes)
    return Picture(
        name="overlap",
        title=title,
        caption=(
            "Bars: of the test images that either of two models gets wrong, the share that both "
            "do, mean over seeds; dots: each seed; diamonds: what chance would make of it if the "
            "errors of the two had nothing to do with each other. All that is right of a diamond "
            "is images that are hard for both. Two seeds of one model show how much can be "
            "expected: two models that overlap as much err alike."
        ),
        figure=figure,
    )


def _bars(axes: Axes, shown: Sequence[Comparison]) -> None:
    for of_seeds, look in zip(KINDS, style.LOOKS[1::-1], strict=True):
        places = [place for place, one in enumerate(shown) if one.of_seeds == of_seeds]
        if places:
            axes.barh(
                places,
                [100 * fmean(shown[place].jaccards) for place in places],
                height=0.62,
                color=look.colour,
                hatch=look.hatch,
                edgecolor="white",
                label=KINDS[of_seeds],
            )


def _marks(axes: Axes, shown: Sequence[Comparison]) -> None:
    dots = [
        (100 * value, place)
        for place, one in enumerate(shown)
        if len(one.jaccards) > 1
        for value in one.jaccards
    ]
    if dots:
        x, y = zip(*dots, strict=True)
        axes.plot(
            x, y, "o", color="white", markeredgecolor="black", markersize=5, label="each seed"
        )
    chance = [
        (100 * each.jaccard_by_chance, place)
        for place, one in enumerate(shown)
        for each in one.overlaps
        if each.jaccard_by_chance is not None
    ]
    x, y = zip(*chance, strict=True)
    axes.plot(x, y, "D", color="black", markersize=7, label="by chance")


def _short_name(one: Comparison) -> str:
    return f"{one.first}, two seeds" if one.of_seeds else f"{one.first} | {one.second}"

"""Whether models fail on the same images: every two models, and every two seeds of each."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bench.report.plots import style
from bench.report.tables.table import Table, fact_table
from bench.results.predictions import Predictions
from bench.stats.uncertainty import holm, mcnemar
from bench.study.artifact import Answered, Picture, Study
from bench.study.pictures import chart

# The numbers


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Two models on the same images: how many of them fall in each case."""

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
        """What it would be if each erred as often, but independently of the other."""
        first = (self.first_only + self.both_wrong) / self.images
        second = (self.second_only + self.both_wrong) / self.images
        either = first + second - first * second
        return first * second / either if either else None

    @property
    def correlation(self) -> float | None:
        """Of being wrong, image by image (Pearson's, here called phi).

        1: on the same images; 0: as if by chance; below 0: where one is wrong the other tends to
        be right. None where a model is never wrong, or always.
        """
        first, second = self.first_only + self.both_wrong, self.second_only + self.both_wrong
        spread = first * (self.images - first) * second * (self.images - second)
        together = self.both_wrong * self.images - first * second
        return together / math.sqrt(spread) if spread else None

    @property
    def same_wrong_answer(self) -> float | None:
        """Of the images both get wrong: the share on which they give the same answer."""
        return self.same_answer / self.both_wrong if self.both_wrong else None

    @property
    def p(self) -> float:
        """McNemar's, that both err alike often."""
        return mcnemar(self.first_only, self.second_only)


def overlap(first: Predictions, second: Predictions) -> Overlap:
    """Of two models' answers to the same images."""
    wrong, also_wrong = (run.predicted != run.labels for run in (first, second))
    both_wrong = wrong & also_wrong
    return Overlap(
        both_right=int((~wrong & ~also_wrong).sum()),
        first_only=int((wrong & ~also_wrong).sum()),
        second_only=int((~wrong & also_wrong).sum()),
        both_wrong=int(both_wrong.sum()),
        same_answer=int((both_wrong & (first.predicted == second.predicted)).sum()),
    )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two models with each seed that both have, or one model with each two of its seeds."""

    of_seeds: bool  # of one model with itself
    first: str
    second: str
    seeds: tuple[tuple[int, int], ...]  # of the first and of the second; at least one pair
    overlaps: tuple[Overlap, ...]  # one for each pair of seeds

    @property
    def jaccards(self) -> list[float]:
        """The overlaps that are defined."""
        return [known for pair in self.overlaps if (known := pair.jaccard) is not None]


def comparisons(models: Sequence[Answered]) -> list[Comparison]:
    """Every two models with a seed in common, then every model with two seeds."""
    pairs = [
        (a, b, [(seed, seed) for seed in sorted(a.predictions.keys() & b.predictions.keys())])
        for a, b in combinations(models, 2)
    ]
    pairs += [(model, model, list(combinations(sorted(model.predictions), 2))) for model in models]
    return [
        Comparison(
            of_seeds=first is second,
            first=first.title,
            second=second.title,
            seeds=tuple(seeds),
            overlaps=tuple(overlap(first.predictions[a], second.predictions[b]) for a, b in seeds),
        )
        for first, second, seeds in pairs
        if seeds
    ]


# The tables

KINDS = {True: "two seeds of one model", False: "two models, the same seed"}
CAPTION = (
    "Two models on the same test images, with the same seed. Overlap: of the images that either "
    "gets wrong, the share that both get wrong (Jaccard). By chance: what it would be if their "
    "errors had nothing to do with each other. Correlation: of being wrong, image by image (phi). "
    "Same answer: of the images both get wrong, the share on which they say the same. p: "
    "McNemar's exact test of whether both err equally often, corrected by Holm for all rows of "
    "the table by seed. Two seeds of one model show how much equal networks overlap: two models "
    "that overlap less could correct each other."
)
COUNTS = ("both_right", "first_alone_wrong", "second_alone_wrong", "both_wrong")
LIKENESS = ("by_chance", "correlation", "same_answer")
FORMATS = {
    ",.1f": COUNTS,
    ".1%": ("overlap", "lowest_overlap", "highest_overlap", "by_chance", "same_answer"),
    ".2f": ("correlation",),
    ".2g": ("p",),
}


def tables(study: Study, compared: Sequence[Comparison]) -> Iterator[Table]:
    """A row a comparison, means over its seeds; then a row a comparison and pair of seeds."""
    by_seed = _by_seed(compared)
    yield fact_table(
        name="overlap",
        title=f"Do they fail on the same images? {study.subject}",
        explanation=(
            f"{CAPTION} Means over seeds, the overlap beside its lowest and highest; of p the "
            "largest, so that what it says holds with every seed."
        ),
        rows=by_seed.groupby("comparison")
        .agg(
            **{name: (name, "first") for name in ("of", "first", "second")},
            times=("p", "size"),
            **{name: (name, "mean") for name in (*COUNTS, "overlap")},
            lowest_overlap=("overlap", "min"),
            highest_overlap=("overlap", "max"),
            **{name: (name, "mean") for name in LIKENESS},
            p=("p", "max"),
        )
        .to_dict("records"),
        formats=FORMATS,
    )
    yield fact_table(
        name="overlap_by_seed",
        title=f"Do they fail on the same images? Seed by seed, {study.subject}",
        explanation=CAPTION,
        rows=by_seed.drop(columns="comparison").to_dict("records"),
        formats=FORMATS,
    )


def _by_seed(compared: Sequence[Comparison]) -> pd.DataFrame:
    """Beside the columns of its table ``comparison``: names need not tell two models apart."""
    rows = [
        {
            "comparison": number,
            "of": KINDS[comparison.of_seeds],
            "first": comparison.first,
            "second": comparison.second,
            "first_seed": first_seed,
            "second_seed": second_seed,
            "both_right": pair.both_right,
            "first_alone_wrong": pair.first_only,
            "second_alone_wrong": pair.second_only,
            "both_wrong": pair.both_wrong,
            "overlap": pair.jaccard,
            "by_chance": pair.jaccard_by_chance,
            "correlation": pair.correlation,
            "same_answer": pair.same_wrong_answer,
            "p": pair.p,
        }
        for number, comparison in enumerate(compared)
        for (first_seed, second_seed), pair in zip(
            comparison.seeds, comparison.overlaps, strict=True
        )
    ]
    # Floats, so that a number that is nowhere defined is nan and has a mean: nan.
    frame = pd.DataFrame(rows).astype(dict.fromkeys((*COUNTS, "overlap", *LIKENESS), float))
    frame["p"] = holm(frame["p"].tolist())
    return frame


# The picture

DRAWN = 36  # bars on the slide, at most
ROOMY = 20  # bars up to which their names are as large as all words


def picture(study: Study, compared: Sequence[Comparison]) -> Picture:
    """A bar a comparison, the largest overlap first; a mark at what chance would make of it."""
    known = [comparison for comparison in compared if comparison.jaccards]
    drawn = sorted(known, key=lambda comparison: -fmean(comparison.jaccards))[:DRAWN]
    notes = ["test images that both get wrong, of those that either gets wrong"]
    if len(drawn) < len(known):
        notes.append(f"{len(known) - len(drawn)} comparisons with less overlap are not shown")
    figure, (axes,) = style.page(1)
    _draw_bars(axes, drawn)
    _draw_marks(axes, drawn)
    size = 13 if len(drawn) <= ROOMY else 10
    names = [
        f"{bar.first}, two seeds" if bar.of_seeds else f"{bar.first} | {bar.second}"
        for bar in drawn
    ]
    axes.set_yticks(range(len(drawn)), names, fontsize=size)
    axes.set_ylim(max(len(drawn), 4) - 0.5, -0.5)  # a few bars are not made thick
    axes.set_xlim(left=0)
    axes.set_xlabel("overlap of errors (%)")
    axes.grid(axis="y", visible=False)
    return chart(
        figure,
        notes,
        name="overlap",
        title=f"Do they fail on the same images? {study.subject}",
        caption=(
            "Bars: of the test images that either of two models gets wrong, the share that both "
            "do, mean over seeds; dots: each seed; diamonds: what chance would make of it if the "
            "errors of the two had nothing to do with each other. All that is right of a diamond "
            "is images that are hard for both. Two seeds of one model show how much can be "
            "expected: two models that overlap as much err alike."
        ),
        main=True,
    )


def _draw_bars(axes: Axes, drawn: Sequence[Comparison]) -> None:
    for of_seeds, look in zip(KINDS, style.LOOKS[1::-1], strict=True):
        rows = [row for row, bar in enumerate(drawn) if bar.of_seeds == of_seeds]
        if rows:
            axes.barh(
                rows,
                [100 * fmean(drawn[row].jaccards) for row in rows],
                height=0.62,
                color=look.colour,
                edgecolor="white",
                label=KINDS[of_seeds],
            )


def _draw_marks(axes: Axes, drawn: Sequence[Comparison]) -> None:
    seeds = [
        (100 * share, row)
        for row, bar in enumerate(drawn)
        if len(bar.jaccards) > 1
        for share in bar.jaccards
    ]
    if seeds:
        x, y = np.transpose(seeds)
        axes.plot(
            x, y, "o", color="white", markeredgecolor="black", markersize=5, label="each seed"
        )
    chance = [
        (100 * pair.jaccard_by_chance, row)
        for row, bar in enumerate(drawn)
        for pair in bar.overlaps
        if pair.jaccard_by_chance is not None
    ]
    axes.plot(*np.transpose(chance), "D", color="black", markersize=7, label="by chance")

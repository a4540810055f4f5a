"""Whether two models fail on the same images. NumPy only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.predictions import Predictions
from bench.uncertainty import mcnemar


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

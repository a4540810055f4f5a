"""How probable a difference is by chance alone, and what several questions cost. Numbers only."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import bdtr, stdtr

LEVEL = 0.05  # from this p on a difference is put down to chance


def paired_t(ratios: Sequence[float]) -> float | None:
    """The p of Student's paired t test on the logs of the ratios, two-sided; None of fewer than 2.

    Student, 'The Probable Error of a Mean', Biometrika 6 (1908). Where two frameworks do not
    differ, a pair's ratio is as often above 1 as below by as much, so its log is symmetric
    about 0, for which the test errs on the safe side where the tails are heavy. A test by signs or
    permutations assumes less, and with 5 pairs cannot go below p = 2 / 2^5 = 0.06.
    """
    n = len(ratios)
    if n < 2:
        return None
    logs = np.log(np.asarray(ratios, dtype=np.float64))
    mean, error = float(np.mean(logs)), float(np.std(logs, ddof=1)) / math.sqrt(n)
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * stdtr(n - 1, -abs(mean) / error))


def mcnemar(first_only: int, second_only: int) -> float:
    """The exact p that two models on the same images err alike, two-sided.

    McNemar, 'Note on the sampling error of the difference between correlated proportions or
    percentages', Psychometrika 12 (1947), with the binomial distribution in place of his chi
    square, which needs many images. Only images on which the two disagree tell: each is a fair
    coin if neither is better.

    Args:
        first_only: images that the first model alone gets wrong.
        second_only: images that the second model alone gets wrong.
    """
    both = first_only + second_only
    return min(1.0, 2 * float(bdtr(min(first_only, second_only), both, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p adjusted for being one of several, in the given order.

    Holm, 'A Simple Sequentially Rejective Multiple Test Procedure', Scandinavian Journal of
    Statistics 6 (1979): the smallest times m, the next times m - 1, and so on, never below one
    before it. The chance of even one false difference among the m stays below the level,
    whatever they have to do with one another; Bonferroni's m for all of them is never better.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    ascending = sorted(range(len(p_values)), key=lambda index: p_values[index])
    for rank, index in enumerate(ascending):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted

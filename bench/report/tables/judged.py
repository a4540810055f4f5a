"""Columns for what two groups of runs are beside one another: ratio, interval, p and verdict."""

from __future__ import annotations

from collections.abc import Callable

from bench.report import certainty
from bench.report.tables.table import Cell, Column, Raw, Row
from bench.uncertainty import Interval
from bench.verdict import Difference, Judged, Paired

ABSENT = "–"  # of what cannot be compared

Find = Callable[[Row], Judged | None]
Words = Callable[[Row], str]


def absent(row: Row) -> str:
    """What is said of a row that has no pair."""
    return ABSENT


def ratio(header: str, name: str, find: Find, alone: Words = absent) -> Column:
    """Geometric mean of the paired ratios with its interval; the CSV's names as of ``paired``."""

    def pair(row: Row) -> Paired | None:
        found = find(row)
        return found.paired if found else None

    return paired(header, name, pair, alone=alone)


def paired(
    header: str,
    name: str,
    find: Callable[[Row], Paired | None],
    *,
    sign: str = "",
    alone: Words = absent,
) -> Column:
    """Geometric mean of the paired ratios with its interval.

    Args:
        header: in Markdown.
        name: makes the CSV's ``NAME_ratio``, ``NAME_ratio_low``, ``_high`` and ``NAME_pairs_n``.
        find: the pair of a row; None where it has none.
        sign: follows the ratio in Markdown, such as ' ×'.
        alone: what is said of a row that has no pair.
    """

    def cell(row: Row) -> Cell:
        found = find(row)
        if found is None:
            return Cell(shown=alone(row), raw=(None, None, None, 0))
        shown = certainty.estimate(found.ratio, found.interval, sign=sign)
        return Cell(shown=shown, raw=(found.ratio, *ends(found.interval), found.n))

    ratio = f"{name}_ratio"
    names = (ratio, f"{ratio}_low", f"{ratio}_high", f"{name}_pairs_n")
    return Column(header=header, names=names, cell=cell)


def difference(header: str, name: str, find: Callable[[Row], Difference | None]) -> Column:
    """Mean of the paired differences of a fraction, in points, with its interval over seeds.

    ``name`` makes the CSV's ``NAME_fraction``, ``NAME_low_fraction`` and ``NAME_high_fraction``.
    """

    def cell(row: Row) -> Cell:
        found = find(row)
        if found is None:
            return Cell(shown=ABSENT, raw=(None, None, None))
        shown = certainty.estimate(found.mean, found.interval, scale=100, decimals=2, signed=True)
        return Cell(shown=shown, raw=(found.mean, *ends(found.interval)))

    names = (f"{name}_fraction", f"{name}_low_fraction", f"{name}_high_fraction")
    return Column(header=header, names=names, cell=cell)


def seconds(header: str, name: str, find: Callable[[Row], Difference | None]) -> Column:
    """Mean of the paired differences of seconds, with its interval over seeds.

    ``name`` makes the CSV's ``NAME_s``, ``NAME_low_s`` and ``NAME_high_s``.
    """

    def cell(row: Row) -> Cell:
        found = find(row)
        if found is None:
            return Cell(shown=ABSENT, raw=(None, None, None))
        shown = certainty.estimate(found.mean, found.interval, decimals=2, signed=True)
        return Cell(shown=shown, raw=(found.mean, *ends(found.interval)))

    return Column(header=header, names=(f"{name}_s", f"{name}_low_s", f"{name}_high_s"), cell=cell)


def p_value(header: str, name: str, find: Find) -> Column:
    """Corrected p; the CSV has ``NAME_p``, not corrected, ``NAME_p_holm`` and ``NAME_family_n``."""

    def cell(row: Row) -> Cell:
        found = find(row)
        if found is None:
            return Cell(shown=ABSENT, raw=(None, None, 0))
        shown = ABSENT if found.p is None else certainty.p_value(found.p)
        return Cell(shown=shown, raw=(found.paired.p, found.p, found.family))

    return Column(
        header=header, names=(f"{name}_p", f"{name}_p_holm", f"{name}_family_n"), cell=cell
    )


def verdict(
    header: str, name: str, find: Find, words: tuple[str, str], alone: Words = absent
) -> Column:
    """What may be said of the first beside the second; ``NAME_verdict`` in the CSV, in a word.

    ``words`` are those for a ratio above and below 1, such as 'faster' and 'slower'.
    """
    better, worse = words
    said: dict[str, str] = {"higher": better, "lower": worse}

    def cell(row: Row) -> Cell:
        found = find(row)
        if found is None:
            return Cell(shown=alone(row), raw=(None,))
        shown = certainty.verdict(found, better, worse)
        return Cell(shown=shown, raw=(said.get(found.outcome, found.outcome),))

    return Column(header=header, names=(f"{name}_verdict",), cell=cell, words=True)


def ends(interval: Interval | None) -> tuple[Raw, Raw]:
    """Both ends for the CSV; empty where there is no interval."""
    return (interval.low, interval.high) if interval else (None, None)

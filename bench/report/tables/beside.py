"""Columns about two groups of runs beside one another: ratios, differences, p values, verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bench.report import wording
from bench.report.tables import columns
from bench.report.tables.columns import Columns, Side, Words
from bench.report.tables.table import Cell, Column, Row
from bench.stats import runs, verdict
from bench.stats.verdict import Difference, Judged, Paired

ABSENT = "–"  # of what cannot be compared

Judgement = Callable[[Any], Judged | None]  # of a row of the kind that its section has


def ratio(
    header: str,
    name: str,
    paired: Callable[[Any], Paired | None],
    *,
    sign: str = "",
    pairs: str = "pairs",
    absent: Words = ABSENT,
) -> Column:
    """Geometric mean of paired ratios with its interval.

    Args:
        header: in Markdown.
        name: makes the CSV's ``NAME_ratio``, ``NAME_ratio_low``, ``_high`` and ``NAME_pairs_n``.
        paired: the ratios of a row; None where it has none.
        sign: follows the ratio in Markdown, such as ' ×'.
        pairs: what the CSV calls them.
        absent: what is said of a row that has none.
    """

    def cell(mean: Paired) -> Cell:
        shown = wording.estimate(mean.ratio, mean.interval, sign=sign)
        return Cell(shown=shown, raw=(mean.ratio, *columns.ends(mean.interval), mean.n))

    names = (f"{name}_ratio", f"{name}_ratio_low", f"{name}_ratio_high", f"{name}_{pairs}_n")
    return columns.column(header, names, paired, cell, absent=absent)


def difference(
    header: str, name: str, fact: Callable[[Any], Difference | None], unit: str = "fraction"
) -> Column:
    """Mean of the paired differences with its interval over seeds; of fractions in points.

    ``name`` and ``unit`` make the CSV's ``NAME_UNIT``, ``NAME_low_UNIT`` and ``NAME_high_UNIT``.
    """
    scale = 100 if unit == "fraction" else 1

    def cell(known: Difference) -> Cell:
        shown = wording.estimate(known.mean, known.interval, scale=scale, decimals=2, signed=True)
        return Cell(shown=shown, raw=(known.mean, *columns.ends(known.interval)))

    names = (f"{name}_{unit}", f"{name}_low_{unit}", f"{name}_high_{unit}")
    return columns.column(header, names, fact, cell, absent=ABSENT)


def p_value(header: str, name: str, judged: Judgement) -> Column:
    """Corrected p; the CSV has ``NAME_p``, not corrected, ``NAME_p_holm`` and ``NAME_family_n``."""

    def cell(known: Judged) -> Cell:
        shown = ABSENT if known.p is None else wording.p_value(known.p)
        return Cell(shown=shown, raw=(known.paired.p, known.p, known.family))

    names = (f"{name}_p", f"{name}_p_holm", f"{name}_family_n")
    return columns.column(header, names, judged, cell, absent=ABSENT)


def judgement(
    name: str,
    judged: Judgement,
    outcomes: tuple[str, str],
    *,
    headers: tuple[str, str, str],
    sign: str = "",
    absent: Words = ABSENT,
    ratio_absent: Words = ABSENT,
) -> tuple[Column, Column, Column]:
    """Three columns: the ratio, its p, and what may be said, which the CSV has in a word.

    Args:
        name: begins their names in the CSV: ``NAME_ratio``, ``NAME_p``, ``NAME_verdict``.
        judged: what may be said of a row; None where nothing was compared.
        outcomes: words for a ratio above and below 1, such as 'faster' and 'slower'.
        headers: theirs, in Markdown.
        sign: follows the ratio in Markdown.
        absent, ratio_absent: stand for what may be said, and for the ratio, of other rows.
    """
    better, worse = outcomes
    words: dict[str, str] = {"higher": better, "lower": worse}

    def paired(row: Any) -> Paired | None:
        known = judged(row)
        return known.paired if known else None

    def cell(known: Judged) -> Cell:
        shown = wording.verdict(known, better, worse)
        return Cell(shown=shown, raw=(words.get(known.outcome, known.outcome),))

    return (
        ratio(headers[0], name, paired, sign=sign, absent=ratio_absent),
        p_value(headers[1], name, judged),
        columns.column(headers[2], f"{name}_verdict", judged, cell, absent=absent, words=True),
    )


def judged_rows(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows with what may be said of the second group's throughput, corrected for all."""
    pairs = [(row.second, row.first) for row in rows]
    verdicts = verdict.judge_pairs(pairs, runs.throughput_images_per_s)
    return tuple(replace(row, judged=judged) for row, judged in zip(rows, verdicts, strict=True))


def speeds(both: tuple[Side, Side], over: str) -> Columns:
    """Throughput of both groups of ``judged_rows``, and under ``over`` their ratio."""
    first, second = both
    return (
        *map(columns.throughput, both),
        *judgement(
            f"{second.name}over_{first.name}throughput",
            lambda row: row.judged,
            ("faster", "slower"),
            headers=(over, "p (Holm)", f"{second.header} is"),
            sign=" ×",
        ),
    )

"""Whether a row's work is matched: the same in all frameworks, as certificates of parity show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from bench.evidence import Certificate
from bench.report import wording
from bench.report.tables.table import Cell, Column, Row
from bench.run_statistics import Replicates
from models import COMPARED

MATCHED = "matched"
ONE_FRAMEWORK = "no other framework has this network"


def said(group: Replicates) -> str:
    """'matched', or 'not matched' with the reason."""
    reason = why_not(group)
    if reason in (None, ONE_FRAMEWORK):
        return reason or MATCHED
    return f"not matched: {reason}"


def why_not(group: Replicates) -> str | None:
    """Why the work of a group is not shown to be equal; None: it is."""
    if group.experiment.native:
        return f"left to the framework: {', '.join(group.experiment.native)}"
    if group.experiment.architecture not in COMPARED:
        return ONE_FRAMEWORK
    if group.certificate is None:
        return "certificate missing"
    return failing(group.certificate)


def failing(certificate: Certificate) -> str | None:
    """What a certificate holds against its subject, the worst check first; None: it passes."""
    if certificate.passed:
        return None
    if certificate.failure is not None:
        return f"could not be checked: {certificate.failure}"
    bad = [check for check in certificate.checks if not check.passed]
    if not bad:
        return "nothing was checked"
    worst = max(bad, key=lambda check: check.deviation / check.tolerance)
    more = f", and {wording.counted(len(bad) - 1, 'more check')}" if len(bad) > 1 else ""
    return (
        f"{worst.quantity} deviate by {worst.deviation:.1e}, tolerance {worst.tolerance:.1e}{more}"
    )


def column() -> Column:
    """The column 'work' of a table; of a row of several groups it names each reason once."""
    return Column(header="work", names=("work",), cell=_cell, words=True)


def _cell(row: Row) -> Cell:
    reasons = dict.fromkeys(said(group) for group in row if group.measured)
    bad = "; ".join(reason for reason in reasons if reason != MATCHED)
    shown = bad or (MATCHED if reasons else "")
    return Cell(shown=shown, raw=(shown or None,))


def note(groups: Iterable[Replicates]) -> str:
    """A line for a plot that shows work which is not matched; empty where all of it is."""
    listed = _listed(groups, in_brief, _framework)
    return f"Not matched: {listed}" if listed else ""


def in_brief(group: Replicates) -> str | None:
    """As ``why_not``, in a few words."""
    certificate = group.certificate
    if group.experiment.native or certificate is None or certificate.passed:
        return why_not(group)
    return "certificate fails" if certificate.failure is None else "could not be checked"


def sentences(groups: Sequence[Replicates]) -> Iterator[str]:
    """What the certificates of all measured runs amount to."""
    measured = [group for group in groups if group.measured and why_not(group) != ONE_FRAMEWORK]
    proven = [group for group in measured if why_not(group) is None]
    if proven:
        subjects = ", ".join(dict.fromkeys(map(_subject, proven)))
        yield (
            f"Equal work is shown for {len(proven)} of {len(measured)} experiments ({subjects}): "
            "logits, gradients, optimiser steps, 20 training losses and the logits after them "
            f"agree with a NumPy float64 referee {_how_closely(proven)} (table 'certificates')."
        )
    if len(proven) < len(measured):
        yield (
            "Equal work is not shown, so that differences may be of the work and not of the "
            f"framework: {_listed(measured, why_not, _subject)}."
        )


def _subject(group: Replicates) -> str:
    """'MLP in pytorch eager', and what is unusual about it."""
    one = group.experiment
    place = wording.place(one, ("device",) if one.device != "cpu" else (), leave_out=("native",))
    named = f"{wording.architecture(one.architecture)} in {wording.framework(one)}"
    return f"{named}, {place}" if place else named


def _how_closely(groups: Iterable[Replicates]) -> str:
    if {group.experiment.precision for group in groups} == {"fp32"}:
        return "within tolerances that planted faults exceed"
    return (
        "as far as their precision allows: not every fault that shows in fp32 would show in a "
        "reduced one"
    )


def _framework(group: Replicates) -> str:
    return wording.framework(group.experiment)


def _listed(
    groups: Iterable[Replicates],
    why: Callable[[Replicates], str | None],
    named: Callable[[Replicates], str],
) -> str:
    """The measured groups that are not matched, by their reasons."""
    bad: dict[str, list[str]] = {}
    for group in groups:
        reason = why(group)
        if reason is not None and reason != ONE_FRAMEWORK and group.measured:
            bad.setdefault(reason, []).append(named(group))
    return "; ".join(
        f"{', '.join(dict.fromkeys(names))} ({reason})" for reason, names in bad.items()
    )

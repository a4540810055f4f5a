"""Certificates of parity: how far each framework is from the referee, and whether that passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from bench.report import trust, wording
from bench.report.tables import columns
from bench.report.tables.table import Cell, Column, Row, Section, Table, labelled
from bench.results.evidence import Certificate, Check
from bench.stats.runs import Replicates

MISSING = "missing"


def build(groups: Sequence[Replicates]) -> Table:
    """A section an architecture, device and precision; a row a framework with its versions."""
    matched_by_design = [group for group in groups if not group.experiment.native]
    sections = groupby(sorted(matched_by_design, key=_section_key), _section_key)
    return Table(
        name="certificates",
        title="Certificates of equal work",
        explanation=(
            "Each framework beside a NumPy float64 implementation of the same network and "
            "optimisers, without dropout, from the same weights on the same images: the largest "
            "difference over the largest magnitude of the referee's, and after the slash how much "
            "is allowed. Now and then rounding alone turns a ReLU over, and all after it differs: "
            "where a check fails it is tried from three starts that rounding does not decide, and "
            "each quantity's smallest deviation counts; a fault is there at every start. "
            "`python -m bench parity` makes them again."
        ),
        needs="runs with nothing left to the framework",
        sections=tuple(_section(list(members)) for _, members in sections),
    )


def _section_key(group: Replicates) -> tuple[str, ...]:
    one = group.experiment
    return one.architecture, one.device, one.precision


def _section(groups: list[Replicates]) -> Section:
    one = groups[0].experiment
    rows = labelled((group,) for group in _distinct(groups))
    made = [row.first.certificate for row in rows if row.first.certificate]
    return Section(
        heading=(
            f"{wording.architecture(one.architecture)} on {wording.device(one.device)}, "
            f"{one.precision}"
        ),
        note=" ".join((*wording.notices(group.data for group in groups), *_notes(made))),
        columns=_columns(made),
        rows=rows,
    )


def _distinct(groups: Iterable[Replicates]) -> list[Replicates]:
    """One group for each subject, which is one certificate's or lacks it."""

    def key(group: Replicates) -> tuple[Any, ...]:
        one = group.experiment
        return one.framework, one.execution, one.threads, tuple(group.versions.items())

    return list({key(group): group for group in groups}.values())


def _notes(made: Iterable[Certificate]) -> Iterator[str]:
    """The images that certificates were made with, and why each tolerance is what it is."""
    listed = list(made)
    images = "; ".join(dict.fromkeys(one.data for one in listed if one.data))
    if images:
        yield f"Certified on {images}."
    reasons: dict[str, dict[str, None]] = {}  # reason -> its quantities, in their order
    for check in (check for one in listed for check in one.checks):
        reasons.setdefault(check.reason, {})[check.quantity] = None
    for reason, quantities in reasons.items():
        yield f"Tolerance of {', '.join(quantities)}: {reason}."


def _columns(made: Iterable[Certificate]) -> tuple[Column, ...]:
    quantities = dict.fromkeys(check.quantity for one in made for check in one.checks)
    return (
        *columns.experiment(leave_out=("task", "source", "images_drawn", "data_fingerprint")),
        columns.FRAMEWORK,
        columns.text("threads", lambda group: str(group.experiment.threads or "")),
        _certificate(),
        *map(_quantity, quantities),
    )


def _certificate() -> Column:
    names = ("certificate", "starts", "made_at")
    return Column(header="certificate", names=names, cell=_verdict, words=True)


def _verdict(row: Row) -> Cell:
    certificate = row.first.certificate
    if certificate is None:
        return Cell(shown=MISSING, raw=(MISSING, None, None))
    reason = trust.failing(certificate)
    said = "pass" if reason is None else f"fail: {reason}"
    tried = "" if certificate.starts == 1 else f" (smallest of {certificate.starts} starts)"
    return Cell(shown=said + tried, raw=(said, certificate.starts, certificate.made_at))


def _quantity(name: str) -> Column:
    """A check's deviation and tolerance."""

    def cell(row: Row) -> Cell:
        check = _check(row.first.certificate, name)
        if check is None:
            return Cell(shown=wording.NOT_MEASURED, raw=(None, None))
        shown = f"{check.deviation:.1e} / {check.tolerance:.1e}"
        return Cell(shown=shown, raw=(check.deviation, check.tolerance))

    stem = name.lower().replace(" ", "_")
    return Column(header=name, names=(f"{stem}_deviation", f"{stem}_tolerance"), cell=cell)


def _check(certificate: Certificate | None, quantity: str) -> Check | None:
    checks = certificate.checks if certificate else ()
    return next((check for check in checks if check.quantity == quantity), None)

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
    experiment = group.experiment
    return experiment.architecture, experiment.device, experiment.precision


def _section(groups: list[Replicates]) -> Section:
    architecture, device, precision = _section_key(groups[0])
    rows = labelled((group,) for group in _distinct(groups))
    certificates = [row.first.certificate for row in rows if row.first.certificate]
    notices = wording.notices(group.data for group in groups)
    return Section(
        heading=f"{wording.architecture(architecture)} on {wording.device(device)}, {precision}",
        note=" ".join((*notices, *_notes(certificates))),
        columns=_columns(certificates),
        rows=rows,
    )


def _distinct(groups: Iterable[Replicates]) -> list[Replicates]:
    """One group for each subject, which is one certificate's or lacks it."""

    def key(group: Replicates) -> tuple[Any, ...]:
        experiment, versions = group.experiment, tuple(group.versions.items())
        same = (experiment.framework, experiment.execution, experiment.threads)
        return *same, experiment.replicas, versions

    return list({key(group): group for group in groups}.values())


def _notes(certificates: Sequence[Certificate]) -> Iterator[str]:
    """The images that certificates were made with, and why each tolerance is what it is."""
    images = "; ".join(
        dict.fromkeys(certificate.data for certificate in certificates if certificate.data)
    )
    if images:
        yield f"Certified on {images}."
    reasons: dict[str, dict[str, None]] = {}  # reason -> its quantities, in their order
    for certificate in certificates:
        for check in certificate.checks:
            reasons.setdefault(check.reason, {})[check.quantity] = None
    for reason, quantities in reasons.items():
        yield f"Tolerance of {', '.join(quantities)}: {reason}."


def _columns(certificates: Sequence[Certificate]) -> tuple[Column, ...]:
    quantities = dict.fromkeys(
        check.quantity for certificate in certificates for check in certificate.checks
    )
    return (
        columns.experiment(leave_out=("task", "source", "images_drawn", "data_fingerprint")),
        columns.FRAMEWORK,
        columns.text("threads", lambda group: str(group.experiment.threads or "")),
        columns.text("replicas", lambda group: wording.conditions(group.experiment, ("replicas",))),
        columns.column(
            "certificate",
            ("certificate", "starts", "made_at"),
            lambda row: row.first,
            _verdict,
            words=True,
        ),
        *map(_quantity, quantities),
    )


def _verdict(group: Replicates) -> Cell:
    certificate = group.certificate
    if certificate is None:
        return Cell(shown=MISSING, raw=(MISSING, None, None))
    reason = trust.failing(certificate)
    verdict = "pass" if reason is None else f"fail: {reason}"
    tried = "" if certificate.starts == 1 else f" (smallest of {certificate.starts} starts)"
    return Cell(shown=verdict + tried, raw=(verdict, certificate.starts, certificate.made_at))


def _quantity(name: str) -> Column:
    """A check's deviation and tolerance."""

    def check_of(row: Row) -> Check | None:
        checks = row.first.certificate.checks if row.first.certificate else ()
        return next((check for check in checks if check.quantity == name), None)

    def cell(check: Check) -> Cell:
        shown = f"{check.deviation:.1e} / {check.tolerance:.1e}"
        return Cell(shown=shown, raw=(check.deviation, check.tolerance))

    stem = name.lower().replace(" ", "_")
    return columns.column(name, (f"{stem}_deviation", f"{stem}_tolerance"), check_of, cell)

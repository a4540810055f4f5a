"""A certificate as it is printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.evidence import Certificate, Check
from bench.parity import subject


def certificate(one: Certificate) -> str:
    """The whole of it: subject, versions, images, a line a check, the reasons, the verdict."""
    return "\n".join(_lines(one)) + "\n"


def _lines(one: Certificate) -> Iterator[str]:
    yield f"{'PASS' if one.passed else 'FAIL'}  {subject.of(one)}"
    yield f"  with {', '.join(f'{name} {number}' for name, number in one.versions.items())}"
    if one.failure is not None:
        yield f"  could not be checked: {one.failure}"
        return
    yield f"  on {one.data}{started(one)}"
    yield f"  {'quantity':36} {'deviation':>10} {'tolerance':>10}"
    yield from map(_line, one.checks)
    reasons: dict[str, list[str]] = {}
    for check in one.checks:
        reasons.setdefault(check.reason, []).append(check.quantity)
    for reason, quantities in reasons.items():
        yield f"  tolerance of {quantities[0]}{_others(quantities)}: {reason}"


def started(one: Certificate) -> str:
    """Words for a certificate that is not of the first start alone; else empty."""
    if one.starts == 1:
        return ""
    return f", from {one.starts} starts: of each quantity the smallest deviation"


def _line(check: Check) -> str:
    verdict = "pass" if check.passed else "FAIL"
    return f"  {check.quantity:36} {check.deviation:10.1e} {check.tolerance:10.1e}  {verdict}"


def _others(quantities: Sequence[str]) -> str:
    return f" and {len(quantities) - 1} more" if len(quantities) > 1 else ""


def conclusion(made: Sequence[Certificate]) -> str:
    """How many passed, and which did not."""
    bad = [str(subject.of(one)) for one in made if not one.passed]
    passed = f"{len(made) - len(bad)} of {len(made)} certificates pass"
    return f"{passed}; not: {'; '.join(bad)}" if bad else f"{passed}."

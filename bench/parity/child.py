"""The process of one framework, in which its trainers are put beside the referee.

Started by ``bench.parity.certify`` as ``python -m bench.parity.child``: an Order comes as one
line of JSON on standard input, a Certificate goes out on standard output as one line of JSON
as soon as an architecture is done. Whatever a framework prints goes to standard error.
"""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

import datasets
from bench import affinity, trainers, versions
from bench.certificate import Certificate, Check
from bench.parity import examine, sample
from bench.parity.sample import Sample
from bench.parity.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a child is told."""

    subjects: tuple[Subject, ...]  # of one process
    data_folder: str  # of arrays cached by datasets.prepare


def main() -> int:
    """Examine every subject in turn; each ends as a certificate."""
    out = _claim_stdout()
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    affinity.limit(order.subjects[0].threads)  # before a framework is imported
    images = sample.take(datasets.open_cached(Path(order.data_folder)))
    for subject in order.subjects:
        out.write(msgspec.json.encode(certify(subject, images)) + b"\n")
    return 0


def certify(subject: Subject, images: Sample) -> Certificate:
    """Put one subject beside the referee; whatever goes wrong becomes the certificate's failure."""
    try:
        module = trainers.load(subject.framework)
        checks, starts = examine.examine(module.create, subject, images)
        return certificate(subject, images.name, checks, starts=starts)
    except Exception as error:  # noqa: BLE001 - what could not be checked is said in the table
        traceback.print_exc()
        said = str(error).strip().splitlines() or ["no message"]
        named = "" if isinstance(error, trainers.FrameworkMissing) else f"{type(error).__name__}: "
        return certificate(subject, images.name, failure=named + said[0])


def certificate(
    subject: Subject,
    data: str,
    checks: tuple[Check, ...] = (),
    *,
    starts: int = 1,
    failure: str | None = None,
    found: dict[str, str] | None = None,
) -> Certificate:
    """A certificate made now; ``found``: the versions, None for those installed here."""
    packages = trainers.FRAMEWORKS[subject.framework].packages
    return Certificate(
        framework=subject.framework,
        execution=subject.execution,
        architecture=subject.architecture,
        device=subject.device,
        precision=subject.precision,
        threads=subject.threads,
        versions=versions.installed(packages) if found is None else found,
        data=data,
        checks=checks,
        starts=starts,
        failure=failure,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _claim_stdout() -> BinaryIO:
    """Keep standard output for certificates; prints of this process go to standard error."""
    own = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return own


if __name__ == "__main__":
    sys.exit(main())

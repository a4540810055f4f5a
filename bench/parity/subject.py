"""What a certificate of parity is about, and which subjects of a plan have none yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from bench.evidence import Certificate
from bench.experiment import Experiment, Precision
from models import ARCHITECTURES


@dataclass(frozen=True, kw_only=True)
class Subject:
    """All of an experiment that decides which code computes it."""

    framework: str
    execution: str
    device: str
    precision: Precision
    threads: int | None  # as of Experiment.threads
    architecture: str

    @property
    def process(self) -> tuple[Any, ...]:
        """What can be examined in one process: everything but the architecture is equal."""
        return astuple(self)[:-1]

    def __str__(self) -> str:
        threads = "" if self.threads is None else f", --threads {self.threads}"
        return (
            f"{self.architecture} in {self.framework} {self.execution} on {self.device}, "
            f"{self.precision}{threads}"
        )


def of(one: Experiment | Certificate) -> Subject:
    """The subject of an experiment, or of a certificate."""
    return Subject(
        framework=one.framework,
        execution=one.execution,
        device=one.device,
        precision=one.precision,
        threads=one.threads,
        architecture=one.architecture,
    )


def missing(
    experiments: Iterable[Experiment],
    versions: Mapping[str, dict[str, str]],
    existing: Iterable[Certificate],
) -> list[Subject]:
    """The subjects of these experiments that no certificate with today's versions speaks of.

    Experiments that leave something to the framework are not matched by design and need none,
    nor do networks that one framework alone has.
    A certificate that only says why nothing could be checked is no certificate.

    Args:
        experiments: of a plan.
        versions: framework -> the versions it would run with.
        existing: certificates that there are already.
    """
    there = [certificate for certificate in existing if certificate.failure is None]
    wanted = {
        of(experiment): None  # a dictionary keeps the order
        for experiment in experiments
        if not experiment.native
        and ARCHITECTURES[experiment.architecture].compared
        and not any(c.covers(experiment, versions[experiment.framework]) for c in there)
    }
    return list(wanted)

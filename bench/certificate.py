"""A certificate of parity: whether a framework does the same work as the referee, and how nearly.

What ``bench.parity`` finds out, as it lies in a results folder: ``certificates/NAME.json``.
Reports read it; making it needs the framework.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.experiment import Experiment, Precision
from bench.results import ResultsError


@dataclass(frozen=True, kw_only=True)
class Check:
    """One quantity beside the referee's."""

    quantity: str  # 'logits at step 0', 'gradients at step 1', ...
    deviation: float  # the largest difference over the largest magnitude of the referee's
    tolerance: float
    reason: str  # why the tolerance is what it is

    @property
    def passed(self) -> bool:
        """Whether the deviation is within the tolerance; not-a-number is not."""
        return self.deviation <= self.tolerance


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What was checked of one framework, and what came out."""

    framework: str
    execution: str
    architecture: str
    device: str
    precision: Precision
    threads: int | None
    versions: dict[str, str]  # 'python' and the framework's packages -> version
    data: str  # the images used: task, source and fingerprint
    checks: tuple[Check, ...] = ()
    starts: int = 1  # how many starts were tried; of several each check has its smallest deviation
    failure: str | None = None  # why it could not be checked at all; None: it could
    made_at: str  # UTC, ISO 8601

    @property
    def passed(self) -> bool:
        """Whether it was checked and every check passed."""
        return self.failure is None and bool(self.checks) and all(c.passed for c in self.checks)

    @property
    def name(self) -> str:
        """A file name: one certificate for each subject."""
        threads = "" if self.threads is None else f"_t{self.threads}"
        return (
            f"{self.architecture}_{self.framework}-{self.execution}_{self.device}"
            f"_{self.precision}{threads}"
        )

    def covers(self, experiment: Experiment, versions: dict[str, str]) -> bool:
        """Whether it speaks of this experiment, run with these versions."""
        mine = (self.framework, self.execution, self.architecture, self.device)
        its = (
            experiment.framework,
            experiment.execution,
            experiment.architecture,
            experiment.device,
        )
        axes = (self.precision, self.threads) == (experiment.precision, experiment.threads)
        return mine == its and axes and self.versions == versions and not experiment.native


def load(folder: Path) -> tuple[Certificate, ...]:
    """All certificates of a results folder, by name; raises ResultsError naming a bad file."""
    found = []
    for path in sorted((folder / "certificates").glob("*.json")):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Certificate))
        except (msgspec.MsgspecError, OSError) as error:
            raise ResultsError(f"{path}: not a certificate: {error}; move it away") from error
    return tuple(found)

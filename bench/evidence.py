"""What a results folder holds beside its records: certificates, audit, exports, facts of the suite.

Each is a file or more in the folder; absent files are absent evidence, never an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from bench import certificate, export_record
from bench.audit_record import Audit
from bench.certificate import Certificate
from bench.experiment import Experiment
from bench.export_record import Export
from bench.results import ResultsError, write_atomically


@dataclass(frozen=True, kw_only=True)
class SuiteFacts:
    """What was decided for a whole suite."""

    price_per_h: float | None = None  # of the machine, in the user's currency; None: not given
    seeds_stopped: str | None = None  # why --seeds auto stopped, a sentence; None: seeds were given


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All of it, as reports use it."""

    certificates: tuple[Certificate, ...] = ()
    audit: Audit | None = None
    suite: SuiteFacts = SuiteFacts()
    exports: tuple[Export, ...] = ()

    def certificate(self, experiment: Experiment, versions: dict[str, str]) -> Certificate | None:
        """The one that covers an experiment; None where there is none."""
        return next((c for c in self.certificates if c.covers(experiment, versions)), None)

    def export(self, run_id: str) -> Export | None:
        """What the export of a run's saved model left; None where there is none."""
        return next((e for e in self.exports if e.run_id == run_id), None)


Kind = TypeVar("Kind")
NONE = Evidence()


def audit_path(folder: Path) -> Path:
    """Where the audit of a folder lies."""
    return folder / "audit.json"


def suite_path(folder: Path) -> Path:
    """Where the facts of a suite lie."""
    return folder / "suite.json"


def load(folder: Path) -> Evidence:
    """Everything there is in the folder; raises ResultsError naming a file that is broken."""
    return Evidence(
        certificates=certificate.load(folder),
        audit=_read(audit_path(folder), Audit),
        suite=_read(suite_path(folder), SuiteFacts) or SuiteFacts(),
        exports=export_record.load(folder),
    )


def save_suite(folder: Path, facts: SuiteFacts) -> None:
    """Write the facts of a suite, whole or not at all."""
    write_atomically(suite_path(folder), msgspec.json.encode(facts) + b"\n")


def _read(path: Path, kind: type[Kind]) -> Kind | None:
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (msgspec.MsgspecError, OSError) as error:
        raise ResultsError(f"{path} cannot be read: {error}; move it away") from error

"""What a results folder holds beside its records: there, absent, or broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bench import evidence
from bench.audit_record import Audit, Timer
from bench.certificate import Certificate, Check
from bench.evidence import Evidence, SuiteFacts
from bench.results import ResultsError
from tests.records import EXPERIMENT, MACHINE

VERSIONS = {"python": "3.11.7", "torch": "2.13.0"}
PASSED = Check(quantity="logits", deviation=1e-7, tolerance=1e-5, reason="float32")


def a_certificate(**changes: object) -> Certificate:
    fields: dict[str, object] = {
        "framework": "pytorch",
        "execution": "eager",
        "architecture": "mlp",
        "device": "cpu",
        "precision": "fp32",
        "threads": None,
        "versions": VERSIONS,
        "data": "digits",
        "checks": (PASSED,),
        "made_at": "2026-01-01T00:00:00+00:00",
    }
    return Certificate(**(fields | changes))  # type: ignore[arg-type]


def test_a_folder_without_evidence_has_none() -> None:
    assert evidence.load(Path("nowhere")) == Evidence()


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    audit = Audit(
        made_at="2026-01-01", machine=MACHINE, timer=Timer(name="c", resolution_s=1, cost_s=1)
    )
    evidence.audit_path(tmp_path).write_bytes(msgspec.json.encode(audit))
    evidence.save_suite(tmp_path, SuiteFacts(price_per_h=2.5))
    (tmp_path / "certificates").mkdir()
    made = a_certificate()
    (tmp_path / "certificates" / f"{made.name}.json").write_bytes(msgspec.json.encode(made))
    found = evidence.load(tmp_path)
    assert (found.audit, found.certificates) == (audit, (made,))
    assert found.suite.price_per_h == 2.5


@pytest.mark.parametrize("name", ["audit.json", "suite.json", "certificates/one.json"])
def test_a_broken_file_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"price_per_h": "much"}')
    with pytest.raises(ResultsError, match=path.name.replace(".", r"\.")):
        evidence.load(tmp_path)


def test_a_certificate_covers_its_subject_with_its_versions() -> None:
    found = Evidence(certificates=(a_certificate(),))
    assert found.certificate(EXPERIMENT, VERSIONS) == a_certificate()
    assert found.certificate(replace(EXPERIMENT, batch_size=20, epochs=9), VERSIONS) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"framework": "keras-jax"},
        {"execution": "compiled"},
        {"architecture": "cnn"},
        {"device": "cuda"},
        {"precision": "bf16"},
        {"threads": 1},
        {"native": ("kernel-init",)},
    ],
)
def test_a_certificate_covers_nothing_else(changes: dict[str, object]) -> None:
    asked = replace(EXPERIMENT, **changes)  # type: ignore[arg-type]
    assert Evidence(certificates=(a_certificate(),)).certificate(asked, VERSIONS) is None


def test_a_certificate_of_other_versions_covers_nothing() -> None:
    found = Evidence(certificates=(a_certificate(),))
    assert found.certificate(EXPERIMENT, VERSIONS | {"torch": "2.14.0"}) is None


def test_a_certificate_passes_only_with_checks_that_all_pass() -> None:
    failed = replace(PASSED, deviation=1e-3)
    nothing = replace(PASSED, deviation=float("nan"))
    assert a_certificate().passed
    assert not a_certificate(checks=(PASSED, failed)).passed
    assert not a_certificate(checks=(nothing,)).passed
    assert not a_certificate(checks=()).passed
    assert not a_certificate(failure="not installed").passed

"""What a results folder holds beside its records: there, absent, or broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.results.evidence import Audit, Certificate, Check, Evidence, SuiteFacts, Timer
from bench.results.folder import Results, ResultsError
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
    assert Results(Path("nowhere")).evidence() == Evidence()
    assert Results(Path("nowhere")).ensembling() is None


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    audit = Audit(
        made_at="2026-01-01", machine=MACHINE, timer=Timer(name="c", resolution_s=1, cost_s=1)
    )
    written = Results(tmp_path)
    assert written.save_evidence(audit) == tmp_path / "audit.json"
    assert written.save_evidence(SuiteFacts(price_per_h=2.5)) == tmp_path / "suite.json"
    path = written.save_certificate(a_certificate())
    assert path == tmp_path / "certificates" / f"{a_certificate().name}.json"
    evidence = Results(tmp_path).evidence()
    assert (evidence.audit, evidence.certificates) == (audit, (a_certificate(),))
    assert evidence.suite.price_per_h == 2.5


def test_a_certificate_that_could_not_be_made_leaves_an_earlier_one_as_it_is(
    tmp_path: Path,
) -> None:
    results = Results(tmp_path)
    failed = a_certificate(checks=(), failure="not installed")
    results.save_certificate(failed)
    assert results.evidence().certificates == (failed,)
    results.save_certificate(a_certificate())
    results.save_certificate(failed)
    assert results.evidence().certificates == (a_certificate(),)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("audit.json", "an audit"),
        ("suite.json", "the facts of a suite"),
        ("certificates/one.json", "a certificate"),
        ("exports/one.json", "an export"),
    ],
)
@pytest.mark.parametrize("content", ['{"price_per_h": "much"}', "{", ""])
def test_a_broken_file_is_named_with_what_it_should_be_and_what_to_do(
    name: str, kind: str, content: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    with pytest.raises(ResultsError) as caught:
        Results(tmp_path).evidence()
    assert str(caught.value).startswith(f"{path}: not {kind}: ")
    assert str(caught.value).endswith("; move the file away to go on without it")


def test_a_certificate_covers_its_subject_with_its_versions() -> None:
    evidence = Evidence(certificates=(a_certificate(),))
    assert evidence.certificate(EXPERIMENT, VERSIONS) == a_certificate()
    assert evidence.certificate(replace(EXPERIMENT, batch_size=20, epochs=9), VERSIONS) is not None


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
    evidence = Evidence(certificates=(a_certificate(),))
    assert evidence.certificate(EXPERIMENT, VERSIONS | {"torch": "2.14.0"}) is None


def test_a_certificate_passes_only_with_checks_that_all_pass() -> None:
    failed = replace(PASSED, deviation=1e-3)
    nothing = replace(PASSED, deviation=float("nan"))
    assert a_certificate().passed
    assert not a_certificate(checks=(PASSED, failed)).passed
    assert not a_certificate(checks=(nothing,)).passed
    assert not a_certificate(checks=()).passed
    assert not a_certificate(failure="not installed").passed

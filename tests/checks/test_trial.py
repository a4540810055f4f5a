"""What a certificate is made with, and which subjects of a plan need one."""

from __future__ import annotations

from dataclasses import replace

from bench.checks import trial
from bench.checks.trial import BATCH_SIZE, STEPS, TRAIN_IMAGES
from tests.records import EXPERIMENT
from tests.report.test_trust import VERSIONS, a_certificate


def test_the_sample_ends_on_a_short_batch_after_twenty_steps() -> None:
    assert -(-TRAIN_IMAGES // BATCH_SIZE) == STEPS
    assert TRAIN_IMAGES % BATCH_SIZE


def test_only_subjects_without_a_certificate_of_todays_versions_are_missing() -> None:
    versions = {"pytorch": VERSIONS}
    wanted = [trial.of(EXPERIMENT)]
    assert trial.missing([EXPERIMENT, EXPERIMENT], versions, []) == wanted
    assert trial.missing([EXPERIMENT], versions, [a_certificate()]) == []
    old = a_certificate(versions={"torch": "2.12.0"})
    assert trial.missing([EXPERIMENT], versions, [old]) == wanted
    failed = a_certificate(checks=(), failure="not done after 300 s")
    assert trial.missing([EXPERIMENT], versions, [failed]) == wanted


def test_what_is_left_to_a_framework_needs_no_certificate() -> None:
    native = replace(EXPERIMENT, native=("kernel-init",))
    assert trial.missing([native], {"pytorch": VERSIONS}, []) == []

"""What an audit warns of, and what a later one keeps of an earlier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.checks import auditing
from bench.results.evidence import Peak, Timer
from bench.results.record import Pulse
from bench.run.scheduler import Site
from tests.checks.audits import (
    A_S,
    SAME_S,
    TIMER,
    UNEQUAL,
    an_audit,
    short_experiment,
    some_arms,
    warned,
)
from tests.records import MACHINE

PEAK = Peak(device="cpu", precision="fp32", threads=None, flop_per_s=1, bytes_per_s=1, by="NumPy")


def test_a_later_audit_keeps_what_the_earlier_one_knew_beyond_it() -> None:
    one_thread = replace(PEAK, threads=1)
    earlier = replace(an_audit(some_arms(), [UNEQUAL]), peaks=(PEAK, one_thread))
    faster = replace(PEAK, flop_per_s=2)
    later = replace(an_audit(UNEQUAL), peaks=(faster,))
    joined = auditing.joined(earlier, later)
    assert joined.peaks == (faster, one_thread)
    assert joined.repetitions == (UNEQUAL,)
    assert joined.arms == UNEQUAL  # of as many rounds: today's


def test_arms_of_each_device_are_kept_beside_one_another() -> None:
    on_gpu = replace(UNEQUAL, experiment=replace(UNEQUAL.experiment, device="cuda"))
    earlier = replace(an_audit(some_arms()), elsewhere=(on_gpu,))
    joined = auditing.joined(earlier, an_audit(UNEQUAL))
    assert (joined.arms, joined.elsewhere) == (UNEQUAL, (on_gpu,))
    of_gpu_alone = replace(an_audit(None), elsewhere=(on_gpu,))
    joined = auditing.joined(an_audit(some_arms()), of_gpu_alone)
    assert (joined.arms, joined.elsewhere) == (some_arms(), (on_gpu,))
    assert (joined.arms_on("cpu"), joined.arms_on("cuda")) == (some_arms(), on_gpu)
    assert joined.arms_on("cuda:1") is None


def test_every_device_of_a_suite_is_audited_and_what_failed_is_said(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No GPU is here: its arms cannot be run, and those of the CPU are not."""
    monkeypatch.setattr(auditing, "RUN_TIMEOUT_S", 0.01)
    monkeypatch.setattr(auditing, "IMAGES", 1000)
    on_both = [
        replace(short_experiment(), framework="pytorch", device=device)
        for device in ("cpu", "cuda")
    ]
    nowhere = replace(
        site,
        pythons={"pytorch": Path("no-such-python")},
        versions={**site.versions, "pytorch": {}},
    )
    audit = auditing.short(on_both, nowhere)
    assert audit.every_arms == ()
    told = " ".join(audit.warnings)
    assert "The clock was not audited with numpy on cpu" in told
    assert "The clock was not audited with pytorch on cuda" in told


def test_arms_of_more_rounds_are_kept() -> None:
    short = replace(some_arms(), a_s=A_S[:2], same_s=SAME_S[:2])
    assert auditing.joined(an_audit(some_arms()), an_audit(short)).arms == some_arms()


def test_nothing_stays_of_an_audit_of_another_machine() -> None:
    elsewhere = replace(an_audit(some_arms()), machine=replace(MACHINE, cpu="Other"))
    assert auditing.joined(elsewhere, an_audit(None)) == an_audit(None)


def test_a_loud_machine_is_told_to_be_quiet() -> None:
    loud = some_arms(same_s=(0.8, 1.3, 0.7, 1.2, 1.1))
    assert any("so a smaller difference names no winner" in warning for warning in warned(loud))


def test_a_coarse_timer_is_warned_of() -> None:
    coarse = Timer(name="a clock", resolution_s=0.0156, cost_s=1e-8)
    assert "15.6 ms" in warned(None, timer=coarse)[0]


@pytest.mark.parametrize(("disturbed", "said"), [(1, "One run was"), (3, "3 runs were")])
def test_runs_that_stay_disturbed_are_warned_of(disturbed: int, said: str) -> None:
    (warning,) = auditing.warnings(TIMER, [some_arms()], [], disturbed)
    assert warning.startswith(f"{said} disturbed by other programs during the audit")


def test_a_machine_that_slows_down_meanwhile_is_warned_of() -> None:
    pulses = [Pulse(product_s=(seconds,)) for seconds in (0.001, 0.001, 0.0013)]
    assert (
        "During the audit the same product came to take 30 % longer"
        in warned(some_arms(), pulses)[0]
    )


def test_what_cannot_be_measured_is_absent_with_a_warning_that_says_why(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs are given no time, and PyTorch has an interpreter that cannot be started."""
    monkeypatch.setattr(auditing, "RUN_TIMEOUT_S", 0.01)
    monkeypatch.setattr(auditing, "IMAGES", 1000)
    in_bf16 = replace(short_experiment(), framework="pytorch", precision="bf16")
    audit = auditing.short([in_bf16], replace(site, pythons={"pytorch": Path("no-such-python")}))
    assert audit.arms is None
    assert audit.peaks == ()
    assert [reading.device for reading in audit.unsynchronised] == ["cpu"]
    assert "a run of numpy: timed out" in audit.warnings[0]
    assert "bf16 on cpu: no-such-python cannot be started" in audit.warnings[1]

"""``python -m bench audit``: the audit must be able to fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.checks import arms, audit
from bench.checks.audit import main, passed
from bench.machine import hardware
from bench.report.audit import findings
from bench.results.evidence import Arms
from bench.results.folder import Results
from bench.stats import verdict
from tests.checks.audits import DELAYED_S, SAME_S, UNEQUAL, an_audit, some_arms, warned
from tests.machine.test_devices import A100, T4
from tests.records import MACHINE


def test_a_delay_that_is_found_between_arms_that_are_equal_passes() -> None:
    assert passed(an_audit(some_arms()))
    assert warned(some_arms()) == []


def test_a_delay_that_was_never_injected_is_not_found() -> None:
    missed = some_arms(delayed_s=SAME_S)
    assert not passed(an_audit(missed))
    assert "the clock misreads" in warned(missed)[0]


def test_a_delay_that_is_read_twice_is_not_found() -> None:
    doubled = some_arms(delayed_s=[late + 0.05 for late in DELAYED_S])
    assert not passed(an_audit(doubled))


def test_a_winner_between_equal_arms_does_not_pass() -> None:
    assert not passed(an_audit(UNEQUAL))
    assert any("equal arms came out faster" in warning for warning in warned(UNEQUAL))


def test_arms_that_could_not_be_run_do_not_pass() -> None:
    assert not passed(an_audit(None))


def test_one_winner_in_twenty_repetitions_is_chance_and_two_are_not() -> None:
    assert passed(an_audit(some_arms(), [some_arms()] * 19 + [UNEQUAL]))
    assert not passed(an_audit(some_arms(), [some_arms()] * 18 + [UNEQUAL] * 2))
    assert not passed(an_audit(some_arms(), [some_arms()] * 18 + [UNEQUAL]))  # of 19


def test_repetitions_on_a_gpu_are_judged_and_told_beside_the_arms_of_that_gpu() -> None:
    def on_gpu(each: Arms) -> Arms:
        return replace(each, experiment=replace(each.experiment, device="cuda"))

    equal, unequal = on_gpu(some_arms()), on_gpu(UNEQUAL)
    chance = replace(an_audit(None, [equal] * 19 + [unequal]), elsewhere=(equal,))
    assert passed(chance)
    assert not passed(replace(chance, repetitions=(equal,) * 18 + (unequal,) * 2))
    assert any("Of 20 further comparisons" in sentence for sentence in findings(chance))


def test_a_repetition_is_judged_beside_the_noise_floor_of_the_arms() -> None:
    loud = some_arms(same_s=(0.8, 1.3, 0.7, 1.2, 1.1))  # a floor above what UNEQUAL differs by
    assert verdict.winners_named(some_arms(), [UNEQUAL]) == 1
    assert verdict.winners_named(loud, [UNEQUAL]) == 0


@pytest.mark.usefixtures("each_once")
def test_the_command_leaves_what_it_found_and_its_exit_code_says_whether_it_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(arms, "TRAIN_S", 0.1)
    code = main(["--rounds", "2", "--out", str(tmp_path)])
    out, err = capsys.readouterr()
    audit = Results(tmp_path).evidence().audit
    assert audit is not None, err
    assert audit.arms is not None
    assert audit.arms.injected_s == (arms.DELAY_SHARE * audit.arms.a_s[0],) * 2
    assert audit.machine == hardware.observe()
    assert ("cpu", "fp32") in {(each.device, each.precision) for each in audit.peaks}
    assert all(each.flop_per_s > 0 and each.bytes_per_s > 0 for each in audit.peaks)
    assert code == (0 if passed(audit) else 1), err
    for phrase in ("Noise floor", "Injected delay of", "Timer: perf_counter", "Steadiness:"):
        assert phrase in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--framework", "nunpy"], "unknown framework 'nunpy'; choose from pytorch"),
        (["--rounds", "1"], "'1' is no whole number from 2 up"),
        (["--framework", "numpy", "--device", "mps"], "--device mps"),
        (["--device", "cuda:99"], "--device cuda:99: "),
        (["--device", "cuda:one"], "unknown device 'cuda:one'"),
    ],
)
def test_a_mistake_is_explained_and_nothing_is_run(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(words)
    except SystemExit as ended:
        code = ended.code  # type: ignore[assignment]
    assert code == 2
    assert message in capsys.readouterr().err


def test_a_peak_is_not_measured_in_a_precision_that_the_gpu_lacks() -> None:
    options = audit._parser().parse_args(["--device", "cuda"])
    for gpu, precisions in ((T4, ["fp32"]), (A100, ["fp32", "tf32", "bf16"])):
        request, _ = audit._asked(options, replace(MACHINE, gpus=(gpu,)))
        on_cuda = [kind.precision for kind in request.peaks if kind.device == "cuda"]
        assert on_cuda == precisions

"""The audit must be able to fail: what passes, what does not, and what is warned of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench.checks import arms, auditing, peaks
from bench.checks.audit import passed
from bench.results.evidence import Arms, Audit, Peak, Timer
from bench.results.record import Pulse
from bench.stats import verdict
from tests.fakes import an_experiment
from tests.records import MACHINE

TIMER = Timer(name="a clock", resolution_s=1e-8, cost_s=1e-8)
A_S = (1.00, 1.01, 0.99, 1.00, 1.01)
SAME_S = (1.01, 1.00, 1.00, 0.99, 1.01)
DELAYED_S = (1.054, 1.056, 1.043, 1.047, 1.06)  # 0.05 more, and a few milliseconds of noise


def some_arms(same_s: Sequence[float] = SAME_S, delayed_s: Sequence[float] = DELAYED_S) -> Arms:
    return Arms(
        experiment=an_experiment(),
        a_s=A_S,
        same_s=tuple(same_s),
        delayed_s=tuple(delayed_s),
        injected_s=(0.05,) * len(delayed_s),
    )


UNEQUAL = some_arms(same_s=[0.9 * seconds for seconds in SAME_S])


def an_audit(found: Arms | None, repetitions: Sequence[Arms] = ()) -> Audit:
    return Audit(
        made_at="2026-01-01T00:00:00+00:00",
        machine=MACHINE,
        timer=TIMER,
        arms=found,
        repetitions=tuple(repetitions),
    )


def warned(found: Arms | None, pulses: Sequence[Pulse] = (), timer: Timer = TIMER) -> list[str]:
    return list(auditing.warnings(timer, found, pulses))


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
    assert any("equal arms came out faster" in said for said in warned(UNEQUAL))


def test_arms_that_could_not_be_run_do_not_pass() -> None:
    assert not passed(an_audit(None))


def test_one_winner_in_twenty_repetitions_is_chance_and_two_are_not() -> None:
    assert passed(an_audit(some_arms(), [some_arms()] * 19 + [UNEQUAL]))
    assert not passed(an_audit(some_arms(), [some_arms()] * 18 + [UNEQUAL] * 2))
    assert not passed(an_audit(some_arms(), [some_arms()] * 18 + [UNEQUAL]))  # of 19


def test_a_repetition_is_judged_beside_the_noise_floor_of_the_arms() -> None:
    loud = some_arms(same_s=(0.8, 1.3, 0.7, 1.2, 1.1))  # a floor above what UNEQUAL differs by
    assert verdict.winners_named(some_arms(), [UNEQUAL]) == 1
    assert verdict.winners_named(loud, [UNEQUAL]) == 0


PEAK = Peak(device="cpu", precision="fp32", threads=None, flop_per_s=1, bytes_per_s=1, by="NumPy")


def test_a_later_audit_keeps_what_the_earlier_one_knew_beyond_it() -> None:
    one_thread = replace(PEAK, threads=1)
    earlier = replace(an_audit(some_arms(), [UNEQUAL]), peaks=(PEAK, one_thread))
    faster = replace(PEAK, flop_per_s=2)
    later = replace(an_audit(UNEQUAL), peaks=(faster,))
    found = auditing.joined(earlier, later)
    assert found.peaks == (faster, one_thread)
    assert found.repetitions == (UNEQUAL,)
    assert found.arms == UNEQUAL  # of as many rounds: today's


def test_arms_of_more_rounds_are_kept() -> None:
    short = replace(some_arms(), a_s=A_S[:2], same_s=SAME_S[:2])
    assert auditing.joined(an_audit(some_arms()), an_audit(short)).arms == some_arms()


def test_nothing_stays_of_an_audit_of_another_machine() -> None:
    elsewhere = replace(an_audit(some_arms()), machine=replace(MACHINE, cpu="Other"))
    assert auditing.joined(elsewhere, an_audit(None)) == an_audit(None)


def test_a_loud_machine_is_told_to_be_quiet() -> None:
    loud = some_arms(same_s=(0.8, 1.3, 0.7, 1.2, 1.1))
    assert any("so a smaller difference names no winner" in said for said in warned(loud))


def test_a_coarse_timer_is_warned_of() -> None:
    coarse = Timer(name="a clock", resolution_s=0.0156, cost_s=1e-8)
    assert "15.6 ms" in warned(None, timer=coarse)[0]


def test_a_machine_that_slows_down_meanwhile_is_warned_of() -> None:
    pulses = [Pulse(product_s=(seconds,)) for seconds in (0.001, 0.001, 0.0013)]
    assert (
        "During the audit the same product came to take 30 % longer"
        in warned(some_arms(), pulses)[0]
    )


def test_every_other_round_goes_backwards_with_a_seed_of_its_own() -> None:
    order = [(run.seed, arm) for run, arm in arms.turns(an_experiment(), 3, ("a", "b", "c"), 7)]
    assert order == [
        *((7, "a"), (7, "b"), (7, "c")),
        *((8, "c"), (8, "b"), (8, "a")),
        *((9, "a"), (9, "b"), (9, "c")),
    ]


@pytest.mark.parametrize(
    ("trial_s", "epochs"), [(arms.TRAIN_S, arms.TRIAL_EPOCHS), (0.001, 300.0), (1000.0, 0.1)]
)
def test_a_run_is_made_as_long_as_its_trial_asks(trial_s: float, epochs: float) -> None:
    assert arms.epochs(trial_s) == epochs


def test_peaks_are_measured_once_for_each_device_precision_and_number_of_threads() -> None:
    experiments = [
        an_experiment(),
        an_experiment(batch_size=20),
        an_experiment(threads=1),
        an_experiment(precision="bf16"),
        an_experiment(device="cuda"),
    ]
    kinds = peaks.kinds(experiments)
    assert kinds == [
        ("cpu", "fp32", None),
        ("cpu", "fp32", 1),
        ("cpu", "bf16", None),
        ("cuda", "fp32", None),
    ]
    assert [len(peaks.libraries(kind)) for kind in kinds] == [2, 2, 1, 1]
    assert {peaks.libraries(kind)[-1] for kind in kinds} == {"pytorch"}

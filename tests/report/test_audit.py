"""The audit and the steadiness of the machine, in words and as a plot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.report import audit
from bench.report.plots import costs
from bench.report.plots.style import pages
from bench.results.evidence import Audit, Peak, Timer, Unsynchronised
from bench.results.record import Pulse, Record
from bench.stats import runs
from tests.records import ARMS, MACHINE, make_record

AUDIT = Audit(
    made_at="2026-01-01T00:00:00+00:00",
    machine=MACHINE,
    timer=Timer(name="perf_counter, a clock", resolution_s=4e-8, cost_s=5e-8),
    arms=ARMS,
    unsynchronised=(
        Unsynchronised(device="cpu", unavailable="a CPU does the work before the call returns"),
        Unsynchronised(device="cuda", false_s=0.0002, true_s=0.02),
    ),
    peaks=(
        Peak(
            device="cpu",
            precision="fp32",
            threads=2,
            flop_per_s=181e9,
            bytes_per_s=39e9,
            by="NumPy 2.4.6",
        ),
    ),
    warnings=("It was loud: be quiet.",),
)


def beat(order: int, product_s: float = 0.001, busy: float = 0.0) -> Record:
    return replace(
        make_record(seed=order), pulse=Pulse(product_s=(product_s,) * 20, busy=busy, clock_hz=2e9)
    )


@pytest.mark.parametrize(
    "text",
    [
        "Noise floor 1.0 %: the very same experiment run as two arms (pytorch eager, 5 rounds of "
        "runs that train about 1.0 s) differed by +0.0 % (-1.0 % to +1.0 %), and no winner was "
        "named. A smaller difference on this device names no winner",
        "Injected delay of 50.0 ms a run (5.0 %): found, as 50.0 ms (",
        "A clock that does not wait, on CPU: unavailable: a CPU does the work before the call "
        "returns.",
        "A clock that does not wait for CUDA reads 0.200 ms for what takes 20.0 ms: it would be "
        "wrong by a factor of 100. Ours waits.",
        "Timer: perf_counter, a clock; its smallest step is 40.0 ns, and a reading costs 50.0 ns.",
        "Peak on CPU in fp32, 2 threads: 181 GFLOP/s in matrix products, 39.0 GB/s in copies "
        "(NumPy 2.4.6).",
        "Steadiness: the same small matrix product, before each of 2 runs, took 1.00 ms, at the "
        "slowest 0.0 % longer; the last quarter of the runs +0.0 % beside the first; other "
        "programs took at most 0.0 % of the processors; processors' clock 2.00 GHz.",
        "Warning: It was loud: be quiet.",
    ],
)
def test_every_part_of_an_audit_is_said(text: str) -> None:
    assert text in "\n".join(audit.sentences(AUDIT, [beat(0), beat(1)]))


def test_a_delay_that_was_not_found_is_said_so() -> None:
    missed = replace(AUDIT, arms=replace(ARMS, delayed_s=ARMS.same_s))
    text = "\n".join(audit.sentences(missed, []))
    assert "Injected delay of 50.0 ms a run (5.0 %): NOT found; seen were 0" in text


def test_a_winner_among_equals_is_said_so() -> None:
    unequal = replace(ARMS, same_s=tuple(0.9 * seconds for seconds in ARMS.same_s))
    text = "\n".join(audit.sentences(replace(AUDIT, arms=unequal), []))
    assert "and a winner was named" in text


def test_repetitions_are_counted() -> None:
    equal = replace(ARMS, delayed_s=(), injected_s=())
    unequal = replace(equal, same_s=tuple(0.9 * seconds for seconds in ARMS.same_s))
    text = "\n".join(audit.sentences(replace(AUDIT, repetitions=(*[equal] * 19, unequal)), []))
    assert (
        "Of 20 further comparisons of the experiment with itself, 5 pairs each, the report's rule "
        in text
    )
    assert "named no winner in 19 and one in 1." in text


def test_one_round_makes_up_no_noise_floor() -> None:
    of_one_round = replace(ARMS, a_s=(1.0,), same_s=(1.1,), delayed_s=(1.2,), injected_s=(0.05,))
    text = "\n".join(audit.sentences(replace(AUDIT, arms=of_one_round), []))
    assert "Noise floor: not known, of one round" in text
    assert "150 ms seen, of one round" in text


def test_an_audit_without_arms_claims_nothing_of_them() -> None:
    text = "\n".join(audit.sentences(replace(AUDIT, arms=None), []))
    assert "Noise floor" not in text
    assert "Injected" not in text
    assert "Timer:" in text


def test_where_there_is_no_audit_the_page_says_how_to_make_one() -> None:
    assert list(audit.sentences(None, [])) == [audit.NO_AUDIT]


def test_a_machine_that_was_busy_during_the_runs_is_warned_of() -> None:
    *_, warning = audit.sentences(None, [beat(0), beat(1, busy=0.5)])
    assert warning.startswith(
        "Warning: During the runs other programs took up to 50 % of the processors: close"
    )


def test_the_plot_has_a_point_for_every_run_in_the_order_of_time() -> None:
    records = [beat(2, 0.003), beat(0, 0.001), beat(1, 0.002, busy=0.4)]
    (draw,) = pages(costs.STEADINESS, runs.replicates(records))
    page = draw()
    axes, beside = page.figure.axes
    points = axes.get_lines()[0]
    assert list(points.get_ydata()) == pytest.approx([1.0, 2.0, 3.0])  # type: ignore[arg-type]
    assert list(points.get_xdata()) == pytest.approx([0, 1 / 60, 2 / 60])  # type: ignore[arg-type]
    assert axes.get_ylabel() == "one product (ms)"
    assert beside.get_ylabel() == "processors' time taken by others (%)"
    assert "Testium 9000, 2 cores; runs on digits (mnist)" in axes.get_title()


def test_runs_whose_pulse_was_not_taken_are_no_plot() -> None:
    bare = [replace(make_record(), pulse=None)]
    assert pages(costs.STEADINESS, runs.replicates(bare)) == []

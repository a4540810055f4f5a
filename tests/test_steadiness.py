"""Pulses in a few numbers, and what is warned of."""

from __future__ import annotations

import pytest

from bench.record import Pulse
from bench.steadiness import steadiness, warnings


def pulses(*products_s: float, busy: float | None = 0.0) -> list[Pulse]:
    return [Pulse(product_s=(each,) * 3, busy=busy, clock_hz=2e9) for each in products_s]


def test_a_machine_that_stays_the_same_is_warned_of_nothing() -> None:
    found = steadiness(pulses(*[0.001] * 8))
    assert found is not None
    assert (found.pulses, found.product_s, found.drift, found.slowest) == (8, 0.001, 0.0, 0.0)
    assert found.clock_hz == (2e9, 2e9)
    assert warnings(found, "the runs") == []


def test_a_product_that_was_held_up_does_not_change_its_pulse() -> None:
    found = steadiness([Pulse(product_s=(0.001, 0.001, 9.0))])
    assert found is not None
    assert found.product_s == 0.001


def test_drift_is_the_last_quarter_over_the_first() -> None:
    found = steadiness(pulses(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.2, 1.2))
    assert found is not None
    assert found.drift == pytest.approx(0.2)
    (said,) = warnings(found, "the runs")
    assert "During the runs the same product came to take 20 % longer" in said
    assert "measure again" in said


def test_a_machine_that_gets_faster_drifts_too() -> None:
    found = steadiness(pulses(1.0, 0.5))
    assert found is not None
    assert "50 % shorter" in warnings(found, "the runs")[0]


def test_one_pulse_held_up_is_no_drift() -> None:
    found = steadiness(pulses(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 5.0))
    assert found is not None
    assert found.drift == pytest.approx(2.0)  # of the last two: half of them were held up
    found = steadiness(pulses(*[1.0] * 11, 5.0))
    assert found is not None
    assert found.drift == 0.0
    assert found.slowest == 4.0


def test_others_that_are_busy_are_warned_of_with_what_to_do() -> None:
    found = steadiness([*pulses(1.0, 1.0), *pulses(1.0, busy=0.4)])
    assert found is not None
    assert found.busiest == 0.4
    (said,) = warnings(found, "the runs")
    assert "40 % of the processors" in said
    assert "close them" in said


def test_what_was_not_read_is_absent() -> None:
    found = steadiness([Pulse(product_s=(1.0,))])
    assert found is not None
    assert (found.drift, found.busiest, found.clock_hz) == (None, None, None)
    assert warnings(found, "the runs") == []
    assert steadiness([]) is None

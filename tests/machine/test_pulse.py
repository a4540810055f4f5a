"""The pulse of this very machine, taken for real; and pulses in a few numbers."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

from bench.machine import pulse
from bench.machine.pulse import steadiness, warnings
from bench.results.record import Pulse


def test_a_pulse_has_every_product_and_a_share_of_the_processors() -> None:
    taken = pulse.take()
    assert len(taken.product_s) == pulse.PRODUCTS
    assert all(seconds > 0 for seconds in taken.product_s)
    assert taken.busy is not None
    assert 0 <= taken.busy <= 1
    assert taken.clock_hz is None or taken.clock_hz > 1e6


def test_what_a_busy_program_takes_is_seen_and_our_own_work_is_not() -> None:
    processors = len(pulse._processors())
    spin = "import time; end = time.monotonic() + 60\nwhile time.monotonic() < end: pass"
    with subprocess.Popen([sys.executable, "-c", spin]) as busy:
        time.sleep(0.3)  # until it has started
        others = pulse.Others()
        time.sleep(0.6)
        with_it = others.share()
        busy.kill()
    assert with_it is not None
    assert with_it > 0.4 / processors  # beside many others it may get half a processor
    began, own, end = time.monotonic(), pulse.Others(), time.process_time() + 0.3
    while time.process_time() < end:
        pass
    alone = own.share()
    assert alone is not None
    passed_s = time.monotonic() - began
    assert alone <= 1 - 0.28 / (passed_s * processors)  # what we took ourselves is not in it


def test_what_a_process_of_our_own_takes_is_not_of_others_even_when_it_has_ended() -> None:
    spin = "import time; end = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
    for ended in (True, False):
        began, processors = time.monotonic(), len(pulse._processors())
        family, everyone = pulse.Others(family=True), pulse.Others()
        with subprocess.Popen([sys.executable, "-c", f"{spin}\ninput()"], stdin=-1) as child:
            while sum(psutil.Process(child.pid).cpu_times()[:2]) < 0.3:
                time.sleep(0.02)
            if ended:
                child.communicate(b"\n")
            without_it, with_it = family.share(), everyone.share()
            passed_s = time.monotonic() - began
            child.kill()
        assert without_it is not None
        assert with_it is not None
        assert without_it < with_it - 0.2 / (passed_s * processors)


def test_an_instant_tells_nothing_of_others() -> None:
    assert pulse.Others().share() is None


def test_no_thread_spins_on_into_the_run_that_follows() -> None:
    pulse.take()
    start, own = time.monotonic(), time.process_time()
    time.sleep(0.05)
    assert time.process_time() - own < 0.5 * (time.monotonic() - start)


# How steady a machine was


def pulses(*products_s: float, busy: float | None = 0.0) -> list[Pulse]:
    return [Pulse(product_s=(each,) * 3, busy=busy, clock_hz=2e9) for each in products_s]


def test_a_machine_that_stays_the_same_is_warned_of_nothing() -> None:
    steady = steadiness(pulses(*[0.001] * 8))
    assert steady is not None
    assert (steady.pulses, steady.product_s, steady.drift, steady.slowest) == (8, 0.001, 0.0, 0.0)
    assert steady.clock_hz == (2e9, 2e9)
    assert warnings(steady, "the runs") == []


def test_a_product_that_was_held_up_does_not_change_its_pulse() -> None:
    steady = steadiness([Pulse(product_s=(0.001, 0.001, 9.0))])
    assert steady is not None
    assert steady.product_s == 0.001


def test_drift_is_the_last_quarter_over_the_first() -> None:
    steady = steadiness(pulses(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.2, 1.2))
    assert steady is not None
    assert steady.drift == pytest.approx(0.2)
    (sentence,) = warnings(steady, "the runs")
    assert "During the runs the same product came to take 20 % longer" in sentence
    assert "measure again" in sentence


def test_a_machine_that_gets_faster_drifts_too() -> None:
    steady = steadiness(pulses(1.0, 0.5))
    assert steady is not None
    assert "50 % shorter" in warnings(steady, "the runs")[0]


def test_one_pulse_held_up_is_no_drift() -> None:
    steady = steadiness(pulses(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 5.0))
    assert steady is not None
    assert steady.drift == pytest.approx(2.0)  # of the last two: half of them were held up
    steady = steadiness(pulses(*[1.0] * 11, 5.0))
    assert steady is not None
    assert steady.drift == 0.0
    assert steady.slowest == 4.0


def test_others_that_are_busy_are_warned_of_with_what_to_do() -> None:
    steady = steadiness([*pulses(1.0, 1.0), *pulses(1.0, busy=0.4)])
    assert steady is not None
    assert steady.busiest == 0.4
    (sentence,) = warnings(steady, "the runs")
    assert "40 % of the processors" in sentence
    assert "close them" in sentence


def test_what_was_not_read_is_absent() -> None:
    steady = steadiness([Pulse(product_s=(1.0,))])
    assert steady is not None
    assert (steady.drift, steady.busiest, steady.clock_hz) == (None, None, None)
    assert warnings(steady, "the runs") == []
    assert steadiness([]) is None

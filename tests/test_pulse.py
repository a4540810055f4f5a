"""The pulse of this very machine, taken for real."""

from __future__ import annotations

import time

from bench import pulse


def test_a_pulse_has_every_product_and_a_share_of_the_processors() -> None:
    taken = pulse.take()
    assert len(taken.product_s) == pulse.PRODUCTS
    assert all(seconds > 0 for seconds in taken.product_s)
    assert taken.busy is not None
    assert 0 <= taken.busy <= 1
    assert taken.clock_hz is None or taken.clock_hz > 1e6


def test_no_thread_spins_on_into_the_run_that_follows() -> None:
    pulse.take()
    start, own = time.monotonic(), time.process_time()
    time.sleep(0.05)
    assert time.process_time() - own < 0.5 * (time.monotonic() - start)

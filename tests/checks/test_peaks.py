"""What a device does at the most, and a clock that does not wait for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.checks import peaks
from tests.fakes import TRAIN_S_PER_IMAGE, an_experiment
from tests.run.test_measure import a_trainer


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


def test_a_clock_that_does_not_wait_misses_the_work() -> None:
    fake = a_trainer()
    fake.arrange(np.arange(200))
    false_s, true_s = peaks.compare_clocks(fake, fake.clock)
    assert false_s == 0.0
    assert true_s == pytest.approx(200 * TRAIN_S_PER_IMAGE)


def test_on_a_cpu_there_is_nothing_to_miss() -> None:
    reading = peaks.measure_unsynchronised("pytorch", "cpu", Path("no-such-python"))
    assert (reading.false_s, reading.true_s) == (None, None)
    assert reading.unavailable == "PyTorch on a CPU does the work before the call returns"


def test_a_device_that_is_not_there_is_unavailable_and_says_why() -> None:
    reading = peaks.measure_unsynchronised("pytorch", "cuda", Path("no-such-python"))
    assert (reading.false_s, reading.true_s) == (None, None)
    assert reading.unavailable is not None
    assert "no-such-python cannot be started" in reading.unavailable

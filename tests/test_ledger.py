"""Where a run's wall time went, and how long its steps took."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import ledger, stats
from bench.record import Record
from tests.records import make_record


def a_record() -> Record:
    """20 s of wall time, 0.5 s of them before the import."""
    record = make_record()
    assert record.measurement
    phases = replace(record.measurement.phases, start_s=0.5)
    return replace(record, wall_s=20.0, measurement=replace(record.measurement, phases=phases))


def test_phases_and_the_rest_add_up_to_the_wall_time() -> None:
    record = a_record()
    phases = [stats.phase_s(record, name) or 0 for name in stats.PHASES]
    assert ledger.rest_s(record) == pytest.approx(20 - 9.51)
    assert sum(phases) + (ledger.rest_s(record) or 0) == pytest.approx(ledger.wall_s(record))


def test_cold_start_to_last_step_is_start_up_and_training() -> None:
    assert ledger.cold_start_to_last_step_s(a_record()) == pytest.approx(0.5 + 2.8 + 2.0)


def test_a_share_is_of_the_wall_time() -> None:
    assert ledger.share(a_record(), 5.0) == 0.25
    assert ledger.share(a_record(), None) is None


def test_a_step_is_the_mean_of_all_steps() -> None:
    record = make_record(train_s=(1.0, 3.0))  # 8 steps of 125 images each
    assert ledger.steps(record) == 16
    assert ledger.step_s(record) == 0.25
    assert ledger.images_per_step(record) == 125


def test_a_run_that_failed_has_no_ledger() -> None:
    record = make_record(status="failed")
    for statistic in (
        ledger.rest_s,
        ledger.wall_s,
        ledger.cold_start_to_last_step_s,
        ledger.steps,
        ledger.step_s,
        ledger.images_per_step,
    ):
        assert statistic(record) is None

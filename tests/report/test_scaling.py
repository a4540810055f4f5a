"""The table of replicas: each beside what it is judged by, and predictions beside measurements."""

from __future__ import annotations

import pytest

from bench.report.plots.scaling import SCALING
from bench.report.tables import scaling
from bench.report.tables.table import to_frame, to_markdown
from bench.stats import runs
from tests.records import make_record
from tests.report.test_plots import drawn
from tests.stats.test_scaling import STEP_S, parallel


def test_a_row_says_what_was_predicted_what_came_and_why_it_is_not_the_same() -> None:
    records = [
        make_record(accuracies=(0.98,), train_s=(8 * STEP_S * 0.9,)),
        parallel(1, STEP_S, 1e-9),
        parallel(2, 0.08, 0.02, step_s=STEP_S * 1.25),
        parallel(2, STEP_S, 0.02, batch_size=256, step_s=STEP_S + 0.02),
    ]
    table = scaling.build(runs.replicates(records))
    rows = {row["scaling"]: row for row in to_frame(table).to_dict("records")}
    assert rows["machinery"]["efficiency_fraction"] == pytest.approx(0.9)
    assert rows["strong"]["efficiency_fraction"] == pytest.approx(0.8)
    assert rows["strong"]["predicted_fraction"] == pytest.approx(1.25)
    assert rows["strong"]["off_fraction"] == pytest.approx(1.25 / 0.8 - 1)
    assert rows["weak"]["off_fraction"] == pytest.approx(0, abs=1e-6)
    text = to_markdown(table)
    assert "pytorch, 2 replicas, strong: the prediction is off by +56 %: a step took longer" in text
    assert "pytorch, 2 replicas, weak" not in text
    assert "1 replica, batch size 128" in text
    (page,) = drawn(SCALING, records)
    assert page.finding == "2 replicas reach 80 % to 86 % of what one promises"


def test_a_framework_that_predicts_nothing_says_why() -> None:
    records = [
        make_record(framework="keras-jax", execution="data-parallel", replicas=n) for n in (1, 2)
    ]
    text = to_markdown(scaling.build(runs.replicates(records)))
    assert "Nothing is predicted for keras-jax" in text


def test_runs_without_replicas_make_no_table() -> None:
    assert not scaling.build(runs.replicates([make_record()])).sections

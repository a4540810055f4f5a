"""A results folder as a pandas frame."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bench.report.page import load
from bench.results.folder import Results, ResultsError
from tests.records import make_record


def test_a_frame_has_a_row_a_run_and_numbers_to_compute_with(tmp_path: Path) -> None:
    for seed, correct in enumerate((970, 980)):
        Results(tmp_path).save(make_record(seed=seed, correct=correct))
    frame = load(tmp_path)
    assert len(frame) == 2
    means = frame.groupby("framework")["test_accuracy_fraction"].mean()
    assert means["pytorch"] == pytest.approx(0.975)
    assert pd.api.types.is_integer_dtype(frame["seed"])
    assert pd.api.types.is_numeric_dtype(frame["wall_s"])


def test_what_a_failed_run_did_not_measure_is_missing_and_not_zero(tmp_path: Path) -> None:
    Results(tmp_path).save(make_record(seed=0))
    Results(tmp_path).save(make_record(seed=1, status="crashed", reason="signal 9"))
    frame = load(tmp_path).set_index("seed")
    assert frame["test_accuracy_fraction"].isna().tolist() == [False, True]
    assert frame.loc[1, "reason"] == "signal 9"


def test_another_table_is_loaded_by_its_name_with_intervals_and_verdicts(tmp_path: Path) -> None:
    for framework, s in (("pytorch", 1.0), ("keras-jax", 2.0)):
        for seed in range(3):
            record = make_record(framework=framework, seed=seed, train_s=(s * (1 + seed / 50),))
            Results(tmp_path).save(record)
    (row,) = load(tmp_path, "differences").to_dict("records")
    assert row["throughput_ratio_low"] <= row["throughput_ratio"] <= row["throughput_ratio_high"]
    assert (row["throughput_verdict"], row["throughput_pairs_n"]) == ("faster", 3)


def test_a_table_that_there_is_not_is_an_error_that_says_which_there_are(tmp_path: Path) -> None:
    Results(tmp_path).save(make_record())
    with pytest.raises(ValueError, match=r"unknown table 'frameworx'; choose from .*frameworks"):
        load(tmp_path, "frameworx")


def test_a_run_has_the_interval_of_its_accuracy(tmp_path: Path) -> None:
    Results(tmp_path).save(make_record(correct=975))
    (row,) = load(tmp_path).to_dict("records")
    assert row["test_accuracy_low_fraction"] == pytest.approx(0.9634, abs=1e-4)
    assert row["test_accuracy_high_fraction"] == pytest.approx(0.9830, abs=1e-4)


def test_a_folder_without_records_says_so(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no records"):
        load(tmp_path)

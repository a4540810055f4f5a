"""The tables: which rows there are, what their cells say, what the CSV computes with."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bench.experiment import PARALLEL
from bench.report.tables import TABLES, frameworks
from bench.report.tables import runs as tables_of_runs
from bench.report.tables.table import Table, markdown_line, to_csv, to_markdown
from bench.results.record import GpuSamples, Record
from bench.stats import runs
from bench.stats.runs import Replicates
from tests.records import EVIDENCE, make_record

Build = Callable[[Sequence[Replicates]], Table]


def markdown(build: Build, records: Sequence[Record]) -> str:
    return to_markdown(build(runs.replicates(records, EVIDENCE)))


def rows(build: Build, records: Sequence[Record]) -> list[dict[str, str]]:
    text = to_csv(build(runs.replicates(records, EVIDENCE)))
    return list(csv.DictReader(io.StringIO(text)))


def cells(text: str, row: str) -> dict[str, str]:
    """The cells of the first Markdown row that begins with ``row``, by their headers."""
    lines = text.splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith(f"| {row} "))
    head = next(index for index in range(at, 0, -1) if lines[index].startswith("| ---")) - 1
    return dict(zip(_split(lines[head]), _split(lines[at]), strict=True))


def _split(line: str) -> list[str]:
    return [cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")]


def test_frameworks_side_by_side_with_one_seed_say_no_deviation() -> None:
    row = cells(markdown(frameworks.side_by_side, [make_record()]), "pytorch eager")
    assert row["training (images/s)"] == "1,000"
    assert row["time to 97 % (s)"] == "2.00"
    assert row["time to 99 % (s)"] == "not reached"
    assert row["test accuracy (%)"] == "97.50 [96.34 to 98.30]"  # of 1,000 test images
    assert row["inference at batch 500 (images/s)"] == "50,000"
    assert row["latency median (ms)"] == "1.00"
    assert row["peak process memory (MiB)"] == "400"


def test_frameworks_side_by_side_with_several_seeds_say_mean_deviation_and_n() -> None:
    records = [
        make_record(seed=0, train_s=(1.0, 1.0), correct=970),
        make_record(seed=1, train_s=(0.5, 0.5), correct=980, accuracies=(0.95, 0.96)),
    ]
    row = cells(markdown(frameworks.side_by_side, records), "pytorch eager")
    assert row["training (images/s)"] == "1,500 ± 710 (2)"
    assert row["test accuracy (%)"] == "97.50 ± 0.71 (2) [96.34 to 98.30]"
    assert row["time to 97 % (s)"] == "2.00 [2.00 to ∞]; not reached in 1 of 2"
    assert row["time to 99 % (s)"] == "not reached in 2 of 2"


def test_the_csv_keeps_raw_numbers_with_mean_deviation_and_n_apart() -> None:
    records = [make_record(seed=seed, train_s=(s, s)) for seed, s in ((0, 1.0), (1, 0.5))]
    (row,) = rows(frameworks.side_by_side, records)
    assert float(row["throughput_mean_images_per_s"]) == 1500
    assert float(row["throughput_std_images_per_s"]) == pytest.approx(707.1067811865476)
    assert row["throughput_n"] == "2"
    assert float(row["test_accuracy_mean_fraction"]) == 0.975
    assert float(row["test_accuracy_low_fraction"]) == pytest.approx(0.9634, abs=1e-4)
    assert (row["time_to_97_percent_median_s"], row["time_to_97_percent_reached_n"]) == ("1.0", "2")
    assert row["time_to_97_percent_median_high_s"] == ""  # two runs do not bound it
    assert row["time_to_99_percent_median_s"] == ""
    assert row["time_to_99_percent_not_reached_n"] == "2"
    assert (row["framework"], row["batch_size"], row["images_drawn"]) == ("pytorch", "128", "False")


def test_frameworks_are_set_beside_the_one_with_the_highest_throughput() -> None:
    seconds = {"pytorch": (1.0, 1.1, 0.9), "keras-jax": (2.0, 2.3, 1.7)}
    records = [
        make_record(framework=name, seed=seed, train_s=(s,), accuracies=(0.98,))
        for name, each in seconds.items()
        for seed, s in enumerate(each)
    ]
    text = markdown(frameworks.side_by_side, records)
    row = cells(text, "keras-jax eager")
    assert row["of the highest"] == "0.502 [0.442 to 0.570]"
    assert row["beside the highest"] == "slower"
    assert cells(text, "pytorch eager")["beside the highest"] == "the highest"
    raw = {row["framework"]: row for row in rows(frameworks.side_by_side, records)}
    assert raw["pytorch"]["throughput_to_highest_ratio"] == ""
    assert raw["keras-jax"]["throughput_to_highest_pairs_n"] == "3"
    assert raw["keras-jax"]["throughput_to_highest_verdict"] == "slower"
    assert float(raw["keras-jax"]["throughput_to_highest_p_holm"]) < 0.05


def test_of_one_seed_no_framework_is_called_slower() -> None:
    records = [make_record(), make_record(framework="keras-jax", train_s=(9.0, 9.0))]
    row = cells(markdown(frameworks.side_by_side, records), "keras-jax eager")
    assert row["of the highest"] == "0.111"
    assert row["beside the highest"] == "undecided: one pair"


def test_the_csv_of_one_seed_has_an_empty_deviation() -> None:
    (row,) = rows(frameworks.side_by_side, [make_record()])
    assert row["throughput_std_images_per_s"] == ""


def test_a_framework_that_failed_is_a_row_with_its_reason() -> None:
    failed = make_record(framework="keras-jax", status="not installed", reason="no | jax\nhere")
    text = markdown(frameworks.side_by_side, [make_record(), failed])
    row = cells(text, "keras-jax eager")
    assert row["runs"] == "0 of 1; not installed: no ¦ jax here"
    assert row["training (images/s)"] == "not measured"


def test_a_column_that_nothing_was_measured_for_is_left_out() -> None:
    text = markdown(frameworks.side_by_side, [make_record(goal="throughput", targets=())])
    assert "test accuracy" not in text.partition("## ")[2]
    assert "device memory" not in text


def test_p99_of_few_samples_is_not_measured() -> None:
    few = make_record(framework="keras-jax", latencies_s=(0.001,) * 30)
    row = cells(markdown(frameworks.side_by_side, [make_record(), few]), "keras-jax eager")
    assert row["latency p95 (ms)"] == "1.00"
    assert row["latency p99 (ms)"] == "not measured"


def test_goals_and_hyper_parameters_have_sections_of_their_own() -> None:
    records = [make_record(), make_record(goal="throughput"), make_record(learning_rate=0.01)]
    headings = [
        line
        for line in markdown(frameworks.side_by_side, records).splitlines()
        if line.startswith(("## ", "Equal"))
    ]
    assert len(headings) == 6
    assert any("training steps only" in line for line in headings)
    assert any("learning rate 0.01," in line for line in headings)


def test_the_ledger_tells_start_up_by_phase() -> None:
    row = cells(markdown(tables_of_runs.ledger, [make_record()]), "pytorch eager")
    assert (row["import (s)"], row["warm-up (s)"]) == ("2.00 (22.2 %)", "0.50 (5.6 %)")
    assert row["start-up in all (s)"] == "2.80"


def test_every_run_is_a_row_whether_it_ended_well_or_not() -> None:
    records = [
        make_record(seed=0),
        make_record(seed=1, status="diverged", reason="the loss is nan"),
        make_record(task="letters", source="glyphs"),
    ]
    by_run = {(row["task"], row["seed"]): row for row in rows(tables_of_runs.all_runs, records)}
    assert set(by_run) == {("digits", "0"), ("digits", "1"), ("letters", "0")}
    assert by_run["digits", "1"]["status"] == "diverged"
    assert by_run["digits", "1"]["throughput_images_per_s"] == ""
    assert by_run["digits", "1"]["wall_s"] == "9.0"
    assert by_run["digits", "0"]["warm_up_s"] == "0.5"
    assert by_run["letters", "0"]["images_drawn"] == "True"


SPECIAL: tuple[dict[str, Any], ...] = (
    {},
    {"native": ("kernel-init",)},
    {"precision": "bf16"},
    {"threads": 1},
    {"execution": PARALLEL},
    {"execution": PARALLEL, "replicas": 2},
)


def everything(*sources: tuple[str, str]) -> list[Record]:
    """What every table needs, of these tasks and sources."""
    return [
        make_record(
            task=task,
            source=source,
            architecture=name,
            device=device,
            batch_size=size,
            framework=framework,
            wrong=(1, 2),
            **special,
        )
        for task, source in sources
        for name in ("mlp", "cnn")
        for device in ("cpu", "cuda")
        for size in (20, 128)
        for framework in ("pytorch", "keras-jax")
        for special in SPECIAL
    ]


@pytest.mark.parametrize("build", TABLES, ids=lambda build: build.__module__)
def test_drawn_images_are_called_so_in_every_table(build: Build) -> None:
    text = markdown(build, everything(("digits", "glyphs"), ("letters", "glyphs")))
    sections = text.split("\n## ")[1:]
    assert sections
    assert all(
        "drawn by the project (glyphs), not real handwriting" in section for section in sections
    )


@pytest.mark.parametrize("build", TABLES, ids=lambda build: build.__module__)
def test_no_section_mixes_drawn_and_real_images(build: Build) -> None:
    records = everything(("digits", "mnist"), ("letters", "glyphs"), ("digits", "glyphs"))
    for section in build(runs.replicates(records)).sections:
        assert len({group.data.drawn for row in section.rows for group in row.groups}) == 1


def test_a_name_is_no_markup_whatever_it_is() -> None:
    line = markdown_line(["<img src=x onerror=alert(1)>", "[a](http://b)", "p < 0.05", "a|b"])
    assert line == r"| &lt;img src=x onerror=alert(1)> | [a]\(http://b) | p < 0.05 | a\|b |"


def test_the_table_of_all_runs_tells_the_gpu_s_clock_heat_and_the_memory_of_the_data() -> None:
    record = make_record(device="cuda")
    assert record.measurement
    seen = GpuSamples(
        period_s=0.2,
        samples=3,
        clock_hz=(1.0e9, 1.9e9, 1.8e9),
        temperature_c=(50.0, 60.0, 62.0),
        power_w=(90.0, 300.0, 310.0),
    )
    measured = replace(record.measurement, gpu=seen, resident_device_memory_bytes=170_000_000)
    changed = replace(record, measurement=measured)
    (row,) = rows(tables_of_runs.all_runs, [changed])
    assert float(row["gpu_clock_hz_median"]) == 1.8e9
    assert float(row["gpu_temperature_c_median"]) == 60.0
    assert float(row["gpu_power_w_median"]) == 300.0
    assert float(row["resident_device_memory_bytes"]) == 170_000_000

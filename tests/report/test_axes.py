"""One thing varied: precision, threads, device, batch size; and architectures by tasks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.report.tables import axes
from bench.report.tables.table import to_frame, to_markdown
from bench.results.record import Gpu, Record
from bench.stats import runs as stats
from tests.records import MACHINE, make_record
from tests.report.test_tables import cells, markdown, rows


def runs(**changes: object) -> list[Record]:
    return [make_record(seed=seed, **changes) for seed in range(5)]  # type: ignore[arg-type]


def test_two_precisions_stand_side_by_side_with_their_ratio() -> None:
    slow = runs()
    fast = runs(precision="bf16", train_s=(0.5, 0.5), correct=970)
    table = axes.precision(stats.replicates([*fast, *slow]))
    (section,) = table.sections
    assert section.heading.startswith("fp32 and bf16: MLP on digits (mnist)")
    (line,) = to_frame(table).to_dict("records")
    assert line["bf16_over_fp32_throughput_ratio"] == 2.0
    assert line["bf16_over_fp32_throughput_verdict"] == "faster"
    assert "not matched: certificate missing" in to_markdown(table)


def test_of_two_gpus_each_is_named_where_it_was_used() -> None:
    gpus = tuple(Gpu(name=name, memory_bytes=None, driver="580") for name in ("A100", "H100"))
    machine = replace(MACHINE, gpus=gpus)
    records = [r for device in ("cpu", "cuda:1") for r in runs(machine=machine, device=device)]
    (section,) = axes.hardware(stats.replicates(records)).sections
    assert section.heading.startswith("CPU and CUDA 1: MLP on digits")
    assert "CUDA 1: H100, driver 580." in section.note
    assert "A100" not in section.note


def test_one_thread_and_two_and_all_make_three_sections() -> None:
    records = [*runs(threads=1), *runs(threads=2), *runs()]
    table = axes.threads(stats.replicates(records))
    assert [section.heading.partition(":")[0] for section in table.sections] == [
        "1 thread and 2 threads",
        "1 thread and all threads",
        "2 threads and all threads",
    ]
    assert "2_threads_over_1_thread_throughput_ratio" in to_frame(table).columns


def test_one_value_makes_no_table() -> None:
    assert not axes.precision(stats.replicates(runs())).sections
    assert not axes.threads(stats.replicates(runs(threads=2))).sections


def test_a_framework_that_has_only_one_of_the_two_has_no_row() -> None:
    records = [*runs(), *runs(precision="bf16"), *runs(framework="numpy")]
    (section,) = axes.precision(stats.replicates(records)).sections
    assert [row.first.experiment.framework for row in section.rows] == ["pytorch"]


def test_the_swap_has_a_row_an_architecture_and_columns_a_task() -> None:
    accuracies = {("mlp", "digits"): 970, ("mlp", "letters"): 900, ("cnn", "digits"): 990}
    records = [
        make_record(architecture=name, task=task, source=source, correct=correct)
        for (name, task), correct in accuracies.items()
        for source in ["mnist" if task == "digits" else "az-sample"]
    ]
    text = markdown(axes.swap, records)
    assert cells(text, "MLP")["digits (mnist): test accuracy (%)"] == "97.00 [95.75 to 97.89]"
    assert cells(text, "MLP")["letters (az-sample): test accuracy (%)"] == "90.00 [87.98 to 91.71]"
    assert cells(text, "CNN")["letters (az-sample): test accuracy (%)"] == "not measured"
    assert "Letters: a sample of the full set (az-sample)." in text
    by_name = {row["architecture"]: row for row in rows(axes.swap, records)}
    assert by_name["cnn"]["digits_mnist_test_accuracy_mean_fraction"] == "0.99"
    assert by_name["cnn"]["letters_az_sample_test_accuracy_n"] == "0"


def test_hardware_gives_the_speed_up_only_where_both_sides_exist() -> None:
    records = [
        make_record(train_s=(1.0, 1.0)),
        make_record(device="cuda", train_s=(0.1, 0.1)),
        make_record(framework="keras-jax", device="cuda"),
    ]
    text = markdown(axes.hardware, records)
    assert cells(text, "pytorch eager")["speed-up"] == "10.0 ×"
    assert "keras-jax" not in text
    (row,) = rows(axes.hardware, records)
    assert float(row["cuda_over_cpu_throughput_ratio"]) == pytest.approx(10)


def test_the_speed_up_of_several_seeds_has_an_interval() -> None:
    records = [
        make_record(device=device, seed=seed, train_s=(s * (1 + seed / 10),))
        for device, s in (("cpu", 1.0), ("cuda", 0.1))
        for seed in range(3)
    ]
    text = markdown(axes.hardware, records)
    assert cells(text, "pytorch eager")["speed-up"] == "10.0 × [10.0 to 10.0]"
    assert cells(text, "pytorch eager")["CUDA is"] == "faster"
    (row,) = rows(axes.hardware, records)
    assert float(row["cuda_over_cpu_throughput_ratio_low"]) == pytest.approx(10)
    assert row["cuda_over_cpu_throughput_pairs_n"] == "3"


def test_hardware_of_which_one_side_failed_has_no_speed_up() -> None:
    records = [
        make_record(),
        make_record(device="cuda", status="out of memory", reason="full"),
        make_record(framework="keras-jax"),
        make_record(framework="keras-jax", device="cuda"),
    ]
    row = cells(markdown(axes.hardware, records), "pytorch eager")
    assert row["CPU training (images/s)"] == "1,000"
    assert row["CUDA training (images/s)"] == "not measured"
    assert row["speed-up"] == "–"
    assert row["CUDA runs"] == "0 of 1; out of memory: full"


def test_a_sweep_has_a_column_a_batch_size_and_says_what_failed() -> None:
    records = [
        make_record(goal="throughput", batch_size=20, train_s=(2.0, 2.0)),
        make_record(goal="throughput", batch_size=128),
        make_record(goal="throughput", batch_size=1024, status="crashed"),
        make_record(goal="throughput", batch_size=1024, framework="keras-jax"),
    ]
    row = cells(markdown(axes.batch_sizes, records), "pytorch eager")
    assert row["batch 20 (images/s)"] == "500"
    assert row["batch 128 (images/s)"] == "1,000"
    assert row["batch 1,024 (images/s)"] == "not measured"
    assert row["failed"] == "batch 1,024: crashed"
    raw = rows(axes.batch_sizes, records)[-1]
    assert raw["batch_20_throughput_mean_images_per_s"] == "500.0"


def test_goals_are_not_one_sweep() -> None:
    records = [make_record(batch_size=20), make_record(goal="throughput", batch_size=128)]
    assert axes.batch_sizes(stats.replicates(records)).sections == ()

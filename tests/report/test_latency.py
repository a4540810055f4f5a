"""The table of inference latency, from records and exports alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bench.report.tables import latency
from bench.report.tables.table import Table, to_frame, to_markdown
from bench.results.evidence import Check, Evidence, Export, ExportRound
from bench.results.record import Inference, Machine, Record
from bench.stats import runs
from tests.records import MACHINE, make_record

OWN_MS = (1.0, 1.2, 0.8, 1.1)  # of the rounds, medians
FAST = "onnxruntime 1.32.0 (exported from pytorch eager)"


def a_round(batch_size: int, own_s: float, exported_s: float) -> ExportRound:
    """A slow call in each turn: the median does not see it."""
    own, exported = ((second,) * 5 + (1.0,) for second in (own_s, exported_s))
    return ExportRound(
        own=Inference(batch_size=batch_size, samples_s=own),
        exported=Inference(batch_size=batch_size, samples_s=exported),
    )


def an_export(record: Record, **changes: Any) -> Export:
    """ONNX Runtime twice as fast in every round of one image, and four times at batch 500."""
    export = Export(
        run_id=record.run_id,
        experiment=record.experiment,
        seed=record.seed,
        own="pytorch eager",
        model_sha256="a" * 64,
        onnx_sha256="b" * 64,
        opset=20,
        versions={"onnxruntime": "1.32.0"},
        threads=2,
        images=1000,
        images_fingerprint=record.data.fingerprint,
        absolute_deviation=9.5e-6,
        logits=Check(quantity="logits", deviation=4.3e-7, tolerance=4e-6, reason="float32"),
        differing=0,
        rounds=(
            *(a_round(500, ms / 50, ms / 200) for ms in OWN_MS),
            *(a_round(1, ms / 1000, ms / 2000) for ms in OWN_MS),
        ),
        machine=MACHINE,
        made_at="2026-01-01T00:00:00+00:00",
    )
    return replace(export, **changes)


def a_table(records: Sequence[Record], exports: Sequence[Export] = ()) -> Table:
    return latency.build(runs.replicates(records, Evidence(exports=tuple(exports))))


def line(table: Table, beginning: str) -> str:
    (row,) = (
        each for each in to_markdown(table).splitlines() if each.startswith(f"| {beginning} |")
    )
    return row


def test_an_export_is_a_row_behind_its_framework_with_the_same_numbers() -> None:
    pytorch, keras = make_record(), make_record(framework="keras-jax", execution="compiled")
    table = a_table([pytorch, keras], [an_export(pytorch)])
    (section,) = table.sections
    runtimes = [section.columns[1].cell(row).shown for row in section.rows]
    assert runtimes == ["keras-jax compiled", "pytorch eager", FAST]
    frame = to_frame(table)
    assert frame["latency_median_mean_s"].tolist() == pytest.approx([0.001, 0.001, 0.0005], rel=0.2)
    assert frame["inference_mean_images_per_s"].notna().all()
    assert frame["onnxruntime_version"].tolist() == [None, None, "1.32.0"]


def test_the_speed_up_is_the_mean_ratio_of_the_rounds_with_its_interval() -> None:
    record = make_record()
    own = an_export(record)
    uneven = replace(own, rounds=(*own.rounds, a_round(1, 0.001, 0.00025)))
    frame = to_frame(a_table([record], [uneven]))
    row = frame.iloc[1]
    assert row["one_image_speed_up_ratio"] == pytest.approx((2**4 * 4) ** 0.2)
    assert row["one_image_speed_up_ratio_low"] == pytest.approx(2, rel=0.05)
    assert 2.5 < row["one_image_speed_up_ratio_high"] < 4
    assert row["one_image_speed_up_rounds_n"] == 5
    assert row["large_batch_speed_up_ratio"] == pytest.approx(4)
    assert frame.iloc[0]["one_image_speed_up_rounds_n"] == 0


def test_deviation_and_images_told_otherwise_are_shown() -> None:
    record = make_record()
    row = line(a_table([record], [an_export(record)]), FAST)
    assert "| 4.3e-07 | 0 of 1,000 |" in row


def test_an_export_that_failed_its_comparison_says_so() -> None:
    record = make_record()
    check = Check(quantity="logits", deviation=2e-3, tolerance=4e-6, reason="float32")
    row = line(a_table([record], [an_export(record, logits=check, differing=7)]), FAST)
    assert "| FAILED: 2.0e-03, allowed 4.0e-06 | 7 of 1,000 |" in row


def test_of_several_seeds_the_worst_is_shown() -> None:
    records = [make_record(seed=seed) for seed in range(2)]
    table = a_table(records, [an_export(records[0]), an_export(records[1], differing=3)])
    assert "3 of 1,000" in line(table, FAST)


def test_without_exports_the_frameworks_alone_are_shown() -> None:
    table = a_table([make_record(), make_record(framework="keras-torch")])
    markdown = to_markdown(table)
    assert "| pytorch eager |" in markdown
    assert "| onnxruntime" not in markdown
    assert "| runtime | latency median (ms)" in markdown
    assert "speed-up at" not in markdown.partition("\n## ")[2]


def test_runs_that_measured_no_inference_have_no_section() -> None:
    failed = make_record(seed=1, architecture="cnn", status="diverged", reason="nan")
    assert a_table([make_record(goal="throughput"), failed]).sections == ()


def test_an_export_of_another_run_or_machine_is_left_out() -> None:
    record, other = make_record(), make_record(seed=5)
    elsewhere = Machine(cpu="Other", cores=64, memory_bytes=2**40, system="Linux")
    exports = [an_export(other), an_export(record, machine=elsewhere)]
    assert "| onnxruntime" not in to_markdown(a_table([record], exports))


def test_what_answered_beside_it_is_named_where_a_saved_model_runs_another_way() -> None:
    record = make_record(execution="compiled")
    table = a_table([record], [an_export(record)])
    assert line(table, "onnxruntime 1.32.0 (exported from pytorch compiled beside pytorch eager)")


def test_a_section_of_another_device_says_that_the_export_ran_on_the_cpu() -> None:
    record = make_record(device="cuda")
    table = a_table([record], [an_export(record)])
    assert line(table, "onnxruntime 1.32.0 (exported from pytorch eager, on the CPU)")

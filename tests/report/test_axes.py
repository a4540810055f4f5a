"""Tables of one axis: the same experiment in two precisions, or on one processor and on two."""

from __future__ import annotations

from bench.report.tables import axes
from bench.report.tables.table import to_frame, to_markdown
from bench.results.record import Record
from bench.stats import runs as stats
from tests.records import make_record


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

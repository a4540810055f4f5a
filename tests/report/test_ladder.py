"""The ladder's table, from records alone."""

from __future__ import annotations

from typing import Any

import pytest

from bench.report.tables import ladder
from bench.report.tables.table import Table, to_frame, to_markdown
from bench.results.record import Record
from bench.stats import runs as stats
from tests.records import make_record

SEEDS = range(5)


def runs(*, times: float = 1.0, correct: int = 975, **experiment: Any) -> list[Record]:
    """Five seeds that are a little apart, all so many times as long as the matched ones."""
    return [
        make_record(
            seed=seed,
            train_s=(times * (1 + 0.02 * seed),) * 2,
            correct=correct + seed,
            **experiment,
        )
        for seed in SEEDS
    ]


def a_table(*records: list[Record]) -> Table:
    return ladder.build(stats.replicates([record for some in records for record in some]))


def pytorch_ladder() -> Table:
    return a_table(
        runs(architecture="cnn"),
        runs(architecture="cnn", native=("kernel-init",), correct=900),
        runs(architecture="cnn", native=("memory-layout",), times=1.5),
        runs(architecture="cnn", native=("kernel-init", "memory-layout"), times=1.5),
        runs(architecture="cnn", execution="compiled", times=0.5),
    )


def test_rows_are_matched_then_one_default_each_then_executions_then_all() -> None:
    (section,) = pytorch_ladder().sections
    assert section.heading == "pytorch eager: CNN on digits (mnist), CPU, batch size 128"
    restored = to_frame(pytorch_ladder())["restored"].tolist()
    assert restored == [
        "nothing: all is made equal",
        "kernel-init: Kaiming uniform with a = √5, which is ±1/√fan_in",
        "matmul-precision: TF32 in convolutions, not in matrix products",
        "memory-layout: channels first",
        "execution: compiled",
        "together: kernel-init, memory-layout",
    ]


def test_a_rung_is_compared_with_the_matched_runs_of_its_seeds() -> None:
    frame = to_frame(pytorch_ladder()).set_index("restored")
    layout, compiled = frame.loc["memory-layout: channels first"], frame.loc["execution: compiled"]
    assert layout["train_time_ratio"] == pytest.approx(1.5)
    assert layout["train_time_verdict"] == "slower"
    assert layout["train_time_pairs_n"] == 5
    assert compiled["train_time_ratio"] == pytest.approx(0.5)
    assert compiled["train_time_verdict"] == "faster"


def test_what_changes_accuracy_is_told_in_points_with_a_verdict() -> None:
    frame = to_frame(pytorch_ladder()).set_index("restored")
    kernel = frame.loc["kernel-init: Kaiming uniform with a = √5, which is ±1/√fan_in"]
    assert kernel["accuracy_difference_fraction"] == pytest.approx(-0.075)
    assert kernel["accuracy_verdict"] == "less accurate"
    assert kernel["train_time_ratio"] == 1
    assert kernel["train_time_verdict"] == "undecided"


def test_p_values_are_corrected_for_all_rungs_of_the_ladder() -> None:
    frame = to_frame(pytorch_ladder()).set_index("restored")
    assert frame.loc["execution: compiled"]["train_time_family_n"] == 4


def test_a_default_that_is_the_matched_one_is_listed_as_that() -> None:
    table = a_table(
        runs(framework="keras-jax", execution="compiled"),
        runs(framework="keras-jax", execution="compiled", native=("shuffling",)),
    )
    frame = to_frame(table)
    already = frame[frame["already_the_default"] == True]  # noqa: E712 - of objects
    assert len(already) == 5
    assert already["train_time_ratio"].isna().all()
    lines = [line for line in to_markdown(table).splitlines() if "Glorot uniform as well" in line]
    assert len(lines) == 1
    assert lines[0].count("already the default") == 3
    assert "0.97" not in lines[0]  # no numbers of the matched runs a second time


def test_with_one_seed_there_is_no_interval_and_no_verdict() -> None:
    of_one_seed = (
        make_record(seed=0),
        make_record(seed=0, native=("shuffling",), train_s=(3.0, 3.0)),
    )
    frame = to_frame(a_table(list(of_one_seed))).set_index("restored")
    rung = frame[frame.index.str.startswith("shuffling")].iloc[0]
    assert rung["train_time_ratio"] == pytest.approx(3)
    assert rung["train_time_verdict"] == "undecided"
    assert "[" not in str(rung["train_time_ratio_low"])
    assert rung["train_time_ratio_low"] is None


def test_a_rung_that_failed_keeps_its_row_with_its_reason() -> None:
    failed = [
        make_record(seed=seed, native=("shuffling",), status="diverged", reason="the loss is nan")
        for seed in SEEDS
    ]
    markdown = to_markdown(a_table(runs(), failed))
    (line,) = (line for line in markdown.splitlines() if "| shuffling" in line)
    assert "diverged: the loss is nan" in line
    assert "not measured" in line


def test_without_a_restored_default_or_without_matched_runs_there_is_no_ladder() -> None:
    assert a_table(runs(), runs(execution="compiled")).sections == ()
    assert a_table(runs(native=("shuffling",))).sections == ()
    assert a_table(runs(goal="throughput"), runs(goal="throughput", native=("shuffling",))) == (
        a_table([])
    )


def test_each_framework_and_architecture_has_a_ladder_of_its_own() -> None:
    groups = stats.replicates(
        [
            *runs(),
            *runs(native=("shuffling",)),
            *runs(architecture="cnn"),
            *runs(architecture="cnn", native=("shuffling",)),
            *runs(framework="keras-torch"),
            *runs(framework="keras-torch", native=("shuffling",)),
        ]
    )
    ladders = ladder.ladders(groups)
    assert len(ladders) == 3
    assert all(len(ladder.comparison.values("architecture")) == 1 for ladder in ladders)


def test_the_sentences_name_what_is_told_apart_and_nothing_else() -> None:
    groups = stats.replicates([*runs(), *runs(native=("shuffling",), correct=900)])
    (sentence,) = ladder.sentences(groups)
    assert sentence == (
        "Ladder of pytorch eager, MLP on digits (mnist), CPU, batch size 128: "
        "shuffling changes the test accuracy by -7.50 [-7.50 to -7.50] points."
    )
    (undecided,) = ladder.sentences(stats.replicates([*runs(), *runs(native=("shuffling",))]))
    assert undecided.endswith("none of 1 rung is told apart from the matched runs.")


def test_rungs_stay_out_of_the_other_tables_and_runs_that_are_native_alone_do_not() -> None:
    groups = stats.replicates([*runs(), *runs(native=("shuffling",)), *runs(execution="compiled")])
    assert [g.experiment.native for g in ladder.unrestored(groups)] == [(), ()]
    alone = stats.replicates(runs(native=("bias-init", "kernel-init")))
    assert ladder.unrestored(alone) == alone

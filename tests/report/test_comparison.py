"""Which runs may stand side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.report.comparison import FRAMEWORK, comparisons, differences, swaps
from bench.results.record import Record
from bench.stats import runs
from tests.records import MACHINE, make_record


def test_frameworks_on_the_same_terms_are_compared() -> None:
    records = [make_record(), make_record(framework="keras-jax", execution="compiled")]
    (comparison,) = comparisons(runs.replicates(records), FRAMEWORK)
    assert len(comparison.groups) == 2


@pytest.mark.parametrize(
    "other",
    [
        make_record(framework="keras-jax", batch_size=64),
        make_record(framework="keras-jax", epochs=3),
        make_record(framework="keras-jax", learning_rate=0.01),
        make_record(framework="keras-jax", optimizer="sgd"),
        make_record(framework="keras-jax", goal="throughput"),
        make_record(framework="keras-jax", device="cuda"),
        make_record(framework="keras-jax", source="glyphs"),
        make_record(framework="keras-jax", fingerprint="other images"),
        make_record(framework="keras-jax", machine=replace(MACHINE, cores=64)),
    ],
    ids=lambda record: record.run_id,
)
def test_runs_that_differ_in_more_than_the_framework_are_not_compared(other: Record) -> None:
    split = comparisons(runs.replicates([make_record(), other]), FRAMEWORK)
    assert [len(comparison.groups) for comparison in split] == [1, 1]


def test_targets_do_not_part_runs_and_all_of_them_are_read() -> None:
    records = [make_record(), make_record(framework="keras-jax", targets=(0.5,))]
    (comparison,) = comparisons(runs.replicates(records), FRAMEWORK)
    assert comparison.targets == (0.5, 0.97, 0.99)


def test_training_comes_before_mere_steps() -> None:
    records = [make_record(goal="throughput"), make_record()]
    split = comparisons(runs.replicates(records), FRAMEWORK)
    assert [comparison.experiment.goal for comparison in split] == ["train", "throughput"]


def test_a_swap_lets_recipe_and_epochs_follow_the_pair() -> None:
    records = _four(letters={"epochs": 15}, cnn={"learning_rate": 0.01})
    (swap,) = swaps(runs.replicates(records))
    assert len(swap.groups) == 4
    assert "MLP on letters (az-sample): 15 epochs, learning rate 0.001" in differences(swap)


def test_differences_by_task_are_said_by_task() -> None:
    (swap,) = swaps(runs.replicates(_four(letters={"epochs": 15}, cnn={})))
    assert differences(swap) == "digits (mnist): 2 epochs; letters (az-sample): 15 epochs"


def test_two_recipes_of_one_pair_are_swaps_apart() -> None:
    records = [*_four(letters={}, cnn={}), *_four(letters={}, cnn={}, learning_rate=0.1)]
    assert [len(swap.groups) for swap in swaps(runs.replicates(records))] == [4, 4]


def test_drawn_and_real_images_are_never_in_one_swap() -> None:
    records = [
        make_record(architecture=architecture, task=task, source=source)
        for architecture in ("mlp", "cnn")
        for task, source in (("digits", "mnist"), ("letters", "glyphs"))
    ]
    separate = swaps(runs.replicates(records))
    assert [{group.data.drawn for group in swap.groups} for swap in separate] == [{False}, {True}]


def test_one_architecture_is_no_swap() -> None:
    records = [make_record(), make_record(task="letters", source="az-sample")]
    assert swaps(runs.replicates(records)) == []


def _four(*, letters: dict[str, Any], cnn: dict[str, Any], **all_of_them: Any) -> list[Record]:
    return [
        make_record(architecture=name, task=task, source=source, **(all_of_them | own | of_task))
        for name, own in (("mlp", {}), ("cnn", cnn))
        for task, source, of_task in (("digits", "mnist", {}), ("letters", "az-sample", letters))
    ]

"""What each step says it found: sentences made of the tables that stand on its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bench.report.tables.table import Table, fact_table
from bench.study import (
    agreement,
    augmentation,
    clusters,
    ensembles,
    errors,
    evaluation,
    graphs,
    look,
    page,
    projector,
    suspects,
    training,
)

Rows = Sequence[Mapping[str, Any]]


def tables(**rows: Rows) -> dict[str, Table]:
    return {
        name: fact_table(name=name, title="", explanation="", rows=of, formats={})
        for name, of in rows.items()
    }


@pytest.mark.parametrize("step", page.STEPS, ids=lambda step: step.TITLE)
def test_of_no_table_nothing_is_found(step: Any) -> None:
    assert step.finding({}) == ""


def test_a_look_finds_the_largest_and_smallest_class_and_suspicious_labels() -> None:
    counted = {suspects.COMPARED: 5341, suspects.SUSPICIOUS: 60}
    made = tables(
        classes=[{"class": name, "training": n} for name, n in (("A", 142), ("O", 1300))],
        duplicates=[{"what": what, "images": images} for what, images in counted.items()],
    )
    assert look.finding(made) == (
        "The largest class, O, has 1,300 training images, the smallest, A, 142. Suspicious are the "
        "labels of 60 of 5,341 training and validation images; none was removed."
    )


def run(network: str, seed: int, accuracy: float | None, best: float) -> dict[str, Any]:
    return {
        "architecture": network,
        "framework": "pytorch eager",
        "device": "CPU",
        "augmented": "no",
        "batch_size": 20,
        "seed": seed,
        "epochs": 50.0,
        "best_epoch": best if accuracy else None,
        "validation_accuracy": accuracy,
        "ended": "well" if accuracy else "crashed: signal 9",
    }


def test_training_finds_who_is_best_by_validation_and_counts_what_failed() -> None:
    rows = [
        *(run("MLP", seed, 0.98 + seed / 100, 20 + seed) for seed in (0, 1)),
        run("CNN", 0, 0.98, 5),
        run("CNN", 1, None, 0),
    ]
    assert training.finding(tables(training_runs=rows)) == (
        "MLP in pytorch eager has the highest validation accuracy, 98.50 % (mean of 2 seeds); its "
        "validation loss is lowest after epoch 20 to 21 of 50. 1 of 4 runs did not end well."
    )


def test_augmentation_finds_the_difference_and_its_interval_where_there_is_one() -> None:
    row = {
        "architecture": "CNN",
        "framework": "numpy eager",
        "test_accuracy_without": 0.951,
        "test_accuracy_with": 0.971,
        "difference_points": 2.0,
        "interval_low_points": 1.19,
        "interval_high_points": 2.86,
    }
    said = (
        "CNN in numpy eager: test accuracy 95.10 % without augmentation and 97.10 % with it (+2.00 "
        "points{})."
    )
    assert augmentation.finding(tables(augmentation_summary=[row])) == said.format(
        ", 95 % interval +1.19 to +2.86"
    )
    alone = {**row, "interval_low_points": None, "interval_high_points": None}
    assert augmentation.finding(tables(augmentation_summary=[alone])) == said.format("")


def test_evaluation_finds_best_and_worst_the_hardest_class_and_other_answers() -> None:
    rows = [
        {"model": name, "accuracy": share, "low": share, "high": share, "as_recorded": recorded}
        for name, share, recorded in (("A", 0.9, "yes"), ("B", 0.95, "yes"))
    ]
    classes = [
        {"model": model, "class": name, "f1": f1}
        for model in "AB"
        for name, f1 in (("x", 0.9), ("y", 0.8))
    ]
    text = evaluation.finding(tables(evaluation=rows, per_class=classes))
    assert text == (
        "Most test images are read rightly by the B: 95.00 % (95 % interval 95.00 to 95.00). The "
        "fewest by the A: 90.00 % (95 % interval 90.00 to 90.00). The hardest class is y (mean F1 "
        "80.0 %). Every saved model is wrong on exactly the images that its run recorded."
    )
    rows[0]["as_recorded"] = "NO"
    text = evaluation.finding(tables(evaluation=rows, per_class=classes))
    assert text.endswith("NOT as their runs recorded: A.")


def test_errors_find_the_range_of_overlaps_and_what_all_get_wrong() -> None:
    pair = {"of": agreement.KINDS[False], "first": "A", "second": "B", "by_chance": 0.005}
    made = tables(
        overlap=[
            {**pair, "overlap": 0.23},
            {**pair, "second": "C", "overlap": 0.5},
            {**pair, "overlap": float("nan")},
            {**pair, "of": agreement.KINDS[True], "overlap": 0.9},
        ],
        missed_by_all=[{"runs": 6}, {"runs": 6}],
    )
    assert errors.finding(made) == (
        "Of the test images that at least one of two models gets wrong, both get wrong 23 % (A, B) "
        "to 50 % (A, C); unrelated errors would share at most 0.5 %. All 6 runs are wrong on the "
        "same 2 test images."
    )


def test_clusters_find_how_often_neighbours_are_of_one_class() -> None:
    rows = [
        {"space": "raw pixels", "neighbours_accuracy": 0.653},
        {"space": "penultimate layer of the CNN in numpy", "neighbours_accuracy": 0.951},
    ]
    beside = ", and 95.1 % in the penultimate layer of the CNN in numpy"
    said = (
        "Of the test images, as raw pixels, 65.3 % have mostly their own class among their 10 "
        "nearest neighbours{}."
    )
    assert clusters.finding(tables(clusters=rows)) == said.format(beside)
    assert clusters.finding(tables(clusters=rows[:1])) == said.format("")
    assert projector.finding(tables(projector=rows)).startswith("2 spaces")


def test_ensembles_find_what_each_network_gains_and_how_fast_members_train() -> None:
    alone = {"network": "small MLP", "augmented": "no", "gain": None}
    averaged = {
        "network": "ensemble of MLPs",
        "augmented": "no",
        "gain": 0.0197,
        "gain_low": 0.0173,
        "gain_high": 0.0221,
    }
    ways = [
        {"way": way, "times_as_fast": times}
        for way, times in (("one by one", None), ("vmap", 1.9), ("batched", 2.74), ("batched", 1.5))
    ]
    assert ensembles.finding(tables(ensembles=[alone, averaged], ensembles_at_once=ways)) == (
        "Test accuracy beside the single small MLP: ensemble of MLPs +1.97 points (95 % interval "
        "+1.73 to +2.21). As batched products members train 1.50 to 2.74 times as fast as one "
        "after the other."
    )


def test_graphs_find_the_accuracies_side_by_side() -> None:
    row = {"architecture": "GNN", "framework": "pytorch eager", "runs": 1, "test_accuracy": 0.9825}
    assert graphs.finding(tables(graphs_accuracy=[row])) == (
        "Test accuracy: GNN in pytorch eager 98.25 % (1 run)."
    )

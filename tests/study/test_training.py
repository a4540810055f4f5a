"""The steps on training and augmentation: what they find in records, and what they draw of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from bench.report.tables.table import Table, to_frame
from bench.results.record import Record
from bench.study import augmentation, training
from bench.study.artifact import Artifact, Picture
from datasets import Split
from tests.records import TEST_IMAGES, make_record
from tests.study_data import make_dataset, study_of

ACCURACIES = (0.90, 0.98, 0.95)


def a_record(*, sampled: bool = False, **changes: Any) -> Record:
    """Three evaluations, of which the second is the best; its training images read or not."""
    record = make_record(**({"accuracies": ACCURACIES, "train_s": (1.0, 1.0, 1.0)} | changes))
    measured = record.measurement
    if measured is None or measured.test is None:
        return record
    evaluations = tuple(
        replace(e, training_accuracy=e.accuracy + 0.01, training_loss=e.loss / 2) if sampled else e
        for e in measured.evaluations
    )
    phases = measured.phases
    if record.experiment.augmentation:
        phases = replace(phases, augmentation_s=4.5)
    test = replace(measured.test, evaluation=1)
    return replace(
        record,
        measurement=replace(measured, evaluations=evaluations, test=test, phases=phases),
    )


def artifacts_of(step: Any, records: Sequence[Record], classes: int = 10) -> dict[str, Artifact]:
    images = np.random.default_rng(0).integers(0, 256, (3 * classes, 28, 28), dtype=np.uint8)
    split = Split(images=images, labels=np.arange(3 * classes, dtype=np.uint8) % classes)
    dataset = make_dataset(split, names=[f"class {i}" for i in range(classes)])
    return {artifact.name: artifact for artifact in step.make(study_of(records, dataset))}


def panels(artifact: Artifact) -> list[Axes]:
    assert isinstance(artifact, Picture)
    return artifact.figure.axes


def assert_line(axes: Axes, label: str, wanted: Sequence[tuple[float, float]]) -> None:
    (line,) = (line for line in axes.lines if line.get_label() == label)
    drawn = np.asarray(line.get_xydata(), np.float64)
    np.testing.assert_allclose(drawn, np.asarray(wanted, np.float64), err_msg=label)


def rows(artifact: Artifact) -> list[dict[str, Any]]:
    """The facts of a table, None where not known; every fraction has a format that rounds it."""
    assert isinstance(artifact, Table)
    (section,) = artifact.sections
    cells = [column.cell(row) for column in section.columns for row in section.rows]
    assert all(len(cell.shown) < 10 for cell in cells if isinstance(cell.raw[0], float))
    facts = to_frame(artifact).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in facts]


# Training

MLP = "training_mlp_pytorch-eager_cpu"
KEPT = "kept checkpoint: the lowest validation loss"


def test_loss_and_accuracy_of_both_are_drawn_by_epoch() -> None:
    loss, accuracy = panels(artifacts_of(training, [a_record(sampled=True)])[MLP])
    assert_line(accuracy, "validation", [(1, 90), (2, 98), (3, 95)])
    assert_line(accuracy, "training", [(1, 91), (2, 99), (3, 96)])
    assert_line(loss, "validation", [(1, 0.11), (2, 0.03), (3, 0.06)])
    assert_line(loss, "training", [(1, 0.055), (2, 0.015), (3, 0.03)])


def test_without_training_accuracy_the_loss_of_the_stretches_is_drawn_and_called_so() -> None:
    picture = artifacts_of(training, [a_record()])[MLP]
    loss, accuracy = panels(picture)
    assert_line(loss, "training, while it changes", [(0.5, 0.5), (1.5, 0.25), (2.5, 0.5 / 3)])
    assert "training" not in [line.get_label() for line in accuracy.lines]
    assert isinstance(picture, Picture)
    assert "the training accuracy was not read" in picture.caption


def test_the_kept_checkpoint_of_every_seed_is_marked() -> None:
    other = a_record(seed=1, accuracies=(0.9, 0.97, 0.96))
    loss, accuracy = panels(artifacts_of(training, [a_record(), other])[MLP])
    assert_line(accuracy, KEPT, [(2, 98), (2, 97)])
    assert_line(loss, KEPT, [(2, 0.03), (2, 0.04)])


def test_seeds_are_thin_and_their_mean_is_bold() -> None:
    other = a_record(seed=1, accuracies=(0.92, 0.96, 0.95))
    _, accuracy = panels(artifacts_of(training, [a_record(), other])[MLP])
    assert_line(accuracy, "validation", [(1, 91), (2, 97), (3, 95)])
    widths = [line.get_linewidth() for line in accuracy.lines if line.get_label() != KEPT]
    assert widths == [0.9, 0.9, 2.2]


def test_every_experiment_has_a_picture_of_its_own_and_every_run_a_row() -> None:
    records = [
        a_record(),
        a_record(augmentation=True),
        a_record(batch_size=20),
        a_record(batch_size=512),
        a_record(framework="keras-jax", execution="compiled"),
        a_record(seed=1, status="diverged", reason="the training loss is nan"),
    ]
    artifacts = artifacts_of(training, records)
    assert set(artifacts) == {
        MLP,
        f"{MLP}-no2",
        f"{MLP}-no3",
        f"{MLP}_augmented",
        "training_mlp_keras-jax-compiled_cpu",
        "training_runs",
    }
    ended = [row["ended"] for row in rows(artifacts["training_runs"])]
    assert sorted(ended) == ["diverged: the training loss is nan", *["well"] * 5]


def test_a_row_says_which_epoch_was_best_and_what_it_reached() -> None:
    (row,) = rows(
        artifacts_of(training, [a_record(correct=970, augmentation=True)])["training_runs"]
    )
    assert row["best_epoch"] == 2
    assert row["validation_accuracy"] == 0.98
    assert row["test_accuracy"] == 0.97
    assert (row["train_s"], row["augmentation_s"], row["augmented"]) == (3.0, 4.5, "yes")


def test_where_no_run_ended_well_there_is_nothing_to_show() -> None:
    assert artifacts_of(training, [a_record(status="crashed", reason="killed")]) == {}


# Augmentation


def pair(seeds: int = 2, **augmented: Any) -> list[Record]:
    """Runs without and with augmentation; without, seed s gets s + 3 more images wrong."""
    plain = [a_record(seed=s, wrong=range(30 + 3 + s)) for s in range(seeds)]
    return plain + [
        a_record(seed=s, augmentation=True, wrong=[*range(29), 99], **augmented)
        for s in range(seeds)
    ]


def test_the_difference_is_paired_by_seed_with_its_interval() -> None:
    (row,) = rows(artifacts_of(augmentation, pair(3))["augmentation_summary"])
    assert row["test_accuracy_with"] == pytest.approx(0.97)
    assert row["test_accuracy_without"] == pytest.approx(1 - 34 / TEST_IMAGES)
    assert row["difference_points"] == pytest.approx(0.4)
    assert row["interval_low_points"] == pytest.approx(0.4 - 4.303 * 0.1 / 3**0.5, abs=1e-3)
    assert (row["seeds"], row["train_s_with"], row["augmentation_s"]) == (3, 3.0, 4.5)


def test_one_seed_has_a_difference_and_no_interval() -> None:
    (row,) = rows(artifacts_of(augmentation, pair(1))["augmentation_summary"])
    assert row["difference_points"] == pytest.approx(0.3)
    assert row["interval_low_points"] is None


def test_each_seed_names_the_images_that_one_alone_gets_wrong() -> None:
    first, second = rows(artifacts_of(augmentation, pair())["augmentation_by_seed"])
    assert (first["wrong_without_alone"], first["wrong_with_alone"]) == (4, 1)
    assert first["p_mcnemar"] == pytest.approx(2 * 6 / 2**5)
    assert (second["seed"], second["wrong_without_alone"]) == (1, 5)


def test_without_the_wrong_images_a_seed_has_no_test_of_its_own() -> None:
    records = [a_record(correct=960), a_record(correct=970, augmentation=True)]
    (row,) = rows(artifacts_of(augmentation, records)["augmentation_by_seed"])
    assert row["p_mcnemar"] is None
    assert row["difference_points"] == pytest.approx(1.0)


def test_runs_that_differ_in_more_than_augmentation_are_not_set_side_by_side() -> None:
    assert artifacts_of(augmentation, pair(batch_size=20)) == {}
    assert artifacts_of(augmentation, [a_record(), a_record(seed=1, augmentation=True)]) == {}
    assert artifacts_of(augmentation, [a_record()]) == {}


@pytest.mark.parametrize("classes", [2, 26, 60])
def test_the_examples_show_an_image_as_it_is_beside_others(classes: int) -> None:
    axes = panels(artifacts_of(augmentation, pair(1), classes)["augmentation_examples"])
    shown = [np.asarray(panel.images[0].get_array()) for panel in axes]
    assert len(shown) == 9 * min(classes, 6)
    assert axes[0].get_ylabel() == "class 0"
    for image in shown[1:9]:
        assert not np.array_equal(image, shown[0])


def test_both_curves_are_drawn_of_the_seeds_that_both_have() -> None:
    more = a_record(seed=7, accuracies=(0.1, 0.2, 0.3))
    (axes,) = panels(artifacts_of(augmentation, [*pair(), more])["augmentation_accuracy"])
    wanted = [(1, 90), (2, 98), (3, 95)]
    assert_line(axes, "without augmentation", wanted)
    assert_line(axes, "with augmentation", wanted)

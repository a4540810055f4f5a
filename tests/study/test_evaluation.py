"""The best checkpoint: shares by their definitions, and pictures that say what they show."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from PIL import Image

from bench.report.plots import style
from bench.results.predictions import Predictions
from bench.stats import uncertainty
from bench.study import evaluation
from bench.study.artifact import Artifact, Study, distinct_titles
from bench.study.confusion import most_confused
from tests.records import make_record
from tests.study_data import (
    Answers,
    frames,
    make_predictions,
    make_split,
    make_study,
    pictures,
    words,
)

TRUTH = [0, 0, 0, 1, 1, 2, 2, 2, 2, 2]
ANSWERS = [0, 0, 1, 1, 0, 2, 2, 2, 2, 1]  # class 3 neither comes nor is said


def artifacts_of(
    answers: Answers, classes: int = 4, truth: list[int] | None = None
) -> list[Artifact]:
    return list(evaluation.make(a_study(answers, classes, truth)))


def a_study(answers: Answers, classes: int = 4, truth: list[int] | None = None) -> Study:
    test = make_split(TRUTH if truth is None else truth)
    return make_study(test, test, test, classes, answers)


def a_run(truth: list[int], predicted: list[int], classes: int) -> Predictions:
    return make_predictions("run", predicted, make_split(truth), classes)


def test_shares_are_those_of_their_definitions() -> None:
    random = np.random.default_rng(0)
    truth, predicted = random.integers(0, 5, 300), random.integers(0, 4, 300)  # 4 is never said
    classes = evaluation.by_class(
        a_run(truth.tolist(), predicted.tolist(), 6)
    )  # 5 never comes either
    for label in range(5):
        is_true, is_predicted = truth == label, predicted == label
        right = (is_true & is_predicted).sum()
        row = classes.iloc[label]
        assert row["images"] == is_true.sum()
        assert row["accuracy"] == pytest.approx((is_true == is_predicted).mean())
        assert row["recall"] == pytest.approx(right / is_true.sum())
        assert row["f1"] == pytest.approx(2 * right / (is_true.sum() + is_predicted.sum()))
        if label < 4:
            assert row["precision"] == pytest.approx(right / is_predicted.sum())
    assert (classes["images"][5], classes["accuracy"][5]) == (0, 1)


def test_what_has_no_denominator_is_not_defined_and_is_left_out_of_means() -> None:
    classes = evaluation.by_class(a_run([0, 0, 1], [0, 0, 0], 3))
    assert math.isnan(classes["precision"][1])  # never said
    assert classes["recall"][1] == classes["f1"][1] == 0  # but it came
    assert math.isnan(classes["recall"][2])
    assert math.isnan(classes["f1"][2])
    tables = frames(artifacts_of({("mlp", 0): [0, 0, 0]}, 3, [0, 0, 1]))
    (row,) = tables["evaluation_runs"].to_dict("records")
    assert row["macro_precision"] == pytest.approx(2 / 3)
    assert row["macro_f1"] == pytest.approx(0.4)


def test_a_share_that_no_seed_defines_is_not_defined() -> None:
    answers = {("mlp", 0): [0, 0, 0], ("mlp", 1): [0, 0, 1]}
    frame = frames(artifacts_of(answers, 3, [0, 0, 1]))["per_class"]
    assert frame["precision"].tolist()[:2] == [pytest.approx(5 / 6), 1]  # of the seed that says it
    assert frame.loc[2, ["precision", "recall", "f1", "lowest_f1"]].isna().all()


def test_pairs_are_counted_both_ways_the_more_frequent_way_first() -> None:
    matrix = np.array([[9, 1, 0], [4, 9, 2], [0, 0, 9]])
    assert most_confused(matrix, 5) == [(1, 0, 4, 1), (1, 2, 2, 0)]


def test_a_run_has_its_accuracy_interval_and_whether_it_is_as_recorded() -> None:
    (row,) = frames(artifacts_of({("mlp", 0): ANSWERS}))["evaluation_runs"].to_dict("records")
    bounds = uncertainty.wilson(7, 10)
    assert bounds is not None
    assert (row["correct"], row["images"], row["accuracy"]) == (7, 10, pytest.approx(0.7))
    assert (row["low"], row["high"]) == pytest.approx((bounds.low, bounds.high))
    assert row["as_recorded"] == "yes"


def test_a_model_that_answers_otherwise_than_recorded_is_called_out() -> None:
    study = a_study({("mlp", 0): ANSWERS, ("mlp", 1): ANSWERS})
    first, second = study.predictions.values()
    other = replace(
        study, predictions={**study.predictions, second.run_id: replace(second, as_recorded=False)}
    )
    tables = frames(list(evaluation.make(other)))
    assert tables["evaluation"]["as_recorded"].tolist() == ["NO"]
    assert tables["evaluation_runs"]["as_recorded"].tolist() == ["yes", "NO"]
    assert first.as_recorded


def test_seeds_give_the_mean_and_the_range() -> None:
    tables = frames(artifacts_of({("mlp", 0): ANSWERS, ("mlp", 1): TRUTH}))
    (row,) = tables["evaluation"].to_dict("records")
    assert [row[name] for name in ("accuracy", "lowest_seed", "highest_seed")] == pytest.approx(
        [0.85, 0.7, 1.0]
    )
    a, b, _, never = tables["per_class"].to_dict("records")
    assert (a["f1"], a["lowest_f1"], a["highest_f1"]) == pytest.approx((5 / 6, 2 / 3, 1))
    assert b["recall"] == pytest.approx(0.75)
    assert math.isnan(never["precision"])


def test_the_hardest_class_comes_first_and_one_without_a_score_last() -> None:
    figure = pictures(artifacts_of({("mlp", 0): ANSWERS}))["per_class"].figure
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["B", "A", "C", "D"]
    drawn = np.asarray(axes.lines[0].get_ydata(), np.float64)
    np.testing.assert_allclose(drawn, [40, 100 * 2 / 3, 100 * 8 / 9, np.nan])


def test_the_matrix_counts_all_seeds() -> None:
    table = frames(artifacts_of({("mlp", 0): ANSWERS, ("mlp", 1): ANSWERS}))[
        "confusion_mlp_pytorch"
    ]
    assert table["truth"].tolist() == ["A", "B", "C", "D"]
    assert table.drop(columns="truth").to_numpy().tolist() == [
        [4, 2, 0, 0], [2, 2, 0, 0], [0, 2, 8, 0], [0, 0, 0, 0]
    ]  # fmt: skip


def test_the_worst_pairs_stand_first_in_whole_images_with_some_of_them() -> None:
    artifacts = artifacts_of({("mlp", 0): ANSWERS, ("mlp", 1): ANSWERS})
    figure = pictures(artifacts)["confusion_mlp_pytorch"].figure
    bars, images = figure.axes
    assert [label.get_text() for label in bars.get_yticklabels()] == ["A → B", "C → B"]
    assert [text.get_text() for text in bars.texts] == [" 2 + 2", " 2 + 0"]
    assert "A and B are confused most: 4 of 6 errors of the MLP in pytorch" in words(figure)
    canvas = np.asarray(images.images[0].get_array())
    shown = make_split(TRUTH).images
    np.testing.assert_array_equal(canvas[:28, :28], shown[2])  # of class A, taken for B
    np.testing.assert_array_equal(canvas[30:58, :28], shown[9])  # of class C, taken for B
    assert (canvas[:28, 30:58] == 255).all()  # there is no second


def test_a_model_without_an_error_has_no_picture_of_pairs() -> None:
    assert "confusion_mlp_pytorch" not in pictures(artifacts_of({("mlp", 0): TRUTH}))


def test_f1_is_shown_of_the_best_model_and_the_best_other_network() -> None:
    answers = {("mlp", 0): ANSWERS, ("cnn", 0): TRUTH, ("mlp-small", 0): [0] * len(TRUTH)}
    figure = pictures(artifacts_of(answers))["per_class"].figure
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["CNN in pytorch", "MLP in pytorch"]
    texts = " ".join(words(figure)).replace("\n", " ")
    assert "in the table alone: small MLP in pytorch" in texts
    assert "The CNN in pytorch has a higher F1 than the MLP in pytorch in 3 of 4 classes" in texts


def test_models_that_differ_in_their_recipe_say_in_what() -> None:
    titles = distinct_titles(
        [
            make_record(learning_rate=0.01).experiment,
            make_record().experiment,
            make_record(architecture="cnn", augmentation=True).experiment,
            make_record(architecture="cnn").experiment,
            make_record(architecture="gnn", augmentation=True).experiment,
        ],
        lambda experiment: experiment.architecture,
    )
    assert titles == [
        "mlp, learning rate 0.01",
        "mlp, learning rate 0.001",
        "cnn, augmented",
        "cnn, not augmented",
        "gnn, augmented",
    ]


def test_a_batch_shows_what_is_predicted_and_marks_what_is_wrong() -> None:
    figure = pictures(artifacts_of({("mlp", 0): ANSWERS}))["batch_mlp_pytorch"].figure
    cells = {axes.get_xlabel().split("  ")[0]: axes for axes in figure.axes if axes.images}
    assert set(cells) == {"A (A)", "B (A)", "B (B)", "A (B)", "C (C)", "B (C)"}
    assert {answer for answer, axes in cells.items() if is_marked(axes)} == {
        "B (A)",
        "A (B)",
        "B (C)",
    }
    assert any("3 of them wrong" in text for text in words(figure))


def is_marked(axes: Axes) -> bool:
    """By its frame, and by a cross for those who do not see its colour."""
    framed = axes.spines["left"].get_linewidth() > 3
    assert framed == any(text.get_text() == "✗" for text in axes.texts)
    return bool(framed)


def test_every_model_shows_the_same_batch() -> None:
    figures = pictures(artifacts_of({("mlp", 0): ANSWERS, ("cnn", 0): TRUTH}))
    first, second = (figures[f"batch_{name}_pytorch"].figure for name in ("mlp", "cnn"))
    for left, right in zip(first.axes, second.axes, strict=True):
        if left.images:
            np.testing.assert_array_equal(left.images[0].get_array(), right.images[0].get_array())


@pytest.mark.parametrize("classes", [2, 26, 60])
def test_pairs_of_any_number_of_classes_fit_their_slide_and_f1_names_every_class(
    classes: int,
) -> None:
    truth = [*range(classes)] * 2
    predicted = [(label + (index < 5)) % classes for index, label in enumerate(truth)]
    drawn = pictures(artifacts_of({("mlp", 0): predicted}, classes, truth))
    figure = drawn["confusion_mlp_pytorch"].figure
    with Image.open(io.BytesIO(style.png(figure))) as image:
        assert image.size == (1920, 1080)
    for text in (text for text in figure.findobj(Text) if isinstance(text, Text)):
        if text.get_text():
            box = text.get_window_extent()
            assert 0 <= box.x0 <= box.x1 <= 1920, text
    names = {chr(ord("A") + label) for label in range(classes)}
    assert names <= set(words(drawn["per_class"].figure))


def test_nothing_that_ended_well_leaves_nothing() -> None:
    study = a_study({})
    assert list(evaluation.make(study)) == []

"""The best checkpoint: shares as scikit-learn computes them, pictures that say what they show."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from bench.report.plots import style
from bench.stats import uncertainty
from bench.study import evaluation
from bench.study.artifact import Picture, Sheet, Study
from bench.study.confusion import confusion_counts, mean, most_confused, per_class
from tests.study_data import Answers, make_split, make_study, pictures, sheets, words

TRUTH = [0, 0, 0, 1, 1, 2, 2, 2, 2, 2]
SAID = [0, 0, 1, 1, 0, 2, 2, 2, 2, 1]  # class 3 neither comes nor is said


def made(
    answers: Answers, classes: int = 4, truth: list[int] | None = None
) -> list[Picture | Sheet]:
    return list(evaluation.make(a_study(answers, classes, truth)))


def a_study(answers: Answers, classes: int = 4, truth: list[int] | None = None) -> Study:
    test = make_split(TRUTH if truth is None else truth)
    return make_study(test, test, test, classes, answers)


def test_matrix_and_shares_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth, said = random.integers(0, 5, 300), random.integers(0, 4, 300)  # 4 is never said
    matrix = confusion_counts(truth, said, 6)  # 5 never comes either
    np.testing.assert_array_equal(matrix, confusion_matrix(truth, said, labels=range(6)))
    expected = precision_recall_fscore_support(truth, said, labels=range(6), zero_division=np.nan)
    found = per_class(matrix)
    for own, theirs in zip((found.precision, found.recall), expected[:2], strict=True):
        np.testing.assert_allclose(own, theirs)
    np.testing.assert_allclose(found.f1[:5], expected[2][:5])
    np.testing.assert_array_equal(found.support, expected[3])
    one_against_all = [((truth == label) == (said == label)).mean() for label in range(6)]
    np.testing.assert_allclose(found.accuracy, one_against_all)


def test_what_has_no_denominator_is_not_defined_and_is_left_out_of_means() -> None:
    found = per_class(confusion_counts(np.array([0, 0, 1]), np.array([0, 0, 0]), 3))
    assert math.isnan(found.precision[1])  # never said
    assert found.recall[1] == found.f1[1] == 0  # but it came
    assert math.isnan(found.recall[2])
    assert math.isnan(found.f1[2])
    assert mean(found.precision) == pytest.approx(2 / 3)
    assert mean(found.f1) == pytest.approx(0.4)
    assert math.isnan(mean([math.nan]))


def test_pairs_are_counted_both_ways_the_more_frequent_way_first() -> None:
    matrix = np.array([[9, 1, 0], [4, 9, 2], [0, 0, 9]])
    assert most_confused(matrix, 5) == [(1, 0, 4, 1), (1, 2, 2, 0)]


def test_a_run_has_its_accuracy_interval_and_whether_it_is_as_recorded() -> None:
    (row,) = sheets(made({("mlp", 0): SAID}))["evaluation_runs"].frame.to_dict("records")
    bounds = uncertainty.wilson(7, 10)
    assert bounds is not None
    assert (row["correct"], row["images"], row["accuracy"]) == (7, 10, pytest.approx(0.7))
    assert (row["low"], row["high"]) == pytest.approx((bounds.low, bounds.high))
    assert row["as_recorded"] == "yes"


def test_a_model_that_answers_otherwise_than_recorded_is_called_out() -> None:
    study = a_study({("mlp", 0): SAID, ("mlp", 1): SAID})
    first, second = study.predictions.values()
    other = replace(
        study, predictions={**study.predictions, second.run_id: replace(second, as_recorded=False)}
    )
    tables = sheets(list(evaluation.make(other)))
    assert tables["evaluation"].frame["as_recorded"].tolist() == ["NO"]
    assert tables["evaluation_runs"].frame["as_recorded"].tolist() == ["yes", "NO"]
    assert first.as_recorded


def test_seeds_give_the_mean_and_the_range() -> None:
    tables = sheets(made({("mlp", 0): SAID, ("mlp", 1): TRUTH}))
    (row,) = tables["evaluation"].frame.to_dict("records")
    assert [row[name] for name in ("accuracy", "lowest_seed", "highest_seed")] == pytest.approx(
        [0.85, 0.7, 1.0]
    )
    a, b, _, never = tables["per_class"].frame.to_dict("records")
    assert (a["f1"], a["lowest_f1"], a["highest_f1"]) == pytest.approx((5 / 6, 2 / 3, 1))
    assert b["recall"] == pytest.approx(0.75)
    assert math.isnan(never["precision"])


def test_the_matrix_counts_all_seeds_and_colours_errors_alone() -> None:
    artifacts = made({("mlp", 0): SAID, ("mlp", 1): SAID})
    table = sheets(artifacts)["confusion_mlp_pytorch"].frame
    assert table["truth"].tolist() == ["A", "B", "C", "D"]
    assert table.drop(columns="truth").to_numpy().tolist() == [
        [4, 2, 0, 0], [2, 2, 0, 0], [0, 2, 8, 0], [0, 0, 0, 0]
    ]  # fmt: skip
    (axes,) = pictures(artifacts)["confusion_mlp_pytorch"].figure.axes
    coloured = np.ma.getmaskarray(np.ma.asarray(axes.images[0].get_array()))
    assert np.argwhere(~coloured).tolist() == [[0, 1], [1, 0], [2, 1]]
    assert sorted(text.get_text() for text in axes.texts) == sorted("42228" + "2")


def test_a_batch_shows_what_is_said_and_marks_what_is_wrong() -> None:
    figure = pictures(made({("mlp", 0): SAID}))["batch_mlp_pytorch"].figure
    cells = {axes.get_xlabel().split("  ")[0]: axes for axes in figure.axes if axes.images}
    assert set(cells) == {"A (A)", "B (A)", "B (B)", "A (B)", "C (C)", "B (C)"}
    assert {said for said, axes in cells.items() if is_marked(axes)} == {"B (A)", "A (B)", "B (C)"}
    assert any("3 of them wrong" in text for text in words(figure))


def is_marked(axes: Axes) -> bool:
    """By its frame, and by a cross for those who do not see its colour."""
    framed = axes.spines["left"].get_linewidth() > 3
    assert framed == any(text.get_text() == "✗" for text in axes.texts)
    return bool(framed)


def test_every_model_shows_the_same_batch() -> None:
    figures = pictures(made({("mlp", 0): SAID, ("cnn", 0): TRUTH}))
    first, second = (figures[f"batch_{name}_pytorch"].figure for name in ("mlp", "cnn"))
    for one, other in zip(first.axes, second.axes, strict=True):
        if one.images:
            np.testing.assert_array_equal(one.images[0].get_array(), other.images[0].get_array())


@pytest.mark.parametrize("classes", [2, 26, 60])
def test_matrices_of_any_size_fit_their_slide_and_name_every_class(classes: int) -> None:
    truth = [*range(classes)] * 2
    said = [(label + (place < 5)) % classes for place, label in enumerate(truth)]
    found = pictures(made({("mlp", 0): said}, classes, truth))
    figure = found["confusion_mlp_pytorch"].figure
    names = {chr(ord("A") + label) for label in range(classes)}
    assert names <= set(words(figure))
    assert (len(figure.axes) == 2) == (classes == 60)  # a colour bar where numbers do not fit
    with Image.open(io.BytesIO(style.png(figure))) as image:
        assert image.size == (1920, 1080)
    assert names <= set(words(found["per_class"].figure))


def test_nothing_that_ended_well_leaves_nothing() -> None:
    study = a_study({})
    assert list(evaluation.make(study)) == []

"""The errors: which are shown, which classes are confused, and whether models err alike."""

from __future__ import annotations

import numpy as np
import pytest

from bench.stats.uncertainty import holm, mcnemar
from bench.study import errors
from bench.study.agreement import Overlap, overlap
from bench.study.artifact import Artifact
from tests.study_data import (
    Answers,
    frames,
    make_predictions,
    make_split,
    make_study,
    pictures,
    words,
)

TRUTH = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
MLP = [1, 1, 0, 0, 0, 1, 1, 1, 2, 2, 2, 0]  # wrong on 0, 1, 4 and 11
CNN = [1, 2, 0, 0, 1, 1, 1, 0, 2, 2, 2, 2]  # wrong on 0, 1 and 7


def make(answers: Answers, names: list[str] | None = None) -> list[Artifact]:
    test = make_split(TRUTH)
    return list(errors.make(make_study(test, test, test, 3, answers, names)))


def test_two_models_are_counted_image_by_image() -> None:
    test = make_split(TRUTH)
    pair = overlap(
        *(make_predictions(name, answers, test, 3) for name, answers in (("a", MLP), ("b", CNN)))
    )
    assert pair == Overlap(both_right=7, first_only=2, second_only=1, both_wrong=2, same_answer=1)
    assert pair.jaccard == pytest.approx(2 / 5)
    wrong = [np.array(answers) != TRUTH for answers in (MLP, CNN)]
    assert pair.correlation == pytest.approx(np.corrcoef(*wrong)[0, 1])
    assert pair.p == mcnemar(2, 1)


def test_chance_is_what_independent_errors_come_to() -> None:
    # 1,000 images, 100 and 200 wrong, independent: 20 both, 280 either
    pair = Overlap(both_right=720, first_only=80, second_only=180, both_wrong=20, same_answer=0)
    assert pair.jaccard_by_chance == pytest.approx(20 / 280)
    assert pair.jaccard == pytest.approx(pair.jaccard_by_chance)
    assert pair.correlation == pytest.approx(0)


def test_of_no_errors_there_is_neither_overlap_nor_correlation() -> None:
    pair = Overlap(both_right=5, first_only=0, second_only=0, both_wrong=0, same_answer=0)
    assert (pair.jaccard, pair.jaccard_by_chance, pair.correlation) == (None, None, None)
    assert pair.p == 1


def test_the_most_confident_mistakes_come_first() -> None:
    figure = pictures(make({("mlp", 0): MLP}))["mistakes_mlp_pytorch"].figure
    lines = [axes.get_xlabel().split("\n")[0] for axes in figure.axes if axes.images]
    assert lines == ["A → B", "A → B", "B → A", "C → A"]  # certainty falls with the image
    assert any("4 of 4 errors" in text for text in words(figure))


def test_pairs_are_means_over_seeds_with_their_share_of_the_errors() -> None:
    frame = frames(make({("mlp", 0): MLP, ("mlp", 1): TRUTH}))["confused_pairs"]
    assert frame.values.tolist() == [
        ["MLP in pytorch", "A", "B", 1.0, 0.5, 0.75],
        ["MLP in pytorch", "C", "A", 0.5, 0.0, 0.25],
    ]


def test_models_are_compared_at_every_seed_and_with_themselves() -> None:
    answers = {("mlp", 0): MLP, ("mlp", 1): MLP, ("cnn", 0): CNN, ("cnn", 1): TRUTH}
    tables = frames(make(answers))
    between, cnn, mlp = tables["overlap"].to_dict("records")
    assert (between["first"], between["second"]) == ("CNN in pytorch", "MLP in pytorch")
    assert (cnn["first"], mlp["first"]) == (cnn["second"], mlp["second"])
    assert (between["times"], between["overlap"]) == (2, pytest.approx(0.2))  # of 0.4 and 0
    assert (between["lowest_overlap"], between["highest_overlap"]) == pytest.approx((0, 0.4))
    assert (mlp["overlap"], mlp["same_answer"], mlp["correlation"]) == pytest.approx((1, 1, 1))
    by_seed = tables["overlap_by_seed"]
    assert by_seed[["first_seed", "second_seed"]].values.tolist() == [
        [0, 0],
        [1, 1],
        [0, 1],
        [0, 1],
    ]
    expected = [mcnemar(1, 2), mcnemar(0, 4), mcnemar(3, 0), mcnemar(0, 0)]
    assert by_seed["p"].tolist() == pytest.approx(holm(expected))
    assert between["p"] == by_seed["p"][:2].max()


def test_the_picture_of_overlaps_names_every_comparison() -> None:
    answers = {("mlp", 0): MLP, ("mlp", 1): MLP, ("cnn", 0): CNN}
    figure = pictures(make(answers))["overlap"].figure
    texts = set(words(figure))
    assert texts >= {"MLP in pytorch, two seeds", "CNN in pytorch | MLP in pytorch"}
    assert texts >= {"by chance", "two seeds of one model", "two models, the same seed"}


def test_what_all_get_wrong_is_listed_with_what_most_say() -> None:
    artifacts = make({("mlp", 0): MLP, ("mlp", 1): MLP, ("cnn", 0): CNN})
    frame = frames(artifacts)["missed_by_all"]
    assert frame[["index", "truth", "said_most", "by_runs", "runs"]].values.tolist() == [
        [0, "A", "B", 3, 3],
        [1, "A", "B", 2, 3],
    ]
    figure = pictures(artifacts)["missed_by_all"].figure
    assert [axes.get_xlabel() for axes in figure.axes if axes.images] == ["A → B (3)", "A → B (2)"]


def test_what_one_alone_gets_wrong_is_wrong_with_all_its_seeds_and_right_in_all_others() -> None:
    other = [1, 1, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2]  # the MLP's second seed is right on 11
    artifacts = make({("mlp", 0): MLP, ("mlp", 1): other, ("cnn", 0): CNN})
    figure = pictures(artifacts)["wrong_alone"].figure
    answers = [text for text in words(figure) if "→" in text]
    assert sorted(answers) == ["B → A", "B → A"]  # image 4 of the MLP, image 7 of the CNN
    images = [axes.images[0].get_array() for axes in figure.axes]
    expected = make_split(TRUTH).images[[7, 4]]  # the CNN first: it has fewer errors
    np.testing.assert_array_equal(images, expected)


def test_one_run_has_nobody_to_be_compared_with() -> None:
    artifacts = make({("mlp", 0): MLP})
    assert set(frames(artifacts)) == {"confused_pairs"}
    assert set(pictures(artifacts)) == {"mistakes_mlp_pytorch"}


def test_models_without_an_error_leave_a_table_of_overlaps_and_nothing_of_errors() -> None:
    artifacts = make({("mlp", 0): TRUTH, ("cnn", 0): TRUTH})
    assert set(pictures(artifacts)) == {"wrong_alone"}
    assert set(frames(artifacts)) == {"overlap", "overlap_by_seed"}
    (row,) = frames(artifacts)["overlap"].to_dict("records")
    assert row["both_right"] == 12
    assert row["overlap"] is None

"""Accuracy and loss from logits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.stats.score import score


def test_equal_logits_lose_the_logarithm_of_the_number_of_classes() -> None:
    assert score(np.zeros((5, 10), np.float32), np.arange(5)).loss == pytest.approx(math.log(10))


def test_accuracy_is_the_fraction_of_right_answers() -> None:
    logits = np.array([[2, 1, 0], [0, 2, 1], [0, 1, 2], [9, 0, 0]], np.float32)
    scored = score(logits, np.array([0, 1, 2, 1]))
    assert (scored.correct, scored.images, scored.accuracy) == (3, 4, 0.75)


def test_huge_logits_do_not_overflow() -> None:
    scored = score(np.array([[1e30, -1e30]], np.float32), np.array([1]))
    assert scored.loss == pytest.approx(2e30)


def test_loss_of_a_known_case() -> None:
    scored = score(np.array([[1.0, 2.0]], np.float32), np.array([0]))
    assert scored.loss == pytest.approx(math.log(1 + math.e))


def test_logits_that_are_not_a_number_give_a_loss_that_is_not_a_number() -> None:
    assert math.isnan(score(np.array([[np.nan, 1.0]], np.float32), np.array([0])).loss)


def test_logits_and_labels_of_different_counts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\) do not fit 3 labels"):
        score(np.zeros((2, 3), np.float32), np.zeros(3, np.int64))

"""Drawn images as a data set."""

from __future__ import annotations

import numpy as np
import pytest

from datasets import drawn
from datasets.errors import DataError
from datasets.progress import Stage, silent
from datasets.registry import TASKS


@pytest.mark.parametrize(("task", "images"), [("digits", 100), ("letters", 260)])
def test_the_fewest_images_have_every_class_in_every_split(task: str, images: int) -> None:
    classes = len(TASKS[task].class_names)
    collection = drawn.load(TASKS[task], images, silent)
    for rows in (collection.train, collection.validation, collection.test):
        assert np.unique(collection.labels[rows]).tolist() == list(range(classes))


@pytest.mark.parametrize("images", [-1, 0, 259, 372_451])
def test_too_few_and_too_many_are_refused(images: int) -> None:
    with pytest.raises(DataError, match=r"letters needs 260 \(ten a class\) to 372,450"):
        drawn.load(TASKS["letters"], images, silent)


def test_progress_ends_at_the_number_of_images() -> None:
    seen: list[tuple[Stage, int]] = []
    drawn.load(TASKS["digits"], 1500, lambda stage, done: seen.append((stage, done)))
    assert seen[-1] == (Stage(name="drawing digits", total=1500, unit="images"), 1500)


def test_the_key_tells_tasks_and_numbers_apart_and_nothing_else() -> None:
    digits, letters = TASKS["digits"], TASKS["letters"]
    keys = [
        drawn.content_key(digits, 1000),
        drawn.content_key(digits, 1001),
        drawn.content_key(letters, 1000),
    ]
    assert len(set(keys)) == 3
    assert drawn.content_key(digits, 1000) == keys[0]


def test_a_source_of_drawn_images_says_that_it_is_no_handwriting() -> None:
    source = drawn.drawn_source(targets=(0.9,))
    assert source.drawn
    assert "no real handwriting" in source.description

"""Another division of training and validation images: within classes, fixed, the test kept."""

from __future__ import annotations

import numpy as np
import pytest

from datasets import Dataset, Split, with_validation_share
from datasets.cache import pixel_statistics
from tests.study_data import make_dataset

SIZES = (80, 10, 10)  # of each split
CLASSES = 3


def a_dataset(labels: list[int] | None = None) -> Dataset:
    """Every image differs from every other in its first two pixels."""
    n = sum(SIZES)
    images = np.random.default_rng(0).integers(0, 256, (n, 28, 28), dtype=np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(n), 7
    every = np.array(labels or [i % CLASSES for i in range(n)], np.uint8)
    cuts = np.cumsum(SIZES)[:-1]
    splits = [
        Split(images=part, labels=own)
        for part, own in zip(np.split(images, cuts), np.split(every, cuts), strict=True)
    ]
    mean, std = pixel_statistics(splits[0].images)
    train, validation, test = splits
    return make_dataset(
        train, validation, test, names="012", fingerprint="f", pixel_mean=mean, pixel_std=std
    )


def marks(*splits: Split) -> list[int]:
    return sorted(int(mark) for split in splits for mark in split.images[:, 0, 0])


def test_no_image_is_lost_and_none_is_in_two_splits() -> None:
    before = a_dataset()
    after = with_validation_share(before, 0.2)
    assert marks(after.train, after.validation) == marks(before.train, before.validation)
    assert marks(after.test) == marks(before.test)
    assert after.test is before.test


def test_the_share_validates_within_each_class() -> None:
    after = with_validation_share(a_dataset(), 0.2)
    assert np.bincount(after.validation.labels).tolist() == [6, 6, 6]
    assert np.bincount(after.train.labels).tolist() == [24, 24, 24]


def test_images_keep_their_labels() -> None:
    after = with_validation_share(a_dataset(), 0.3)
    for split in (after.train, after.validation):
        np.testing.assert_array_equal(split.labels, split.images[:, 0, 0] % CLASSES)


def test_the_division_is_the_same_every_time() -> None:
    one, other = (with_validation_share(a_dataset(), 0.2) for _ in range(2))
    np.testing.assert_array_equal(one.validation.images, other.validation.images)


def test_the_pixels_are_those_of_the_new_training_images_and_the_fingerprint_stays() -> None:
    before = a_dataset()
    after = with_validation_share(before, 0.5)
    assert (after.pixel_mean, after.pixel_std) == pixel_statistics(after.train.images)
    assert after.pixel_mean != before.pixel_mean
    assert after.fingerprint == before.fingerprint


def test_of_a_rare_class_one_image_stays_on_either_side_and_a_single_one_trains() -> None:
    labels = [0] * 87 + [1, 1, 2] + [0] * 10
    after = with_validation_share(a_dataset(labels), 0.1)
    assert np.bincount(after.train.labels).tolist() == [78, 1, 1]
    assert np.bincount(after.validation.labels, minlength=3).tolist() == [9, 1, 0]


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 20.0])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="wanted one between 0 and 1"):
        with_validation_share(a_dataset(), share)

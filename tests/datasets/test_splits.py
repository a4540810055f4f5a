"""Duplicates and splits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets import Dataset, Split, splits, with_validation_share
from datasets.arrays import pixel_statistics
from datasets.splits import divide, first_occurrences, stratified
from tests.data_files import images, unhurried
from tests.study_data import make_dataset


def test_no_image_is_in_two_splits_and_none_is_lost() -> None:
    pixels, labels = images(260, classes=26)
    divided = divide(pixels, labels)
    rows = np.concatenate([divided.train, divided.validation, divided.test])
    assert sorted(rows) == list(range(260))
    assert (divided.duplicates_removed, divided.conflicting_labels) == (0, 0)


def test_duplicates_stay_out_of_all_splits_and_are_counted() -> None:
    pixels, labels = images(300, classes=10)
    pixels[200:] = pixels[:100]
    labels[200:290] = labels[:90]
    labels[290:] = (labels[90:100] + 1) % 10  # ten with the same pixels and another label
    divided = divide(pixels, labels)
    rows = np.concatenate([divided.train, divided.validation, divided.test])
    assert sorted(rows) == list(range(200))
    assert divided.duplicates_removed == 100
    assert divided.conflicting_labels == 10
    assert len({image.tobytes() for image in pixels[rows]}) == 200


def test_of_three_equal_images_the_first_is_meant() -> None:
    pixels, _ = images(5, classes=1)
    pixels[2] = pixels[4] = pixels[1]
    assert first_occurrences(pixels).tolist() == [0, 1, 1, 3, 1]


def test_images_with_the_same_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, _ = images(6, classes=1)
    pixels[5] = pixels[2]
    same = np.zeros(6, np.uint64)
    monkeypatch.setattr(splits, "_hashes", lambda images: same)
    assert first_occurrences(pixels).tolist() == [0, 1, 2, 3, 4, 2]


@unhurried
@given(st.integers(0, 783), st.integers(0, 7))
def test_images_that_differ_in_one_bit_are_no_duplicates(offset: int, bit: int) -> None:
    pixels = np.zeros((3, 28, 28), np.uint8)
    pixels.reshape(3, -1)[1, offset] = 1 << bit
    assert first_occurrences(pixels).tolist() == [0, 1, 0]


@unhurried
@given(st.lists(st.integers(3, 200), min_size=1, max_size=5))
def test_each_class_is_split_in_the_same_shares(counts: list[int]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.uint8)
    parts = stratified(labels, np.arange(len(labels)))
    for label, count in enumerate(counts):
        train, validation, test = (int((labels[part] == label).sum()) for part in parts)
        assert train + validation + test == count
        assert validation == test == max(1, (count + 5) // 10)
        assert train >= 1


def test_the_split_never_changes() -> None:
    """Its rows are part of what a result means; NumPy keeps this stream for good."""
    labels = np.arange(60, dtype=np.uint8) % 3
    _, validation, test = stratified(labels, np.arange(60))
    assert validation.tolist() == [12, 15, 34, 44, 52, 53]
    assert test.tolist() == [2, 8, 24, 40, 42, 55]


def test_the_rows_of_each_split_ascend() -> None:
    labels = np.arange(60, dtype=np.uint8) % 3
    for part in stratified(labels, np.arange(60)):
        assert part.tolist() == sorted(part)


# Another division of training and validation images: within classes, fixed, the test kept.


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
    first, other = (with_validation_share(a_dataset(), 0.2) for _ in range(2))
    np.testing.assert_array_equal(first.validation.images, other.validation.images)


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

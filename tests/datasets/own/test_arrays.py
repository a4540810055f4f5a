"""Arrays under usual names: which is what; NumPy's files side by side; MATLAB's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from datasets import DataError, Dataset, open_cached, prepare
from datasets.own.arrays import chosen, slot_of
from tests.own_files import SHAPES, shapes, write_npz

PIXELS, NAMES = shapes(60)
NUMBERS = np.array([SHAPES.index(name) for name in NAMES])


def opened(path: Path) -> Dataset:
    return open_cached(prepare("fruit", data_file=path).folder)


def read_images(path: Path) -> set[bytes]:
    """Every image of a file, as it came out."""
    dataset = opened(path)
    splits = (dataset.train, dataset.validation, dataset.test)
    return {image.tobytes() for split in splits for image in split.images}


WRITTEN = {image.tobytes() for image in PIXELS}


# Names


@pytest.mark.parametrize(
    ("name", "part", "role"),
    [
        ("images", "", "images"),
        ("X", "", "images"),
        ("arr_0", "", "images"),
        ("arr_1", "", "labels"),
        ("target", "", "labels"),
        ("x_train", "train", "images"),
        ("trainX", "train", "images"),
        ("train_data", "train", "images"),
        ("test-labels", "test", "labels"),
        ("t10k_images", "test", "images"),
        ("yval", "validation", "labels"),
        ("validation_targets", "validation", "labels"),
    ],
)
def test_usual_names_are_known_however_they_are_written(name: str, part: str, role: str) -> None:
    known = slot_of(name)
    assert known is not None
    assert known[0] == (part, role)


@pytest.mark.parametrize("name", ["feature_names", "latest", "xy", "images2", "trainer", ""])
def test_other_names_are_not(name: str) -> None:
    assert slot_of(name) is None


def test_of_several_the_most_usual_name_counts() -> None:
    everything = ["data", "target", "frame", "feature_names", "target_names", "images", "DESCR"]
    assert chosen(everything) == {("", "images"): "images", ("", "labels"): "target"}


@pytest.mark.parametrize(
    ("images", "labels"),
    [("images", "target"), ("data", "target"), ("X", "y"), ("imgs", "label"), ("arr_0", "arr_1")],
)
def test_pairs_of_many_names_are_read_and_other_arrays_are_not(
    images: str, labels: str, tmp_path: Path
) -> None:
    objects = np.array([None, "unpickling this would be refused"], dtype=object)
    file = write_npz(tmp_path, **{images: PIXELS, labels: NAMES, "frame": objects})
    assert read_images(file) == WRITTEN


# Shapes and scales


@pytest.mark.parametrize(
    "arranged",
    [
        PIXELS[:, None],
        PIXELS[..., None],
        PIXELS.reshape(60, -1),
        np.moveaxis(PIXELS, 0, -1),
        PIXELS.astype(np.float32),
        np.asfortranarray(PIXELS),
    ],
)
def test_axes_of_one_colour_and_images_counted_last_are_understood(
    arranged: Any, tmp_path: Path
) -> None:
    file = write_npz(tmp_path, x=arranged, y=NAMES)
    assert read_images(file) == WRITTEN
    dataset = opened(file)
    assert set(dataset.class_names) == set(SHAPES)


def test_pixels_from_minus_1_to_1_are_brought_back(tmp_path: Path) -> None:
    file = write_npz(tmp_path, x=PIXELS / 127.5 - 1, y=NAMES)
    assert read_images(file) == WRITTEN
    assert opened(file).reading == ("pixels run from -1 to 1; they were brought to 0 to 255",)


MISTAKES: list[tuple[dict[str, Any], str]] = [
    (
        {"x": np.stack([PIXELS] * 3, 1), "y": NAMES},
        r"\(3, 28, 28\), in colour.*images\.mean\(axis=1\)",
    ),
    ({"x": PIXELS[:, 0, 0], "y": NAMES}, r"images of the shape \(60,\); wanted \(n, 28, 28\)"),
    ({"x": np.array(3), "y": np.array(4)}, r"the labels have the shape \(\)"),
    ({"x": np.zeros((9, 2000, 2000), np.uint8), "y": np.arange(9) % 3}, "1,024×1,024 at most"),
    (
        {"x_train": PIXELS, "y_train": NAMES, "x_val": PIXELS[:, :9, :9], "y_val": NAMES},
        r"of the training part of the shape \(28, 28\), of the validation part \(9, 9\)",
    ),
    ({"x_test": PIXELS, "y_test": NAMES}, "holds x_test, y_test; wanted images and labels"),
]


@pytest.mark.parametrize(("arrays", "message"), MISTAKES)
def test_arrays_that_do_not_fit_say_what_does(
    arrays: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        opened(write_npz(tmp_path, **arrays))


# Files of NumPy's side by side


@pytest.mark.parametrize(
    ("images", "labels"),
    [("X", "y"), ("images", "labels"), ("mnist_images", "mnist_labels"), ("a-x", "a-y")],
)
def test_an_npy_file_finds_its_labels_beside_it(images: str, labels: str, tmp_path: Path) -> None:
    np.save(tmp_path / f"{images}.npy", PIXELS)
    np.save(tmp_path / f"{labels}.npy", NAMES)
    np.save(tmp_path / "other.npy", np.zeros(3))
    prepared = prepare("fruit", data_file=tmp_path / f"{images}.npy")
    assert {path.stem for path in prepared.files} == {images, labels}
    assert read_images(tmp_path / f"{images}.npy") == WRITTEN
    assert read_images(tmp_path / f"{labels}.npy") == WRITTEN


def test_npy_files_of_parts_are_read_together(tmp_path: Path) -> None:
    for name, array in (
        ("X_train", PIXELS[:48]),
        ("y_train", NAMES[:48]),
        ("X_test", PIXELS[48:]),
        ("y_test", NAMES[48:]),
    ):
        np.save(tmp_path / f"{name}.npy", array)
    dataset = opened(tmp_path / "X_train.npy")
    assert np.array_equal(dataset.test.images, PIXELS[48:])
    assert dataset.reading == ("the test part of X_test.npy is the official one",)


def test_a_changed_npy_file_of_labels_is_read_anew(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", PIXELS)
    np.save(tmp_path / "y.npy", NAMES)
    before = prepare("fruit", data_file=tmp_path / "X.npy").folder
    np.save(tmp_path / "y.npy", NAMES[::-1])
    assert prepare("fruit", data_file=tmp_path / "X.npy").folder != before


def test_an_npy_file_alone_says_where_labels_are_looked_for(tmp_path: Path) -> None:
    for name in ("X", "photos"):
        np.save(tmp_path / f"{name}.npy", PIXELS)
        with pytest.raises(DataError, match=r"a single NumPy array.*as y\.npy to X\.npy"):
            prepare("fruit", data_file=tmp_path / f"{name}.npy")


# MATLAB


def test_matlab_s_arrays_are_read_images_counted_last(tmp_path: Path) -> None:
    file = tmp_path / "own.mat"
    savemat(file, {"X": np.moveaxis(PIXELS, 0, -1), "y": NUMBERS[:, None]}, do_compression=True)
    dataset = opened(file)
    assert read_images(file) == WRITTEN
    assert dataset.class_names == ("0", "1", "2")
    assert dataset.reading == ("the last axis of (28, 28, 60) counts the images",)


def test_a_table_of_pixels_in_columns_is_turned(tmp_path: Path) -> None:
    file = tmp_path / "own.mat"  # as 'mnist-original.mat' has them
    savemat(file, {"data": PIXELS.reshape(60, -1).T, "label": NUMBERS[None].astype(float)})
    assert read_images(file) == WRITTEN


def test_structures_of_parts_are_opened(tmp_path: Path) -> None:
    file = tmp_path / "emnist-own.mat"  # as EMNIST's
    parts = {
        "train": {"images": PIXELS[:48].reshape(48, -1), "labels": NUMBERS[:48, None]},
        "test": {"images": PIXELS[48:].reshape(12, -1), "labels": NUMBERS[48:, None]},
    }
    savemat(file, {"dataset": {**parts, "mapping": np.zeros((3, 2))}})
    dataset = opened(file)
    assert np.array_equal(dataset.test.images, PIXELS[48:])
    assert "the test part of emnist-own.mat is the official one" in dataset.reading
    assert any("EMNIST's own are mirrored" in sentence for sentence in dataset.reading)


def test_a_damaged_mat_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "own.mat"
    savemat(file, {"X": PIXELS, "y": NUMBERS}, do_compression=True)
    content = bytearray(file.read_bytes())
    file.write_bytes(content[:-100])
    with pytest.raises(DataError, match=r"own\.mat: ends at byte .*inside a variable"):
        opened(file)
    content[400] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"own\.mat: cannot be read"):
        opened(file)
    savemat(file, {"photos": PIXELS})
    with pytest.raises(DataError, match="holds photos; wanted images and labels"):
        opened(file)

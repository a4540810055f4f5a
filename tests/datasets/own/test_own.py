"""A user's own data, from its file to the cache: forms, classes, parts, names, errors."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from datasets import DataError, Dataset, Prepared, open_cached, prepare, search
from tests.data_files import images
from tests.own_files import SHAPES, shapes, write_folder, write_idx, write_npz


def opened(file: Path, name: str = "fruit") -> tuple[Prepared, Dataset]:
    prepared = prepare(name, data_file=file)
    return prepared, open_cached(prepared.folder)


def sizes(dataset: Dataset) -> list[int]:
    return [len(split.labels) for split in (dataset.train, dataset.validation, dataset.test)]


# Forms


def test_images_and_words_become_a_task_with_its_classes(tmp_path: Path) -> None:
    pixels, names = shapes(60)
    prepared, dataset = opened(write_npz(tmp_path, images=pixels, labels=names))
    assert (prepared.task, prepared.source, prepared.drawn) == ("fruit", "own", False)
    assert prepared.targets == (0.80, 0.90)
    assert dataset.class_names == SHAPES
    assert sizes(dataset) == [48, 6, 6]
    assert prepared.notes == ()
    known = {image.tobytes(): name for image, name in zip(pixels, names, strict=True)}
    for split in (dataset.train, dataset.validation, dataset.test):
        expected = [known[image.tobytes()] for image in split.images]
        assert expected == [SHAPES[label] for label in split.labels]


def test_idx_finds_its_labels_and_its_official_test_part(tmp_path: Path) -> None:
    train = write_idx(tmp_path, "train-", 60, seed=0)
    test = write_idx(tmp_path, "t10k-", 12, seed=1)
    for named in (train, test):
        prepared, dataset = opened(named)
        assert sizes(dataset) == [54, 6, 12]
        assert np.array_equal(dataset.test.images, shapes(12, seed=1)[0])
        assert [file.name for file in prepared.files] == [
            "train-images-idx3-ubyte.gz",
            "train-labels-idx1-ubyte",
            "t10k-images-idx3-ubyte.gz",
            "t10k-labels-idx1-ubyte",
        ]
    (tmp_path / "t10k-images-idx3-ubyte.gz").unlink()
    assert sizes(opened(train)[1]) == [48, 6, 6]


def test_the_names_of_emnist_and_of_kaggle_are_known(tmp_path: Path) -> None:
    emnist = write_idx(tmp_path / "emnist", "emnist-letters-train-", 30, seed=0)
    write_idx(tmp_path / "emnist", "emnist-letters-test-", 9, seed=1)
    assert sizes(opened(emnist)[1]) == [27, 3, 9]
    kaggle = tmp_path / "train-images.idx3-ubyte"
    kaggle.write_bytes(gzip.decompress(emnist.read_bytes()))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(
        (tmp_path / "emnist" / "emnist-letters-train-labels-idx1-ubyte").read_bytes()
    )
    assert sizes(opened(kaggle)[1]) == [24, 3, 3]


def test_the_names_of_keras_and_of_medical_sets_are_known(tmp_path: Path) -> None:
    pixels, names = shapes(72)
    keras = {
        "x_train": pixels[:60],
        "y_train": names[:60],
        "x_test": pixels[60:],
        "y_test": names[60:],
    }
    assert sizes(opened(write_npz(tmp_path, **keras))[1]) == [54, 6, 12]
    medical = {
        "train_images": pixels[:30],
        "train_labels": names[:30, None],
        "val_images": pixels[30:60],
        "val_labels": names[30:60, None],
        "test_images": pixels[60:],
        "test_labels": names[60:, None],
    }
    prepared, dataset = opened(write_npz(tmp_path, **medical))
    assert sizes(dataset) == [54, 6, 12]
    assert "validation part of own.npz is put to the training part" in prepared.notes[0]


def test_a_folder_of_images_keeps_its_parts(tmp_path: Path) -> None:
    write_folder(tmp_path / "set" / "train", 10)
    write_folder(tmp_path / "set" / "test", 4, seed=1)
    prepared, dataset = opened(tmp_path / "set")
    assert sizes(dataset) == [27, 3, 12]
    assert "fruit: the images of test are the official test part" in prepared.notes


# Classes


def test_numbers_are_sorted_as_numbers_and_words_naturally(tmp_path: Path) -> None:
    pixels, _ = images(40, classes=4)
    for labels, names in (
        (np.array([10, 2, -1, 1000]), ("-1", "2", "10", "1000")),
        (np.array([10.0, 2.0, 9.0, 0.0]), ("0", "2", "9", "10")),
        (np.array(["b", "a10", "a2", "B"]), ("a2", "a10", "B", "b")),
        (np.array([b"10", b"9", b"x", b"y"]), ("9", "10", "x", "y")),
    ):
        file = write_npz(tmp_path, x=pixels, y=labels[np.arange(40) % 4])
        assert opened(file)[1].class_names == names


def test_a_known_task_takes_its_names_or_its_numbers(tmp_path: Path) -> None:
    pixels, numbers = shapes(78)[0], np.arange(78) % 26
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for start in (0, 1):
        prepared, dataset = opened(write_npz(tmp_path, x=pixels, y=numbers + start), "letters")
        assert "".join(dataset.class_names) == alphabet
        assert prepared.notes == (f"letters: labels {start} to {start + 25} are taken for A to Z",)
    letters = np.array(list(alphabet))[numbers]
    only_three = letters < "D"
    file = write_npz(tmp_path, x=pixels[only_three], y=letters[only_three])
    prepared, dataset = opened(file, "letters")
    assert (len(dataset.class_names), prepared.notes) == (26, ())
    assert set(dataset.train.labels) == {0, 1, 2}
    with pytest.raises(DataError, match=r"'10' is no class of this task; wanted .* or 0 to 9"):
        opened(write_npz(tmp_path, x=pixels, y=numbers + 1), "digits")


# Splits


def test_training_images_that_the_test_part_holds_are_left_out(tmp_path: Path) -> None:
    pixels, names = shapes(72)
    pixels[:3] = pixels[60:63]  # three of the test part among the training images
    pixels[3] = pixels[59]  # and one twice
    changed = names.copy()
    changed[0] = "ring"  # it was a bar
    parts = {"x_train": pixels[:60], "y_train": changed[:60]}
    file = write_npz(tmp_path, **parts, x_test=pixels[60:], y_test=names[60:])
    _, dataset = opened(file)
    assert sizes(dataset)[2] == 12
    assert (dataset.duplicates_removed, dataset.conflicting_labels) == (4, 2)
    tested = {image.tobytes() for image in dataset.test.images}
    trained_on = [image.tobytes() for image in (*dataset.train.images, *dataset.validation.images)]
    assert len(set(trained_on)) == len(trained_on) == 56
    assert not tested & set(trained_on)


# The cache


def test_the_second_time_nothing_is_read_and_the_notes_are_said_again(tmp_path: Path) -> None:
    write_folder(tmp_path / "set", 5)
    first, _ = opened(tmp_path / "set")
    stages: list[str] = []
    again = prepare(
        "fruit", data_file=tmp_path / "set", progress=lambda stage, done: stages.append(stage.name)
    )
    assert (again, stages) == (first, [])
    assert "dark on light" in again.notes[0]


def test_a_changed_added_or_renamed_image_is_another_data_set(tmp_path: Path) -> None:
    write_folder(tmp_path / "set", 5)
    folders = [opened(tmp_path / "set")[0].folder]
    image = tmp_path / "set" / "bar" / "0.png"
    os.utime(image, ns=(0, 0))
    folders.append(opened(tmp_path / "set")[0].folder)
    (tmp_path / "set" / "ring" / "0.png").rename(tmp_path / "set" / "ring" / "new.png")
    folders.append(opened(tmp_path / "set")[0].folder)
    assert len(set(folders)) == 3


def test_what_is_found_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text("anything")
    (available,) = search("fruit", data_file=file)
    assert (available.task.name, available.source.name, available.files) == (
        "fruit",
        "own",
        (file,),
    )


def test_nothing_that_reads_own_data_is_imported_before_it_is_read() -> None:
    code = "import sys, datasets.own; print({'PIL', 'pandas', 'csv'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout in ("set()\n", "{'csv'}\n")

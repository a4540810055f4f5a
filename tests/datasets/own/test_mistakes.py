"""A user's own data that cannot be used: what came, what was wanted, what to do."""

from __future__ import annotations

import gzip
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datasets import DataError, open_cached, prepare
from tests.data_files import csv, images
from tests.own_files import shapes, write_idx, write_npz


def test_a_name_that_files_and_tables_cannot_bear_is_refused(tmp_path: Path) -> None:
    for name in ("Fruit", "my_fruit", "a/b", "", "-a", "x" * 41):
        with pytest.raises(DataError, match="cannot name a task; take lower case letters"):
            prepare(name, data_file=tmp_path)
    with pytest.raises(DataError, match="unknown source 'mnist' of fruit; choose from own"):
        prepare("fruit", source="mnist", data_file=tmp_path)
    with pytest.raises(DataError, match=r"unknown task 'fruit'.*--data-file"):
        prepare("fruit")


PIXELS, NAMES = shapes(30)

NPZ_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"a": PIXELS}, "holds a; wanted images and labels, or x and y, or x_train"),
    ({"x": PIXELS, "y": NAMES[:-1]}, "30 images and 29 labels"),
    ({"x": PIXELS, "y": NAMES.astype(object)}, "arrays of Python objects are not read"),
    ({"x": PIXELS, "y": np.eye(3)[np.arange(30) % 3]}, r"shape \(30, 3\).*np.argmax"),
    ({"x": PIXELS, "y": np.arange(30) / 7}, "label 0.14.* of image 2 is no whole number"),
    ({"x": PIXELS, "y": np.zeros(30)}, r"1 class \(0\); wanted 2 to 256"),
    ({"x": PIXELS, "y": np.arange(30) * 1j}, "labels of type complex128"),
    ({"x": PIXELS, "y": np.array(["", "a", "b"] * 10)}, "'' cannot name a class"),
    ({"x": np.stack([PIXELS] * 3, -1), "y": NAMES}, r"\(28, 28, 3\), in colour"),
    ({"x": PIXELS[:, :20], "y": NAMES}, r"shape \(30, 20, 28\); wanted square ones"),
    ({"x": PIXELS.reshape(30, -1)[:, 1:], "y": NAMES}, r"shape \(30, 783\); wanted square"),
    (
        {"x": PIXELS.astype(int) * 2, "y": NAMES},
        "image 1 has a pixel of 510; wanted numbers from 0",
    ),
    ({"x": PIXELS / 100 - 0.5, "y": NAMES}, "image 1 has a pixel of -0.5; wanted numbers from 0"),
    ({"x": PIXELS // 128 - 1.0, "y": NAMES}, "image 1 has a pixel of -1.0"),
    ({"x": (PIXELS // 200).astype(int) - 1, "y": NAMES}, "image 1 has a pixel of -1"),
    ({"x": np.where(PIXELS, np.inf, 0), "y": NAMES}, "a pixel of inf"),
    ({"x": PIXELS * np.nan, "y": NAMES}, "a pixel of nan"),
    ({"x": PIXELS * 0, "y": NAMES}, "every pixel of every image is 0"),
    ({"x": PIXELS[:, :3, :3], "y": NAMES}, "of 3×3 pixels; wanted some of 4×4 at least"),
    ({"x": PIXELS[:0], "y": NAMES[:0]}, "0 classes"),
]


@pytest.mark.parametrize(("arrays", "message"), NPZ_MISTAKES)
def test_arrays_that_cannot_be_used_are_told_what_was_wanted(
    arrays: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        prepare("fruit", data_file=write_npz(tmp_path, **arrays))


def npz(**arrays: Any) -> bytes:
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


FILE_MISTAKES = [
    (b"", "the file is empty"),
    (gzip.compress(csv(*images(30, classes=3)))[:-300], "truncated or corrupt"),
    (npz(x=PIXELS, y=NAMES)[:-300], "truncated or corrupt"),
    (b"\x93NUMPY", r"a single NumPy array.*np.savez"),
    (b"\x89PNG\r\n", "one image; name the folder"),
    (pickle.dumps([1]), "a Python pickle, which can run code"),
    (b"GIF89a\0", "one image; name the folder"),
    (b"what\0", "a binary file of no known form"),
    (b"\0\0\x08\x03", "its labels are found beside it|the word 'images'"),
]


@pytest.mark.parametrize(("content", "message"), FILE_MISTAKES)
def test_a_file_of_another_form_is_told_apart(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        prepare("fruit", data_file=file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.npz: no such file or folder; wanted an IDX"):
        prepare("fruit", data_file=tmp_path / "none.npz")


def test_idx_without_labels_or_cut_short_names_the_file(tmp_path: Path) -> None:
    file = write_idx(tmp_path, "train-", 30, seed=0)
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes())[:-1]))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz: ends at byte 23,535, wanted"):
        prepare("fruit", data_file=file)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"not beside it; wanted train-labels-idx1-ubyte"):
        prepare("fruit", data_file=file)


def test_more_classes_than_a_byte_counts_are_refused(tmp_path: Path) -> None:
    pixels, _ = images(257 * 3, classes=2)
    with pytest.raises(DataError, match=r"257 classes \(0, 1, 2, 3, 4, ...\); wanted 2 to 256"):
        prepare("fruit", data_file=write_npz(tmp_path, x=pixels, y=np.arange(257 * 3) % 257))


def test_every_class_needs_three_different_images(tmp_path: Path) -> None:
    pixels, names = shapes(60)
    names[0] = "star"
    names[3] = "star"
    with pytest.raises(DataError, match=r"different images of 1 classes \(star 2\); wanted 3 of"):
        prepare("fruit", data_file=write_npz(tmp_path, x=pixels, y=names))
    names[6] = "star"
    prepared = prepare("fruit", data_file=write_npz(tmp_path, x=pixels, y=names))
    assert "star" in open_cached(prepared.folder).class_names
    pixels[6] = pixels[3]
    with pytest.raises(DataError, match=r"\(star 2\)"):
        prepare("fruit", data_file=write_npz(tmp_path, x=pixels, y=names))


def test_a_class_that_one_official_part_lacks_is_named(tmp_path: Path) -> None:
    pixels, names = shapes(72)
    parts = {"x_train": pixels[:60], "y_train": names[:60]}
    few = names[60:].copy()
    few[few == "ring"] = "bar"
    with pytest.raises(DataError, match=r"the test part: too few .*\(ring 0\); wanted 1"):
        prepare("fruit", data_file=write_npz(tmp_path, **parts, x_test=pixels[60:], y_test=few))
    more = names[60:].copy()
    more[0] = "star"
    with pytest.raises(DataError, match=r"the training part: too few .*\(star 0\); wanted 2"):
        prepare("fruit", data_file=write_npz(tmp_path, **parts, x_test=pixels[60:], y_test=more))

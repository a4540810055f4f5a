"""MNIST: finding its four files, and refusing others."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from datasets import digits
from datasets.tasks import DataError, silent
from tests.data_files import idx, images, write_mnist

REAL = os.environ.get("GLYPHBENCH_DATA")
needs_mnist = pytest.mark.skipif(
    not REAL or not digits.find("mnist", Path(REAL)), reason="no MNIST in GLYPHBENCH_DATA"
)


def complaint(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        digits.load("mnist", digits.find("mnist", folder), silent)
    return str(caught.value)


@pytest.mark.parametrize("subfolder", digits.SUBFOLDERS)
def test_the_files_are_found_in_every_usual_place(subfolder: str, tmp_path: Path) -> None:
    write_mnist(tmp_path / subfolder)
    files = digits.find("mnist", tmp_path)
    assert [path.name for path in files] == [file.name for file in digits.FILES]


def test_gzip_and_the_other_spelling_are_found_too(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    for path in list(tmp_path.iterdir()):
        content = path.read_bytes()
        path.unlink()
        other = path.with_name(path.name.replace("-idx", ".idx") + ".gz")
        other.write_bytes(gzip.compress(content))
    assert [path.name for path in digits.find("mnist", tmp_path)] == [
        "train-images.idx3-ubyte.gz",
        "train-labels.idx1-ubyte.gz",
        "t10k-images.idx3-ubyte.gz",
        "t10k-labels.idx1-ubyte.gz",
    ]


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    assert digits.find("mnist", tmp_path) == ()


def test_three_of_the_four_files_are_an_error_that_names_the_fourth(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="missing there: t10k-labels-idx1-ubyte "):
        digits.find("mnist", tmp_path)


def test_counts_that_differ_are_an_error_with_both(tmp_path: Path) -> None:
    write_mnist(tmp_path, count=30)
    _, labels = images(29, classes=10)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    message = complaint(tmp_path)
    assert "train-images-idx3-ubyte holds 30 images" in message
    assert "train-labels-idx1-ubyte 29 labels" in message


def test_well_formed_files_that_are_not_mnist_are_refused_by_their_checksum(
    tmp_path: Path,
) -> None:
    write_mnist(tmp_path)
    message = complaint(tmp_path)
    assert message.startswith(
        f"{tmp_path / 'train-images-idx3-ubyte'}: well-formed, but not MNIST's"
    )
    assert digits.FILES[0].content_sha256 in message


def test_a_file_cut_short_is_refused_by_its_place(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    path = tmp_path / "t10k-images-idx3-ubyte"
    train = tmp_path / "train-images-idx3-ubyte"
    train.write_bytes(train.read_bytes()[:1000])
    assert f"{train}: ends at byte 1,000" in complaint(tmp_path)
    assert path.exists()


@needs_mnist
def test_mnist_has_the_images_and_splits_that_results_are_quoted_on() -> None:
    collection = digits.load("mnist", digits.find("mnist", Path(str(REAL))), silent)
    sizes = [len(collection.train), len(collection.validation), len(collection.test)]
    assert sizes == [50_000, 10_000, 10_000]
    assert np.bincount(collection.labels[collection.test]).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]
    assert collection.test.tolist() == list(range(60_000, 70_000))  # the official ones
    assert len(np.union1d(collection.train, collection.validation)) == 60_000
    assert collection.labels[:5].tolist() == [5, 0, 4, 1, 9]


@needs_mnist
def test_plain_files_serve_as_well_as_gzip(tmp_path: Path) -> None:
    for path in digits.find("mnist", Path(str(REAL))):
        with gzip.open(path) as packed, (tmp_path / path.stem).open("wb") as plain:
            shutil.copyfileobj(packed, plain)
    collection = digits.load("mnist", digits.find("mnist", tmp_path), silent)
    assert len(collection.images) == 70_000


@needs_mnist
def test_one_changed_pixel_is_noticed(tmp_path: Path) -> None:
    for path in digits.find("mnist", Path(str(REAL))):
        shutil.copyfile(path, tmp_path / path.name)
    changed = tmp_path / "t10k-images-idx3-ubyte.gz"
    content = bytearray(gzip.decompress(changed.read_bytes()))
    content[-300] ^= 1
    changed.write_bytes(gzip.compress(bytes(content), compresslevel=1))
    assert "well-formed, but not MNIST's t10k-images-idx3-ubyte" in complaint(tmp_path)

"""The A-Z letters: finding the file, and telling the whole set from the sample."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from datasets import letters
from datasets.errors import DataError, Unreachable
from datasets.progress import silent
from tests.data_files import csv, images

REAL = os.environ.get("GLYPHBENCH_DATA")
needs_sample = pytest.mark.skipif(
    not REAL or not letters.find("az-sample", Path(REAL)), reason="no sample in GLYPHBENCH_DATA"
)


def complaint(source: str, path: Path) -> str:
    with pytest.raises(DataError) as caught:
        letters.load(source, (path,), silent)
    return str(caught.value)


@pytest.mark.parametrize("subfolder", letters.SUBFOLDERS)
@pytest.mark.parametrize("source", ["az", "az-sample"])
def test_the_file_is_found_in_every_usual_place(
    source: str, subfolder: str, tmp_path: Path
) -> None:
    path = tmp_path / subfolder / letters.NAMES[source][0]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"0")
    assert letters.find(source, tmp_path) == (path,)
    assert letters.find("az-sample" if source == "az" else "az", tmp_path) == ()


@pytest.mark.parametrize("name", letters.NAMES["az"][1:4])
def test_packed_files_are_found(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"0")
    assert letters.find("az", tmp_path) == (tmp_path / name,)


def test_an_archive_of_kaggle_is_taken_only_with_the_letters_in_it(tmp_path: Path) -> None:
    path = tmp_path / "archive.zip"
    for member, found in (("A_Z Handwritten Data.csv", (path,)), ("iris.csv", ())):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(member, b"0")
        assert letters.find("az", tmp_path) == found


def test_a_part_of_the_whole_set_is_refused_by_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "A_Z Handwritten Data.csv"
    path.write_bytes(csv(*images(52, classes=26)))
    assert complaint("az", path).startswith(f"{path}: 52 rows, wanted the 372,450")


def test_another_sample_is_refused_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "az_sample.csv"
    path.write_bytes(csv(*images(52, classes=26)))
    said = complaint("az-sample", path)
    assert "52 well-formed rows, but not the 5,934 of the sample" in said
    assert letters.SAMPLE_SHA256 in said


def test_a_whole_set_is_split_with_its_duplicates_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels, labels = images(520, classes=26)
    pixels[500:] = pixels[474:494]  # of the same classes
    monkeypatch.setattr(letters, "FULL_ROWS", 520)
    path = tmp_path / "A_Z Handwritten Data.csv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("A_Z Handwritten Data.csv", csv(pixels, labels))
    collection = letters.load("az", letters.find("az", tmp_path), silent)
    assert (collection.duplicates_removed, collection.conflicting_labels) == (20, 0)
    assert len(collection.train) + len(collection.validation) + len(collection.test) == 500


def test_the_whole_set_is_not_fetched_unasked(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="python -m bench data --fetch letters"):
        letters.fetch("az", tmp_path, asked=False, progress=silent)


def test_the_sample_cannot_be_fetched(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"only a file, az_sample\.csv\.gz"):
        letters.fetch("az-sample", tmp_path, asked=True, progress=silent)


@needs_sample
def test_the_sample_has_the_rows_that_results_are_quoted_on() -> None:
    collection = letters.load("az-sample", letters.find("az-sample", Path(str(REAL))), silent)
    sizes = [len(collection.train), len(collection.validation), len(collection.test)]
    assert sizes == [4748, 593, 593]
    assert collection.duplicates_removed == 0
    counts = np.bincount(collection.labels)
    assert (counts[14], counts[18], counts[11]) == (1094, 841, 163)  # O, S, L

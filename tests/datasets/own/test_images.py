"""A user's folders of images: classes by folder, parts told from classes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from datasets import DataError, prepare
from datasets.own import images
from datasets.own.gathering import Content
from datasets.tasks import silent
from tests.own_files import SHAPES, write_folder


def read(folder: Path) -> Content:
    return images.read((folder,), silent)


def saved(folder: Path, image: Image.Image, name: str = "a.png") -> Path:
    path = folder / name
    image.save(path)
    return path


def test_classes_are_the_subfolders_and_images_lie_as_deep_as_they_like(tmp_path: Path) -> None:
    write_folder(tmp_path, 4)
    deep = tmp_path / "ring" / "more" / "still"
    deep.mkdir(parents=True)
    saved(deep, Image.new("L", (9, 9)), "B.PNG")
    for unseen in (".git", "__MACOSX"):
        (tmp_path / unseen).mkdir()
        saved(tmp_path / unseen, Image.new("L", (9, 9)))
    (tmp_path / "ring" / ".DS_Store").touch()
    (tmp_path / "ring" / "note.txt").touch()
    found = read(tmp_path)
    assert found.rest.labels.tolist() == ["bar"] * 4 + ["cross"] * 4 + ["ring"] * 5
    assert found.reading == (
        "folders inside a class count to it, such as ring/more/still to ring",
        "left out, as no image of a class: 1 file (ring/note.txt)",
    )


def test_parts_are_told_from_classes_by_the_classes_in_them(tmp_path: Path) -> None:
    toys = tmp_path / "toys"
    write_folder(toys, 3, names=("train", "car"))
    assert set(read(toys).rest.labels) == {"train", "car"}
    parts = tmp_path / "parts"
    write_folder(parts / "Training", 4)
    write_folder(parts / "valid", 2, seed=1)
    found = read(parts)
    assert (len(found.rest.labels), found.test) == (18, None)
    assert found.reading[0].startswith("the images of valid are put to those of Training")
    write_folder(parts / "test", 1, seed=2)
    test = read(parts).test
    assert test is not None
    assert test.labels.tolist() == list(SHAPES)
    (parts / "cats").mkdir()
    with pytest.raises(DataError, match="holds cats beside the training part"):
        read(parts)


def test_a_folder_without_folders_of_images_says_what_was_wanted(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "ring"):
        folder.mkdir(exist_ok=True)
        with pytest.raises(DataError, match="wanted a subfolder for each class"):
            read(tmp_path)
    saved(tmp_path, Image.new("L", (9, 9)))
    with pytest.raises(DataError, match="wanted a subfolder for each class"):
        read(tmp_path)


def test_an_empty_class_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path, 4)
    (tmp_path / "star").mkdir()
    with pytest.raises(DataError, match="classes hold no images: star; wanted some"):
        prepare("fruit", data_file=tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_that_leads_nowhere_is_no_image(tmp_path: Path) -> None:
    write_folder(tmp_path, 4)
    (tmp_path / "ring" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    before = prepare("fruit", data_file=tmp_path)
    assert prepare("fruit", data_file=tmp_path).folder == before.folder

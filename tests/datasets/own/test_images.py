"""A user's folders of images: classes by folder, parts told from classes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets import DataError, Stage, open_cached, prepare, search
from datasets.own import images, tree
from datasets.own.gathering import Content
from datasets.preparation import cached_folder
from datasets.tasks import silent
from tests.own_files import SHAPES, write_folder, write_idx


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
    content = read(tmp_path)
    assert content.rest.labels.tolist() == ["bar"] * 4 + ["cross"] * 4 + ["ring"] * 5
    assert content.reading == (
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
    content = read(parts)
    assert (len(content.rest.labels), content.test) == (18, None)
    assert content.reading[0].startswith("the images of valid are put to those of Training")
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


def test_pictures_may_be_prepared_in_another_way(tmp_path: Path) -> None:
    write_folder(tmp_path, 4)
    grey = np.full((28, 28), 7, np.uint8)
    content = images.read((tmp_path,), silent, prepare=lambda path: grey + len(path.suffix))
    assert set(np.unique(content.rest.images)) == {11}
    assert content.rest.images.shape == (12, 28, 28)


# Folders around the classes, and parts of the set


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("train", "train"),
        ("Training_Set", "train"),
        ("trainingSet", "train"),
        ("train-images", "train"),
        ("test_set", "test"),
        ("TestData", "test"),
        ("testing", "test"),
        ("val", "validation"),
        ("validation_split", "validation"),
        ("dev", "validation"),
        ("trains", None),
        ("contest", None),
        ("test1", None),
        ("0", None),
        ("set", None),
    ],
)
def test_parts_are_known_by_the_names_of_their_folders(name: str, part: str | None) -> None:
    assert images.part_named(name) == part


def test_folders_named_as_parts_in_other_words_are_parts(tmp_path: Path) -> None:
    write_folder(tmp_path / "training_set", 4)
    write_folder(tmp_path / "test_set", 2, seed=1)
    content = read(tmp_path)
    assert len(content.rest.labels) == 12
    assert content.test is not None
    assert content.test.labels.tolist() == ["bar", "bar", "cross", "cross", "ring", "ring"]
    assert content.reading == ("the images of test_set are the official test part",)


def test_one_folder_around_the_classes_or_the_parts_is_gone_through(tmp_path: Path) -> None:
    write_folder(tmp_path / "a" / "archive" / "fruit", 4)
    content = read(tmp_path / "a")
    assert set(content.rest.labels) == set(SHAPES)
    assert content.reading == (f"the classes are the folders in {Path('archive', 'fruit')}",)
    write_folder(tmp_path / "b" / "set" / "train" / "train", 4)
    write_folder(tmp_path / "b" / "set" / "test" / "test", 1, seed=1)
    content = read(tmp_path / "b")
    assert set(content.rest.labels) == set(SHAPES)
    assert content.test is not None
    assert len(content.test.labels) == 3


def test_test_images_without_classes_are_left_out_and_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "trainingSet" / "trainingSet", 4)
    write_folder(tmp_path / "testSet", 2, names=("testSet",))  # as on Kaggle: without labels
    content = read(tmp_path)
    assert content.test is None
    assert content.reading == (
        f"left out, as no image of a class: 2 files ({Path('testSet', 'testSet', '0.png')}, "
        f"{Path('testSet', 'testSet', '1.jpg')})",
    )


@pytest.mark.parametrize("part", ["test", "validation"])
def test_a_part_without_classes_is_no_class_beside_others(part: str, tmp_path: Path) -> None:
    write_folder(tmp_path, 4, names=("cat", "dog", part))
    with pytest.raises(DataError, match=f"{part} looks like a part of the set, beside classes"):
        read(tmp_path)


def test_parts_without_classes_are_not_taken_for_classes(tmp_path: Path) -> None:
    write_folder(tmp_path, 4, names=("train", "test"))
    with pytest.raises(DataError, match="holds no folders of images by class"):
        read(tmp_path)
    write_folder(tmp_path / "other" / "test", 4)
    write_folder(tmp_path / "other" / "val", 4)
    with pytest.raises(DataError, match="test, val holds folders of classes, and no part"):
        read(tmp_path / "other")


def test_two_folders_for_one_part_are_asked_about(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", 4)
    write_folder(tmp_path / "training", 4)
    with pytest.raises(DataError, match="train and training both hold the train part"):
        read(tmp_path)


def test_what_was_not_read_is_counted_and_the_first_are_named(tmp_path: Path) -> None:
    write_folder(tmp_path, 4)
    for name in ("a.avi", "b.txt", "c.txt", "d.txt", "e.txt", "f.txt", "g\n.txt"):
        (tmp_path / "ring" / name).touch()
    (tmp_path / "in-no-class.png").write_bytes((tmp_path / "bar" / "0.png").read_bytes())
    (sentence,) = read(tmp_path).reading
    assert sentence.startswith("left out, as no image of a class: 8 files (in-no-class.png, ")
    assert sentence.endswith("d.txt, ...)")


def test_names_are_shown_without_what_a_terminal_obeys(tmp_path: Path) -> None:
    write_folder(tmp_path, 4)
    (tmp_path / "ring" / "\x1b[2J\n.txt").touch()
    dataset = open_cached(prepare("fruit", data_file=tmp_path).folder)
    assert dataset.reading[0].endswith("\\x1b[2J\\n.txt)")
    (tmp_path / "ring" / "\x1b[2J.png").touch()
    with pytest.raises(DataError) as caught:
        prepare("fruit", data_file=tmp_path)
    assert "\\x1b[2J.png: cannot be read" in str(caught.value)


def test_pictures_of_a_phone_are_asked_for_in_another_form(tmp_path: Path) -> None:
    write_folder(tmp_path, 4)
    (tmp_path / "ring" / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(9))
    with pytest.raises(DataError, match=r"HEIC is not read, export as JPEG: 1 file \(ring.IMG_1"):
        read(tmp_path)


def test_more_folders_than_classes_can_be_are_refused_before_they_are_read(tmp_path: Path) -> None:
    write_folder(tmp_path, 1, names=[str(number) for number in range(257)])
    with pytest.raises(DataError, match=r"257 folders \(0, 1, 10, 100, 101, \.\.\.\); wanted"):
        read(tmp_path)


def test_webp_tiff_and_gif_are_pictures_too(tmp_path: Path) -> None:
    image = Image.new("L", (28, 28), 0)
    image.putpixel((9, 9), 200)
    for ending in (".webp", ".tif", ".tiff", ".gif", ".png"):
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "b").mkdir(exist_ok=True)
        saved(tmp_path / "a", image, f"0{ending}")
        saved(tmp_path / "b", image, f"0{ending}")
    content = read(tmp_path)
    assert content.reading == ()
    assert len(content.rest.images) == 10
    assert [abs(int(pixels[9, 9]) - 200) < 30 for pixels in content.rest.images] == [True] * 10


# IDX in a folder


def test_a_folder_of_idx_files_is_one_set(tmp_path: Path) -> None:
    train = write_idx(tmp_path / "set", "train-", 60)
    test = write_idx(tmp_path / "set", "t10k-", 12, seed=1)
    (tmp_path / "set" / "README.md").touch()
    prepared = prepare("fruit", data_file=tmp_path / "set")
    assert [path.parent for path in prepared.files] == [tmp_path / "set"] * 4
    assert {train, test} <= set(prepared.files)
    assert prepared.folder == prepare("fruit", data_file=train).folder
    write_idx(tmp_path / "set", "letters-train-", 60)
    with pytest.raises(DataError, match=r"holds several sets in IDX; name the images of one"):
        prepare("fruit", data_file=tmp_path / "set")


def test_a_folder_of_other_files_says_which_could_be_named(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("x")
    with pytest.raises(DataError, match=r"or name one of its own files, such as .*own\.csv"):
        read(tmp_path)


# Links, and whether a folder is still the same


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_classes_may_be_links_and_what_they_lead_to_is_watched(tmp_path: Path) -> None:
    write_folder(tmp_path / "far", 6)
    (tmp_path / "set").mkdir()
    for name in SHAPES:
        (tmp_path / "set" / name).symlink_to(tmp_path / "far" / name, target_is_directory=True)
    before = prepare("fruit", data_file=tmp_path / "set")
    assert len(read(tmp_path / "set").rest.labels) == 18
    far = tmp_path / "far" / "ring"
    (far / "0.png").write_bytes((far / "3.png").read_bytes())
    assert prepare("fruit", data_file=tmp_path / "set").folder != before.folder


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_in_a_circle_end(tmp_path: Path) -> None:
    write_folder(tmp_path, 4)
    (tmp_path / "ring" / "up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "bar" / "over").symlink_to(tmp_path / "cross", target_is_directory=True)
    content = read(tmp_path)
    assert content.rest.labels.tolist() == ["bar"] * 8 + ["cross"] * 4 + ["ring"] * 4


def test_a_change_that_keeps_size_and_time_is_seen(tmp_path: Path) -> None:
    write_folder(tmp_path, 6)
    before = prepare("fruit", data_file=tmp_path).folder
    assert prepare("fruit", data_file=tmp_path).folder == before
    image = tmp_path / "ring" / "0.png"
    times = image.stat().st_atime_ns, image.stat().st_mtime_ns
    content = bytearray(image.read_bytes())
    content[-1] ^= 1
    image.write_bytes(content)
    os.utime(image, ns=times)
    assert image.stat().st_mtime_ns == times[1]
    assert prepare_key(tmp_path) != before.name


def prepare_key(folder: Path) -> str:
    """The name of the cache folder that a set would have now."""
    (available,) = search("fruit", data_file=folder)
    return cached_folder(available).name


def test_a_folder_that_holds_more_than_any_set_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path, 4)
    monkeypatch.setattr(tree, "MOST_ENTRIES", 10)
    with pytest.raises(DataError, match="holds more than 10 files and folders; name the folder"):
        prepare("fruit", data_file=tmp_path)


def test_a_file_that_changes_while_it_is_read_is_not_cached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path, 4)

    def growing(stage: Stage, done: int) -> None:
        (tmp_path / "ring" / "late.png").write_bytes((tmp_path / "ring" / "0.png").read_bytes())

    with pytest.raises(DataError, match="has changed while it was read; try again"):
        prepare("fruit", data_file=tmp_path, progress=growing)

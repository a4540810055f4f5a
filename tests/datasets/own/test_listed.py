"""Pictures without folders of classes, whose labels are in a table beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datasets import DataError, open_cached, prepare
from datasets.own import images
from datasets.own.gathering import Content
from datasets.tasks import silent
from tests.own_files import shapes

PIXELS, NAMES = shapes(30)


def write_pictures(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for pixels, name in zip(PIXELS, names, strict=True):
        Image.fromarray(pixels).save(folder / f"{name}.png")


def read(folder: Path) -> Content:
    return images.read((folder,), silent)


def check(content: Content) -> None:
    """Whether every picture has the label that it was given."""
    known = {pixels.tobytes(): name for pixels, name in zip(PIXELS, NAMES, strict=True)}
    assert len(content.rest.labels) == 30
    labels = [known[image.tobytes()] for image in content.rest.images]
    assert labels == content.rest.labels.tolist()


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("{id}.png,{label}", "filename,label"),
        ("{id}.png,{label}", None),
        ("{id},{label}", "id,class"),
        ("{label};{id}.png", "label;file"),
        ("{id}\t{label}", "name\tlabel"),
        ("pictures/{id}.png,{label}", "path,label"),
        ("7,{id}.png,{label},x", "number,file,Label,author"),
    ],
)
def test_a_table_of_names_and_labels_is_understood(
    line: str, header: str | None, tmp_path: Path
) -> None:
    ids = [f"img{number:02}" for number in range(30)]
    write_pictures(tmp_path / "pictures", ids)
    rows = [line.format(id=name, label=label) for name, label in zip(ids, NAMES, strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join([header, *rows] if header else rows))
    content = read(tmp_path)
    check(content)
    assert content.reading[0].startswith("labels are column ")
    assert content.reading[1] == "left out, as no image of a class: 1 file (labels.csv)"


def test_pictures_right_in_the_folder_are_read_whole_way(tmp_path: Path) -> None:
    ids = [str(number) for number in range(30)]
    write_pictures(tmp_path, ids)
    labels = {"bar": "0.0", "cross": "1.0", "ring": "2.0"}
    rows = [f"{n},{labels[name]}" for n, name in enumerate(NAMES)]
    (tmp_path / "train.csv").write_text("id,label\n" + "\n".join(rows))
    dataset = open_cached(prepare("fruit", data_file=tmp_path).folder)
    assert dataset.class_names == ("0", "1", "2")


def test_pictures_and_rows_without_the_other_are_said(tmp_path: Path) -> None:
    write_pictures(tmp_path, [f"p{number}" for number in range(30)])
    rows = [f"p{number}.png,{name}" for number, name in enumerate(NAMES)]
    rows[3] = "gone.png,ring"
    (tmp_path / "labels.csv").write_text("file,label\n" + "\n".join(rows))
    content = read(tmp_path)
    assert len(content.rest.labels) == 29
    assert content.reading[1:] == (
        "labels.csv lists images that are not there: 1 (gone.png)",
        "left out, as no image of a class: 2 files (labels.csv, p3.png)",
    )


def test_a_table_that_does_not_tell_is_an_error(tmp_path: Path) -> None:
    write_pictures(tmp_path, [f"p{number}" for number in range(30)])
    listed = [f"p{number}.png,{name}" for number, name in enumerate(NAMES)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(f"{row},7" for row in listed))
    with pytest.raises(DataError, match=r"labels\.csv: 3 columns, and nothing says which has"):
        read(tmp_path)
    table.write_text("\n".join([*listed, listed[0]]))
    with pytest.raises(DataError, match=r"lists 'p0\.png' twice; wanted one row for each image"):
        read(tmp_path)
    table.write_text("\n".join(listed))
    (tmp_path / "more.csv").write_text("\n".join(listed))
    with pytest.raises(DataError, match=r"labels\.csv, more\.csv all list images"):
        read(tmp_path)
    for name in ("labels.csv", "more.csv"):
        (tmp_path / name).write_text("nothing,here\nof,use\n")
    with pytest.raises(DataError, match="holds no folders of images by class"):
        read(tmp_path)


def test_the_table_is_part_of_what_is_cached(tmp_path: Path) -> None:
    write_pictures(tmp_path, [f"p{number}" for number in range(30)])
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(f"p{number}.png,{name}" for number, name in enumerate(NAMES)))
    before = prepare("fruit", data_file=tmp_path).folder
    other = np.roll(NAMES, 1)
    table.write_text("\n".join(f"p{number}.png,{name}" for number, name in enumerate(other)))
    assert prepare("fruit", data_file=tmp_path).folder != before

"""Parquet, where pyarrow is installed; and what is said where it is not."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from datasets import DataError, open_cached, prepare
from datasets.own import parquet
from tests.own_files import SHAPES, shapes

needs_pyarrow = pytest.mark.skipif(find_spec("pyarrow") is None, reason="needs pyarrow")
PIXELS, NAMES = shapes(30)
WRITTEN = {image.tobytes() for image in PIXELS}


def png(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


@needs_pyarrow
def test_pictures_as_hugging_face_s_sets_have_them_are_read(tmp_path: Path) -> None:
    file = tmp_path / "own.parquet"
    cells = [{"bytes": png(image), "path": None} for image in PIXELS]
    pd.DataFrame({"image": cells, "label": NAMES}).to_parquet(file)
    dataset = open_cached(prepare("fruit", data_file=file).folder)
    assert dataset.class_names == SHAPES
    assert {image.tobytes() for image in dataset.train.images} <= WRITTEN
    assert dataset.reading[0] == "pictures are the column image, labels the column label"
    cells[3]["bytes"] = b"no picture"
    pd.DataFrame({"image": cells, "label": NAMES}).to_parquet(file)
    with pytest.raises(DataError, match=r"own\.parquet: row 4: cannot be read as a PNG"):
        prepare("fruit", data_file=file)


@needs_pyarrow
def test_a_column_for_each_pixel_is_read(tmp_path: Path) -> None:
    file = tmp_path / "own.parquet"
    frame = pd.DataFrame(PIXELS.reshape(30, -1)).add_prefix("pixel")
    frame.insert(5, "Label", NAMES)
    frame.to_parquet(file)
    dataset = open_cached(prepare("fruit", data_file=file).folder)
    assert {image.tobytes() for image in dataset.train.images} <= WRITTEN
    frame.drop(columns="Label").to_parquet(file)
    with pytest.raises(DataError, match=r"the columns pixel0, pixel1, .*; wanted a column"):
        prepare("fruit", data_file=file)


@needs_pyarrow
def test_numbers_and_missing_labels_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "own.parquet"
    frame = pd.DataFrame(PIXELS.reshape(30, -1)).add_prefix("pixel")
    numbers = np.arange(30) % 3
    frame.assign(label=numbers).to_parquet(file)
    assert open_cached(prepare("fruit", data_file=file).folder).class_names == ("0", "1", "2")
    frame.assign(label=pd.Series(NAMES).where(np.arange(30) != 2)).to_parquet(file)
    with pytest.raises(DataError, match=r"own\.parquet: row 3 has no label; give it one"):
        prepare("fruit", data_file=file)


@needs_pyarrow
def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "own.parquet"
    pd.DataFrame({"a": [1], "label": ["x"]}).to_parquet(file)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"own\.parquet: cannot be read as Parquet"):
        prepare("fruit", data_file=file)


def test_without_pyarrow_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "find_spec", lambda name: None)
    file = tmp_path / "own.parquet"
    file.write_bytes(b"PAR1\0\0PAR1")
    with pytest.raises(DataError, match="this is Parquet, which needs the package pyarrow"):
        prepare("fruit", data_file=file)

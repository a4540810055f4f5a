"""Parquet, where pyarrow is installed: a row an image, of pixels or with a picture's file in it.

So are Hugging Face's sets. The column of labels is the one that is called so; that of pictures
holds their files' bytes.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from datasets import pictures
from datasets.formats import check_content, regular_bytes
from datasets.own.arrays import CORRUPT
from datasets.own.columns import LABELS
from datasets.own.gathering import Content, Part
from datasets.own.labels import MOST_CHARACTERS, Texts
from datasets.pictures import Numbers
from datasets.tasks import DataError, Progress, Stage

if TYPE_CHECKING:
    import pandas as pd

_WANTED = "a column 'label', and either one 'image' with pictures or one for each pixel"


def read(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read a table of images and labels.

    Raises DataError where pyarrow is not there, on a damaged file, on columns that are not plain,
    naming the row of a picture that cannot be read.
    """
    (path,) = files
    frame = _frame(path)
    labels = [name for name in frame.columns if str(name).casefold() in LABELS]
    if len(labels) != 1:
        columns = ", ".join(map(str, frame.columns[:10]))
        raise DataError(f"{path}: has the columns {columns}; wanted {_WANTED}")
    rest = frame.drop(columns=labels)
    is_picture = [_bytes_of(rest[name].iloc[0]) is not None for name in rest.columns]
    if any(is_picture):
        column = rest.columns[is_picture.index(True)]
        images = _pictures(rest[column], path, progress)
        reading = f"pictures are the column {column}, labels the column {labels[0]}"
    else:
        images = rest.to_numpy()
        reading = f"labels are the column {labels[0]}, pixels all others"
    part = Part(images=images, labels=_labels(frame[labels[0]], path))
    return Content(rest=part, reading=(reading,))


def _frame(path: Path) -> pd.DataFrame:
    if find_spec("pyarrow") is None:
        raise DataError(
            f"{path}: this is Parquet, which needs the package pyarrow: python -m pip install "
            "pyarrow; or save the table as CSV where it is"
        )
    import pandas as pd

    arrow: Any = import_module("pyarrow")
    size_bytes = regular_bytes(path)
    try:
        facts = import_module("pyarrow.parquet").ParquetFile(path).metadata
        groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
        content_bytes = sum(group.total_byte_size for group in groups)
        check_content(path, content_bytes=content_bytes, file_bytes=size_bytes)
        if facts.num_rows == 0 or facts.num_rows > pictures.MOST_IMAGES:
            raise DataError(
                f"{path}: {facts.num_rows:,} rows; wanted 1 to {pictures.MOST_IMAGES:,} images"
            )
        return pd.read_parquet(path, engine="pyarrow")
    except DataError:
        raise
    except (arrow.ArrowException, *CORRUPT) as error:
        raise DataError(f"{path}: cannot be read as Parquet ({error}); save it again") from error


def _labels(column: pd.Series[Any], path: Path) -> Numbers | Texts:
    """Numbers as they are, all else as text. Raises DataError on a row that has none."""
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise DataError(
            f"{path}: row {missing[0] + 1:,} has no label; give it one, or leave the row out"
        )
    labels = column.to_numpy()
    if labels.dtype.kind in "fiub":
        return labels
    texts = column.astype(str)
    if texts.str.len().max() > MOST_CHARACTERS:
        raise DataError(f"{path}: labels of more than {MOST_CHARACTERS} characters")
    return texts.to_numpy(dtype=np.str_)


def _bytes_of(cell: Any) -> bytes | None:
    """The bytes of a picture's file, alone or as Hugging Face has them; None: there are none."""
    if isinstance(cell, dict):
        cell = cell.get("bytes")
    return cell if isinstance(cell, bytes) else None


def _pictures(column: pd.Series[Any], path: Path, progress: Progress) -> pictures.Bytes:
    images = np.empty((len(column), pictures.SIDE, pictures.SIDE), np.uint8)
    stage = Stage(name=f"reading {path.name}", total=len(column), unit="images")
    for row, cell in enumerate(column):
        content = _bytes_of(cell)
        if content is None:
            raise DataError(f"{path}: row {row + 1:,} has no picture; leave it out")
        name = f"{path}: row {row + 1:,}"
        images[row] = pictures.whole(pictures.read_content(content, name=name))
        progress(stage, row + 1)
    return images

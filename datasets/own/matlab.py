"""MATLAB's ``.mat`` files up to version 7: arrays under usual names, also inside of structures."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from datasets.formats import check_content, regular_bytes
from datasets.own.arrays import chosen, content, slot_of, unreadable_is_told
from datasets.own.gathering import Content
from datasets.pictures import Numbers
from datasets.tasks import DataError, Progress, Stage

_MAT_HEADER_BYTES = 128
_COMPRESSED = 15  # the type of an element, 'MAT-File Format', MathWorks, table 1-1


def read(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read the arrays of images and labels, also inside of structures, as EMNIST has them.

    Raises DataError on a damaged file, and on names that are not the usual ones.
    """
    from scipy.io import loadmat

    (path,) = files
    _check_mat(path)
    stage = Stage(name=f"reading {path.name}", total=1, unit="files")
    with unreadable_is_told(path):
        variables = loadmat(path, simplify_cells=True)
    arrays = dict(_flattened(variables))
    progress(stage, 1)
    slots = chosen(arrays)
    return content({slot: arrays[name] for slot, name in slots.items()}, list(arrays), path)


def _flattened(content: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, Numbers]]:
    """Every array, those of structures by the names of both: 'train_images'."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _flattened(value, name + "_" if slot_of(name + "_x") else "")
        elif isinstance(value, np.ndarray) and not name.startswith("__"):
            yield inside + name, value


def _check_mat(path: Path) -> None:
    """Raise DataError where what is compressed in it unpacks into more than it can mean."""
    size_bytes = regular_bytes(path)
    check_content(path, content_bytes=size_bytes, file_bytes=size_bytes)
    with unreadable_is_told(path), path.open("rb") as file:
        header = file.read(_MAT_HEADER_BYTES)
        order = "<" if header.endswith(b"IM") else ">"
        while len(tag := file.read(8)) == 8:
            kind, length = struct.unpack(f"{order}II", tag)
            end = file.tell() + length
            if end > size_bytes:
                raise DataError(
                    f"{path}: ends at byte {size_bytes:,}, inside a variable; save it again"
                )
            if kind == _COMPRESSED:
                _check_compressed(file, length, path)
            file.seek(end)


def _check_compressed(file: IO[bytes], length: int, path: Path) -> None:
    unpacking, unpacked = zlib.decompressobj(), 0
    packed = file.read(length)
    while packed and not unpacking.eof:
        unpacked += len(unpacking.decompress(packed, 1 << 20))
        check_content(path, content_bytes=unpacked, file_bytes=length)
        packed = unpacking.unconsumed_tail

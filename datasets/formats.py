"""The files that data comes in: plain, gzip or a zip with one CSV; and IDX, parsed strictly.

How a file is packed is told by its first bytes. IDX is the format of the MNIST files,
big-endian: two zero bytes, the type (0x08, unsigned bytes), the number of dimensions, the
size of each dimension as 32 bits, then the values. Described at
http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from datasets.tasks import DataError, Progress, Stage, silent

SIDE = 28  # pixels of an image of MNIST
BLOCK_BYTES = 1 << 19  # what the CSV parser does to a block stays in a core's cache

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK"
# What gzip, zipfile and zlib raise on bytes that are not as they should be.
_CORRUPT = (
    EOFError,
    NotImplementedError,  # a zip method that Python cannot read
    RuntimeError,  # an encrypted zip
    UnicodeDecodeError,
    ValueError,
    gzip.BadGzipFile,
    zipfile.BadZipFile,
    zlib.error,
)


class _Content(Protocol):
    def read(self, size_bytes: int, /) -> bytes: ...
    def close(self) -> None: ...


def read_file(path: Path, *, progress: Progress = silent) -> bytes:
    """The whole content of a file, decompressed. Raises DataError as ``read_blocks`` does."""
    return b"".join(read_blocks(path, progress=progress))


def read_blocks(path: Path, *, progress: Progress = silent) -> Iterator[bytes]:
    """The content of a file in blocks of at most 512 KiB, decompressed.

    ``progress`` counts bytes of the file as it lies on the disk. Raises DataError with the
    file, the byte and what is wrong where it is empty, truncated, corrupt or unreadable.
    """
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            yield from _blocks(file, path, size_bytes, progress)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _blocks(file: BinaryIO, path: Path, size_bytes: int, progress: Progress) -> Iterator[bytes]:
    if size_bytes == 0:
        raise DataError(f"{path}: the file is empty (0 bytes); fetch it again")
    stage = Stage(name=f"reading {path.name}", total=size_bytes, unit="B")
    try:
        with closing(_decompressed(file, path)) as content:
            while block := content.read(BLOCK_BYTES):
                progress(stage, file.tell())
                yield block
    except _CORRUPT as error:
        raise DataError(
            f"{path}: the compressed data is truncated or corrupt at byte {file.tell():,} "
            f"of {size_bytes:,}, or shortly before ({error}); fetch the file again"
        ) from error


def _decompressed(file: BinaryIO, path: Path) -> _Content:
    magic = file.read(2)
    file.seek(0)
    if magic == _GZIP_MAGIC:
        return gzip.GzipFile(fileobj=file)
    if magic == _ZIP_MAGIC:
        archive = zipfile.ZipFile(file)
        return archive.open(_only_csv(archive, path))
    return file


def _only_csv(archive: zipfile.ZipFile, path: Path) -> str:
    """The one CSV in a zip, which macOS may have joined by a shadow of it."""
    names = [n for n in archive.namelist() if n.lower().endswith(".csv")]
    names = [n for n in names if not n.startswith("__MACOSX/")]
    if len(names) != 1:
        raise DataError(
            f"{path}: holds {len(names)} CSV files ({', '.join(names) or 'none'}); wanted one"
        )
    return names[0]


# IDX


def parse_idx(content: bytes, *, dimensions: int, name: str) -> NDArray[np.uint8]:
    """Unsigned bytes of any size in so many dimensions, read-only, from the bytes of an IDX file.

    ``name``: the file's, for the DataError raised, with the byte, on anything but that.
    """
    return _values(content, _shape(content, dimensions=dimensions, name=name), name=name)


def parse_images(content: bytes, *, name: str) -> NDArray[np.uint8]:
    """Images (n, 28, 28) uint8, read-only, from the bytes of an ``idx3-ubyte`` file.

    ``name``: the file's, for the DataError raised, with the byte, on anything but that.
    """
    shape = _shape(content, dimensions=3, name=name)
    if shape[1:] != (SIDE, SIDE):
        raise DataError(f"{name}: images of {shape[1]}×{shape[2]} at byte 8, wanted {SIDE}×{SIDE}")
    return _values(content, shape, name=name)


def parse_labels(content: bytes, *, classes: int, name: str) -> NDArray[np.uint8]:
    """Labels (n,) uint8 in 0..classes-1, read-only, from the bytes of an ``idx1-ubyte`` file.

    ``name``: the file's, for the DataError raised, with the byte, on anything but that.
    """
    labels = parse_idx(content, dimensions=1, name=name)
    wrong = np.flatnonzero(labels >= classes)
    if len(wrong):
        raise DataError(
            f"{name}: label {labels[wrong[0]]} at byte {_header_bytes(1) + wrong[0]:,}, "
            f"wanted 0 to {classes - 1}"
        )
    return labels


def _header_bytes(dimensions: int) -> int:
    return 4 + 4 * dimensions


def _shape(content: bytes, *, dimensions: int, name: str) -> tuple[int, ...]:
    if len(content) < _header_bytes(dimensions):
        raise DataError(
            f"{name}: ends at byte {len(content)}, inside the IDX header, "
            f"which has {_header_bytes(dimensions)} bytes"
        )
    magic, wanted = int.from_bytes(content[:4], "big"), 0x0800 + dimensions
    if magic != wanted:
        raise DataError(
            f"{name}: magic number 0x{magic:08X} at byte 0, wanted 0x{wanted:08X} "
            f"(IDX, unsigned bytes, {dimensions} dimension{'s' if dimensions > 1 else ''})"
        )
    sizes = np.frombuffer(content, dtype=">u4", count=dimensions, offset=4)
    return tuple(int(size) for size in sizes)


def _values(content: bytes, shape: tuple[int, ...], *, name: str) -> NDArray[np.uint8]:
    header = _header_bytes(len(shape))
    wanted = header + math.prod(shape)
    if len(content) != wanted or shape[0] == 0:
        sizes = "×".join(f"{size:,}" for size in shape)
        raise DataError(
            f"{name}: ends at byte {len(content):,}, wanted {wanted:,}: "
            f"its header promises {sizes} values after {header} bytes"
            + (", and none is too few" if shape[0] == 0 else "")
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)

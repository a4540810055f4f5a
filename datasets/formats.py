"""The files that data comes in: plain, gzip or a zip with one CSV; and IDX, parsed strictly.

How a file is packed is told by its first bytes. No file is read without bounds: what is no
regular file is not opened, and what would unpack into far more than it can mean is left.

IDX is the format of the MNIST files, big-endian: two zero bytes, the type (0x08, unsigned bytes),
the number of dimensions, the size of each dimension as 32 bits, then the values. Described at
http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import math
import stat
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

# No set of characters that is known is larger than EMNIST's 814,255 images: 1.7 GB as CSV.
MOST_CONTENT_BYTES = 4 << 30  # of one file, unpacked
# Beyond this, content may be so many times as large as its file: images in float64 reach 100,
# and 1,032 is what DEFLATE makes of zeros.
UNSUSPECTED_BYTES = 128 << 20
MOST_TIMES = 200

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK"
HEADER_BYTES = 30  # of the first file in a zip: what tells how a file is packed
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
        size_bytes = regular_bytes(path)
        with path.open("rb") as file:
            yield from _blocks(file, path, size_bytes, progress)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def regular_bytes(path: Path) -> int:
    """The size of a file; OSError where it is not there.

    Raises DataError on a pipe, a device or a folder before it is opened: a pipe may never speak,
    and a device may never end.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, a device or a socket"
        raise DataError(f"{path}: this is {kind}; wanted a file: save what it holds as one")
    return status.st_size


def check_content(path: Path, *, content_bytes: int, file_bytes: int) -> None:
    """Raise DataError where so much content of so large a file, or a part of one, is too much."""
    if content_bytes > MOST_CONTENT_BYTES:
        raise DataError(
            f"{path}: holds more than {MOST_CONTENT_BYTES / 1e9:.1f} GB, the most that is read; "
            "leave images out, or save pixels as bytes (uint8)"
        )
    if content_bytes > max(UNSUSPECTED_BYTES, MOST_TIMES * file_bytes):
        raise DataError(
            f"{path}: unpacks into more than {MOST_TIMES} times its size, as no images do; if it "
            "is what you mean, unpack it and name what comes out"
        )


def _blocks(file: BinaryIO, path: Path, size_bytes: int, progress: Progress) -> Iterator[bytes]:
    if size_bytes == 0:
        raise DataError(f"{path}: the file is empty (0 bytes); fetch it again")
    check_content(path, content_bytes=size_bytes, file_bytes=size_bytes)
    stage = Stage(name=f"reading {path.name}", total=size_bytes, unit="B")
    content_bytes = 0
    try:
        with closing(_decompressed(file, path)) as content:
            while block := content.read(BLOCK_BYTES):
                content_bytes += len(block)
                check_content(path, content_bytes=content_bytes, file_bytes=file.tell())
                progress(stage, file.tell())
                yield block
    except _CORRUPT as error:
        raise DataError(
            f"{path}: the compressed data is truncated or corrupt at byte {file.tell():,} "
            f"of {size_bytes:,}, or shortly before ({error}); fetch the file again"
        ) from error


def is_zip(begin: bytes) -> bool:
    """Whether the first HEADER_BYTES are those of a zip; a table may begin with 'PK' too."""
    return begin.startswith(_ZIP_MAGIC) and min(begin) < ord("\t")  # no text has such bytes


def _decompressed(file: BinaryIO, path: Path) -> _Content:
    magic = file.read(HEADER_BYTES)
    file.seek(0)
    if magic.startswith(_GZIP_MAGIC):
        return gzip.GzipFile(fileobj=file)
    if is_zip(magic):
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


def read_idx(path: Path, *, dimensions: int, progress: Progress = silent) -> NDArray[np.uint8]:
    """Unsigned bytes of any size in so many dimensions, read-only, from an IDX file.

    Nothing is read beyond what its header promises. Raises DataError naming the file and the
    byte on anything but that.
    """
    content = bytearray()
    wanted = 0
    for block in read_blocks(path, progress=progress):
        content += block
        if not wanted:
            shape = _shape(content, dimensions=dimensions, name=str(path))
            wanted = _header_bytes(dimensions) + math.prod(shape)
            check_content(path, content_bytes=wanted, file_bytes=wanted)
        if len(content) > wanted + BLOCK_BYTES:
            raise DataError(
                f"{path}: goes on after byte {wanted:,}, where by its header it ends; is it two "
                "files in one?"
            )
    return parse_idx(content, dimensions=dimensions, name=str(path))


def parse_idx(content: bytes | bytearray, *, dimensions: int, name: str) -> NDArray[np.uint8]:
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


def _shape(content: bytes | bytearray, *, dimensions: int, name: str) -> tuple[int, ...]:
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


def _values(content: bytes | bytearray, shape: tuple[int, ...], *, name: str) -> NDArray[np.uint8]:
    header = _header_bytes(len(shape))
    wanted = header + math.prod(shape)
    if len(content) != wanted or shape[0] == 0:
        sizes = "×".join(f"{size:,}" for size in shape)
        raise DataError(
            f"{name}: ends at byte {len(content):,}, wanted {wanted:,}: "
            f"its header promises {sizes} values after {header} bytes"
            + (", and none is too few" if shape[0] == 0 else "")
        )
    values = np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
    values.flags.writeable = False
    return values

"""Reading a file that may be plain, gzip or a zip with one CSV, told apart by its first bytes."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Protocol

from datasets.errors import DataError
from datasets.progress import Progress, Stage, silent

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


def read(path: Path, *, progress: Progress = silent) -> bytes:
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

"""Which form a user's file has, told by its first bytes, and which files belong to it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from datasets import compressed
from datasets.errors import DataError
from datasets.own import idx_pair, image_folder, npz, table
from datasets.own.content import Content
from datasets.progress import Progress

Form = Literal["idx", "csv", "npz", "folder"]

WANTED = (
    "wanted an IDX file of images, a CSV, an .npz, or a folder with a subfolder of images "
    "for each class"
)
# First bytes of what a user may take for data -> what it is, and what to do.
_MISTAKEN = {
    b"\x93NUMPY": "a single NumPy array; save images and labels together: "
    "np.savez(FILE, images=images, labels=labels)",
    b"\x89PNG": "one image; name the folder that holds a subfolder of images for each class",
    b"\xff\xd8\xff": "one image; name the folder that holds a subfolder of images for each class",
    b"BM": "one image; name the folder that holds a subfolder of images for each class",
    b"\x80\x04": "a Python pickle, which can run code when it is read; save the arrays by np.savez",
    b"\x80\x05": "a Python pickle, which can run code when it is read; save the arrays by np.savez",
    b"\x89HDF": "HDF5; save the arrays by np.savez",
    b"PAR1": "Parquet; save the table as CSV",
}

_READERS: dict[Form, Callable[[tuple[Path, ...], Progress], Content]] = {
    "idx": idx_pair.read,
    "csv": table.read,
    "npz": npz.read,
    "folder": image_folder.read,
}


def files(path: Path) -> tuple[Path, ...]:
    """``path`` and what belongs to it: of IDX images their labels, and the test part's pair.

    Raises DataError where nothing is there, or nothing of a known form.
    """
    if form(path) == "idx":
        return idx_pair.files(path)
    return (path,)


def read(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read what ``files`` returned. Raises DataError naming the file and the place."""
    return _READERS[form(files[0])](files, progress)


def form(path: Path) -> Form:
    """The form of a file or folder. Raises DataError where it has none of them."""
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; {WANTED}")
    begin = _beginning(path)
    if begin.startswith(b"PK"):
        return _form_of_zip(path)
    return _form_of_content(begin, path)


def _beginning(path: Path) -> bytes:
    """The first bytes; of gzip those of its content."""
    try:
        with path.open("rb") as file:
            magic = file.read(2)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if magic == b"PK":
        return magic
    return next(compressed.read_blocks(path), b"")


def _form_of_content(begin: bytes, path: Path) -> Form:
    for magic, what in _MISTAKEN.items():
        if begin.startswith(magic):
            raise DataError(f"{path}: this is {what}")
    if begin.startswith(b"\0\0"):
        return "idx"
    if not begin or b"\0" in begin:
        raise DataError(f"{path}: nothing in it, or a binary file of no known form; {WANTED}")
    return "csv"


def _form_of_zip(path: Path) -> Form:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise DataError(
            f"{path}: truncated or corrupt ({error}); fetch or save it again"
        ) from error
    if any(name.endswith(".npy") for name in names):
        return "npz"
    if any(name.lower().endswith(".csv") for name in names):
        return "csv"
    raise DataError(
        f"{path}: a zip with neither arrays (.npy) nor a CSV in it; if it holds folders of "
        "images, unpack it and name the folder"
    )

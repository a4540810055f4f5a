"""A user's own images as a task: IDX, tables, arrays, or a folder of images by class.

idx.py        IDX: images with their labels beside them
table.py      tables in text: CSV and the like, read piece by piece
columns.py    which column of a table holds the labels
arrays.py     arrays under usual names: .npz, .npy
matlab.py     the same in .mat files
parquet.py    Parquet, where pyarrow is installed
images.py     a folder of images by class
listed.py     pictures whose labels are in a table beside them
tree.py       what lies in a folder, through links, and whether it is still the same
labels.py     labels of any kind as indices into class names
gathering.py  what each of these readers returns, and from it one data set, split for good

Here is which form a file has, told by its first bytes, and which files belong to it. The files
are named by the user, never searched for. No reader is imported before one is needed: every run's
start would pay for them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from datasets import formats
from datasets.own import tree
from datasets.splits import Collection
from datasets.tasks import DataError, Progress, Source, Task

if TYPE_CHECKING:
    from datasets.own.gathering import Content

Form = Literal["idx", "csv", "npz", "npy", "mat", "parquet", "folder"]

SOURCE = Source(
    name="own",
    description="images of your own, named by --data-file",
    targets=(0.80, 0.90),  # of data that nobody has seen before: a good start, and a good end
    drawn=False,
)

# Part of every cache folder's name. Raise it when reading, resizing or splitting changes.
VERSION = 3

MOST_NAME_CHARACTERS = 40  # it is part of file names
_WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

WANTED = (
    "wanted an IDX file of images, a CSV, an .npz, or a folder with a subfolder of images "
    "for each class"
)
MIRRORED = (
    "the images are as they are in the file, where EMNIST's own are mirrored along their diagonal"
)
_ONE_IMAGE = "one image; name the folder that holds a subfolder of images for each class"
_PICKLE = "a Python pickle, which can run code when it is read; save the arrays by np.savez"
# First bytes of what a user may take for data -> what it is, and what to do.
_MISTAKEN = {
    b"\x89PNG": _ONE_IMAGE,
    b"\xff\xd8\xff": _ONE_IMAGE,
    b"\x80\x02": _PICKLE,
    b"\x80\x03": _PICKLE,
    b"\x80\x04": _PICKLE,
    b"\x80\x05": _PICKLE,
    b"\x89HDF": "HDF5; save the arrays by np.savez",
    b"\xff\xfe": "text in UTF-16; save the table as CSV in UTF-8",
    b"\xfe\xff": "text in UTF-16; save the table as CSV in UTF-8",
}
# The same of those that begin with letters, as a table may too: with bytes that no text has.
_MISTAKEN_BINARY = {
    b"BM": _ONE_IMAGE,
    b"GIF8": _ONE_IMAGE,
    b"II*": _ONE_IMAGE,
    b"MM": _ONE_IMAGE,
    b"RIFF": _ONE_IMAGE,
    b"MATLAB 7.3": "MATLAB 7.3's form, which is HDF5; save it by save(FILE, '-v7')",
}
_MAT = b"MATLAB 5.0"
_PARQUET = b"PAR1"


def task(name: str) -> Task:
    """The task of this name; its classes are not known before its files are read.

    Raises DataError on a name that cannot be part of file names and tables.
    """
    if not _WORD.fullmatch(name) or len(name) > MOST_NAME_CHARACTERS:
        raise DataError(
            f"{name!r} cannot name a task; take lower case letters, digits and single dashes "
            f"between them, {MOST_NAME_CHARACTERS} characters at most, such as 'my-digits'"
        )
    return Task(name=name, class_names=(), sources=(SOURCE,))


def find(path: Path) -> tuple[Path, ...]:
    """The file or folder that the user named, with the files that belong to it.

    Of IDX images these are their labels, and the test part's pair. Raises DataError where it is
    not there or has none of the known forms.
    """
    path = path.expanduser().absolute()
    with _unreadable_is_told((path,)):
        form_of_path = form(path)
        if form_of_path == "idx":
            from datasets.own import idx

            return idx.belonging(path)
        if form_of_path == "npy":
            from datasets.own import arrays

            return arrays.npy_files(path)
        if form_of_path == "folder":
            from datasets.own import idx

            return idx.in_folder(path) or (path,)
    return (path,)


def load(
    task: Task, files: tuple[Path, ...], progress: Progress, *, labels_from: int | None = None
) -> Collection:
    """Read, check and split what ``find`` returned, with its class names and how it was read.

    Where the task has classes already, the labels are theirs or their numbers; ``labels_from``:
    that of the first class, 0 or 1; None: what alone fits. Raises DataError naming the file and
    where in it, and where a file has changed while it was read.
    """
    from datasets.own import gathering

    key = content_key(files)
    with _unreadable_is_told(files):
        content = read(files, progress)
    if content_key(files) != key:
        raise DataError(f"{files[0]}: has changed while it was read; try again when it is complete")
    if files[0].name.casefold().startswith("emnist"):
        content = replace(content, reading=(*content.reading, MIRRORED))
    return gathering.gather(
        content, classes_given=task.class_names, labels_from=labels_from, name=str(files[0])
    )


def read(files: tuple[Path, ...], progress: Progress) -> Content:
    """What ``find`` returned, as it is in the files. Raises DataError as ``load`` does."""
    from datasets.own import arrays, idx, images, matlab, parquet, table

    readers: dict[Form, Callable[[tuple[Path, ...], Progress], Content]] = {
        "idx": idx.read,
        "csv": table.read,
        "npz": arrays.read_npz,
        "npy": arrays.read_npy,
        "mat": matlab.read,
        "parquet": parquet.read,
        "folder": images.read,
    }
    return readers[form(files[0])](files, progress)


def content_key(files: tuple[Path, ...], *, labels_from: int | None = None) -> str:
    """Say what would be read, and how: of a folder all that lies in it, through links."""
    digest = sha256(f"{VERSION} {labels_from}\n".encode())
    with _unreadable_is_told(files):
        for path in files:
            for inside in [path, *(tree.entries(path) if path.is_dir() else ())]:
                line = f"{inside}\0{tree.stamp(inside)}\n"
                digest.update(line.encode("utf-8", "surrogateescape"))  # any name a disk may have
    return digest.hexdigest()


@contextmanager
def _unreadable_is_told(files: tuple[Path, ...]) -> Iterator[None]:
    """A folder that may not be searched, or an image that vanishes, is the user's to see to."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{files[0]}: cannot be read: {error}; make it readable") from error


# Forms


def form(path: Path) -> Form:
    """The form of a file or folder. Raises DataError where it has none of them."""
    if path.is_dir():
        return "folder"
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; {WANTED}")
    formats.regular_bytes(path)
    begin = _beginning(path)
    if formats.is_zip(begin):
        return _form_of_zip(path)
    return _form_of_content(begin, path)


def _beginning(path: Path) -> bytes:
    """The first bytes; of gzip those of its content."""
    try:
        with path.open("rb") as file:
            magic = file.read(formats.HEADER_BYTES)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if formats.is_zip(magic):
        return magic
    return next(formats.read_blocks(path), b"")


def _form_of_content(begin: bytes, path: Path) -> Form:
    binary = b"\0" in begin
    for magic, what in (_MISTAKEN | (_MISTAKEN_BINARY if binary else {})).items():
        if begin.startswith(magic):
            raise DataError(f"{path}: this is {what}")
    if begin[4:8] == b"ftyp":
        raise DataError(f"{path}: this is {_ONE_IMAGE}, exported as JPEG")
    if begin.startswith(b"\x93NUMPY"):
        return "npy"
    if begin.startswith(b"\0\0"):
        return "idx"
    if binary and begin.startswith(_MAT):
        return "mat"
    if binary and begin.startswith(_PARQUET):
        return "parquet"
    if not begin or binary:
        raise DataError(f"{path}: nothing in it, or a binary file of no known form; {WANTED}")
    return "csv"


def _form_of_zip(path: Path) -> Form:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise DataError(
            f"{path}: truncated or corrupt ({error}); fetch or save it again"
        ) from error
    if any(name.endswith(".npy") for name in names):
        return "npz"
    if any(name.lower().endswith(".csv") for name in names):
        return "csv"
    if any(name.startswith("xl/") for name in names):
        raise DataError(f"{path}: this is an Excel workbook; save the table as CSV in UTF-8")
    raise DataError(
        f"{path}: a zip with neither arrays (.npy) nor a CSV in it; if it holds folders of "
        "images, unpack it and name the folder"
    )

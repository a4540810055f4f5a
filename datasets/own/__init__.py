"""A user's own images as a task: IDX, CSV, ``.npz``, or a folder of images by class.

arrays.py     IDX pairs, and arrays of NumPy
table.py      CSV, and which of its columns holds the labels
images.py     a folder of images by class
content.py    what each of these readers returns
gathering.py  labels of any kind into class names, images into the project's form, all split

Here is which form a file has, told by its first bytes, and which files belong to it. The files
are named by the user, never searched for. No reader is imported before one is needed: every run's
start would pay for them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from datasets import formats
from datasets.splits import Collection
from datasets.tasks import DataError, Progress, Source, Task

if TYPE_CHECKING:
    from datasets.own.content import Content

Form = Literal["idx", "csv", "npz", "folder"]

SOURCE = Source(
    name="own",
    description="images of your own, named by --data-file",
    targets=(0.80, 0.90),  # of data that nobody has seen before: a good start, and a good end
    drawn=False,
)

# Part of every cache folder's name. Raise it when reading, resizing or splitting changes.
VERSION = 2

MOST_NAME_CHARACTERS = 40  # it is part of file names
_WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

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
    if form(path) != "idx":
        return (path,)
    from datasets.own import arrays

    return arrays.idx_files(path)


def load(task: Task, files: tuple[Path, ...], progress: Progress) -> Collection:
    """Read, check and split what ``find`` returned, with its class names and notes.

    Where the task has classes already, the labels are theirs or their numbers. Raises DataError
    naming the file and where in it.
    """
    from datasets.own import gathering

    with _unreadable_is_told(files):
        content = read(files, progress)
    return gathering.gather(content, classes_given=task.class_names, name=str(files[0]))


def read(files: tuple[Path, ...], progress: Progress) -> Content:
    """What ``find`` returned, as it is in the files. Raises DataError as ``load`` does."""
    from datasets.own import arrays, images, table

    readers: dict[Form, Callable[[tuple[Path, ...], Progress], Content]] = {
        "idx": arrays.read_idx,
        "csv": table.read,
        "npz": arrays.read_npz,
        "folder": images.read,
    }
    return readers[form(files[0])](files, progress)


def content_key(files: tuple[Path, ...]) -> str:
    """Say what would be read: paths, sizes and times, of a folder those of all files in it."""
    digest = sha256(f"{VERSION}\n".encode())
    with _unreadable_is_told(files):
        for path in (inside for each in files for inside in _inside(each.resolve())):
            stat = path.stat()
            line = f"{path}\0{stat.st_size} {stat.st_mtime_ns}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))  # any name that a disk may have
    return digest.hexdigest()


def _inside(root: Path) -> list[Path]:
    if not root.is_dir():
        return [root]
    return sorted(path for path in root.rglob("*") if path.exists())  # a link may lead nowhere


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
    return next(formats.read_blocks(path), b"")


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

"""A user's own images as a task: IDX, CSV, ``.npz``, or a folder of images by class.

forms.py         which form a file has, and which files belong to it
idx_pair.py      IDX: images, labels, and an official test part beside them
table.py         CSV
label_column.py  which of its columns holds the labels
npz.py           arrays of NumPy
image_folder.py  a folder of images by class
content.py       what each of these readers returns
classes.py       labels of any kind into class names, in order
gathering.py     all of that into one data set, split

The files are named by the user, never searched for. No reader is imported before one is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from datasets.errors import DataError
from datasets.progress import Progress
from datasets.splits import Collection
from datasets.tasks import Source, Task

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

    Raises DataError where it is not there or has none of the known forms.
    """
    from datasets.own import forms  # late, as below: every run's start would pay for the readers

    return forms.files(path.expanduser().absolute())


def load(task: Task, files: tuple[Path, ...], progress: Progress) -> Collection:
    """Read, check and split what ``find`` returned, with its class names and notes.

    Where the task has classes already, the labels are theirs or their numbers. Raises DataError
    naming the file and the place.
    """
    from datasets.own import forms, gathering

    with _told(files):
        content = forms.read(files, progress)
    return gathering.gather(content, classes_given=task.class_names, name=str(files[0]))


def content_key(files: tuple[Path, ...]) -> str:
    """Say what would be read: paths, sizes and times, of a folder those of all files in it."""
    digest = sha256(f"{VERSION}\n".encode())
    with _told(files):
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
def _told(files: tuple[Path, ...]) -> Iterator[None]:
    """A folder that may not be searched, or an image that vanishes, is the user's to see to."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{files[0]}: cannot be read: {error}; make it readable") from error

"""Arrays under usual names: in an ``.npz``, or in ``.npy`` files side by side.

Which array is what is told by its name alone: 'x_train', 'trainImages' and 'train_data' are the
images of the training part. Arrays under other names are not read. Nothing is unpickled.
"""

from __future__ import annotations

import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

import numpy as np

from datasets.formats import check_content, regular_bytes
from datasets.own.gathering import Content, Part
from datasets.pictures import Numbers
from datasets.tasks import DataError, Progress, Stage

Role = Literal["images", "labels"]
Slot = tuple[str, Role]  # the part, '' where there are none; and what it is of it

# Names without case and separators; where several are there, the first of these counts.
_IMAGES = ("images", "image", "imgs", "img", "x", "data", "features", "pixels", "arr0")
_LABELS = ("labels", "label", "y", "target", "targets", "classes", "class", "arr1")
_PART = re.compile(
    r"(?P<train>training|train)|(?P<test>testing|test|t10k)|(?P<validation>validation|valid|val)"
)
_WANTED = "images and labels, or x and y, or x_train, y_train, x_test and y_test"
_OBJECTS = (
    "arrays of Python objects are not read, since that could run code; save labels as numbers or "
    "text, such as labels.astype(str)"
)

# What NumPy, zipfile, SciPy and pandas raise on bytes that are not as they should be.
CORRUPT = (
    OSError,
    EOFError,
    ValueError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,  # a zip method that Python cannot read
    RuntimeError,  # an encrypted zip
    TypeError,
    SyntaxError,  # NumPy's header is a dictionary in Python's words
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def unreadable_is_told(path: Path) -> Iterator[None]:
    """Make a DataError that names the file of whatever damaged bytes raise inside."""
    try:
        yield
    except DataError:
        raise
    except CORRUPT as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{path}: cannot be read ({reason}); save it again") from error


# Names


def slot_of(name: str) -> tuple[Slot, int] | None:
    """What an array of this name is, and how usual the name is, 0 first; None: nothing known."""
    letters = re.sub(r"[\W_]", "", name.casefold())
    part = _PART.search(letters)
    rest = letters if part is None else letters[: part.start()] + letters[part.end() :]
    part_name = "" if part is None else str(part.lastgroup)
    roles: tuple[tuple[Role, tuple[str, ...]], ...] = (("images", _IMAGES), ("labels", _LABELS))
    for role, usual in roles:
        if rest in usual:
            return (part_name, role), usual.index(rest)
    return None


def chosen(names: Iterable[str]) -> dict[Slot, str]:
    """The name for each slot that is filled, the most usual one where several would do."""
    best: dict[Slot, tuple[int, str]] = {}
    for name in names:
        known = slot_of(name)
        if known is not None and (known[0] not in best or known[1] < best[known[0]][0]):
            best[known[0]] = known[1], name
    return {slot: name for slot, (_, name) in best.items()}


def content(arrays: Mapping[Slot, Numbers], names: Sequence[str], path: Path) -> Content:
    """Images and labels of the arrays that were chosen by ``chosen``.

    ``names``: of all that the file holds, for errors. Raises DataError where a pair is missing,
    and on arrays of shapes that do not fit.
    """
    whole = _part(arrays, "", path)
    if whole is not None:
        return Content(rest=whole[0], reading=whole[1])
    train = _part(arrays, "train", path)
    if train is None:
        shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise DataError(f"{path}: holds {shown or 'nothing'}; wanted {_WANTED}")
    return _official(
        train, _part(arrays, "validation", path), _part(arrays, "test", path), path.name
    )


def _part(
    arrays: Mapping[Slot, Numbers], part: str, path: Path
) -> tuple[Part, tuple[str, ...]] | None:
    images, labels = arrays.get((part, "images")), arrays.get((part, "labels"))
    if images is None or labels is None:
        return None
    labels = _flat(labels, f"the labels of {part}" if part else "the labels", path)
    images, reading = _images_first(images, len(labels), path)
    return Part(images=images, labels=labels), reading


def _flat(labels: Numbers, name: str, path: Path) -> Numbers:
    """Labels (n,); also from a column (n, 1) or a row (1, n), which MATLAB makes."""
    if labels.ndim == 2 and 1 in labels.shape:
        return labels.reshape(-1)
    if labels.ndim != 1:
        raise DataError(
            f"{path}: {name} have the shape {labels.shape}; wanted one label for each image; "
            "of one column a class, np.argmax(labels, axis=1) makes that"
        )
    return labels


def _images_first(images: Numbers, count: int, path: Path) -> tuple[Numbers, tuple[str, ...]]:
    """The axis that counts the images in front; MATLAB has it at the end."""
    if images.ndim < 2:
        raise DataError(
            f"{path}: images of the shape {images.shape}; wanted (n, 28, 28) or another side, or "
            "a square number of pixels, (n, 784)"
        )
    if images.shape[0] == count or images.shape[-1] != count:
        return images, ()
    return np.moveaxis(images, -1, 0), (f"the last axis of {images.shape} counts the images",)


def _official(
    train: tuple[Part, tuple[str, ...]],
    validation: tuple[Part, tuple[str, ...]] | None,
    test: tuple[Part, tuple[str, ...]] | None,
    name: str,
) -> Content:
    rest, reading = train[0], list(train[1])
    if validation is not None:
        reading.append(
            f"the validation part of {name} is put to the training part; validation images "
            "are drawn from both"
        )
        parts = (rest, validation[0])
        _check_alike(parts, name)
        rest = Part(
            images=np.concatenate([part.images for part in parts]),
            labels=np.concatenate([part.labels for part in parts]),
        )
    if test is not None:
        reading.append(f"the test part of {name} is the official one")
    return Content(rest=rest, test=None if test is None else test[0], reading=tuple(reading))


def _check_alike(parts: Sequence[Part], name: str) -> None:
    shapes = [part.images.shape[1:] for part in parts]
    if len(set(shapes)) > 1:
        raise DataError(
            f"{name}: images of the training part of the shape {shapes[0]}, of the validation part "
            f"{shapes[1]}; wanted the same"
        )


# NumPy


def read_npz(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read the arrays of images and labels.

    Raises DataError on a truncated file, on names that are not the usual ones, on arrays of
    Python objects.
    """
    (path,) = files
    arrays: dict[Slot, Numbers] = {}
    regular_bytes(path)
    with unreadable_is_told(path), zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        slots = chosen(names)
        stage = Stage(name=f"reading {path.name}", total=len(slots), unit="arrays")
        for slot, name in slots.items():
            arrays[slot] = _member(archive, archive.getinfo(name + ".npy"), path)
            progress(stage, len(arrays))
    return content(arrays, names, path)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> Numbers:
    check_content(path, content_bytes=info.file_size, file_bytes=info.compress_size)
    with archive.open(info) as file:
        _check_header(file, info.file_size, f"{path}: {info.filename}")
    with archive.open(info) as file:
        array: Numbers = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _check_header(file: IO[bytes], size_bytes: int, address: str) -> None:
    """Raise DataError where an array is not as large as it says: NumPy would make room for it."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    if dtype.hasobject:
        raise DataError(f"{address}: {_OBJECTS}")
    promised = dtype.itemsize
    for side in shape:
        promised *= side
    if promised + file.tell() != size_bytes:
        raise DataError(
            f"{address}: {size_bytes:,} bytes, where its header promises {promised:,} of values; "
            "it is cut short or damaged: save it again"
        )


def npy_files(path: Path) -> tuple[Path, ...]:
    """An ``.npy`` file of images, and all beside it that belong to it, as 'y.npy' to 'X.npy'.

    Raises DataError where its name is not a usual one, or its labels are not there.
    """
    beside = {
        each.stem: each
        for each in sorted(path.parent.iterdir())
        if each.suffix.casefold() == ".npy" and each.is_file()
    }
    for start in range(len(path.stem)):
        prefix = path.stem[:start]
        if slot_of(path.stem[start:]) is None:
            continue
        slots = chosen(stem[start:] for stem in beside if stem.startswith(prefix))
        files = tuple(beside[prefix + name] for name in slots.values())
        if len(files) > 1 and path in files:
            return files
    raise DataError(
        f"{path}: a single NumPy array; wanted its labels in a file beside it, as y.npy to X.npy "
        "or labels.npy to images.npy; or save both together: np.savez(FILE, images=images, "
        "labels=labels)"
    )


def read_npy(files: tuple[Path, ...], progress: Progress) -> Content:
    """Read what ``npy_files`` returned. Raises DataError as ``read_npz`` does."""
    prefix = _shared_beginning([path.stem for path in files])
    slots = chosen(path.stem[len(prefix) :] for path in files)
    by_stem = {path.stem: path for path in files}
    arrays: dict[Slot, Numbers] = {}
    stage = Stage(name=f"reading {files[0].name}", total=len(files), unit="arrays")
    for slot, name in slots.items():
        path = by_stem[prefix + name]
        size_bytes = regular_bytes(path)
        check_content(path, content_bytes=size_bytes, file_bytes=size_bytes)
        with unreadable_is_told(path), path.open("rb") as file:
            _check_header(file, size_bytes, str(path))
            file.seek(0)
            arrays[slot] = np.lib.format.read_array(file, allow_pickle=False)
        progress(stage, len(arrays))
    return content(arrays, [path.name for path in files], files[0])


def _shared_beginning(stems: Sequence[str]) -> str:
    """What all begin with, less what is part of a usual name: 'mnist_' of 'mnist_x', 'mnist_y'."""
    for start in range(min(map(len, stems))):
        same = len({stem[:start] for stem in stems}) == 1
        if same and all(slot_of(stem[start:]) is not None for stem in stems):
            return stems[0][:start]
    return ""

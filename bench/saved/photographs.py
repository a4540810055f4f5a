"""A folder of a user's own pictures, each brought into a model's form as ``predict`` does.

Without this the whole picture becomes 28x28 pixels, as training on a folder has it. To a network
that was trained on MNIST a photograph is then nothing that it knows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import datasets
from bench import UsageError
from bench.run.progress import StageDisplay
from bench.saved.model import SIDE, Model
from datasets import own, pictures
from datasets.own import gathering, images, tree
from datasets.splits import Collection

Form = Literal["auto", "photo", "asis"]
FORMS: tuple[Form, ...] = ("auto", "photo", "asis")

AS_THEY_ARE = "as they are: 28 x 28"
AS_PHOTOGRAPHS = {  # by the form of the images that a model was trained on
    "mnist": "as photographs: ink found, centred",
    "letters": "as photographs: ink found, centred",
    "whole": "as photographs: each as a whole in 28 x 28",
}


def are_wanted(asked: Form, data_file: Path | None) -> bool:
    """Whether own data are to be read as photographs; ``auto``: where one is not 28x28.

    Raises UsageError where that was asked for of what is no folder of pictures.
    """
    if asked == "asis" or (asked == "auto" and data_file is None):
        return False
    files = () if data_file is None else own.find(data_file)
    if not files or own.form(files[0]) != "folder":
        if asked == "photo":
            raise UsageError(
                f"--form photo: {data_file or 'no data'} of your own; wanted a folder of pictures, "
                "named by --data-file"
            )
        return False
    return asked == "photo" or not _all_in_size(files[0])


def read(model: Model, folder: Path, task: str, *, labels_from: int | None = None) -> Collection:
    """The pictures of a folder with their labels, split, in the form that a model knows.

    ``labels_from``: as of ``datasets.prepare``. Raises DataError on a folder that holds no
    pictures by class, and naming one that cannot be read or has nothing on it.
    """
    known = datasets.TASKS.get(task) or own.task(task)
    with StageDisplay() as show:
        content = images.read(own.find(folder), show, prepare=model.prepare)
    return gathering.gather(
        content, classes_given=known.class_names, labels_from=labels_from, name=str(folder)
    )


def _all_in_size(folder: Path) -> bool:
    """Whether every picture has 28x28 pixels, by their headers."""
    paths = (path for path in tree.files_in(folder) if images.is_image(path))
    return all(_size(path) == (SIDE, SIDE) for path in paths)


def _size(path: Path) -> tuple[int, int] | None:
    """The width and the height of a picture; None where its header cannot be read."""
    import PIL.Image

    try:
        with PIL.Image.open(path, formats=pictures.FORMATS) as opened:
            return opened.size
    except (OSError, SyntaxError, ValueError, Warning, PIL.Image.DecompressionBombError):
        return None  # who reads it says why

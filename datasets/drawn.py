"""The source ``glyphs`` as a data set: drawn images, split as real ones are."""

from __future__ import annotations

from hashlib import sha256
from importlib import metadata
from pathlib import Path

from datasets.errors import DataError
from datasets.progress import Progress, Stage
from datasets.splits import Collection, divide
from datasets.tasks import Source, Task

NAME = "glyphs"
DEFAULT_IMAGES = 20_000  # seconds to draw; enough to tell the frameworks apart
SEED = 0  # of the drawing: every run of every seed sees the same images

_MODULES = ("glyphs.py", "typefaces.py", "distortion.py", "warping.py")
_PACKAGES = ("numpy", "matplotlib", "pillow", "scipy")


def drawn_source(*, targets: tuple[float, ...]) -> Source:
    """The source ``glyphs`` of a task, with the accuracies worth timing on it."""
    return Source(
        name=NAME,
        description="printed characters drawn and distorted by the project: no real handwriting",
        targets=targets,
        drawn=True,
    )


def load(task: Task, images: int, progress: Progress) -> Collection:
    """Draw ``images`` of a task and split them. Raises DataError on a number out of range."""
    from datasets import glyphs

    least, most = 10 * len(task.class_names), glyphs.MOST_IMAGES
    if not least <= images <= most:
        raise DataError(
            f"{images:,} drawn images asked for; {task.name} needs {least:,} (ten a class) "
            f"to {most:,}"
        )
    stage = Stage(name=f"drawing {task.name}", total=images, unit="images")
    try:
        drawn = glyphs.draw(task.name, images, seed=SEED, progress=lambda n: progress(stage, n))
    except FileNotFoundError as error:
        raise DataError(f"glyphs cannot be drawn: {error}") from error
    return divide(*drawn)


def content_key(task: Task, images: int) -> str:
    """Say what would be drawn: the same key, the same images.

    Raises DataError where a package that draws is not installed.
    """
    sources = [(Path(__file__).parent / name).read_bytes() for name in _MODULES]
    try:
        versions = [f"{package} {metadata.version(package)}" for package in _PACKAGES]
    except metadata.PackageNotFoundError as error:
        raise DataError(f"drawing glyphs needs the package {error.name}; install it") from error
    return f"{task.name} {images} {SEED} {versions} {sha256(b''.join(sources)).hexdigest()}"

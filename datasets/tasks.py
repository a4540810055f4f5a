"""What a task and a source of images are, what a task's module offers, and what all of this
package tells its callers: errors, and how far long work is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from datasets.splits import Collection


class DataError(Exception):
    """Data that cannot be used: which file and where in it, what came, what was wanted.

    Its message is complete: front ends print it and exit. It holds no control characters, which
    a file's name may have.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def printable(text: str) -> str:
    """The text with all that a terminal would obey or not show written out: '\\x1b', '\\n'."""
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


class Unreachable(DataError):
    """No network, no mirror that answers with the right bytes, or no means to fetch it."""


# few need them: requirements.txt leaves them out
OPTIONAL_PACKAGES = ("kagglehub", "submitit", "zeus")


def how_to_install(*packages: str, python: str = "python") -> str:
    """What to type, and where, to have packages in the versions that are tested; without a
    name, all that the project needs.
    """
    optional = any(package in OPTIONAL_PACKAGES for package in packages)
    pins = "requirements-optional.txt" if optional else "requirements.txt"
    wanted = f"-c {pins} {' '.join(packages)}" if packages else f"-r {pins}"
    return f"in the clone's folder: {python} -m pip install {wanted}"


def how_to_make(frameworks: Iterable[str], *, cuda: bool = False) -> str:
    """The same for frameworks, in the environment that make sets up."""
    chosen = f"FRAMEWORKS={','.join(sorted(set(frameworks)))}"
    return f"in the clone's folder: make install {chosen}{' CUDA=1' if cuda else ''}"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One piece of work whose progress can be counted."""

    name: str  # such as 'reading A_Z Handwritten Data.csv'
    total: int  # how many units it has; 0 where that is not known
    unit: str  # 'B' for bytes, 'images'


Progress = Callable[[Stage, int], None]
"""Called with a stage and how many of its units are done so far."""


def silent(stage: Stage, done: int) -> None:
    """Show nothing."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a task's images come from."""

    name: str  # 'mnist', 'az', 'az-sample', 'glyphs'
    description: str  # one sentence for people
    targets: tuple[float, ...]  # validation accuracies worth timing, fractions, ascending
    drawn: bool  # True: drawn by the project itself, not real handwriting


@dataclass(frozen=True, kw_only=True)
class Task:
    """A set of classes to tell apart, and the sources that have images of them."""

    name: str
    class_names: tuple[str, ...]  # in label order
    sources: tuple[Source, ...]  # the preferred first


class TaskModule(Protocol):
    """What a task's module (``datasets.digits``, ``datasets.letters``) offers."""

    @property
    def TASK(self) -> Task:  # noqa: N802 (a constant of the module)
        """The task itself."""
        ...

    def find(self, source: str, folder: Path) -> tuple[Path, ...]:
        """The files of ``source`` in ``folder`` or its usual subfolders; () where none is.

        Raises DataError where only a part of them is there.
        """
        ...

    def load(self, source: str, files: tuple[Path, ...], progress: Progress) -> Collection:
        """Read, check and split the files that ``find`` returned.

        Raises DataError naming the file and the place.
        """
        ...

    def fetch(self, source: str, folder: Path, *, asked: bool, progress: Progress) -> None:
        """Bring the files of ``source`` into ``folder``, all or none.

        ``asked``: the user asked for it in so many words; large or restricted sources come
        only then. Raises Unreachable where they cannot be had, DataError on a full disk.
        """
        ...

"""What lies in a folder, through links, and what tells that it is still the same.

The readers and the key of the cache walk by the same function: what is read is what the key covers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from datasets.tasks import DataError

MOST_ENTRIES = 1_000_000  # files and folders in a folder of one's own data
_NAMED = 5  # of the files that were not read


def is_hidden(name: str) -> bool:
    """Whether a system or a program keeps it for itself: .git, .DS_Store, __MACOSX."""
    return name.startswith((".", "__")) or name in ("Thumbs.db", "desktop.ini")


def entries(folder: Path) -> Iterator[Path]:
    """All files and folders in it, however deep, in order; none that is hidden.

    Links are followed, but not into a folder that they lie in. Raises DataError on more than
    MOST_ENTRIES, OSError on a folder that may not be read.
    """
    count = 0
    root = Path(os.path.realpath(folder))
    above = {str(folder): frozenset(map(str, (root, *root.parents)))}
    for visited, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        inside, real_above = Path(visited), above.pop(visited)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in list(folders):
            real = os.path.realpath(inside / name)
            if real in real_above:
                folders.remove(name)
            above[str(inside / name)] = real_above | {real}
        names = sorted([*folders, *(name for name in files if not is_hidden(name))])
        count += len(names)
        if count > MOST_ENTRIES:
            raise DataError(
                f"{folder}: holds more than {MOST_ENTRIES:,} files and folders; name the folder "
                "that has the classes alone"
            )
        yield from (inside / name for name in names)


def _raise(error: OSError) -> None:
    raise error


def files_in(folder: Path) -> list[Path]:
    """All files in it, however deep, in order; also what is none, as a link that leads nowhere."""
    return [path for path in entries(folder) if not path.is_dir()]


def subfolders(folder: Path) -> list[Path]:
    """The folders right in it, sorted, none that is hidden."""
    return [each for each in sorted(folder.iterdir()) if each.is_dir() and not is_hidden(each.name)]


def stamp(path: Path) -> str:
    """What tells that a file is still the same: where it really lies, its size and its times.

    Beside the time of its last change, which copying and unpacking set back, the time at which
    the system last touched its entry, which no program sets: a change that keeps size and time
    shows. Hashing would be as sure, and would read all of a large file at every start. Windows
    has the time of creation there, which a file put in another's place changes too.
    """
    status = path.stat() if path.exists() else path.lstat()  # a link may lead nowhere
    return f"{os.path.realpath(path)}\0{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"


def left_out(folder: Path, files: Iterable[Path], read: Iterable[Path]) -> list[str]:
    """A sentence on those of a folder's files that were not read; none where all were."""
    taken = set(read)
    others = [path for path in files if path not in taken]
    return [f"left out, as no image of a class: {named(others, folder)}"] if others else []


def named(paths: Sequence[Path], folder: Path) -> str:
    """How many files, and the first few by their names: '3 files (a.txt, b/c.txt, d.mp4)'."""
    first = ", ".join(str(path.relative_to(folder)) for path in paths[:_NAMED])
    more = ", ..." if len(paths) > _NAMED else ""
    return f"{len(paths):,} file{'s' if len(paths) > 1 else ''} ({first}{more})"

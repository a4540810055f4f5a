"""What runs leave, and how a file is written: whole or not at all, whatever ends the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with written_whole(path) as part:
        part.write_bytes(content)


@contextmanager
def written_whole(path: Path, *, ending: str = "") -> Iterator[Path]:
    """A path beside ``path`` to write a file to; left without an error, it is renamed into place.

    Its content is forced to the disk before that.

    Args:
        path: where the file is to be; its folder is made.
        ending: of the path yielded, for a writer that goes by it. Without one, a file that a
            killed process leaves there is taken for nothing else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part{ending}")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)

"""One process at a time in the cache folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datasets.errors import DataError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of ``folder``, waiting while another process has it.

    The lock is a file beside the folder, which need not be there yet. It is released when its
    process ends, however it ends. Raises DataError where it cannot be made.
    """
    from filelock import FileLock

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(folder.name + ".lock"))
        lock.acquire()
    except OSError as error:
        raise DataError(
            f"{folder.parent}: the cache folder cannot be written to "
            f"({error.strerror or error}); name another with GLYPHBENCH_CACHE"
        ) from error
    try:
        yield
    finally:
        lock.release()

"""What processes that were killed have left lying: half-written files, folders for scratch.

They are known by their names, which hold the number of the process. What one that still runs has
there, or another program, is let alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

HALF_WRITTEN = re.compile(r"\..+\.(\d+)\.part(\.\w+)?")  # by bench.results.written_whole
SCRATCH = re.compile(r"glyphbench-(\d+)-.+")


def scratch_prefix() -> str:
    """How the name of a folder for scratch begins, in the system's folder for temporary files."""
    return f"glyphbench-{os.getpid()}-"


def sweep(folder: Path) -> None:
    """Remove what was left in a results folder, which is locked, and in scratch of this user's."""
    files = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    for path in _abandoned(files, HALF_WRITTEN):
        path.unlink(missing_ok=True)
    scratch = Path(tempfile.gettempdir())
    for path in _abandoned(scratch.glob("glyphbench-*"), SCRATCH):
        if path.is_dir() and not path.is_symlink() and _is_ours(path):
            shutil.rmtree(path, ignore_errors=True)


def _abandoned(paths: Iterable[Path], name: re.Pattern[str]) -> Iterator[Path]:
    """Those named so by a process that has ended."""
    import psutil  # late: an interpreter that is asked for its versions may be without it

    for path in paths:
        named = name.fullmatch(path.name)
        if named is not None and not psutil.pid_exists(int(named[1])):
            yield path


def _is_ours(path: Path) -> bool:
    """Whether it is this user's; on Windows every user has a folder of their own."""
    with contextlib.suppress(OSError):
        return not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()
    return False

"""Standard output and error that cannot end a command: what nobody can take any more is dropped.

A reader such as ``head`` closes its pipe, a terminal is closed, a disk is full, or a stream was
closed from the start. None of it is a reason to lose what a command measures.

The standard library alone: an interpreter that has no packages uses it.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from typing import Any

# Whoever read has gone, on purpose: nobody is to be told.
NOBODY_READS = (errno.EPIPE, errno.EIO, errno.EINVAL)  # a pipe, a terminal, a pipe on Windows


class Enduring(io.FileIO):
    """A stream of bytes whose writing never fails."""

    lost: OSError | None = None  # why the first bytes could not be written; None: all were

    def write(self, content: Any, /) -> int:
        """Write what can be written; from the first failure on drop all, so no holes are left."""
        try:
            while self.lost is None:
                written = super().write(content)
                if written is not None:  # though its type does not say so
                    return written
                select.select([], [self], [])  # a pipe that does not block, and is full
        except OSError as error:
            self.lost = error
        return memoryview(content).nbytes


def endure() -> None:
    """Have this process's standard output and error written so.

    They take every character: one that their encoding has not is shown as a mark in its place.
    A stream that is no file, as in a notebook, stays as it is.
    """
    _open_what_is_closed()
    for number, name, errors in ((1, "stdout", "replace"), (2, "stderr", "backslashreplace")):
        stream = getattr(sys, name)
        if stream is None or _is_file(stream):
            raw = Enduring(number, "w", closefd=False)
            if stream is not None:
                stream.flush()
            renewed = io.TextIOWrapper(
                io.BufferedWriter(raw),
                encoding=getattr(stream, "encoding", "utf-8"),
                errors=errors,
                line_buffering=number == 2 or raw.isatty(),
            )
            setattr(sys, name, renewed)
        elif hasattr(stream, "reconfigure"):  # a console of Windows
            stream.reconfigure(errors=errors)


def is_terminal(stream: object) -> bool:
    """Whether it is one; a stream of a notebook, a closed one and None are none."""
    try:
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        return False


def _open_what_is_closed() -> None:
    """A file of results that got the number of standard output would take what libraries print."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)


def _is_file(stream: object) -> bool:
    buffer = getattr(stream, "buffer", None)
    return type(getattr(buffer, "raw", buffer)) is io.FileIO


def finish() -> str | None:
    """Write what is left; why standard output was lost, or None where nobody is to be told."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    lost = raw.lost if isinstance(raw, Enduring) else None
    return None if lost is None or lost.errno in NOBODY_READS else lost.strerror or str(lost)

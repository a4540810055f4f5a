"""Confines this process to some of the machine's logical processors.

Done before a framework is imported: every pool of threads is made as large as the number of
processors its process may use, so one limit holds for OpenMP, TensorFlow's and XLA's pools
alike, which have no option in common.
"""

from __future__ import annotations

import sys

import psutil


class CannotLimit(Exception):
    """The process cannot be confined as asked; the message says why and what to do."""


def limit(threads: int | None) -> None:
    """Let this process and its threads to come use the first ``threads`` processors it may use.

    ``threads``: None leaves it all it has. Raises CannotLimit where it may use fewer, or where
    the system has no such limit (macOS).
    """
    if threads is None:
        return
    process = psutil.Process()
    if not hasattr(process, "cpu_affinity"):
        raise CannotLimit(
            f"--threads {threads}: {sys.platform} cannot confine a process to some processors, "
            "only Linux and Windows can; leave --threads out here"
        )
    allowed = sorted(process.cpu_affinity())
    if not 1 <= threads <= len(allowed):
        raise CannotLimit(
            f"--threads {threads}: this process may use {len(allowed)} logical processors; "
            f"choose a number from 1 to {len(allowed)}"
        )
    process.cpu_affinity(allowed[:threads])

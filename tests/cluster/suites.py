"""Grids small enough for a test: a block is one run of NumPy on a few drawn images."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.cluster.grid import Grid
from bench.results.record import Record
from tests.suite_process import DRAWN

TINY = (
    *(*DRAWN, "--glyphs-images", "300", "--unchecked", "--task", "digits"),
    *("--architecture", "mlp", "--framework", "numpy", "--epochs", "1"),
    *("--preset", "sweep", "--batch-size", "128"),  # training steps alone
)


ASLEEP = "asleep"


def records(folder: Path) -> dict[str, list[Record]]:
    """Each block's."""
    grid = Grid(folder)
    names = [name for kind in grid.kinds() for name in grid.names(kind)]
    return {name: grid.results(name).records() for name in names}


def slow_python(folder: Path, node: str = "$SLURMD_NODENAME") -> Path:
    """An interpreter whose workers only sleep while ASLEEP is in its folder.

    ``node``: where they do; by default everywhere.
    """
    flag, python = folder / ASLEEP, folder / "slow-python"
    flag.touch()
    python.write_text(
        f'#!/bin/sh\nif [ -e "{flag}" ] && [ "$SLURMD_NODENAME" = "{node}" ]; then\n'
        f'case "$*" in *bench.run.worker*) exec sleep 600;; esac\nfi\n'
        f'exec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    return python

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
)


def records(folder: Path) -> dict[str, list[Record]]:
    """Each block's."""
    grid = Grid(folder)
    names = [name for kind in grid.kinds() for name in grid.names(kind)]
    return {name: grid.results(name).records() for name in names}


def slow_python(folder: Path) -> tuple[Path, Path]:
    """An interpreter whose workers only sleep while a file is there; both paths."""
    flag, python = folder / "asleep", folder / "slow-python"
    flag.touch()
    python.write_text(
        f"#!/bin/sh\nif [ -e '{flag}' ]; then case \"$*\" in *bench.run.worker*) exec sleep 600;; "
        f"esac; fi\nexec '{sys.executable}' \"$@\"\n"
    )
    python.chmod(0o755)
    return python, flag

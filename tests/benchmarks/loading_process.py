"""Reads the letters' CSV in one way and says how it went: the child of a benchmark.

    python -m tests.benchmarks.loading_process WAY FOLDER

A process each, so that the peak of its memory is that of one way, imports included.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from bench.machine.hardware import peak_process_memory_bytes
from datasets import letters, open_cached, prepare
from datasets.download import CSV_NAME


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """How one load went."""

    seconds: float  # without imports and without starting Python
    peak_memory_bytes: int | None  # None where the system does not say
    images: int
    pixel_sum: int  # of all pixels: every way must read the same


def with_pandas(folder: Path) -> np.ndarray:
    """What most users of the file do: the whole table, and nothing else."""
    import pandas as pd

    return pd.read_csv(folder / CSV_NAME, header=None, dtype="uint8").to_numpy()[:, 1:]


def with_our_parser(folder: Path) -> np.ndarray:
    """The whole table checked, and nothing else."""
    return letters.read_csv(folder / CSV_NAME)[0]


def as_a_first_load(folder: Path) -> np.ndarray:
    """All that a run's first use of the file does: parse, check, find duplicates, split, cache."""
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        prepared = prepare(
            "letters", source="az", data_dir=folder, cache_dir=Path(cache), download=False
        )
        return open_cached(prepared.folder).train.images


WAYS: dict[str, Callable[[Path], np.ndarray]] = {
    "pandas": with_pandas,
    "our parser": with_our_parser,
    "our first load": as_a_first_load,
}


def main(way: str, folder: Path) -> Loaded:
    """Load once and look at the clock and the memory before anything else."""
    if way == "pandas":
        __import__(way)
    begin_s = perf_counter()
    images = WAYS[way](folder)
    seconds = perf_counter() - begin_s
    return Loaded(
        seconds=seconds,
        peak_memory_bytes=peak_process_memory_bytes(),
        images=len(images),
        pixel_sum=int(images.sum(dtype=np.int64)),
    )


if __name__ == "__main__":
    print(json.dumps(asdict(main(sys.argv[1], Path(sys.argv[2])))))

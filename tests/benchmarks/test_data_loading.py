"""The letters' CSV at its full size: pandas and our loading side by side, and the cache.

    pytest tests/benchmarks/test_data_loading.py --benchmark-only

Makes a file of 372,450 rows, 700 MB, in a temporary folder. The goals: a first load three
times as fast as pandas within 1.3 GB, and 0.2 s from the cache. Nothing here fails for being
slow: what was measured stands in ``extra_info``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from datasets import Prepared, open_cached, prepare
from datasets.download import CSV_NAME
from datasets.glyphs import draw
from datasets.letters import FULL_ROWS
from tests.benchmarks.loading_process import WAYS, Loaded

PROJECT = Path(__file__).resolve().parents[2]
ROUNDS = 3


class Clock:
    """Moves only by seconds that were measured elsewhere."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def read(self) -> float:
        """The timer for pytest-benchmark."""
        return self.now_s

    def advance(self, seconds: float) -> None:
        """Let this much time have passed."""
        self.now_s += seconds


CLOCK = Clock()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a full-size CSV."""
    place = tmp_path_factory.mktemp("full")
    write_full_csv(place / CSV_NAME)
    return place


def write_full_csv(path: Path) -> None:
    """372,450 rows sorted by class: the sample where there is one, else glyphs, with noise."""
    images, labels = _some_letters()
    rng = np.random.default_rng(0)
    rows = np.sort(rng.integers(len(labels), size=FULL_ROWS))
    rows = rows[np.argsort(labels[rows], kind="stable")]
    with path.open("wb") as file:
        for chunk in np.array_split(rows, 100):
            pixels = images[chunk].reshape(len(chunk), -1)
            inked = (pixels > 2) & (pixels < 253)
            pixels = pixels + rng.integers(3, size=pixels.shape, dtype=np.uint8) * inked
            file.write(as_csv(np.column_stack([labels[chunk], pixels])))


def _some_letters() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    if not os.environ.get("GLYPHBENCH_DATA"):
        return draw("letters", 5000)
    dataset = open_cached(prepare("letters", download=False).folder)
    return np.array(dataset.train.images), np.array(dataset.train.labels)


def as_csv(table: NDArray[np.uint8]) -> bytes:
    """Numbers as text, by a table of four characters for each value; unused ones are dropped."""
    texts = np.array([b"%d," % value for value in range(256)], dtype="S4")
    text = texts.view(np.uint8).reshape(256, 4)[table]
    text[:, -1][text[:, -1] == ord(",")] = ord("\n")
    return bytes(text[text != 0])


@pytest.fixture(scope="module")
def loads(folder: Path) -> dict[str, list[Loaded]]:
    """Every way, round by round, so that a machine that slows down slows all alike."""
    measured: dict[str, list[Loaded]] = {way: [] for way in WAYS}
    for _ in range(ROUNDS):
        for way in WAYS:
            measured[way].append(_load(way, folder))
    return measured


def _load(way: str, folder: Path) -> Loaded:
    words = [sys.executable, "-m", "tests.benchmarks.loading_process", way, str(folder)]
    done = subprocess.run(words, cwd=PROJECT, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Loaded)


@pytest.mark.benchmark(group="csv full size", timer=CLOCK.read)
@pytest.mark.parametrize("way", WAYS)
def test_reading(benchmark: BenchmarkFixture, loads: dict[str, list[Loaded]], way: str) -> None:
    here, pandas = loads[way], loads["pandas"]
    seconds = iter([load.seconds for load in here])
    benchmark.pedantic(lambda: CLOCK.advance(next(seconds)), rounds=ROUNDS)  # type: ignore[no-untyped-call]
    ratios = [other.seconds / load.seconds for other, load in zip(pandas, here, strict=True)]
    benchmark.extra_info["rows_per_s"] = FULL_ROWS / median(load.seconds for load in here)
    benchmark.extra_info["times_as_fast_as_pandas"] = median(ratios)
    benchmark.extra_info["peak_memory_bytes"] = max(load.peak_memory_bytes or 0 for load in here)
    if way != "our first load":  # which hands out the training images alone
        assert {load.pixel_sum for load in here} == {pandas[0].pixel_sum}


@pytest.fixture(scope="module")
def prepared(folder: Path) -> Prepared:
    """The full-size data set in the cache."""
    return prepare("letters", source="az", data_dir=folder, cache_dir=folder, download=False)


@pytest.mark.benchmark(group="cached open")
def test_opening_the_cache_as_every_worker_does(
    benchmark: BenchmarkFixture, prepared: Prepared
) -> None:
    dataset = benchmark(open_cached, prepared.folder)
    benchmark.extra_info["train_images"] = len(dataset.train.images)


@pytest.mark.benchmark(group="cached open")
def test_checking_every_byte_of_the_cache_as_every_suite_does_once(
    benchmark: BenchmarkFixture, prepared: Prepared, folder: Path
) -> None:
    def again() -> Prepared:
        return prepare("letters", source="az", data_dir=folder, cache_dir=folder, download=False)

    assert benchmark(again) == prepared

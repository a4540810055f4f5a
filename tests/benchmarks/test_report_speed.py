"""Reports over many records of the fullest mix there is, each as a process of its own.

    pytest tests/benchmarks/test_report_speed.py --benchmark-only

The goals on two cores: a folder of a thousand records in less than 15 s, ten thousand, in one
folder or as a grid of 200 blocks, in less than 60 s and 1 GB. Nothing here fails for being slow.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle, islice, product
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.cluster.grid import Block, Grid, Kind
from bench.results.folder import Results
from bench.results.record import Record
from tests.imports import ROOT
from tests.records import EVIDENCE, make_record

EVALUATIONS = 8
NODES = 24  # of the grid


def experiments() -> Iterator[dict[str, object]]:
    """Trainings of both tasks by four frameworks on two devices, and sweeps of batch sizes."""
    frameworks = (
        ("pytorch", "eager"),
        ("pytorch", "compiled"),
        ("keras-jax", "compiled"),
        ("keras-tensorflow", "graph"),
    )
    subjects = product((("digits", "mnist"), ("letters", "az-sample")), ("mlp", "cnn"))
    for ((task, source), network), device, (framework, execution) in product(
        list(subjects), ("cpu", "cuda"), frameworks
    ):
        fields = {
            "task": task,
            "source": source,
            "architecture": network,
            "device": device,
            "framework": framework,
            "execution": execution,
        }
        yield {**fields, "batch_size": 128}
        if task == "digits":
            for size in (20, 1024, 8192):
                yield {**fields, "batch_size": size, "goal": "throughput", "targets": ()}
            yield {**fields, "batch_size": 64}


def records(count: int, device: str | None = None) -> Iterator[Record]:
    """So many, seed after seed; times differ by framework and by chance."""
    random = np.random.default_rng(0)
    listed = [fields for fields in experiments() if device in (None, fields["device"])]
    for number, fields in enumerate(islice(cycle(listed), count)):
        train_s = (1 + number % len(listed) / 20) * random.lognormal(0, 0.03, EVALUATIONS)
        accuracies = np.sort(random.uniform(0.9, 0.98, EVALUATIONS))
        accuracies[-1] = 0.995 if random.random() < 0.7 else accuracies[-1]
        yield make_record(
            seed=number // len(listed),
            train_s=tuple(train_s.tolist()),
            accuracies=tuple(accuracies.tolist()),
            wrong=tuple(range(number % 7, 300, 7)),
            **fields,  # type: ignore[arg-type]
        )


def fill(folder: Path, count: int) -> Path:
    """Save so many records, and an audit, as one suite leaves them."""
    results = Results(folder)
    assert EVIDENCE.audit is not None
    results.save_evidence(EVIDENCE.audit)
    for record in records(count):
        results.save(record)
    return folder


def fill_grid(folder: Path, count: int) -> Path:
    """Save so many at least as blocks of many machines, each with its audit."""
    grid, audit = Grid(folder), EVIDENCE.audit
    assert audit is not None
    runs = sum(fields["device"] == "cpu" for fields in experiments())
    kind = Kind(name="cpu", seeds=-(-count // runs), runs=runs)
    grid.announce(kind)
    names = grid.names(kind)
    for seed, name in enumerate(names):
        grid.results(name).save_evidence(audit)
        at = "2026-01-01T00:00:00+00:00"
        node = f"n{seed % NODES:02}"
        grid.save_block(name, Block(node=node, runs=runs, state="done", began_at=at, ended_at=at))
    for record in records(kind.seeds * runs, device="cpu"):
        grid.results(names[record.seed]).save(record)
    return folder


@pytest.mark.parametrize("count", [1_000, 10_000])
def test_a_report_over_records(benchmark: BenchmarkFixture, count: int, tmp_path: Path) -> None:
    command = ["-m", "bench", "report", str(fill(tmp_path, count))]
    timed(benchmark, command, rounds=3 if count < 10_000 else 1)
    benchmark.extra_info["records"] = len(list(tmp_path.glob("records/*.json")))
    benchmark.extra_info["pages"] = len(list(tmp_path.glob("plots/*.png")))


def test_a_report_over_a_grid(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    folder = fill_grid(tmp_path, 10_000)
    timed(benchmark, ["run_all.py", "--collect", "--out", str(folder)], rounds=1)
    benchmark.extra_info["records"] = len(list(folder.glob("blocks/*/records/*.json")))
    benchmark.extra_info["machines"] = NODES


def timed(benchmark: BenchmarkFixture, words: list[str], rounds: int) -> None:
    """Time the command, and note the memory of the largest of its processes."""
    resource = pytest.importorskip("resource")  # of Unix
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: subprocess.run([sys.executable, *words], cwd=ROOT, check=True, capture_output=True),
        rounds=rounds,
    )
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # of Linux: KiB
    benchmark.extra_info["peak_bytes"] = 1024 * peak_kib

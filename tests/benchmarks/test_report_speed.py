"""A report over a thousand records of the fullest mix there is, as its own process.

    pytest tests/benchmarks/test_report_speed.py --benchmark-only

The goal: less than 15 s on two cores. Nothing here fails for being slow.
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

from bench.results.folder import Results
from bench.results.record import Record
from tests.imports import ROOT
from tests.records import EVIDENCE, make_record

RECORDS = 1_000
EVALUATIONS = 8


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


def records() -> Iterator[Record]:
    """A thousand of them, seed after seed; times differ by framework and by chance."""
    random = np.random.default_rng(0)
    listed = list(experiments())
    for number, fields in enumerate(islice(cycle(listed), RECORDS)):
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder with them, and with an audit."""
    return fill(tmp_path_factory.mktemp("thousand"))


def fill(folder: Path) -> Path:
    """Save the records and the audit there."""
    results = Results(folder)
    assert EVIDENCE.audit is not None
    results.save_evidence(EVIDENCE.audit)
    for record in records():
        results.save(record)
    return folder


def test_a_report_over_a_thousand_records(benchmark: BenchmarkFixture, folder: Path) -> None:
    command = [sys.executable, "-m", "bench", "report", str(folder)]
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True),
        rounds=3,
    )
    benchmark.extra_info["records"] = len(list(folder.glob("records/*.json")))
    benchmark.extra_info["pages"] = len(list(folder.glob("plots/*.png")))

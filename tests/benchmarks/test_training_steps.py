"""One training step and one inference batch of each framework, architecture and batch size.

    pytest tests/benchmarks --benchmark-only

Frameworks stand side by side in the tables. Seconds are those of the harness's own stopwatch,
with the device idle on both sides, read in the framework's process.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from bench.experiment import Experiment
from bench.trainers import FRAMEWORKS, FrameworkMissing
from models import COMPARED
from tests.benchmarks.framework_client import CHILD_CLOCK, FrameworkProcess, FrameworkProcesses

BATCH_SIZES = (20, 128, 1024)
ROUNDS = {"step": 3, "infer": 20}  # a round of steps lasts a second: see framework_process.py
WARM_UP_ROUNDS = {"step": 0, "infer": 3}  # the process has trained already, to find that second
TITLES = {"step": "train step", "infer": "inference batch"}

pytestmark = pytest.mark.benchmark(timer=CHILD_CLOCK.read)


def _cases() -> Iterator[object]:
    """Framework by framework, so that each child process is started once."""
    for device, name in product(("cpu", "cuda"), FRAMEWORKS):
        marks = [pytest.mark.cuda] if device == "cuda" else []
        for execution in _executions(name):
            for case in product(COMPARED, BATCH_SIZES):
                yield pytest.param(name, execution, device, *case, marks=marks)


def _executions(framework: str) -> tuple[str, ...]:
    """What users get by default, and PyTorch's compiler beside it."""
    return ("eager", "compiled") if framework == "pytorch" else (FRAMEWORKS[framework].default,)


@pytest.mark.parametrize("work", ["step", "infer"])
@pytest.mark.parametrize(
    ("framework", "execution", "device", "architecture", "batch_size"), list(_cases())
)
def test_throughput(
    benchmark: BenchmarkFixture,
    processes: FrameworkProcesses,
    framework: str,
    execution: str,
    device: str,
    architecture: str,
    batch_size: int,
    work: str,
) -> None:
    experiment = Experiment(
        task="digits",
        source="glyphs",
        architecture=architecture,
        framework=framework,
        execution=execution,
        device=device,
        goal="throughput",
        batch_size=batch_size,
        epochs=1.0,
    )
    where = "" if device == "cpu" else f", {device}"
    benchmark.group = f"{TITLES[work]}, {architecture}, batch {batch_size}{where}"
    process = _built(processes, experiment)
    target = process.step if work == "step" else process.infer
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        target, args=(experiment,), rounds=ROUNDS[work], warmup_rounds=WARM_UP_ROUNDS[work]
    )
    if benchmark.stats is not None:  # with --benchmark-disable there are none
        benchmark.extra_info["images_per_s"] = batch_size / benchmark.stats["median"]


def _built(processes: FrameworkProcesses, experiment: Experiment) -> FrameworkProcess:
    try:
        return processes.built(experiment)
    except FrameworkMissing as missing:
        pytest.skip(str(missing))

"""Every trainer on an NVIDIA GPU, in each execution, each in a process of its own.

A framework that is not installed with CUDA is skipped, and says so.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import datasets
from bench.experiment import Experiment, Run
from bench.machine import hardware
from bench.results.folder import Results
from bench.results.record import Record
from bench.run import versions
from bench.run.material import describe
from bench.run.scheduler import Site, run_one
from bench.trainers import FRAMEWORKS
from tests.imports import ROOT
from tests.run.test_scheduler import Shown
from tests.suite_process import PATIENCE_S
from tests.trainers.test_trainers import run_contract, skip_without

ON_CUDA = [name for name, framework in FRAMEWORKS.items() if "cuda" in framework.devices]


@pytest.mark.cuda
@pytest.mark.parametrize(
    ("framework", "execution"),
    [(name, word) for name in ON_CUDA for word in FRAMEWORKS[name].executions_on("cuda")],
)
def test_the_trainer_keeps_the_contract_on_cuda(framework: str, execution: str) -> None:
    skip_without(framework)
    ended = run_contract(framework, "-rs", execution=execution, files=("tests/trainer_on_cuda.py",))
    assert ended.returncode == 0, ended.stdout[-8000:]
    if " passed" not in ended.stdout:
        pytest.skip(ended.stdout[-500:])


@pytest.mark.cuda
@pytest.mark.parametrize("framework", ON_CUDA)
def test_the_trainer_does_what_precision_and_native_say_on_cuda(framework: str) -> None:
    skip_without(framework)
    ended = run_contract(framework, "-rs", files=("tests/trainer_axes_on_cuda.py",))
    assert ended.returncode == 0, ended.stdout[-8000:]
    if " passed" not in ended.stdout:
        pytest.skip(ended.stdout[-500:])


# Memory

LEFT_BYTES = 2**30  # room for what a framework needs to start, and for none of the work
BATCH_SIZE = 8192  # its first convolution alone leaves 0.7 GB
HOLDS = """
import sys, torch
free, _ = torch.cuda.mem_get_info()
held = torch.empty(max(0, free - int(sys.argv[1])), dtype=torch.uint8, device="cuda")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.cuda
@pytest.mark.parametrize("framework", ON_CUDA)
def test_a_gpu_that_is_full_ends_one_run_and_not_the_next(framework: str, tmp_path: Path) -> None:
    skip_without(framework)
    pytest.importorskip("torch")
    with a_gpu_with_room_for(LEFT_BYTES):
        full = a_run(framework, "cuda", BATCH_SIZE, tmp_path, seed=0)
    if full.status == "not installed":
        pytest.skip(str(full.reason))
    assert full.status == "out of memory", full.reason
    later = a_run(framework, "cuda", BATCH_SIZE, tmp_path, seed=1)
    assert later.status == "ok", later.reason


@contextmanager
def a_gpu_with_room_for(left_bytes: int) -> Iterator[None]:
    """Another process holds all of the GPU's memory but so much."""
    command = [sys.executable, "-c", HOLDS, str(left_bytes)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "held\n"
            yield
        finally:
            holder.stdin.close()


def a_run(framework: str, device: str, batch_size: int, folder: Path, *, seed: int) -> Record:
    """A short training of the CNN on drawn digits, as a suite has it done."""
    prepared = datasets.prepare("digits", source="glyphs", glyphs_images=2 * batch_size)
    site = Site(
        results=Results(folder),
        data={
            ("digits", "glyphs"): (
                prepared.folder,
                describe(datasets.open_cached(prepared.folder)),
            )
        },
        machine=hardware.observe(),
        timeout_s=PATIENCE_S,
        pythons={},
        versions={framework: versions.installed(FRAMEWORKS[framework].packages)},
    )
    experiment = Experiment(
        task="digits",
        source="glyphs",
        architecture="cnn",
        framework=framework,
        execution=FRAMEWORKS[framework].default_execution(device),
        device=device,
        goal="throughput",
        batch_size=batch_size,
        epochs=1,
    )
    return run_one(Run(experiment=experiment, seed=seed), site, Shown())


def test_the_run_that_is_to_fill_a_gpu_ends_well_where_there_is_room(tmp_path: Path) -> None:
    record = a_run("numpy", "cpu", 256, tmp_path, seed=0)
    assert record.status == "ok", record.reason


# Warnings, which are errors in all other tests

GPU_WARNS = """
import warnings
import pytest

{mark}
def test_trains():
    warnings.warn("TensorFloat32 tensor cores are available but not enabled", UserWarning)
"""
A_GPU = """
from bench.machine import hardware
hardware.gpus = lambda: ["one that is not there"]
from tests.conftest import *
"""


@pytest.mark.parametrize(("mark", "passes"), [("@pytest.mark.cuda", True), ("", False)])
def test_a_warning_is_no_failure_of_a_test_on_a_gpu(
    mark: str, passes: bool, tmp_path: Path
) -> None:
    (tmp_path / "conftest.py").write_text(A_GPU)
    (tmp_path / "test_it.py").write_text(GPU_WARNS.format(mark=mark))
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "no:cacheprovider"]
    ended = subprocess.run([*command, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode == 0) == passes, ended.stdout
    assert "1 passed, 1 warning" in ended.stdout or "1 failed" in ended.stdout


@pytest.mark.parametrize("file", ["tests/trainer_on_cuda.py", "tests/trainer_axes_on_cuda.py"])
def test_a_warning_is_no_failure_in_a_child_on_a_gpu_either(file: str) -> None:
    ended = run_contract("numpy", "-k", "may_warn", files=(file,))
    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout

"""Every trainer on an NVIDIA GPU, eager and compiled, each in a process of its own.

A framework that is not installed with CUDA is skipped, and says so.
"""

from pathlib import Path

import pytest

from bench.trainers import FRAMEWORKS
from tests.trainers.test_trainers import run_contract, skip_without


@pytest.mark.cuda
@pytest.mark.parametrize(
    ("framework", "execution"),
    [
        (name, execution)
        for name, framework in FRAMEWORKS.items()
        if "cuda" in framework.devices
        for execution in framework.executions_on("cuda")
    ],
)
def test_the_trainer_keeps_the_contract_on_cuda(
    framework: str, execution: str, tmp_path: Path
) -> None:
    skip_without(framework)
    ended = run_contract(
        framework, tmp_path, "-rs", execution=execution, files=("tests/trainer_on_cuda.py",)
    )
    assert ended.returncode == 0, ended.stdout[-8000:]
    if " passed" not in ended.stdout:
        pytest.skip(ended.stdout[-500:])

"""Precision and own defaults of every trainer, each in a process of its own."""

from pathlib import Path

import pytest

from bench.trainers import FRAMEWORKS
from tests.trainers.test_trainers import run_contract, skip_without


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_trainer_does_what_precision_and_native_say(framework: str, tmp_path: Path) -> None:
    skip_without(framework)
    ended = run_contract(framework, tmp_path, files=("tests/trainer_axes.py",))
    assert ended.returncode == 0, ended.stdout[-8000:]


@pytest.mark.cuda
@pytest.mark.parametrize(
    "framework", [name for name, one in FRAMEWORKS.items() if "cuda" in one.devices]
)
def test_the_trainer_does_what_precision_and_native_say_on_cuda(
    framework: str, tmp_path: Path
) -> None:
    skip_without(framework)
    ended = run_contract(framework, tmp_path, "-rs", files=("tests/trainer_axes_on_cuda.py",))
    assert ended.returncode == 0, ended.stdout[-8000:]
    if " passed" not in ended.stdout:
        pytest.skip(ended.stdout[-500:])

"""One training step in a process of its own: what it tells, and what becomes of failures."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import trainers
from bench.checks import first_step
from bench.checks.first_step import Attempt, StepRequest
from bench.machine import hardware
from bench.trainers import FRAMEWORKS, FrameworkMissing
from tests.checks.test_doctor import script
from tests.fakes import FakeTrainer

NEEDS_SHELL = pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in")
REQUEST = StepRequest(framework="numpy", device="cpu", started_s=0.0)
HERE = Path(sys.executable)


def planted(monkeypatch: pytest.MonkeyPatch, create: Callable[..., object]) -> None:
    """A trainer in the place of NumPy's."""
    monkeypatch.setattr(trainers, "load", lambda framework: types.SimpleNamespace(create=create))


def test_a_step_is_taken_on_one_batch_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = FakeTrainer([0], [0.5])
    planted(monkeypatch, lambda setup: trainer)
    made = first_step.attempt(REQUEST)
    assert trainer.calls == ["build", "transfer", "warm_up", "arrange", "train"]
    assert np.array_equal(trainer.orders[0], np.arange(first_step.IMAGES))
    assert not trainer.queued_s  # it was waited for
    assert made.trains
    assert made.import_s is not None
    assert made.step_s is not None
    assert 0 < made.import_s <= made.step_s


def test_a_loss_that_is_no_number_is_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch, lambda setup: FakeTrainer([0], [float("nan")]))
    made = first_step.attempt(REQUEST)
    assert (made.trains, made.failure) == (False, "ArithmeticError: the loss of the step is nan")


class Exploding(FakeTrainer):
    """Fails in its step."""

    def __init__(self, error: Exception) -> None:
        super().__init__([0], [0.5])
        self.error = error

    def train(self) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "failure", "status"),
    [
        (
            RuntimeError("RESOURCE_EXHAUSTED: out of memory\nAllocator: ..."),
            "RuntimeError: RESOURCE_EXHAUSTED: out of memory",
            "out of memory",
        ),
        (
            RuntimeError("Could not load library\tlibcudnn_ops.so.9\n  File ..."),
            "RuntimeError: Could not load library libcudnn_ops.so.9",
            "failed",
        ),
    ],
)
def test_a_step_that_fails_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, error: Exception, failure: str, status: str
) -> None:
    planted(monkeypatch, lambda setup: Exploding(error))
    made = first_step.attempt(REQUEST)
    assert (made.failure, made.status, made.reason) == (failure, status, failure)
    assert not made.trains
    assert made.import_s is not None


def test_a_line_ends_where_nobody_would_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    planted(monkeypatch, lambda setup: Exploding(RuntimeError("word " * 1000)))
    assert len(first_step.attempt(REQUEST).reason) < 320


def test_a_device_that_the_framework_does_not_see_is_told_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def create(setup: object) -> object:
        raise FrameworkMissing("sees\n  no CUDA device")

    planted(monkeypatch, create)
    made = first_step.attempt(REQUEST)
    assert (made.no_device, made.import_failure) == ("sees no CUDA device", None)


@pytest.mark.parametrize(
    ("error", "failure", "status"),
    [
        (FrameworkMissing("numpy needs 'x'"), "numpy needs 'x'", "not installed"),
        (
            OSError("libcudart.so.13: cannot open"),
            "OSError: libcudart.so.13: cannot open",
            "failed",
        ),
    ],
)
def test_an_import_that_fails_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, error: Exception, failure: str, status: str
) -> None:
    def load(framework: str) -> object:
        raise error

    monkeypatch.setattr(trainers, "load", load)
    made = first_step.attempt(REQUEST)
    assert (made.import_failure, made.status, made.trains) == (failure, status, False)


def test_of_a_gpu_the_network_with_convolutions_is_trained() -> None:
    """They need cuDNN, which an MLP never loads."""
    networks = {
        device: first_step._experiment("pytorch", device).architecture
        for device in ("cpu", "cuda", "cuda:1")
    }
    assert networks == {"cpu": "mlp", "cuda": "cnn", "cuda:1": "cnn"}


@pytest.mark.parametrize(("major", "version", "cuda"), [(13, 13000, "13.0"), (12, 12090, "12.9")])
def test_the_plugin_of_jax_tells_the_cuda_it_was_built_for(
    monkeypatch: pytest.MonkeyPatch, major: int, version: int, cuda: str
) -> None:
    pytest.importorskip("jax")
    from bench.trainers import jax_device

    plugin = types.ModuleType(f"jax_cuda{major}_plugin")
    versions = types.ModuleType(f"jax_cuda{major}_plugin._versions")
    versions.cuda_runtime_build_version = lambda: version  # type: ignore[attr-defined]
    for each in (plugin, versions):
        monkeypatch.setitem(sys.modules, each.__name__, each)
    assert jax_device.cuda_build() == cuda


# In a process of its own

PLANT = """
import numpy, sys
from bench import trainers
def create(setup):
    {body}
trainers.load = lambda framework: type("module", (), {{"create": staticmethod(create)}})
"""


@pytest.mark.parametrize(
    ("body", "made"),
    [
        (
            "raise MemoryError('std::bad_alloc')",
            Attempt(failure="MemoryError: std::bad_alloc", status="out of memory"),
        ),
        (
            "import os; os.write(2, b'Could not load library libcudnn.so.9'); os._exit(134)",
            Attempt(
                failure="ended with exit code 134: Could not load library libcudnn.so.9",
                status="crashed",
            ),
        ),
    ],
    ids=["raised", "crashed"],
)
def test_a_process_whose_step_fails_is_heard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str, made: Attempt
) -> None:
    (tmp_path / "sitecustomize.py").write_text(PLANT.format(body=body))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    heard = first_step.ask("numpy", "cpu", HERE, limit_s=60)
    assert replace(heard, versions={}, import_s=None) == made


@NEEDS_SHELL
def test_an_interpreter_that_hangs_is_given_up(tmp_path: Path) -> None:
    heard = first_step.ask("pytorch", "cpu", script(tmp_path, "exec sleep 600"), limit_s=0.2)
    assert heard == Attempt(failure="no answer within 0.2 s", status="crashed")


def test_an_interpreter_that_cannot_be_started_is_reported(tmp_path: Path) -> None:
    heard = first_step.ask("pytorch", "cpu", tmp_path, limit_s=60)
    assert heard.failure is not None
    assert heard.failure.startswith(f"{tmp_path} cannot be started")


@pytest.mark.skipif(bool(hardware.gpus()), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_not_seen() -> None:
    pytest.importorskip("torch")
    heard = first_step.ask("pytorch", "cuda", HERE, limit_s=120)
    assert heard.import_failure is None
    assert heard.no_device is not None
    assert "NVIDIA GPU" in heard.no_device


@pytest.mark.cuda
def test_some_framework_trains_on_the_gpu() -> None:
    attempts = [
        first_step.ask(name, "cuda", HERE, limit_s=300)
        for name, framework in FRAMEWORKS.items()
        if "cuda" in framework.devices
    ]
    assert any(attempt.trains and attempt.cuda for attempt in attempts)

"""One run in one process: every way it can end is a record."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from bench.results.folder import Results
from bench.run.measure import Diverged
from bench.run.worker import classify, perform
from bench.trainers import FrameworkMissing
from tests.saved_models import run_request
from tests.suite_process import PROJECT


def _error_of(action: str) -> Exception:
    """The real error that an action of a real framework raises."""
    try:
        exec(action, {"np": np})
    except Exception as error:  # noqa: BLE001
        return error
    pytest.fail(f"{action} raised nothing")


def test_more_memory_than_the_machine_has_is_out_of_memory() -> None:
    status, reason = classify(_error_of("np.ones((1 << 50,))"))
    assert status == "out of memory"
    assert reason.startswith("MemoryError: Unable to allocate")


def test_pytorch_s_failed_allocation_is_out_of_memory() -> None:
    pytest.importorskip("torch")
    assert classify(_error_of("import torch; torch.empty(1 << 50)"))[0] == "out of memory"


@pytest.mark.parametrize(
    ("package", "action"),
    [
        ("jax", "import jax.numpy as jnp; jnp.ones((1 << 24, 1 << 24)).block_until_ready()"),
        ("tensorflow", "import tensorflow as tf; tf.zeros((1 << 24, 1 << 24))"),
    ],
)
def test_other_frameworks_failed_allocations_are_out_of_memory(package: str, action: str) -> None:
    """In a process of their own: these frameworks do not share one well."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    script = (
        "from bench.run.worker import classify\n"
        f"try:\n    {action.replace('; ', chr(10) + '    ')}\n"
        "except Exception as error: print(classify(error)[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "out of memory", done.stderr


def test_a_missing_framework_is_not_a_failure_of_the_run() -> None:
    assert classify(FrameworkMissing("keras-jax needs 'jax'")) == (
        "not installed",
        "keras-jax needs 'jax'",
    )


def test_a_diverged_loss_keeps_its_words() -> None:
    assert classify(Diverged("the loss is nan")) == ("diverged", "the loss is nan")


def test_any_other_error_is_named_by_its_first_line() -> None:
    assert classify(ValueError("one\ntwo")) == ("failed", "ValueError: one")


def _silent(phase: str, done: int, total: int) -> None:
    pass


def test_a_run_without_accuracy_as_its_goal_leaves_no_model(tmp_path: Path) -> None:
    record = perform(run_request(tmp_path, goal="throughput"), _silent)
    assert record.status == "ok", record.reason
    assert not (tmp_path / "models").exists()


def test_a_model_that_cannot_be_saved_costs_no_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").write_text("a file where the folder is to be")
    monkeypatch.setattr("bench.machine.clock.SAMPLING_S", 0.01)
    record = perform(run_request(tmp_path), _silent)
    assert record.status == "ok"
    assert record.measurement is not None
    assert record.settings["model not saved"].startswith("FileExistsError")
    assert Results(tmp_path).checkpoint_path(record.run_id).exists()


def test_a_clock_that_is_set_back_changes_no_seconds(tmp_path: Path) -> None:
    """The process began tomorrow, by the system's clock."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    request = replace(run_request(tmp_path, goal="throughput"), started_at=tomorrow)
    begun_s = time.perf_counter()
    record = perform(replace(request, started_s=begun_s - 5.0), _silent)
    assert record.status == "ok", record.reason
    assert record.measurement is not None
    assert 5.0 < record.wall_s < 5.0 + time.perf_counter() - begun_s
    assert 5.0 < (record.measurement.phases.start_s or 0) < record.wall_s
    assert record.started_at == tomorrow.isoformat(timespec="milliseconds")


def test_the_clock_of_a_run_is_one_for_all_processes() -> None:
    """Its start is read in one and its seconds in another."""
    words = [sys.executable, "-c", "import time; print(time.perf_counter())"]
    before_s = time.perf_counter()
    told_s = float(subprocess.run(words, capture_output=True, check=True).stdout)
    assert before_s < told_s < time.perf_counter()

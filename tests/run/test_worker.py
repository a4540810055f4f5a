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
from bench.run.leaving import UNSURE_HINT, classify
from bench.run.measure import Diverged
from bench.run.worker import perform
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
        "from bench.run.leaving import classify\n"
        f"try:\n    {action.replace('; ', chr(10) + '    ')}\n"
        "except Exception as error: print(classify(error)[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.stdout.strip() == "out of memory", done.stderr


class InternalError(Exception):
    """TensorFlow's, by its name."""


class ResourceExhaustedError(Exception):
    """TensorFlow's, by its name."""


class XlaRuntimeError(RuntimeError):
    """JAX's, by its name."""


# As users have reported them, each to the project at the line's end.
REPORTED = [
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be"),  # pytorch_sparse 280
    RuntimeError(  # QwenLM/Qwen3 873
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
    ),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),  # KupynOrest/DeblurGAN 128
    RuntimeError(  # mxfold/mxfold2 20
        "[enforce fail at alloc_cpu.cpp:75] err == 0. DefaultCPUAllocator: can't allocate memory: "
        "you tried to allocate 132426121216 bytes. Error code 12 (Cannot allocate memory)"
    ),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"),  # MKLpy 27
    InternalError("Dst tensor is not initialized.\n\t [[Node: resize_images"),  # tensorflow 21775
    ResourceExhaustedError("OOM when allocating tensor with shape[1,64,1200,1200]"),
    XlaRuntimeError("INTERNAL: Failed to allocate 98697216 bytes for new constant"),  # octo 22
    XlaRuntimeError(  # google-deepmind/jaxline 11
        "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 285212672 bytes."
    ),
    XlaRuntimeError("Failed to allocate request for 528.00MiB (553648128B)"),  # jax 788
    MemoryError("Unable to allocate 8.00 PiB for an array with shape (1125899906842624,)"),
    OSError(12, "Cannot allocate memory"),
]
OF_SOMETHING_ELSE = [
    ResourceExhaustedError(  # keras-tuner 390
        "variables_temp/part-00000-of-00002.data-00000-of-00001.tempstate; No space left on device"
    ),
    ResourceExhaustedError("disk quota exceeded [Op:SaveV2]"),  # keras-tuner 390
    ResourceExhaustedError("/tmp/model; Too many open files"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),  # askforalfred/alfred 23
    RuntimeError("cuDNN error: CUDNN_STATUS_NOT_INITIALIZED"),  # memory, but not always
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("CUDA error: no kernel image is available for execution on the device"),
    ValueError("memory_format must be torch.channels_last"),
]


@pytest.mark.parametrize("error", REPORTED, ids=lambda error: str(error)[:40])
def test_out_of_memory_is_known_by_all_its_names(error: Exception) -> None:
    assert classify(error)[0] == "out of memory"


@pytest.mark.parametrize("error", OF_SOMETHING_ELSE, ids=lambda error: str(error)[:40])
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert classify(error)[0] == "failed"


def test_a_cudnn_that_does_not_start_is_not_called_either_and_says_where_to_look() -> None:
    said = "FAILED_PRECONDITION: DNN library initialization failed. Look at the errors above."
    status, reason = classify(XlaRuntimeError(said))  # jax 15361 by memory, 16901 by its version
    assert (status, reason) == ("failed", f"XlaRuntimeError: {said}; {UNSURE_HINT}")


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

"""The scheduler's parts that need no framework; whole suites are in test_run_all.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from bench.scheduler import THREAD_VARIABLES, end_tree, environment, failure, round_robin
from tests.fakes import an_experiment
from tests.suite_process import gone, wait_until


def test_all_experiments_have_their_turn_before_the_next_seed() -> None:
    one, two = an_experiment(architecture="mlp"), an_experiment(architecture="cnn")
    order = [(run.experiment.architecture, run.seed) for run in round_robin([one, two], range(2))]
    assert order == [("mlp", 0), ("cnn", 0), ("mlp", 1), ("cnn", 1)]


def test_a_cpu_run_sees_no_gpu() -> None:
    assert environment(an_experiment(device="cpu"), {})["CUDA_VISIBLE_DEVICES"] == "-1"


def test_a_cuda_run_sees_the_gpus_that_the_user_chose() -> None:
    chosen = environment(an_experiment(device="cuda"), {"CUDA_VISIBLE_DEVICES": "3"})
    assert chosen["CUDA_VISIBLE_DEVICES"] == "3"


def test_keras_is_told_its_backend_before_it_is_imported() -> None:
    asked = environment(an_experiment(framework="keras-jax"), {"KERAS_BACKEND": "torch"})
    assert asked["KERAS_BACKEND"] == "jax"


def test_the_threads_of_numpy_are_limited_before_it_is_imported() -> None:
    limited = environment(an_experiment(threads=1), {"OMP_NUM_THREADS": "7"})
    assert {limited[name] for name in THREAD_VARIABLES} == {"1"}
    assert environment(an_experiment(), {"OMP_NUM_THREADS": "7"})["OMP_NUM_THREADS"] == "7"


def test_a_signal_is_named(tmp_path: Path) -> None:
    status, reason = failure(True, -9, 60, _log(tmp_path, ""))
    assert status == "crashed"
    assert "signal 9" in reason
    assert "out of memory" in reason


def test_the_last_words_of_a_process_are_kept(tmp_path: Path) -> None:
    status, reason = failure(True, 3, 60, _log(tmp_path, "one\nlast line\n"))
    assert (status, "exit code 3" in reason, "last line" in reason) == ("crashed", True, True)


def test_a_time_out_says_what_to_do(tmp_path: Path) -> None:
    assert failure(False, None, 60, _log(tmp_path, ""))[0] == "timed out"
    assert "--timeout" in failure(False, None, 60, _log(tmp_path, ""))[1]


def _log(folder: Path, text: str) -> Path:
    path = folder / "run.log"
    path.write_text(text)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="uses a shell of Unix")
def test_what_a_worker_has_started_ends_with_it() -> None:
    worker = subprocess.Popen(["sh", "-c", "sleep 600 & sleep 600"], start_new_session=True)
    parent = psutil.Process(worker.pid)
    wait_until(lambda: len(parent.children()) == 2)
    children = parent.children()
    end_tree(worker)
    wait_until(lambda: all(gone(child) for child in children))
    assert worker.returncode == -9

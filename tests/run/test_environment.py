"""Which variables reach a run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.checks import arms
from bench.run import processes
from bench.run.environment import PROJECT, THREAD_VARIABLES, WITHHELD, environment
from tests.fakes import an_experiment
from tests.machine.test_visible_gpus import PINNED, fake_driver


def test_a_cpu_run_sees_no_gpu() -> None:
    assert environment(an_experiment(device="cpu"), {})["CUDA_VISIBLE_DEVICES"] == "-1"


def test_a_cuda_run_sees_one_of_the_gpus_that_the_user_chose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fake_driver(monkeypatch, visible="3,1")  # the fourth is cut into two instances
    for device, seen in (("cuda", "MIG-1"), ("cuda:1", "MIG-2"), ("cuda:2", "GPU-0b")):
        given = environment(an_experiment(device=device), os.environ)
        assert given["CUDA_VISIBLE_DEVICES"] == seen
        assert given["GLYPHBENCH_CUDA_VISIBLE_DEVICES"] == "3,1"


def test_a_child_is_started_with_its_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_driver(monkeypatch)
    (tmp_path / "told.py").write_text(
        "import os\n"
        "from bench.run.processes import Parent\n"
        "parent = Parent(); parent.request(str)\n"
        "parent.tell(os.environ['CUDA_VISIBLE_DEVICES'])\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    experiment = an_experiment(device="cuda:2")
    assert processes.ask("told", "", str, limit_s=60, experiment=experiment) == PINNED


def test_inside_its_process_the_gpu_is_the_first() -> None:
    setup = arms.setup(an_experiment(device="cuda:2"), images=10)
    assert setup.experiment == an_experiment(device="cuda")


def test_keras_is_told_its_backend_before_it_is_imported() -> None:
    asked = environment(an_experiment(framework="keras-jax"), {"KERAS_BACKEND": "torch"})
    assert asked["KERAS_BACKEND"] == "jax"


def test_an_execution_sets_what_is_its_own_unless_the_user_has() -> None:
    tuned = an_experiment(framework="pytorch", execution="tuned")
    assert environment(tuned, {})["GOMP_SPINCOUNT"] == "10000"
    assert environment(tuned, {"GOMP_SPINCOUNT": "7"})["GOMP_SPINCOUNT"] == "7"
    assert "GOMP_SPINCOUNT" not in environment(an_experiment(framework="pytorch"), {})


def test_the_threads_of_numpy_are_limited_before_it_is_imported() -> None:
    limited = environment(an_experiment(threads=1), {"OMP_NUM_THREADS": "7"})
    assert {limited[name] for name in THREAD_VARIABLES} == {"1"}
    assert environment(an_experiment(), {"OMP_NUM_THREADS": "7"})["OMP_NUM_THREADS"] == "7"


def test_the_project_is_found_before_what_the_user_s_path_names() -> None:
    assert environment(None, {"PYTHONPATH": "own", "A": "B"}) == {
        "PYTHONPATH": f"{PROJECT}{os.pathsep}own",
        "A": "B",
    }


@pytest.mark.parametrize(
    "name",
    [
        "KERAS_MAX_STEPS_PER_EPOCH",
        "KERAS_MAX_EPOCHS",
        "TORCHDYNAMO_DISABLE",
        "TORCH_COMPILE_DISABLE",
        "JAX_DISABLE_JIT",
        "JAX_COMPILATION_CACHE_DIR",
        "TF_XLA_FLAGS",
        "PYTORCH_JIT",
    ],
)
def test_what_changes_the_work_of_a_framework_is_withheld_and_named(name: str) -> None:
    given = environment(an_experiment(), {name: "1", "HOME": "/home"})
    assert name not in given
    assert (given[WITHHELD], given["HOME"]) == (name, "/home")


@pytest.mark.parametrize("name", ["OMP_WAIT_POLICY", "XLA_FLAGS", "MALLOC_X", "TF_CLI_CONFIG"])
def test_what_changes_speed_alone_is_handed_on(name: str) -> None:
    given = environment(an_experiment(), {name: "1"})
    assert given[name] == "1"
    assert WITHHELD not in given


def test_files_of_frameworks_and_compilers_are_kept_in_a_folder_of_the_run(tmp_path: Path) -> None:
    given = environment(an_experiment(), {"KERAS_HOME": "/home/.keras"}, tmp_path)
    folders = [given[name] for name in ("KERAS_HOME", "TORCHINDUCTOR_CACHE_DIR")]
    assert {Path(folder).parent for folder in folders} == {tmp_path}

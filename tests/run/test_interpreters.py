"""Which Python runs which framework, and what is said of those that none can run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.cli import parse
from bench.machine import hardware
from bench.results.record import Gpu
from bench.run import interpreters
from bench.run.environment import PROJECT

GPU = Gpu(name="NVIDIA H200", memory_bytes=1, driver="580.0")
PYTHON = Path(".venv-tensorflow") / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of an environment for TensorFlow with CUDA, where it is looked for; with a GPU."""
    monkeypatch.setenv(interpreters.FOLDER, str(tmp_path))
    monkeypatch.setattr(hardware, "gpus", lambda: (GPU,))
    path = tmp_path / PYTHON
    path.parent.mkdir(parents=True)
    path.touch()
    return path


def test_with_a_gpu_tensorflow_runs_in_the_environment_that_lies_in_the_clone(python: Path) -> None:
    assert parse([]).pythons == {"keras-tensorflow": python}
    assert parse(["--device", "cpu"]).pythons == {"keras-tensorflow": python}  # one build for both


def test_an_interpreter_that_is_named_goes_before(python: Path) -> None:
    other = python.parent / "other"
    other.touch()
    words = ["--python", f"keras-tensorflow={other}", "--python", f"pytorch={other}"]
    assert parse(words).pythons == {"keras-tensorflow": other, "pytorch": other}


def test_without_a_gpu_everything_runs_here(python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "gpus", lambda: ())
    assert parse([]).pythons == {}


def test_without_the_environment_everything_runs_here(python: Path) -> None:
    python.unlink()
    assert parse([]).pythons == {}


def test_no_test_meets_an_environment_of_the_clone_by_accident() -> None:
    assert Path(os.environ[interpreters.FOLDER]) != PROJECT
    assert not (Path(os.environ[interpreters.FOLDER]) / PYTHON).exists()


INSTALLED = {
    "keras-jax": {"python": "3.11.7", "numpy": "2.4.6"},
    "keras-tensorflow": {"python": "3.11.7", "keras": "3.15.1", "tensorflow-cpu": "2.21.0"},
    "pytorch": {"python": "3.11.7", "torch": "2.13.0"},
}


def test_a_plan_says_which_framework_runs_elsewhere() -> None:
    pythons = {"keras-tensorflow": PROJECT / PYTHON, "keras-jax": Path("/opt/jax/python")}
    notes = list(interpreters.notes(["pytorch", "keras-tensorflow"], pythons, INSTALLED))
    assert notes == [f"keras-tensorflow runs in {PYTHON}."]


def test_a_plan_names_what_is_not_installed_and_what_installs_it() -> None:
    (note,) = interpreters.notes(INSTALLED, {}, INSTALLED)
    assert note == (
        "Not installed: keras-jax lacks jax, jaxlib, keras. Their rows will say so. To add them, "
        "in the clone's folder: make install FRAMEWORKS=keras-jax; without make, in the clone's "
        "folder: python -m pip install -c requirements.txt jax jaxlib keras"
    )


def test_where_nothing_is_missing_nothing_is_said() -> None:
    assert list(interpreters.notes(["pytorch", "keras-tensorflow"], {}, INSTALLED)) == []

"""Run from a clone: from any folder, in any path, beside other packages of the same names."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clones import copy_of_the_project, environment_with_foreign_packages

# One run in a process of its own; --python has its interpreter asked for its versions in another.
RUN = (
    *("--source", "glyphs", "--glyphs-images", "600", "--device", "cpu", "--unchecked"),
    *("--seeds", "1"),
    *("--task", "digits", "--architecture", "mlp", "--framework", "numpy", "--epochs", "1"),
)


@dataclass(frozen=True, kw_only=True)
class Clone:
    """A copy of the project in a path that is no plain word, and where commands are started."""

    folder: Path
    python: Path  # of an environment where others' bench, datasets and models are installed
    elsewhere: Path  # the working directory, with a folder 'datasets' of the user's

    def call(
        self, *words: str | Path, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run its Python to the end with these words; fail where that fails."""
        done = subprocess.run(
            [self.python, *words],
            cwd=cwd or self.elsewhere,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"} | variables,
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    folder = tmp_path_factory.mktemp("any path") / "Übung – 数字 'a'"
    elsewhere = folder / "working folder"
    (elsewhere / "datasets").mkdir(parents=True)
    (elsewhere / "datasets" / "__init__.py").write_text("raise SystemExit('the user\\'s own')\n")
    return Clone(
        folder=copy_of_the_project(folder / "a clone"),
        python=environment_with_foreign_packages(folder / "environment"),
        elsewhere=elsewhere,
    )


def test_a_plan_is_made_beside_foreign_packages(clone: Clone) -> None:
    words = (*RUN, "--python", f"numpy={clone.python}", "--dry-run")
    assert "1 runs" in clone.call(clone.folder / "run_all.py", *words).stdout


def test_a_suite_runs_where_python_looks_for_no_package_in_the_folder_of_a_script(
    clone: Clone, tmp_path: Path
) -> None:
    out = tmp_path / "Ergebnis é"
    words = (*RUN, "--python", f"numpy={clone.python}", "--out", out)
    clone.call(clone.folder / "run_all.py", *words, PYTHONSAFEPATH="1")
    assert len(list((out / "records").glob("*.json"))) == 1
    assert (out / "README.md").exists()


def test_the_folder_bench_is_the_command_from_anywhere(clone: Clone) -> None:
    words = ("parity", "--framework", "numpy", "--architecture", "mlp")  # in a child
    done = clone.call(clone.folder / "bench", *words, PYTHONSAFEPATH="1")
    assert "numpy" in done.stdout


def test_inside_the_clone_bench_is_a_module(clone: Clone) -> None:
    assert "usage: python -m bench" in clone.call("-m", "bench", "--help", cwd=clone.folder).stdout
    done = clone.call("-m", "bench", "data", "--task", "letters", cwd=clone.folder)
    assert "letters: 26 classes" in done.stdout


def test_packages_on_pythonpath_come_after_the_clones_own(clone: Clone) -> None:
    path = str(clone.elsewhere)  # holds a package called datasets
    words = ("bench", "data", "--task", "letters")
    assert "letters: 26" in clone.call("-m", *words, cwd=clone.folder, PYTHONPATH=path).stdout
    assert "--task" in clone.call(clone.folder / "run_all.py", "--help", PYTHONPATH=path).stdout


def test_a_package_in_the_working_folder_comes_after_the_clones_own(clone: Clone) -> None:
    """With ``-m`` Python looks there first, and the user's folder holds a package datasets."""
    words = ("-m", "bench", "data", "--task", "letters")
    assert "letters: 26 classes" in clone.call(*words, PYTHONPATH=str(clone.folder)).stdout

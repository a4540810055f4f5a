"""What workflows run is there, and keeps what it measured: with a remote of its own, for real."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clones import copy_of_the_project
from tests.imports import ROOT

TINY = "def test_sum(benchmark):\n    benchmark.pedantic(sum, args=(range(100),), rounds=3)\n"

needs_git = pytest.mark.skipif(
    shutil.which("git") is None or sys.platform == "win32", reason="a shell script that calls git"
)


def test_every_script_that_a_workflow_runs_is_there() -> None:
    files = sorted((ROOT / ".github/workflows").glob("*.yml"))
    scripts = [
        script
        for file in files
        for script in re.findall(r"run: bash (\S+)", file.read_text(encoding="utf-8"))
    ]
    assert sorted(scripts) == [".ci/run", ".ci/trend"]
    assert all((ROOT / script).is_file() for script in scripts)


@needs_git
def test_benchmarks_of_two_commits_meet_on_the_branch_and_make_a_trend(tmp_path: Path) -> None:
    """By the real tool, on a project with one tiny benchmark; the first time without the trend."""
    origin, project = tmp_path / "origin", copy_of_the_project(tmp_path / "project")
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "remote", "add", "origin", str(origin))
    shutil.copytree(ROOT / ".ci", project / ".ci")
    tiny = project / "test_tiny.py"
    tiny.write_text(TINY)
    git(project, "add", ".ci", "test_tiny.py")
    git(project, "commit", "--quiet", "-m", "One")
    measuring_only = tmp_path / "python"
    measuring_only.write_text(
        f'#!/bin/sh\ncase "$*" in *"bench trend"*) exit 0;; esac\nexec "{sys.executable}" "$@"\n'
    )
    measuring_only.chmod(0o755)
    measure(project, measuring_only)
    git(project, "commit", "--quiet", "--allow-empty", "-m", "Two")
    said = measure(project, Path(sys.executable))
    assert "No change is shown; that takes 6 runs (so far: 2)." in said
    files = git(origin, "ls-tree", "--name-only", "benchmarks").split()
    assert [Path(file).suffix for file in files] == [".json"] * 2
    page = (project / "results/trend/trend.md").read_text()
    assert "1 benchmark, 2 runs of 2 commits" in page
    assert "test_tiny.py::test_sum" in page
    assert len(git(project, "worktree", "list").splitlines()) == 1
    assert git(project, "status", "--porcelain", "-uno") == ""


def measure(project: Path, python: Path) -> str:
    """Carry out the script there, outside this session of pytest; what it printed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    own |= {"PYTHON": str(python), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # others take a second
    command = ["bash", ".ci/trend", "-p", "pytest_benchmark.plugin", "test_tiny.py"]
    done = subprocess.run(command, cwd=project, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def git(folder: Path, *words: str) -> str:
    """What git printed."""
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@localhost", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout

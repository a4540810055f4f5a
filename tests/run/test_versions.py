"""Versions here, and in another interpreter."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from bench import UsageError
from bench.run import versions

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
NEEDS_SHELL = pytest.mark.skipif(sys.platform == "win32", reason="uses a shell script")


def test_numpy_is_always_told_and_what_is_not_installed_never() -> None:
    found = versions.installed(("no-such-package",))
    assert found["numpy"] == np.__version__
    assert "no-such-package" not in found


def test_another_interpreter_says_the_same_of_itself() -> None:
    packages = ("tqdm", "no-such-package")
    assert versions.ask(Path(sys.executable), packages) == versions.installed(packages)


@NEEDS_SHELL
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("#!/bin/sh\necho hello\n", "is no Python that can be asked"),
        ("#!/bin/sh\nexit 1\n", "is no Python that can be asked"),
        ("not a program", "is no Python that can be asked"),
        ('#!/bin/sh\necho \'{"python": "3.11.0"}\'\n', "lacks numpy, msgspec, psutil, safetensors"),
    ],
)
def test_an_interpreter_that_cannot_run_is_an_error(
    script: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        versions.ask(_python(tmp_path, script), ("torch",))


@NEEDS_SHELL
def test_an_interpreter_with_the_standard_library_alone_is_told_what_it_lacks(
    tmp_path: Path,
) -> None:
    bare = _python(tmp_path, f"#!/bin/sh\nexec '{sys.executable}' -S \"$@\"\n")
    with pytest.raises(UsageError, match="lacks numpy, msgspec, psutil, safetensors"):
        versions.ask(bare, ("torch",))


def _python(folder: Path, script: str) -> Path:
    """What stands in for an interpreter."""
    path = folder / "python"
    path.write_text(script)
    path.chmod(0o755)
    return path


# Of the project itself


@needs_git
def test_the_commit_is_known_with_its_time_and_whether_files_differ(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=A", "-c", "user.email=a@localhost", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "--quiet")
    assert versions.commit(tmp_path) is None  # nothing is committed
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "--quiet", "-m", "One")
    (tmp_path / "beside").touch()
    clean = versions.commit(tmp_path)
    assert clean is not None
    assert (clean.id, clean.dirty) == (git("rev-parse", "HEAD"), False)
    assert abs(datetime.fromisoformat(clean.time).timestamp() - time.time()) < 60
    (tmp_path / "file").write_text("two")
    assert versions.commit(tmp_path) == replace(clean, dirty=True)
    (tmp_path / "inside").mkdir()
    assert versions.commit(tmp_path / "inside") is None  # another project's

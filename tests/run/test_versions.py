"""Versions here, and in another interpreter."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from bench import UsageError
from bench.run import versions

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

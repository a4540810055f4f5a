"""Versions of Python and of packages: here, or in another interpreter. Standard library only.

python -m bench.versions PACKAGE...     # inside that interpreter: one line of JSON
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from bench.errors import UsageError

PROJECT = Path(__file__).resolve().parent.parent
CORE = ("numpy", "msgspec", "psutil", "safetensors")  # what a run needs beside its framework
ALWAYS_TOLD = ("python", "numpy")
ANSWER_TIMEOUT_S = 60.0


def installed(packages: Sequence[str]) -> dict[str, str]:
    """The versions of Python, NumPy and ``packages`` here; what is not installed is absent."""
    found = {"python": platform.python_version()}
    for package in ("numpy", *packages):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def ask(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """The same of another interpreter.

    Raises UsageError where it cannot be started, does not answer, or lacks what a run needs.
    """
    command = [str(python), "-m", "bench.versions", *CORE, *packages]
    try:
        asked = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, timeout=ANSWER_TIMEOUT_S
        )
        answer: dict[str, str] = json.loads(asked.stdout.strip().rpartition("\n")[2])
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise UsageError(
            f"--python {python}: this is no Python that can be asked for its versions ({error}); "
            "name the interpreter of an environment, such as .venv/bin/python"
        ) from error
    missing = [package for package in CORE if package not in answer]
    if missing:
        raise UsageError(
            f"--python {python}: lacks {', '.join(missing)}, which every run needs; "
            f"{python} -m pip install -c requirements.txt {' '.join(missing)}"
        )
    return {name: version for name, version in answer.items() if name in {*packages, *ALWAYS_TOLD}}


if __name__ == "__main__":
    print(json.dumps(installed(sys.argv[1:])))

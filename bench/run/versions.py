"""Versions of Python and packages, here or in another interpreter, and of the project itself.

As a child in that interpreter it answers a list of packages, as ``bench.run.processes`` says; for
that it needs the standard library alone.
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench import UsageError
from bench.run import processes
from bench.run.environment import PROJECT

if TYPE_CHECKING:
    from bench.results.evidence import Commit
    from bench.results.record import Record

CORE = ("numpy", "msgspec", "psutil", "safetensors")  # what a run needs beside its framework
ALWAYS_TOLD = ("python", "numpy")
ANSWER_TIMEOUT_S = 60.0


def installed(packages: Sequence[str]) -> dict[str, str]:
    """The versions of Python, NumPy and ``packages`` here; what is not installed is absent."""
    from importlib import metadata  # late: --help waits for every import

    versions = {"python": platform.python_version()}
    for package in ("numpy", *packages):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def ask(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """The same of another interpreter.

    Raises UsageError where it cannot be started, does not answer, or lacks what a run needs.
    """
    try:
        answer = processes.ask(
            __name__,
            [*CORE, *packages],
            dict[str, str],
            limit_s=ANSWER_TIMEOUT_S,
            python=python,
        )
    except processes.NoAnswer as error:
        raise UsageError(
            f"{python} is no Python that can be asked for its versions ({error}); give --python "
            "the interpreter of an environment, such as .venv/bin/python"
        ) from error
    missing = [package for package in CORE if package not in answer]
    if missing:
        from datasets import how_to_install  # late: it needs NumPy, and this is asked where none is

        raise UsageError(
            f"{python} lacks {', '.join(missing)}, which every run needs; "
            f"{how_to_install(*missing, python=str(python))}"
        )
    return {name: version for name, version in answer.items() if name in {*packages, *ALWAYS_TOLD}}


def differences(record: Record, now: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """What a run used in other versions than it would now: a sentence for each package.

    ``now``: framework -> package -> version, as they would run now.
    """
    framework = record.experiment.framework
    for package, version in now.get(framework, {}).items():
        old = record.versions.get(package)
        if old != version and record.status != "not installed":
            yield f"{package} for {framework}: {old or 'none'} in the records, {version} now"


def commit(project: Path = PROJECT) -> Commit | None:
    """The commit that the project's files are of.

    None where nobody knows: in a copy without its history, or on a machine without git.
    """
    from bench.results.evidence import Commit  # late: as a child there is no msgspec

    if not (project / ".git").exists():  # it may lie inside another project's repository
        return None
    try:
        shown = _git(project, "-c", "log.showSignature=false", "log", "-1", "--format=%H %cI")
        changed = _git(project, "--no-optional-locks", "status", "--porcelain", "-uno")
    except (OSError, subprocess.CalledProcessError):
        return None
    name, time = shown.split()
    return Commit(id=name, time=time, dirty=bool(changed))


def _git(project: Path, *words: str) -> str:
    command = ["git", *words]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    parent = processes.Parent()
    parent.tell_line(json.dumps(installed(json.loads(parent.request_line()))).encode())

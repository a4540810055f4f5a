"""Which Python runs which framework, where it is not this one; and which framework has none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bench.run import versions
from bench.run.environment import PROJECT
from bench.trainers import FRAMEWORKS
from datasets import how_to_install, how_to_make

FOLDER = "GLYPHBENCH_ENVIRONMENTS"  # where environments are looked for, in place of the clone


def beside() -> dict[str, Path]:
    """Framework -> the interpreter of the environment that it has in the clone for itself.

    ``make install`` makes one where the packages for CUDA cannot stand beside those of the other
    frameworks. It is used wherever the driver lists a GPU, for runs on the CPU too, so that rows
    of a framework differ by device alone and not by build.
    """
    found = {name: python for name, python in environments().items() if python.is_file()}
    if found:
        from bench.machine import hardware  # late: --help is to answer at once

        return found if hardware.gpus() else {}
    return {}


def environments() -> dict[str, Path]:
    """Framework -> the interpreter that such an environment has, whether it is there or not."""
    folder = Path(os.environ.get(FOLDER) or PROJECT)
    program = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    return {
        name: folder / framework.cuda_environment / program
        for name, framework in FRAMEWORKS.items()
        if framework.cuda_environment is not None
    }


def versions_of(framework: str, pythons: Mapping[str, Path]) -> dict[str, str]:
    """What a framework would run with, asked of the interpreter that would run it."""
    packages = FRAMEWORKS[framework].packages
    if framework in pythons:
        return versions.ask(pythons[framework], packages)
    return versions.installed(packages)


def notes(
    frameworks: Iterable[str],
    pythons: Mapping[str, Path],
    installed: Mapping[str, Mapping[str, str]],
) -> Iterator[str]:
    """What a user should know before the runs begin: which run elsewhere, and which cannot.

    Args:
        frameworks: those that are to be run.
        pythons: framework -> interpreter, where it is not this one.
        installed: framework -> package -> version, as they would run.
    """
    planned = sorted(set(frameworks))
    for name in planned:
        if name in pythons:
            yield f"{name} runs in {_shown(pythons[name])}."
    missing = {name: lacking(name, installed[name]) for name in planned}
    missing = {name: packages for name, packages in missing.items() if packages}
    if missing:
        listed = "; ".join(f"{name} lacks {', '.join(each)}" for name, each in missing.items())
        packages = sorted({package for each in missing.values() for package in each})
        yield (
            f"Not installed: {listed}. Their rows will say so. To add them, "
            f"{how_to_make(missing)}; without make, {how_to_install(*packages)}"
        )


def lacking(framework: str, installed: Mapping[str, str]) -> list[str]:
    """The packages of a framework that are not installed; 'tensorflow-cpu' is as good as without.

    ``installed``: package -> version.
    """
    packages = FRAMEWORKS[framework].packages
    there = {package.removesuffix("-cpu") for package in installed}
    return sorted({package.removesuffix("-cpu") for package in packages} - there)


def _shown(python: Path) -> str:
    """Its path, from the clone where it lies there: no one's home goes into a record."""
    return str(python.relative_to(PROJECT)) if python.is_relative_to(PROJECT) else str(python)

"""pyproject.toml, requirements.txt and the imports agree."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import imports
from tests.imports import PACKAGES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DEPENDENCIES: list[str] = PROJECT["dependencies"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
INSTALLED_EXTRAS = (
    "pytorch",
    "keras",
    "tensorflow",
    "jax",
    "study",
    "graphs",
    "onnx",
    "dev",
)  # by requirements.txt


def test_every_imported_package_is_declared() -> None:
    declared = [*DEPENDENCIES, *(each for extra in EXTRAS.values() for each in extra)]
    assert _imported() - {_name(each) for each in declared} == set()


def test_every_package_declared_for_all_is_imported() -> None:
    assert {_name(each) for each in DEPENDENCIES} - _imported() == set()


def test_every_declared_package_is_pinned_alike_in_requirements() -> None:
    locked = {_name(line): Requirement(line).specifier for line in _locked()}
    wanted = [*DEPENDENCIES, *(each for extra in INSTALLED_EXTRAS for each in EXTRAS[extra])]
    for each in wanted:
        if _name(each) == PROJECT["name"]:  # one extra naming another
            continue
        assert (_name(each), locked[_name(each)]) == (_name(each), Requirement(each).specifier)


def test_everything_in_requirements_is_pinned_to_one_version() -> None:
    loose = [line for line in _locked() if not re.match(r"[\w-]+==[\w.]+( ;|$)", line)]
    assert loose == []


def test_requirements_force_no_gpu_packages_on_a_machine_without_gpu() -> None:
    forced = re.compile(r"triton|cuda-|nvidia-(?!ml-py)|jax-cuda")
    assert [line for line in _locked() if forced.match(line)] == []


def _imported() -> set[str]:
    """The distributions that the project's own files import."""
    tops = {each.target.partition(".")[0] for each in imports.read().imports}
    others = tops - sys.stdlib_module_names - {*PACKAGES}
    installed = metadata.packages_distributions()
    return {canonicalize_name(installed.get(top, [top])[0]) for top in others}


def _locked() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.partition(" #")[0].rstrip() for line in lines if not line.startswith("#")]


def _name(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)

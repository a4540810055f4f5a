"""pyproject.toml, the requirements and the imports agree; nothing is installed from the clone."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from datasets import how_to_install
from tests import imports
from tests.clones import bare_environment
from tests.imports import PACKAGES, ROOT

GROUPS: dict[str, list[str | dict[str, str]]] = tomllib.loads(
    (ROOT / "pyproject.toml").read_text(encoding="utf-8")
)["dependency-groups"]
# Each package in the groups, by its group; a group that a group includes is itself in the list.
DECLARED = {
    group: [Requirement(each) for each in listed if isinstance(each, str)]
    for group, listed in GROUPS.items()
}


def test_every_imported_package_is_declared() -> None:
    assert _imported() - _names(*DECLARED) == set()


def test_every_package_declared_for_all_is_imported() -> None:
    assert _names("core") - _imported() == set()


def test_every_declared_package_is_pinned_in_requirements_or_beside_them() -> None:
    assert _names(*(DECLARED.keys() - {"optional"})) - _locked().keys() == set()
    assert _names("optional") == _requirements("requirements-optional.txt").keys()


def test_the_environment_of_tensorflow_with_cuda_has_all_that_a_run_needs() -> None:
    needs = _requirements("requirements-tensorflow-cuda.txt")
    assert needs.keys() == _names("core", "keras") | {"tensorflow"}
    pinned = needs.pop("tensorflow")
    assert (pinned.extras, pinned.specifier) == ({"and-cuda"}, _locked()["tensorflow"].specifier)
    jax = _requirements("requirements-cuda.txt")["jax"]
    assert (jax.extras, jax.specifier) == ({"cuda13"}, _locked()["jax"].specifier)


def test_exact_versions_stand_in_the_requirements_alone() -> None:
    assert [each for group in DECLARED.values() for each in group if each.specifier] == []


def test_everything_in_requirements_is_pinned_to_one_version() -> None:
    loose = [
        str(each)
        for each in [*_locked().values(), *_requirements("requirements-optional.txt").values()]
        if not re.fullmatch(r"==[\w.]+", str(each.specifier))
    ]
    assert loose == []


def test_requirements_force_no_gpu_packages_on_a_machine_without_gpu() -> None:
    forced = re.compile(r"triton|cuda-|nvidia-(?!ml-py)|jax-cuda")
    assert [name for name in _locked() if forced.match(name)] == []


# Run from a clone


@pytest.mark.parametrize("words", [("install",), ("install", "-e"), ("wheel",)])
def test_pip_installs_nothing_and_says_what_to_do_instead(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    python = bare_environment(environment)
    before = set(environment.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, *words, ROOT],
        cwd=tmp_path,  # a wheel would be left here
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "glyphbench is not installed: it runs from its clone" in done.stdout + done.stderr
    assert "python -m pip install -r requirements.txt" in done.stdout + done.stderr
    assert set(environment.rglob("*")) == before
    assert list(tmp_path.glob("*.whl")) == []


@pytest.mark.parametrize(
    ("packages", "command"),
    [
        ((), "-r requirements.txt"),
        (("onnx", "torch"), "-c requirements.txt onnx torch"),
        (("kagglehub",), "-c requirements-optional.txt kagglehub"),
    ],
)
def test_advice_names_the_pins_and_the_folder(packages: tuple[str, ...], command: str) -> None:
    advice = how_to_install(*packages)
    assert advice == f"in the clone's folder: python -m pip install {command}"
    assert (ROOT / command.split()[1]).is_file()


def test_no_advice_installs_the_project_itself() -> None:
    """Its name on a package index is anybody's."""
    itself = re.compile(r"install.*(glyphbench\[|-e \.|['\" ]\.\[)")
    folders = [ROOT / name for name in (*PACKAGES, "docs")]
    files = [*ROOT.glob("*.md"), *(file for folder in folders for file in folder.rglob("*.[pm]*"))]
    places = [
        f"{file.relative_to(ROOT)}: {line}"
        for file in files
        if file.suffix in (".py", ".md") and file.name not in ("decisions.md", "CHANGELOG.md")
        for line in file.read_text(encoding="utf-8").splitlines()
        if itself.search(line)
    ]
    assert places == []


def _imported() -> set[str]:
    """The distributions that the project's own files import."""
    tops = {each.target.partition(".")[0] for each in imports.read().imports}
    others = tops - sys.stdlib_module_names - {*PACKAGES}
    installed = metadata.packages_distributions()
    return {canonicalize_name(installed.get(top, [top])[0]) for top in others}


def _names(*groups: str) -> set[str]:
    return {canonicalize_name(each.name) for group in groups for each in DECLARED[group]}


def _locked() -> dict[str, Requirement]:
    return _requirements("requirements.txt")


def _requirements(file: str) -> dict[str, Requirement]:
    """What a file lists by name, apart from what other files it reads."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    listed = [line.partition(" #")[0].strip() for line in lines if line[:1] not in ("", "#", "-")]
    return {canonicalize_name(each.name): each for each in map(Requirement, listed)}

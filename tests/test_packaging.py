"""pyproject.toml, the requirements and the imports agree, and `make` installs what it says.

Nothing is installed from the clone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.trainers import FRAMEWORKS
from datasets import how_to_install
from tests import imports
from tests.clones import bare_environment
from tests.imports import PACKAGES, ROOT

GROUPS: dict[str, list[str | dict[str, str]]] = tomllib.loads(
    (ROOT / "pyproject.toml").read_text(encoding="utf-8")
)["dependency-groups"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
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


def test_every_framework_has_a_group_of_its_name_that_make_knows() -> None:
    listed = re.search(r"^ALL := (.*)$", MAKEFILE, re.MULTILINE)
    assert listed is not None
    known = set(listed[1].split())
    assert FRAMEWORKS.keys() - known == set()
    assert known - GROUPS.keys() == set()


# The locked files for CUDA


def test_every_package_of_nvidia_is_pinned_to_one_version() -> None:
    pinned = FOR_CUDA | FOR_TENSORFLOW
    assert {"nvidia-cuda-nvcc", "nvidia-cudnn-cu13", "nvidia-cudnn-cu12"} <= pinned.keys()
    loose = [str(each) for each in pinned.values() if not re.match(r"==[\w.]+", _pin(each))]
    assert loose == []


def test_the_locked_files_agree_where_they_name_the_same_package() -> None:
    for locked in (FOR_CUDA, FOR_TENSORFLOW):
        shared = locked.keys() & _locked().keys()
        assert shared
        differ = {
            n: _pin(locked[n]) for n in shared if not _pin(locked[n]).startswith(_pin(_locked()[n]))
        }
        assert differ == {}
    assert FOR_CUDA["jax-cuda13-plugin"].specifier == _locked()["jax"].specifier


def test_pytorch_with_cuda_is_never_its_build_for_the_cpu() -> None:
    torch, pinned = FOR_CUDA["torch"].specifier, _pin(_locked()["torch"])
    assert torch.contains(pinned.removeprefix("=="))
    assert not torch.contains(pinned.removeprefix("==") + "+cpu")


def test_the_two_environments_for_cuda_have_a_cudnn_each_and_one_compiler_with_its_libraries() -> (
    None
):
    assert {name for name in FOR_CUDA if "cudnn" in name} == {"nvidia-cudnn-cu13"}
    assert {name for name in FOR_TENSORFLOW if "cudnn" in name} == {"nvidia-cudnn-cu12"}
    compilers = {
        n: _pin(FOR_CUDA[n]) for n in ("nvidia-cuda-nvcc", "nvidia-nvvm", "nvidia-cuda-crt")
    }
    minor = _pin(FOR_CUDA["nvidia-cuda-nvrtc"]).rpartition(".")[0]  # of PyTorch's own libraries
    assert {n: pin.rpartition(".")[0] for n, pin in compilers.items()} == dict.fromkeys(
        compilers, minor
    )


def test_the_environment_of_tensorflow_with_cuda_has_all_that_a_run_and_its_tests_need() -> None:
    needed = _names("core", "keras", "test") | {"tensorflow"}
    assert needed - FOR_TENSORFLOW.keys() == set()


def test_no_file_of_pins_names_an_index() -> None:
    options = re.compile(r"^\s*-|https?:|://", re.MULTILINE)
    named = {
        file.name: line
        for file in ROOT.glob("requirements*.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
        if options.search(line) and line != "-c requirements.txt"
    }
    assert named == {}


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


# What make would install and run; its programs are put in front of the system's.


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., list[str]]:
    """Runs make on a copy without an environment, on Linux; returns what it printed, line by line.

    ``gpus``: what nvidia-smi lists. ``system``: what uname says. ``code``: how make ends.
    """
    if os.name == "nt" or shutil.which("make") is None:
        pytest.skip("there is no make here")
    project = tmp_path / "project"
    project.mkdir()
    for file in (ROOT / "Makefile", ROOT / "pyproject.toml", *ROOT.glob("requirements*.txt")):
        shutil.copy(file, project)
    programs = tmp_path / "programs"
    programs.mkdir()

    def program(name: str, script: str) -> None:
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)

    # As Python it makes environments of itself; it has no package, and installs what it is told to.
    program(
        "python",
        f'echo "python $*" >> {tmp_path}/log\n'
        'if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi\n'
        'case "$*" in *importlib.metadata*) exit 1;; *+cpu) exit ${NO_CPU_BUILD:-0};; esac',
    )

    def run(
        *words: str, gpus: str = "", system: str = "Linux x86_64", code: int = 0, **env: str
    ) -> list[str]:
        program("nvidia-smi", f'test "$1" = -L && echo "{gpus}"')
        program("uname", f"echo {system}")
        log = tmp_path / "log"
        log.unlink(missing_ok=True)
        done = subprocess.run(
            ["make", f"PYTHON={programs / 'python'}", *words],
            cwd=project,
            env={"PATH": f"{programs}:{os.environ['PATH']}", **env},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        started = log.read_text().splitlines() if log.exists() else []
        return [*done.stdout.splitlines(), *done.stderr.splitlines(), *started]

    return run


def installs(lines: list[str]) -> list[str]:
    """The words behind each pip install that was carried out."""
    command = "python -m pip install --disable-pip-version-check "
    return [line.removeprefix(command) for line in lines if line.startswith(command)]


CPU_BUILD = re.compile(r"--retries 1 --no-deps --extra-index-url \S+ torch==[\d.]+\+cpu")
FOR_BOTH = "-r requirements.txt -r requirements-cuda.txt"
GPU = "GPU 0: NVIDIA H200 (UUID: GPU-1)"


def test_without_a_gpu_make_takes_pytorch_s_cpu_build_first(make: Callable[..., list[str]]) -> None:
    lines = make("install")
    first, rest = installs(lines)
    assert CPU_BUILD.fullmatch(first)
    assert rest == "-r requirements.txt"
    assert any("for the CPU, since no NVIDIA GPU was found" in line for line in lines)
    assert installs(make("install")) == []  # a second call has nothing to do


def test_what_the_driver_lists_makes_make_set_up_both_environments(
    make: Callable[..., list[str]],
) -> None:
    lines = make("install", gpus=GPU)
    assert installs(lines) == [FOR_BOTH, "-r requirements-tensorflow-cuda.txt"]
    assert any("for CUDA, since nvidia-smi -L lists a GPU" in line for line in lines)
    assert "python -m venv .venv-tensorflow" in lines


def test_cuda_is_chosen_by_hand_whatever_the_driver_lists(make: Callable[..., list[str]]) -> None:
    assert "-r requirements.txt" in installs(make("install", "CUDA=0", gpus=GPU))
    assert FOR_BOTH in installs(make("install", "CUDA=1"))


def test_an_environment_for_the_cpu_is_extended_for_cuda(make: Callable[..., list[str]]) -> None:
    make("install")
    assert FOR_BOTH in installs(make("install", "CUDA=1"))


@pytest.mark.parametrize("words", ["CUDA=2", "CUDA=yes"])
def test_make_refuses_what_is_no_choice_of_cuda(words: str, make: Callable[..., list[str]]) -> None:
    assert any("CUDA=0 for the CPU alone" in line for line in make("install", words, code=2))


def test_cuda_is_for_linux_on_x86_64_alone(make: Callable[..., list[str]]) -> None:
    assert installs(make("install", gpus=GPU, system="Linux aarch64"))[1] == "-r requirements.txt"
    lines = make("install", "CUDA=1", system="Darwin arm64", code=2)
    assert any("on Darwin-arm64: give CUDA=1 for an NVIDIA GPU on Linux" in line for line in lines)


def test_macs_have_no_cuda_to_leave_out(make: Callable[..., list[str]]) -> None:
    assert installs(make("install", system="Darwin arm64")) == ["-r requirements.txt"]


def test_options_for_pip_are_followed_and_no_index_is_added(
    make: Callable[..., list[str]],
) -> None:
    assert installs(make("install", "PIP_ARGS=--no-index")) == ["--no-index -r requirements.txt"]


def test_make_says_so_where_pytorch_s_cpu_build_cannot_be_had(
    make: Callable[..., list[str]],
) -> None:
    lines = make("install", NO_CPU_BUILD="1")
    assert "taking the usual build, which brings CUDA's libraries" in "\n".join(lines)
    assert installs(lines)[-1] == "-r requirements.txt"


def test_one_framework_alone_is_installed_with_the_pins_and_run(
    make: Callable[..., list[str]],
) -> None:
    lines = make("run", "FRAMEWORKS=pytorch", "ARGS=--seeds 2")
    assert installs(lines)[1:] == ["pip>=25.1", "-c requirements.txt --group core --group pytorch"]
    assert lines[-1] == "python run_all.py --preset quick --framework pytorch --seeds 2"


def test_pytorch_is_not_looked_for_where_nothing_needs_it(make: Callable[..., list[str]]) -> None:
    pins = "-c requirements.txt --group core"
    assert installs(make("install", "FRAMEWORKS=numpy")) == ["pip>=25.1", f"{pins} --group numpy"]
    jax = installs(make("install", "FRAMEWORKS=keras-jax"))
    assert jax == ["pip>=25.1", f"{pins} --group keras-jax"]
    assert CPU_BUILD.fullmatch(installs(make("install", "FRAMEWORKS=keras-torch"))[0])


def test_another_choice_of_frameworks_extends_the_environment(
    make: Callable[..., list[str]],
) -> None:
    make("install", "FRAMEWORKS=pytorch")
    assert installs(make("install", "FRAMEWORKS=pytorch")) == []
    more = installs(make("install", "FRAMEWORKS=pytorch,keras-jax"))
    assert more[-1] == "-c requirements.txt --group core --group keras-jax --group pytorch"
    assert installs(make("install"))[-1] == "-r requirements.txt"
    assert installs(make("install", "FRAMEWORKS=keras-torch")) == []  # all is there


def test_frameworks_for_cuda_have_the_pins_for_cuda(make: Callable[..., list[str]]) -> None:
    pins = "-c requirements.txt -c requirements-cuda.txt --group core"
    jax = installs(make("install", "FRAMEWORKS=keras-jax", "CUDA=1"))
    assert jax == ["pip>=25.1", f"{pins} --group keras-jax --group jax-cuda"]
    both = installs(make("install", "FRAMEWORKS=keras-tensorflow", "CUDA=1"))
    assert both[-1] == "-r requirements-tensorflow-cuda.txt"


def test_a_framework_that_is_unknown_to_make_is_refused(make: Callable[..., list[str]]) -> None:
    lines = make("run", "FRAMEWORKS=pytorch,theano", code=2)
    assert any("unknown framework theano" in line and "keras-jax" in line for line in lines)


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


def _pin(requirement: Requirement) -> str:
    """'==2.13.0', whatever else is excluded."""
    return next(str(each) for each in requirement.specifier if each.operator == "==")


def _requirements(file: str) -> dict[str, Requirement]:
    """What a file lists by name, apart from what other files it reads."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    listed = [line.partition(" #")[0].strip() for line in lines if line[:1] not in ("", "#", "-")]
    return {canonicalize_name(each.name): each for each in map(Requirement, listed)}


FOR_CUDA = _requirements("requirements-cuda.txt")
FOR_TENSORFLOW = _requirements("requirements-tensorflow-cuda.txt")

"""``python -m bench doctor``: what this machine and its frameworks can do, and what to do.

    python -m bench doctor
    python -m bench doctor --python keras-tensorflow=/path/to/python --data-dir DIR

Exit code 0 where at least one framework can run, 1 where none can, 2 for a mistake in the
command line or the data folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bench import trainers
from bench.checks import arms
from bench.cli import add_option
from bench.machine import hardware
from bench.machine.devices import DEVICES
from bench.report import wording
from bench.results.record import Gpu, Machine
from bench.run import processes, versions
from bench.trainers import FRAMEWORKS, FrameworkMissing
from datasets import TASKS, DataError, Task, how_to_install
from datasets.preparation import search

# Asks one framework, in a process of its own, what it can do on this machine.
#
# What answers is the framework's own trainer, as a run would make it, so there is nothing here
# that has to know the framework.


IMAGES = 2  # enough to make a trainer with; no step is taken


@dataclass(frozen=True, kw_only=True)
class ProbeRequest:
    """What the process is told."""

    framework: str
    device: str


@dataclass(frozen=True, kw_only=True)
class Ability:
    """What a framework said of itself."""

    versions: dict[str, str]  # 'python' and the framework's packages -> version
    cannot_run: str | None = None  # why it cannot be used at all; None: it can
    no_device: str | None = None  # why it cannot use the device asked for; None: it can


def ask(framework: str, device: str, python: Path, *, timeout_s: float) -> Ability:
    """Start ``python`` for a framework and return its answer, whatever becomes of it."""
    try:
        return processes.ask(
            __name__,
            ProbeRequest(framework=framework, device=device),
            Ability,
            limit_s=timeout_s,
            experiment=arms.experiment(framework, device, epochs=1),
            python=python,
        )
    except processes.NoAnswer as error:
        return Ability(versions={}, cannot_run=str(error))


def ability(framework: str, device: str) -> Ability:
    """Import the framework, here, and make a trainer on the device."""
    installed = versions.installed(FRAMEWORKS[framework].packages)
    try:
        module = trainers.load(framework)
    except FrameworkMissing as error:
        return Ability(versions=installed, cannot_run=str(error))
    try:
        module.create(arms.setup(arms.experiment(framework, device, epochs=1), IMAGES))
    except FrameworkMissing as error:
        return Ability(versions=installed, no_device=str(error))
    return Ability(versions=installed)


GIB = 2**30
ANSWER_TIMEOUT_S = 120.0  # importing TensorFlow from a cold disk has taken half a minute


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report, and below it what to do, where something is missing."""

    subject: str
    text: str
    advice: str | None = None

    def __str__(self) -> str:
        line = f"  {self.subject:<18}{self.text}"
        return line if self.advice is None else f"{line}\n  {'':<18}→ {self.advice}"


def main(argv: Sequence[str]) -> int:
    """Look at everything and print it as it is found; return the exit code."""
    options = _parser().parse_args(argv)
    here = hardware.observe()
    try:
        data = [data_finding(task, options.data_dir) for task in TASKS.values()]
    except DataError as error:
        print(f"bench doctor: error: {error}", file=sys.stderr)
        return 2
    _print_section("This machine", machine_findings(here))
    abilities: list[Ability] = []
    _print_section("Frameworks", framework_findings(here, options.pythons, abilities))
    _print_section("Data", data)
    return 0 if any(ability.cannot_run is None for ability in abilities) else 1


def _parser() -> argparse.ArgumentParser:
    summary = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m bench doctor", description=summary)
    add_option(parser, "pythons")
    add_option(parser, "data_dir")
    return parser


def _print_section(title: str, findings: Sequence[Finding] | Iterator[Finding]) -> None:
    print(title)
    for finding in findings:
        print(finding, flush=True)  # the frameworks take seconds each
    print()


def machine_findings(here: Machine) -> list[Finding]:
    """Processor, memory, system, GPUs and the compiler that torch.compile calls."""
    return [
        Finding(subject="processor", text=f"{here.cpu}, {here.cores} cores for this process"),
        Finding(subject="memory", text=f"{here.memory_bytes / GIB:.1f} GiB"),
        Finding(subject="system", text=f"{here.system}, Python {platform.python_version()}"),
        *gpu_findings(here.gpus),
        compiler_finding(),
    ]


def gpu_findings(gpus: Sequence[Gpu]) -> list[Finding]:
    """Each GPU with its driver; where there is none, how it was looked for."""
    if gpus:
        return [Finding(subject="GPU", text=wording.gpu(gpu)) for gpu in gpus]
    if find_spec("pynvml") is None:
        return [
            Finding(
                subject="GPU",
                text="not looked for: nvidia-ml-py, which asks the driver, is not installed",
                advice=how_to_install("nvidia-ml-py"),
            )
        ]
    return [
        Finding(
            subject="GPU",
            text="none: no NVIDIA driver answers, or it lists no GPU",
            advice="runs use the CPU; if there is a GPU, 'nvidia-smi' has to list it first",
        )
    ]


def compiler_finding() -> Finding:
    """The C++ compiler that PyTorch's compiler calls for the CPU: CXX, or the system's usual."""
    usual = {"Darwin": "clang++", "Windows": "cl"}.get(platform.system(), "g++")
    name = os.environ.get("CXX") or usual
    path = shutil.which(name)
    if path is not None:
        return Finding(subject="C++ compiler", text=f"{path}{_compiler_version(path)}")
    return Finding(
        subject="C++ compiler",
        text=f"no {name}: PyTorch cannot run compiled on the CPU",
        advice=_COMPILER_ADVICE.get(platform.system(), "install g++, or name another in CXX"),
    )


_COMPILER_ADVICE = {
    "Darwin": "xcode-select --install",
    "Windows": "install Visual Studio's C++ build tools and start from their prompt",
}


def _compiler_version(path: str) -> str:
    """Its version in brackets; nothing where it does not say (Microsoft's takes no --version)."""
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = answer.stdout.splitlines()
    return f" ({lines[0]})" if answer.returncode == 0 and lines else ""


def framework_findings(
    here: Machine, pythons: Mapping[str, Path], abilities: list[Ability]
) -> Iterator[Finding]:
    """Ask each framework in turn; what they answer is added to ``abilities``."""
    for name, framework in FRAMEWORKS.items():
        accelerator = _accelerator(here, framework.devices)
        python = pythons.get(name, Path(sys.executable))
        ability = ask(name, accelerator or "cpu", python, timeout_s=ANSWER_TIMEOUT_S)
        abilities.append(ability)
        yield framework_finding(name, ability, accelerator)


def _accelerator(here: Machine, offered: Sequence[str]) -> str | None:
    """The device beside the CPU that this machine has and the framework may be able to use."""
    accelerators = (name for name in offered if name != "cpu" and DEVICES[name].present(here))
    return next(accelerators, None)


def framework_finding(name: str, ability: Ability, accelerator: str | None) -> Finding:
    """What a framework answered when it was asked for the accelerator; None: for the CPU."""
    versions = ", ".join(f"{package} {version}" for package, version in ability.versions.items())
    can, advice = _in_words(ability, accelerator)
    return Finding(subject=name, text=f"{versions}: {can}" if versions else can, advice=advice)


def _in_words(ability: Ability, accelerator: str | None) -> tuple[str, str | None]:
    """What it can do, in words, and what to do about what it cannot."""
    if ability.cannot_run is not None:
        return ability.cannot_run, f"{how_to_install()}; or name its Python: --python"
    if accelerator is None:
        return "runs on cpu", None
    if ability.no_device is None:
        return f"runs on cpu and {accelerator}", None
    reason = " ".join(ability.no_device.split())
    return f"runs on cpu, not on {accelerator}: {reason}", DEVICES[accelerator].install_advice


def data_finding(task: Task, data_dir: Path | None) -> Finding:
    """What a task's runs would take; raises DataError where a folder named is not there."""
    files = search(task.name, data_dir=data_dir)
    real = [each for each in files if not each.source.drawn]
    if real:
        return Finding(
            subject=task.name,
            text="; ".join(f"{each.source.name} in {each.files[0].parent}" for each in real),
        )
    return Finding(
        subject=task.name,
        text="no real handwriting found: a run tries to download it, and else draws glyphs",
        advice=f"python -m bench data --fetch {task.name}, or --data-dir with your own files",
    )


if __name__ == "__main__":
    parent = processes.Parent()
    request = parent.request(ProbeRequest)
    parent.tell(ability(request.framework, request.device))

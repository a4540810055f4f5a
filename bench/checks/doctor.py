"""``python -m bench doctor``: what this machine and its frameworks can do, and what to do.

    python -m bench doctor
    python -m bench doctor --device cpu,cuda:1
    python -m bench doctor --python keras-tensorflow=/path/to/python --data-dir DIR

Each framework takes one training step on each device. Exit code 0 where at least one of them
trains, 1 where none does, 2 for a mistake in the command line or the data folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from bench import UsageError
from bench.checks import first_step
from bench.checks.first_step import Attempt
from bench.cli import add_option
from bench.experiment import kind_of
from bench.machine import hardware
from bench.machine.devices import DEVICES, choose_devices, entry
from bench.machine.visible_gpus import VISIBLE
from bench.report import wording
from bench.results.record import Gpu, Machine
from bench.run.door import parser_of
from bench.trainers import FRAMEWORKS
from datasets import TASKS, DataError, Task, how_to_install, how_to_make
from datasets.preparation import search

GIB = 2**30
STEP_LIMIT_S = 300.0  # importing TensorFlow from a cold disk has taken half a minute
# The oldest driver of each CUDA: NVIDIA's CUDA release notes, 'CUDA minor version compatibility'.
OLDEST_DRIVER = {11: 450, 12: 525, 13: 580}
# The CUDA that make install CUDA=1 brings to a framework.
PINNED_CUDA = {"keras-tensorflow": 12} | dict.fromkeys(
    ("pytorch", "keras-torch", "keras-jax", "jax"), 13
)
# What has to be mended; 'by hand': no installation does it.
Mends = Literal["driver", "packages", "CUDA packages", "by hand"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report, and below it what to do, where something is missing."""

    subject: str
    text: str
    advice: str | None = None
    mends: tuple[Mends, ...] = ()  # what that mends, or has to be mended before

    def __str__(self) -> str:
        line = f"  {self.subject:<18}{self.text}"
        return line if self.advice is None else f"{line}\n  {'':<18}→ {self.advice}"


def main(argv: Sequence[str]) -> int:
    """Look at everything and print it as it is found; return the exit code."""
    options = _parser().parse_args(argv)
    here = hardware.observe()
    try:
        devices = choose_devices(options.devices or _present(here), here)
        data = [data_finding(task, options.data_dir) for task in TASKS.values()]
    except (DataError, UsageError) as error:
        print(f"bench doctor: error: {error}", file=sys.stderr)
        return 2
    attempts: list[Attempt] = []
    findings = [
        *_print_section("This machine", machine_findings(here)),
        *_print_section(
            "Frameworks, a training step each",
            framework_findings(devices, options.pythons, attempts),
        ),
    ]
    _print_section("Data", data)
    print(f"What to do: {what_to_do(findings)}")
    return 0 if any(attempt.trains for attempt in attempts) else 1


def _present(here: Machine) -> list[str]:
    return [name for name, device in DEVICES.items() if device.present(here)]


def _parser() -> argparse.ArgumentParser:
    summary = (__doc__ or "").partition("\n")[0]
    examples = ("", "--device cpu,cuda:1")
    parser = parser_of("python -m bench doctor", summary, *examples)
    add_option(parser, "devices", help="such as cpu,cuda:1 (default: all that are here)")
    add_option(parser, "pythons")
    add_option(parser, "data_dir")
    return parser


def _print_section(title: str, findings: Iterable[Finding]) -> list[Finding]:
    print(title)
    printed = []
    for finding in findings:
        print(finding, flush=True)  # the frameworks take seconds each
        printed.append(finding)
    print()
    return printed


def what_to_do(findings: Sequence[Finding]) -> str:
    """What mends all that is missing: of the driver, then one command."""
    kinds = {kind for finding in findings for kind in finding.mends}
    steps = list(dict.fromkeys(f.advice for f in findings if "driver" in f.mends and f.advice))
    lacking = {f.subject for f in findings if {"packages", "CUDA packages"} & {*f.mends}}
    if lacking:
        steps.append(_command(lacking, cuda="CUDA packages" in kinds))
    if "by hand" in kinds:
        steps.append("see above what does not train, and why")
    return "; then ".join(steps) or "nothing is missing"


def _command(lacking: Collection[str], *, cuda: bool) -> str:
    """What installs the one framework that lacks something, or everything."""
    if shutil.which("make") is None:
        return f"{how_to_install()}{'; for CUDA as docs/cuda.md says' if cuda else ''}"
    if len(lacking) == 1 and FRAMEWORKS.keys() >= {*lacking}:
        return how_to_make(lacking, cuda=cuda)
    return f"in the clone's folder: make install{' CUDA=1' if cuda else ''}"


# The machine


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
    """Each GPU with its driver, and the CUDA it can run; where there is none, how it was sought."""
    chosen = os.environ.get(VISIBLE)
    seen = "" if chosen is None else f" (of those that {VISIBLE}={chosen} leaves)"
    if gpus:
        cuda = hardware.driver_cuda()
        runs = "" if cuda is None else f", for CUDA {_dotted(cuda)} and older"
        return [Finding(subject="GPU", text=f"{gpu}{runs}{seen}") for gpu in wording.gpus(gpus)]
    if find_spec("pynvml") is None:
        return [
            Finding(
                subject="GPU",
                text="not looked for: nvidia-ml-py, which asks the driver, is not installed",
                advice=how_to_install("nvidia-ml-py"),
                mends=("packages",),
            )
        ]
    if chosen is None and hardware.nvidia_on_bus():
        return [
            Finding(
                subject="GPU",
                text="an NVIDIA GPU is on the PCI bus, but no NVIDIA driver answers",
                advice="install NVIDIA's driver, or start the machine again after an update of it, "
                "until 'nvidia-smi' lists the GPU",
                mends=("driver",),
            )
        ]
    return [
        Finding(
            subject="GPU",
            text=f"none: no NVIDIA driver answers, or it lists no GPU{seen}",
            advice="runs use the CPU; if there is a GPU, 'nvidia-smi' has to list it first",
        )
    ]


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


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


# The frameworks


def framework_findings(
    devices: Sequence[str], pythons: Mapping[str, Path], attempts: list[Attempt]
) -> Iterator[Finding]:
    """Have each framework take a step on each of the devices that it runs on.

    What becomes of the steps is added to ``attempts``.
    """
    driver = hardware.driver_cuda()
    for name, framework in FRAMEWORKS.items():
        python = pythons.get(name, Path(sys.executable))
        for device in (each for each in devices if kind_of(each) in framework.devices):
            attempt = first_step.ask(name, device, python, limit_s=STEP_LIMIT_S)
            attempts.append(attempt)
            yield step_finding(name, device, attempt, driver)
            if attempt.import_failure is not None:
                break  # it would be the same on the next


def step_finding(
    name: str, device: str, attempt: Attempt, driver: tuple[int, int] | None
) -> Finding:
    """What became of a step, and what to do where it was not done.

    ``driver``: the newest CUDA that it can run; None where it does not say.
    """
    packages = ", ".join(f"{package} {version}" for package, version in attempt.versions.items())
    cuda = f" for CUDA {attempt.cuda}" if attempt.cuda else ""
    about = f"{packages}{cuda}: " if packages else ""
    if attempt.step_s is not None:
        done = f"trains on {device}; the first step was done after {attempt.step_s:.1f} s"
        imports = f", {attempt.import_s:.1f} s of them imports" if attempt.import_s else ""
        return Finding(subject=name, text=f"{about}{done}{imports}")
    text = f"{about}does not train on {device}: {attempt.reason}"
    advice, mends = _remedy(device, attempt)
    needed = _cuda_needed(name, attempt)
    # within a major version an older driver runs later builds
    if kind_of(device) == "cuda" and driver is not None and needed > driver[0]:
        text += f" (the driver is for CUDA {_dotted(driver)} and older, not for {needed})"
        advice, installs = _newer_driver(needed), attempt.cuda is None
        mends = ("driver", "CUDA packages") if installs else ("driver",)
    return Finding(subject=name, text=text, advice=advice, mends=mends)


def _cuda_needed(name: str, attempt: Attempt) -> int:
    """The major version of the CUDA that its build is for, or the one to be installed; 0: none."""
    number = re.match(r"[0-9]+", attempt.cuda or "")
    if number:
        return int(number[0])
    return PINNED_CUDA.get(name, 0) if attempt.no_device is not None else 0


def _newer_driver(cuda: int) -> str:
    oldest = OLDEST_DRIVER.get(cuda)
    wanted = f"{oldest} or later" if oldest else "a later one"
    return f"update NVIDIA's driver to {wanted}; 'nvidia-smi' shows which it is"


def _remedy(device: str, attempt: Attempt) -> tuple[str | None, tuple[Mends, ...]]:
    """What to do where a step was not done, in words, and what it mends."""
    on_gpu = kind_of(device) == "cuda"
    if attempt.status == "not installed" and attempt.import_failure is not None:
        return f"{how_to_install()}; or name its Python: --python", ("packages",)
    if attempt.no_device is not None:
        return entry(device).install_advice, ("CUDA packages" if on_gpu else "by hand",)
    if attempt.status == "out of memory":
        holders = "'nvidia-smi' lists what holds the GPU's memory: end it, or use another GPU"
        return (holders if on_gpu else "end other programs that hold memory"), ("by hand",)
    known = (each for each in _REMEDIES if any(word in attempt.reason for word in each[0]))
    for _, advice, mends in known if on_gpu else ():
        return advice, (mends,)
    return None, ("by hand",)


# What frameworks say where something of CUDA is not as it should be; the first that fits counts.
_REMEDIES: tuple[tuple[tuple[str, ...], str, Mends], ...] = (
    (
        ("ptxas", "libdevice", "nvlink"),
        "XLA found no compiler of NVIDIA's: the package nvidia-cuda-nvcc brings it",
        "CUDA packages",
    ),
    (
        ("driver version is insufficient", "DRIVER_MISMATCH", "version mismatch"),
        "update NVIDIA's driver, or start the machine again after an update of it",
        "driver",
    ),
    (
        ("libcudnn", "CUDNN", "DNN library", "libcu", "libnv", "libnccl"),
        "a library of CUDA is missing, or one of another version is found first: install anew, "
        "and unset LD_LIBRARY_PATH if it names one",
        "CUDA packages",
    ),
    (
        ("no kernel image", "is not compatible with the current", "not supported by this build"),
        "the GPU is older or newer than those this build was made for: another version of the "
        "framework may know it",
        "by hand",
    ),
    (
        ("system not yet initialized", "SYSTEM_NOT_READY"),
        "the GPU waits for a service of its system: 'systemctl status nvidia-fabricmanager'",
        "by hand",
    ),
)


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

"""``python -m bench gpu-day``: all that a GPU is wanted for, step by step, in one folder.

    python -m bench gpu-day                           # into results/gpu-day-DATE
    python -m bench gpu-day --out results/NAME        # the same command again goes on
    python -m bench gpu-day --only doctor,standard    # some of the steps
    python -m bench gpu-day --dry-run                 # the commands that it would give

Each step is a command that can be given by hand. What it prints is shown and kept in logs/; a step
that fails does not keep the next from its turn, and one that is done is not done again. Exit code
0 where every step is done or left out, 1 where one failed, 2 for a mistake in the command line,
130 where it was interrupted.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from bench import UsageError, cli
from bench.cli import add_device
from bench.machine import hardware
from bench.machine.devices import choose_devices
from bench.results import write_atomically
from bench.results.folder import Results, ResultsError
from bench.run import interpreters
from bench.run.door import parser_of
from bench.run.environment import PROJECT
from bench.run.interrupts import INTERRUPTED
from bench.run.progress import minutes
from bench.run.reading import list_of

RUN = ("python", "run_all.py")
BENCH = ("python", "bench")
ALL_PRECISIONS = "fp32,tf32,bf16"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command, and the name of its log and of the folder that it leaves."""

    name: str
    command: tuple[str, ...] = ()  # 'python' is the interpreter that runs this
    left_out: str | None = None  # why it is not done; None: it is


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a step ended."""

    command: tuple[str, ...]
    code: int  # the exit code
    wall_s: float


def main(argv: Sequence[str]) -> int:
    """Do what is not done yet, say how each step ended, return the exit code."""
    options = _parser().parse_args(argv)
    out = (options.out or Path("results") / f"gpu-day-{datetime.now():%Y-%m-%d}").absolute()
    try:
        (device,) = choose_devices([options.device], hardware.observe())
        chosen = [step for step in steps(out, device) if step.name in (options.only or STEPS)]
        if options.dry_run:
            print("\n".join(f"{s.name}: {s.left_out or ' '.join(s.command)}" for s in chosen))
            return 0
        with Results(out).lock():
            return carry_out(chosen, out)
    except (UsageError, ResultsError) as error:
        print(f"bench gpu-day: error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench gpu-day",
        "Do all that a GPU is wanted for, step by step, in one folder. Each step is a command that "
        "can be given by hand; what it prints is kept in logs/. A step that fails does not keep "
        "the next from its turn, and one that is done is not done again.",
        "--dry-run",
        "--only doctor,standard --out results/mine",
    )
    add_device(parser, default="cuda")
    parser.add_argument(
        "--only",
        type=list_of("step", STEPS),
        metavar="STEP,...",
        help=f"of {', '.join(STEPS)} (default: all)",
    )
    cli.add_option(parser, "out", help="the folder (default: results/gpu-day-DATE)")
    cli.add_option(parser, "dry_run", help="print the commands, and do nothing")
    return parser


def steps(out: Path, device: str) -> list[Step]:
    """All steps in their order: what shows that the figures are right first, then the figures.

    Args:
        out: the folder in which each step that measures has one of its own.
        device: the GPU; 'cpu' to try the steps themselves.
    """
    both = device if device == "cpu" else f"cpu,{device}"

    def suite(name: str, *words: str, front: tuple[str, ...] = RUN) -> Step:
        again = ("--out", str(out / name), "--resume", "--retry-failed")
        return Step(name=name, command=(*front, *words, *again))

    return [
        Step(name="doctor", command=(*BENCH, "doctor", "--device", both)),
        *_tests(device),
        Step(
            name="parity",
            command=(
                *(*BENCH, "parity", "--device", device, "--precision", ALL_PRECISIONS),
                *("--out", str(out / "parity")),
            ),
        ),
        Step(
            name="audit",
            command=(
                *(*BENCH, "audit", "--device", device, "--rounds", "20"),
                *("--out", str(out / "audit")),
            ),
        ),
        suite(
            "memory-layout",
            *("--task", "digits", "--architecture", "cnn", "--framework", "pytorch"),
            *("--execution", "eager,channels-last", "--device", device, "--seeds", "5"),
            *("--batch-size", "128,1024", "--precision", ALL_PRECISIONS),
        ),
        suite("standard", "--preset", "standard", "--device", both),
        suite(
            "batch-sizes",
            *("--task", "digits", "--device", both, "--seeds", "3"),
            *("--batch-size", "20,128,1024,8192"),
        ),
        suite(
            "executions",
            *("--task", "digits", "--device", device, "--seeds", "3", "--execution", "all"),
            *("--batch-size", "128,1024"),
        ),
        suite("precisions", "--device", device, "--seeds", "3", "--precision", ALL_PRECISIONS),
        suite(
            "99-percent",
            *("--task", "digits", "--architecture", "cnn", "--device", device),
            *("--seeds", "20", "--epochs", "10"),
        ),
        suite("defaults", "--device", device, front=(*BENCH, "ladder", "defaults")),
        Step(
            name="speed",
            command=(
                *(*BENCH, "ladder", "speed", "--device", device, "--enter", "--energy"),
                *("--resume", "--out", str(out / "speed")),
            ),
        ),
    ]


def _tests(device: str) -> Iterator[Step]:
    """The tests that only a GPU can run, in each environment that has frameworks for it."""
    words = ("-m", "pytest", "-m", "cuda", "-q", "-rs", "-p", "no:cacheprovider")
    for name, python in {"tests": None, **_apart()}.items():
        if device == "cpu":
            yield Step(name=name, left_out="they need a GPU")
        elif python is None:
            yield Step(name=name, command=("python", *words))
        elif not python.is_file():
            yield Step(name=name, left_out=f"there is no {python}; make install CUDA=1 makes it")
        else:
            files = "tests/trainers/test_trainers_cuda.py"
            framework = name.removeprefix("tests-")
            yield Step(name=name, command=(str(python), *words, files, "-k", framework))


def _apart() -> dict[str, Path]:
    return {f"tests-{name}": python for name, python in interpreters.environments().items()}


STEPS = tuple(step.name for step in steps(Path(), "cuda"))


def carry_out(chosen: Sequence[Step], out: Path) -> int:
    """Do the steps that are not done, in their order; return the exit code.

    Args:
        chosen: the steps.
        out: the folder, which is held by this process.
    """
    for step in chosen:
        before = _ended(out).get(step.name)
        if step.left_out or (before and before.code == 0 and before.command == step.command):
            continue
        print(f"\n== {step.name}: {' '.join(step.command)}", flush=True)
        began = time.monotonic()
        code = _run(step, out / _log_name(step))
        ended = Ended(command=step.command, code=code, wall_s=time.monotonic() - began)
        write_atomically(_state(out), msgspec.json.encode(_ended(out) | {step.name: ended}))
        if code == INTERRUPTED:
            break
    state = _ended(out)
    lines = "\n".join(_line(step, state.get(step.name)) for step in chosen)
    write_atomically(out / "summary.txt", f"{lines}\n".encode())
    print(f"\n{lines}\nEverything lies in {out}; the same command, with --out, goes on.")
    codes = [state[step.name].code for step in chosen if step.name in state and not step.left_out]
    return INTERRUPTED if INTERRUPTED in codes else int(any(codes))


def _run(step: Step, log: Path) -> int:
    """Run a command in the clone, show and keep what it prints; its exit code."""
    python = sys.executable if step.command[0] == "python" else step.command[0]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        file.write(f"$ {' '.join(step.command)}\n".encode())
        file.flush()
        with subprocess.Popen(
            [python, *step.command[1:]],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C reaches it once, from here
        ) as child:
            try:
                for line in child.stdout or ():
                    file.write(line)
                    file.flush()
                    print(line.decode(errors="replace"), end="", flush=True)
                code = child.wait()
            except KeyboardInterrupt:
                child.terminate()  # a suite keeps what it has measured
                child.wait()
                code = INTERRUPTED
        file.write(f"exit code {code}\n".encode())
    return code


def _log_name(step: Step) -> str:
    return f"logs/{STEPS.index(step.name) + 1:02d}-{step.name}.log"


def _state(out: Path) -> Path:
    return out / "steps.json"


def _ended(out: Path) -> dict[str, Ended]:
    """Step -> how it ended, for those that did."""
    path = _state(out)
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Ended]) if path.exists() else {}


def _line(step: Step, ended: Ended | None) -> str:
    """'done', 'failed', 'left out' or 'not done', with the reason."""
    if step.left_out:
        return f"{step.name}: left out, {step.left_out}"
    if ended is None:
        return f"{step.name}: not done"
    if ended.code == 0:
        return f"{step.name}: done, {minutes(ended.wall_s)}"
    lasted = minutes(ended.wall_s)
    return f"{step.name}: failed, exit code {ended.code} after {lasted}; see {_log_name(step)}"

"""Starts run_all.py as a user does, on a few drawn images."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parent.parent
DRAWN = ("--source", "glyphs", "--glyphs-images", "1000", "--device", "cpu")
# audit and certificates take half a minute, and seeds as long again: few tests need them
SMALL = (*DRAWN, "--unchecked", "--seeds", "1")
# of the framework that starts fastest: what a suite does is the same with every other
ONE = (*SMALL, "--task", "digits", "--architecture", "mlp", "--framework", "numpy")
LONG = (*ONE, "--epochs", "100000")  # would go on for hours
PATIENCE_S = 120.0  # far beyond any machine's need: reached only when something hangs


def run_all(
    *words: str | Path, check: int | None = 0, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; fail where the exit code is not ``check``."""
    done = subprocess.run(
        [sys.executable, "run_all.py", *words],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=10 * PATIENCE_S,
        env=env,
    )
    assert check is None or done.returncode == check, done.stdout + done.stderr
    return done


def start(*words: str | Path) -> subprocess.Popen[str]:
    """Start it and return at once."""
    return subprocess.Popen(
        after(HEED_INTERRUPTS, [sys.executable, "run_all.py", *words]),
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# A shell starts what runs in the background deaf to Ctrl-C, nohup what it runs to SIGHUP; their
# children inherit that.
HEED_INTERRUPTS = (
    "for number in signal.SIGINT, signal.SIGHUP: signal.signal(number, signal.SIG_DFL)"
)


def after(preparation: str, words: Iterable[str | Path]) -> list[str]:
    """The command that runs these lines of Python in a process, which then becomes ``words``.

    ``preexec_fn`` would fork the tests' own process, of which JAX warns where it is imported.
    """
    if os.name != "posix":
        return [str(word) for word in words]
    code = f"import os, resource, signal, sys\n{preparation}\nos.execv(sys.argv[1], sys.argv[1:])"
    return [sys.executable, "-I", "-S", "-c", code, *map(str, words)]


def bench(*words: str | Path, check: int | None = 0) -> subprocess.CompletedProcess[str]:
    """``python -m bench`` with these words."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words], cwd=PROJECT, capture_output=True, text=True
    )
    assert check is None or done.returncode == check, done.stdout + done.stderr
    return done


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when it holds; fail when it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def worker_of(process: subprocess.Popen[str]) -> psutil.Process:
    """The worker that a running suite has started, as soon as there is one."""
    found: list[psutil.Process] = []

    def look() -> bool:
        assert process.poll() is None, process.communicate()
        for child in psutil.Process(process.pid).children():
            try:
                if "bench.run.worker" in child.cmdline():
                    found.append(child)
            except psutil.NoSuchProcess:
                continue
        return bool(found)

    wait_until(look)
    return found[0]


def gone(process: psutil.Process) -> bool:
    """Whether it has ended; a dead one that nobody has waited for has."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True

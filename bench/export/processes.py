"""Starts the child processes of an export; whatever becomes of one, every job has its answer."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import msgspec

from bench.experiment import Experiment
from bench.export.job import Answer, Order
from bench.scheduler import environment
from bench.versions import PROJECT

TIMEOUT_S = 120.0  # for each model: some 10 s on two cores


def ask(
    module: str, order: Order, framework: str, experiment: Experiment, python: Path | None = None
) -> list[Answer]:
    """Have a new process do an order; one answer for each of its jobs, in their order.

    Args:
        module: to be run, such as 'bench.export.convert'.
        order: what it is told.
        framework: whose environment it gets; no GPU is seen there.
        experiment: of the first job, for what else its environment depends on.
        python: the interpreter; None for this one.
    """
    own = environment(replace(experiment, framework=framework, device="cpu"), os.environ)
    with tempfile.TemporaryFile() as log:
        try:
            lines, ended = _run([str(python or sys.executable), "-m", module], own, order, log)
        except OSError as error:
            lines, ended = b"", f"its Python cannot be started: {error.strerror}"
        answers = list(_whole(lines.splitlines()))
        missing = len(order.jobs) - len(answers)
        return answers + [Answer(failure=f"{ended}; {_last_line(log)}")] * missing


def _run(
    command: list[str], environment: dict[str, str], order: Order, log: IO[bytes]
) -> tuple[bytes, str]:
    """What the child wrote, and how it ended."""
    limit_s = TIMEOUT_S * len(order.jobs)
    try:
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env=environment,
            input=msgspec.json.encode(order) + b"\n",
            stdout=subprocess.PIPE,
            stderr=log,
            timeout=limit_s,
        )
    except subprocess.TimeoutExpired as error:
        return error.stdout or b"", f"not done after {limit_s:g} s"
    return done.stdout, f"its process ended with exit code {done.returncode}"


def _whole(lines: Iterable[bytes]) -> Iterator[Answer]:
    """The answers, up to a line that is none: cut off, or another program's."""
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Answer)
        except msgspec.MsgspecError:
            return


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return f"last words: {lines[-1][:200]}" if lines else "it said nothing"

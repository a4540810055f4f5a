"""A child process that is told one order and answers in lines of JSON, whatever becomes of it.

For work that needs a framework to itself: certificates, predictions of saved models, exports. The
order comes to it on standard input, one line of JSON; each line that it writes is an answer.
Runs have a process of their own kind: ``bench.scheduler``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

import msgspec

from bench.experiment import Experiment
from bench.scheduler import end_tree, environment
from bench.versions import PROJECT

Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True)
class Answered(Generic[Answer]):
    """All that came back."""

    answers: list[Answer]  # in the order in which they came, up to a line that is none
    ended: str  # how it ended and its last words, for what was not answered


def ask(
    module: str,
    order: Any,
    answer: type[Answer],
    *,
    experiment: Experiment,
    python: Path | None,
    limit_s: float,
) -> Answered[Answer]:
    """Have a new process do an order; never raises for what becomes of it.

    Args:
        module: to be run, such as 'bench.parity.child'.
        order: what it is told: a dataclass of plain values.
        answer: the type of each of its answers.
        experiment: whose environment it gets: framework, device, threads.
        python: the interpreter; None for this one.
        limit_s: seconds after which it is ended, with all that it has started.
    """
    with tempfile.TemporaryFile() as log:
        try:
            out, ended = _run(
                [str(python or sys.executable), "-m", module],
                environment(experiment, os.environ),
                msgspec.json.encode(order) + b"\n",
                log,
                limit_s,
            )
        except OSError as error:
            out, ended = b"", f"its Python cannot be started: {error.strerror}"
        answers = list(_whole(out.splitlines(), answer))
        return Answered(answers=answers, ended=f"{ended}; {_last_line(log)}")


def _run(
    command: list[str], variables: dict[str, str], told: bytes, log: IO[bytes], limit_s: float
) -> tuple[bytes, str]:
    """What the child wrote, and how it ended."""
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,  # with all it starts, such as compilers, it is ended together
    )
    try:
        out, _ = process.communicate(told, timeout=limit_s)
        return out, f"its process ended with exit code {process.returncode}"
    except subprocess.TimeoutExpired:
        end_tree(process)
        out, _ = process.communicate()  # what it had written by then
        return out, f"not done after {limit_s:g} s"
    finally:
        end_tree(process)


def _whole(lines: Iterable[bytes], answer: type[Answer]) -> Iterator[Answer]:
    """The answers, up to one that is none; lines that are no JSON are other programs' words."""
    for line in lines:
        if line.startswith(b"{"):
            try:
                yield msgspec.json.decode(line, type=answer)
            except msgspec.MsgspecError:
                return


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return f"last words: {lines[-1][:200]}" if lines else "it said nothing"

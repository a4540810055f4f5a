"""A question to a process of its own, which answers with one line of JSON at its end."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from bench.audit import AuditError
from bench.versions import PROJECT

Answer = TypeVar("Answer")


def ask(
    python: Path,
    module: str,
    words: Sequence[str],
    environment: Mapping[str, str],
    kind: type[Answer],
    *,
    timeout_s: float,
) -> Answer:
    """Run ``python -m MODULE WORDS`` and return its answer.

    Raises AuditError, saying why, where it gives none.
    """
    try:
        done = subprocess.run(
            [python, "-m", module, *words],
            cwd=PROJECT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired as error:
        raise AuditError(f"no answer within {timeout_s:g} s") from error
    except OSError as error:
        raise AuditError(f"{python} cannot be started: {error.strerror}") from error
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        try:
            return msgspec.json.decode(lines[-1], type=kind)  # a framework may print before it
        except msgspec.MsgspecError as error:
            raise AuditError(f"no answer, but {lines[-1][:80]!r}") from error
    said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
    raise AuditError(f"ended with exit code {done.returncode}: {said[0]}")


def answer(found: object) -> None:
    """Inside that process: print the answer."""
    print("\n" + msgspec.json.encode(found).decode())

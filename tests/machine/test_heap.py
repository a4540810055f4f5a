"""Memory that a process keeps: seen in the pages that it has to ask the system for again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from bench.machine import heap
from tests.imports import ROOT

PAGES = 64 * 2**20 // 4096  # of a block of 64 MiB
FETCHED = """
import resource, sys
from bench.machine import heap
if sys.argv[1] == "kept":
    assert heap.keep() == heap.KEPT
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def use():
    block = bytearray(b"x") * (64 << 20)
use()
before = faults()
for _ in range(4):
    use()
print((faults() - before) // 4)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_kept_memory_is_not_fetched_again() -> None:
    assert pages_fetched("kept") < PAGES / 100
    assert pages_fetched("given back") >= PAGES


def pages_fetched(kept: str) -> int:
    """Of the system, each time that a block of 64 MiB is used."""
    command = [sys.executable, "-c", FETCHED, kept]
    return int(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)


def test_a_system_that_cannot_be_told_to_keep_memory_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))  # as on macOS and Windows
    assert heap.keep() == heap.GIVEN_BACK

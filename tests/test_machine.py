"""The machine as it is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import psutil

from bench import machine
from tests.suite_process import PROJECT


def test_the_machine_has_a_processor_cores_and_memory() -> None:
    here = machine.observe()
    assert here.cpu
    assert 1 <= here.cores <= (psutil.cpu_count() or 1)
    assert here.memory_bytes == psutil.virtual_memory().total


def test_peak_memory_is_of_this_process_and_not_of_its_parent() -> None:
    """A parent that has held 400 MB starts a child that holds little."""
    block = np.ones(50_000_000)
    script = "from bench.machine import peak_process_memory_bytes as p; print(p())"
    child = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    own = machine.peak_process_memory_bytes()
    assert own is not None
    assert own >= block.nbytes
    assert int(child.stdout) < block.nbytes

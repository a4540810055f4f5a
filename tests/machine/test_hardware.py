"""The machine as it is, and a process confined to some of its processors."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import psutil
import pytest

from bench import UsageError
from bench.machine import hardware
from bench.machine.settings import processors
from tests.fakes import an_experiment
from tests.suite_process import PROJECT

can_confine = pytest.mark.skipif(
    not hasattr(psutil.Process, "cpu_affinity"), reason="this system confines no process"
)


def test_the_machine_has_a_processor_cores_and_memory() -> None:
    here = hardware.observe()
    assert here.cpu
    assert 1 <= here.cores <= (psutil.cpu_count() or 1)
    assert here.memory_bytes == psutil.virtual_memory().total


def test_peak_memory_is_of_this_process_and_not_of_its_parent() -> None:
    """A parent that has held 400 MB starts a child that holds little."""
    block = np.ones(50_000_000)
    script = "from bench.machine.hardware import peak_process_memory_bytes as p; print(p())"
    child = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    own = hardware.peak_process_memory_bytes()
    assert own is not None
    assert own >= block.nbytes
    assert int(child.stdout) < block.nbytes


# Confined


@can_confine
def test_a_process_confined_to_one_processor_sees_one_and_so_do_its_threads() -> None:
    code = (
        "from bench.machine import hardware, settings; hardware.confine(1)\n"
        "import threading\n"
        "seen = [settings.processors()]\n"
        "thread = threading.Thread(target=lambda: seen.append(settings.processors()))\n"
        "thread.start(); thread.join(); print(seen)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first = processors()[0]
    assert said.stdout.strip() == str([[first], [first]])


@can_confine
@pytest.mark.parametrize("threads", [0, 10_000])
def test_more_processors_than_there_are_say_how_many_there_are(threads: int) -> None:
    before = processors()
    with pytest.raises(UsageError, match=rf"from 1 to {len(before)}$"):
        hardware.confine(threads)
    assert processors() == before


def test_no_limit_leaves_all() -> None:
    before = processors()
    hardware.confine(None)
    assert processors() == before


def test_a_system_without_affinity_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.machine.hardware.psutil.Process", object)
    with pytest.raises(UsageError, match="cannot confine a process"):
        hardware.confine(1)


@can_confine
def test_what_a_machine_cannot_confine_is_left_out_of_a_plan_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.machine.settings.processors", lambda: [0])
    planned = [an_experiment(threads=threads) for threads in (None, 1, 2, 3, 2)]
    able, left_out = hardware.with_threads(planned)
    assert [experiment.threads for experiment in able] == [None, 1]
    assert [sentence[:22] for sentence in left_out] == [
        "Left out: --threads 2:",
        "Left out: --threads 3:",
    ]

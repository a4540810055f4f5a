"""A process is confined to some of its processors, and says why where it cannot be."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from bench import affinity
from bench.settings import processors

can_confine = pytest.mark.skipif(
    not hasattr(psutil.Process, "cpu_affinity"), reason="this system confines no process"
)


@can_confine
def test_a_process_confined_to_one_processor_sees_one_and_so_do_its_threads() -> None:
    code = (
        "from bench import affinity, settings; affinity.limit(1)\n"
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
    with pytest.raises(affinity.CannotLimit, match=rf"from 1 to {len(before)}$"):
        affinity.limit(threads)
    assert processors() == before


def test_no_limit_leaves_all() -> None:
    before = processors()
    affinity.limit(None)
    assert processors() == before


def test_a_system_without_affinity_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.affinity.psutil.Process", object)
    with pytest.raises(affinity.CannotLimit, match="cannot confine a process"):
        affinity.limit(1)

"""The benchmark refuses what it has to refuse: every planted cheat, in processes of their own."""

from __future__ import annotations

import subprocess
import sys

from bench.run.environment import PROJECT

BLINDED = """
import sys
from bench.checks import cheats
from bench.results.record import Recheck

cheats.recheck = lambda *_: Recheck(execution="eager", answers_deviation=None, dropout_seen=None)
planted = cheats.Workbench.cheats
cheats.Workbench.cheats = lambda bench: [c for c in planted(bench) if c.guard == cheats.ASKED_AGAIN]
sys.exit(cheats.main([]))
"""


def test_every_planted_cheat_is_caught_and_an_honest_run_is_not() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "cheats"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT CAUGHT" not in done.stdout
    assert "18 of 18 caught, planted in numpy." in done.stdout
    assert "Without anything planted: no guard says a word." in done.stdout


def test_a_guard_that_is_blind_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLINDED], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("NOT CAUGHT") == 4
    assert "0 of 4 caught" in done.stdout

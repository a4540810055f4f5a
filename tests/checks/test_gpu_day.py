"""The steps of a day with a GPU: none holds up the next, and what is done is not done again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import cli
from bench.__main__ import COMMANDS
from bench.checks import audit, doctor, gpu_day, parity
from bench.checks.gpu_day import Step, carry_out, steps
from bench.ladder import speed
from bench.machine import hardware
from bench.run import interpreters

COUNT = "import sys; open(sys.argv[1], 'a').write('x'); print('counted')"


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Step]:
    """One that counts how often it is done, one that fails, one that cannot be done, one more."""
    monkeypatch.setattr(gpu_day, "STEPS", ("first", "broken", "missing", "last"))
    return [
        Step(name="first", command=("python", "-c", COUNT, str(tmp_path / "first"))),
        Step(name="broken", command=("python", "-c", "print('no good'); raise SystemExit(3)")),
        Step(name="missing", left_out="nobody has it"),
        Step(name="last", command=("python", "-c", COUNT, str(tmp_path / "last"))),
    ]


def test_a_step_that_fails_does_not_keep_the_next_from_its_turn(
    three: list[Step], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert carry_out(three, tmp_path) == 1
    lines = capsys.readouterr().out.splitlines()[-5:]
    assert lines[0].startswith("first: done, ")
    assert re.fullmatch("broken: failed, exit code 3 after .* s; see logs/02-broken.log", lines[1])
    assert lines[2] == "missing: left out, nobody has it"
    assert lines[3].startswith("last: done, ")
    assert str(tmp_path) in lines[4]
    assert (tmp_path / "summary.txt").read_text().splitlines() == lines[:4]
    assert (tmp_path / "last").read_text() == "x"


def test_what_a_step_prints_is_shown_and_kept(
    three: list[Step], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out(three, tmp_path)
    log = (tmp_path / "logs" / "02-broken.log").read_text().splitlines()
    assert log[0].startswith("$ python -c print('no good')")
    assert log[1:] == ["no good", "exit code 3"]
    assert "no good" in capsys.readouterr().out
    assert not list(tmp_path.glob("logs/*missing*"))


def test_the_same_again_does_what_is_not_done(three: list[Step], tmp_path: Path) -> None:
    assert carry_out(three[:2], tmp_path) == 1
    mended = [three[0], Step(name="broken", command=("python", "-c", "pass")), *three[2:]]
    assert carry_out(mended, tmp_path) == 0
    assert (tmp_path / "first").read_text() == "x"  # once
    assert (tmp_path / "last").read_text() == "x"


def test_a_step_with_another_command_is_another_step(three: list[Step], tmp_path: Path) -> None:
    carry_out(three[:1], tmp_path)
    changed = Step(name="first", command=(*three[0].command, "more"))
    carry_out([changed], tmp_path)
    assert (tmp_path / "first").read_text() == "xx"


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_an_interrupt_ends_the_step_in_hand_and_leaves_the_rest(
    three: list[Step], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(60)"
    broken_off = Step(name="broken", command=("python", "-c", code))
    # a shell has what it starts in the background ignore interrupts
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert carry_out([broken_off, three[3]], tmp_path) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert "last: not done" in capsys.readouterr().out
    assert carry_out(three[3:], tmp_path) == 0


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "cpu"])
def test_every_command_of_a_step_is_one_that_there_is(device: str, tmp_path: Path) -> None:
    parsers = {"doctor": doctor._parser, "parity": parity._parser, "audit": audit._parser}
    given = [step for step in steps(tmp_path, device) if step.left_out is None]
    assert len(given) >= 9
    for step in given:
        program, script, *words = step.command
        assert program == "python" or step.name.startswith("tests-")
        if script == "run_all.py":
            assert cli.parse(words).out == tmp_path / step.name
        elif script == "bench" and words[:2] == ["ladder", "speed"]:
            assert speed._parser().parse_args(words[2:]).out == tmp_path / step.name
        elif script == "bench" and words[0] == "ladder":
            assert cli.parse(words[2:]).out == tmp_path / step.name
        elif script == "bench":
            assert words[0] in COMMANDS
            parsers[words[0]]().parse_args(words[1:])
        else:
            assert (script, *words[:3]) == ("-m", "pytest", "-m", "cuda")


def test_the_tests_of_tensorflow_run_in_its_own_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(interpreters.FOLDER, str(tmp_path))
    (python,) = interpreters.environments().values()
    by_name = {step.name: step for step in steps(tmp_path, "cuda")}
    assert "make install CUDA=1" in str(by_name["tests-keras-tensorflow"].left_out)
    python.parent.mkdir(parents=True)
    python.touch()
    by_name = {step.name: step for step in steps(tmp_path, "cuda")}
    assert by_name["tests-keras-tensorflow"].command[0] == str(python)


def test_the_commands_can_be_seen_before_they_are_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--device", "cpu", "--only", "tests,audit", "--dry-run", "--out"]
    assert gpu_day.main([*words, str(tmp_path / "out")]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first == "tests: they need a GPU"
    assert second.startswith("audit: python bench audit --device cpu --rounds 20 --out ")
    assert not (tmp_path / "out").exists()


def test_without_a_gpu_there_is_no_gpu_day(capsys: pytest.CaptureFixture[str]) -> None:
    if hardware.gpus():
        pytest.skip("this machine has a GPU")
    assert gpu_day.main([]) == 2
    assert "no NVIDIA GPU found" in capsys.readouterr().err


def test_a_step_that_is_unknown_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "gpu-day", "--only", "lunch"],
        capture_output=True,
        text=True,
        cwd=Path(gpu_day.__file__).parents[2],
    )
    assert done.returncode == 2
    assert "unknown step 'lunch'; choose from doctor, tests" in done.stderr

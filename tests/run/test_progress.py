"""What is said while a suite runs."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench.experiment import Run
from bench.run import progress
from bench.run.progress import Bars, Lines, StageDisplay, minutes, outcome, title
from datasets import Stage
from tests.records import EXPERIMENT, make_record

RUNS = [Run(experiment=EXPERIMENT, seed=seed) for seed in (0, 1, 2)]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (3600, "60 min"), (7500, "2 h 5 min")],
)
def test_a_duration_is_said_as_a_person_says_it(seconds: float, said: str) -> None:
    assert minutes(seconds) == said


def test_a_run_is_named_by_what_tells_it_apart() -> None:
    assert title(RUNS[1]) == "digits mlp pytorch eager cpu batch 128 epochs 2 seed 1"


def test_a_run_that_went_well_is_told_with_its_figures() -> None:
    assert outcome(make_record()) == "1,000 images/s, test accuracy 97.50%, 9 s"


def test_a_run_that_failed_is_told_with_its_reason() -> None:
    assert outcome(make_record(status="timed out", reason="60 s")) == "timed out: 60 s"


def test_the_time_left_is_corrected_by_the_pace_so_far(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Three runs were expected to take 3 s each, and the first took 9 s: 18 s are left."""
    lines = Lines(RUNS, [3.0, 3.0, 3.0])
    lines.started(RUNS[0])
    lines.ended(make_record(seed=0))
    said = capsys.readouterr().err
    assert said.startswith("[1/3] digits mlp pytorch eager cpu batch 128 epochs 2 seed 0: ")
    assert "(about 18 s left)" in said


def test_what_a_run_is_trained_with_is_said_where_it_is_not_the_usual() -> None:
    unusual = replace(EXPERIMENT, optimizer="sgd", learning_rate=0.05, augmentation=True)
    assert title(Run(experiment=unusual, seed=0)) == (
        "digits mlp pytorch eager cpu batch 128 epochs 2 sgd 0.05 augmented seed 0"
    )


# Bars


class Terminal(io.StringIO):
    """A terminal that keeps what it is shown."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """In the place of standard error."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    return shown


class Time:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The only time that bars know."""
    time = Time()
    monkeypatch.setattr(progress, "monotonic", time)
    return time


@pytest.fixture
def bars(terminal: Terminal, time: Time) -> Iterator[Bars]:
    """Of three runs of two epochs and 10 expected seconds each."""
    bars = Bars(RUNS, [10.0] * 3)
    yield bars
    bars.close()


def test_the_bars_go_on_between_two_evaluations_and_not_beyond_the_next(
    bars: Bars, time: Time
) -> None:
    bars.started(RUNS[0])
    bars.advanced("train", 0, 200)
    shown = []
    for time.now_s in (1.0, 2.0, 4.0, 1000.0):
        bars.move()
        shown.append((bars.run.n, bars.runs.n))
    epochs, expected_s = zip(*shown, strict=True)
    assert 0 < epochs[0] < epochs[1] < epochs[2] < epochs[3] < 1  # which is said after an epoch
    assert expected_s == (1.0, 2.0, 4.0, 10.0)
    bars.advanced("train", 100, 200)
    assert bars.run.n == 1
    bars.advanced("train", 200, 200)
    bars.advanced("test", 0, 0)
    time.now_s = 2000.0
    bars.move()
    assert bars.run.n == 2


def test_the_bars_are_full_at_the_end_and_not_before(
    bars: Bars, time: Time, terminal: Terminal
) -> None:
    for seed, run in enumerate(RUNS):
        assert bars.runs.n == pytest.approx(10 * seed)
        bars.started(run)
        time.now_s += 1000  # far longer than expected, which is known from then on
        bars.move()
        assert bars.runs.n <= 10 * (seed + 1)
        bars.ended(make_record(seed=seed))
    assert bars.runs.n == bars.runs.total == 30
    assert "100%" in terminal.getvalue()
    assert "101%" not in terminal.getvalue()


def test_a_run_that_is_run_again_empties_its_own_bar_alone(bars: Bars, time: Time) -> None:
    bars.started(RUNS[0])
    bars.advanced("train", 0, 200)
    time.now_s = 6.0
    bars.advanced("train", 100, 200)
    bars.disturbed(make_record())
    assert bars.run.n == 0
    time.now_s = 7.0
    bars.move()
    assert (bars.run.n, bars.runs.n) == (0, 6)


def test_a_stage_never_passes_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    stage = Stage(name="auditing", total=2, unit="runs")
    with StageDisplay() as show:
        shown = []
        for done in (1, 2, 3):
            show(stage, done)
            shown.append(show.bar.n)
    assert shown == [1, 2, 2]

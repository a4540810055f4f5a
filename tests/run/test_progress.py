"""What is said while a suite runs."""

from __future__ import annotations

import pytest

from bench.experiment import Run
from bench.run.progress import Lines, minutes, outcome, title
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

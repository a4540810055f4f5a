"""The scheduler's parts that need no framework; whole suites are in test_run_all.py."""

from __future__ import annotations

from bench.run.processes import Ending
from bench.run.scheduler import failure, round_robin
from tests.fakes import an_experiment


def test_all_experiments_have_their_turn_before_the_next_seed() -> None:
    one, two = an_experiment(architecture="mlp"), an_experiment(architecture="cnn")
    order = [(run.experiment.architecture, run.seed) for run in round_robin([one, two], range(2))]
    assert order == [("mlp", 0), ("cnn", 0), ("mlp", 1), ("cnn", 1)]


def test_a_signal_is_named() -> None:
    assert failure(Ending(exit_code=-9)) == (
        "crashed",
        "the process was ended by signal 9; often the system is out of memory; it said nothing",
    )
    assert failure(Ending(exit_code=-11, last_line="corrupted double-linked list")) == (
        "crashed",
        "the process was ended by signal 11; last words: corrupted double-linked list",
    )


def test_the_last_words_of_a_process_are_kept() -> None:
    assert failure(Ending(exit_code=3, last_line="last line")) == (
        "crashed",
        "the process ended with exit code 3 and no record; last words: last line",
    )


def test_a_time_out_says_what_to_do() -> None:
    assert failure(Ending(exit_code=-9, over_limit_s=60)) == (
        "timed out",
        "not done after 60 s; give it more with --timeout",
    )


def test_a_python_that_is_gone_is_a_crashed_run() -> None:
    assert failure(Ending(not_started="No such file or directory")) == (
        "crashed",
        "its Python cannot be started: No such file or directory",
    )

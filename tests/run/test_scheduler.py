"""The scheduler's parts that need no framework; whole suites are in test_run_all.py."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.experiment import Run
from bench.results.folder import Results
from bench.results.record import Record
from bench.run import scheduler
from bench.run.processes import Ending, failure
from bench.run.scheduler import Site, round_robin
from tests.fakes import an_experiment
from tests.records import MACHINE, make_record

EXPERIMENTS = [an_experiment(batch_size=size) for size in range(1, 21)]


def test_all_experiments_have_their_turn_before_the_next_seed() -> None:
    order = round_robin(EXPERIMENTS, range(3))
    assert [run.seed for run in order] == [0] * 20 + [1] * 20 + [2] * 20
    for seed in range(3):
        of_seed = order[20 * seed : 20 * seed + 20]
        assert sorted(run.experiment.batch_size for run in of_seed) == list(range(1, 21))
        assert [run.position for run in of_seed] == list(range(20))


def test_the_order_within_a_seed_is_drawn_from_it() -> None:
    first, second = (round_robin(EXPERIMENTS, [seed]) for seed in (0, 1))
    assert [run.experiment for run in first] != EXPERIMENTS
    assert [run.experiment for run in first] != [run.experiment for run in second]
    assert round_robin(EXPERIMENTS, [0]) == first


class Shown:
    """A display that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def started(self, run: Run) -> None:
        self.told.append("started")

    def advanced(self, phase: str, done: int, total: int) -> None: ...

    def disturbed(self, record: Record) -> None:
        self.told.append(f"disturbed {record.others_share}")

    def ended(self, record: Record) -> None:
        self.told.append(f"ended after {record.tries}")

    def close(self) -> None: ...


def run_with_others(
    monkeypatch: pytest.MonkeyPatch, folder: Path, shares: Sequence[float | None], repeats: int = 2
) -> tuple[Shown, Results]:
    """Run one whose tries are disturbed like this; None: that try fails."""
    tries = iter(shares)

    def run_one(run: Run, site: Site, display: object) -> Record:
        share = next(tries)
        record = make_record(
            status="failed" if share is None else "ok",
            reason="no memory" if share is None else None,
            others_share=share,
        )
        site.results.save(record)
        return record

    monkeypatch.setattr(scheduler, "run_one", run_one)
    site = Site(
        results=Results(folder),
        data={},
        machine=MACHINE,
        timeout_s=1.0,
        pythons={},
        versions={},
        repeats=repeats,
    )
    shown = Shown()
    scheduler.run_all([make_record().run], site, shown)
    assert next(tries, "none left") == "none left"
    return shown, site.results


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ([0.02], ["started", "ended after 1"]),
        ([0.5, 0.02], ["started", "disturbed 0.5", "ended after 2"]),
        ([0.5, 0.4, 0.3], ["started", "disturbed 0.5", "disturbed 0.4", "ended after 3"]),
    ],
)
def test_a_disturbed_run_is_run_again_and_the_last_try_stays(
    shares: list[float], told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, results = run_with_others(monkeypatch, tmp_path, shares)
    assert shown.told == told
    (record,) = results.records()
    assert (record.others_share, record.tries) == (shares[-1], len(shares))
    assert len(list((tmp_path / "disturbed").glob("*.json"))) == len(shares) - 1


def test_a_try_that_fails_does_not_take_the_place_of_one_that_ended_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, results = run_with_others(monkeypatch, tmp_path, [0.5, None, 0.02])
    (record,) = results.records()
    assert (record.status, record.others_share, record.tries) == ("ok", 0.02, 3)


def test_nothing_is_repeated_where_that_is_not_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, _ = run_with_others(monkeypatch, tmp_path, [0.5], repeats=0)
    assert shown.told == ["started", "ended after 1"]


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

"""Runs on two replicas for real: what they leave, and what becomes of one whose replica dies."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from bench.cli import parse
from bench.plan import make_plan
from bench.results.folder import Results
from bench.run import scheduler
from bench.run.progress import display
from bench.stats import scaling
from tests.suite_process import ONE, gone, start, wait_until, worker_of

pytest.importorskip("torch")

TWO = (*ONE, "--framework", "pytorch", "--replicas", "2", "--execution", "data-parallel")


def test_a_run_on_two_replicas_leaves_what_was_counted_timed_and_predicted(tmp_path: Path) -> None:
    planned = make_plan(parse([*TWO, "--epochs", "2", "--out", str(tmp_path)]))
    scheduler.run_all(planned.runs, planned.site, display(planned.runs, [1.0]))
    (record,) = Results(tmp_path).records()
    assert record.status == "ok"
    assert record.experiment.replicas == 2
    assert record.settings["replicas"] == "2"
    assert record.settings["gradients averaged by"] == "DistributedDataParallel over gloo"
    measured = record.measurement
    assert measured is not None
    assert measured.rehearsal is not None
    assert measured.rehearsal.replicas == 2
    assert measured.rehearsal.exchanges[-1].bytes == 4 * measured.parameter_count
    assert (scaling.predicted_images_per_s(record) or 0) > 0
    assert measured.phases.rehearsal_s is not None
    assert measured.test is not None
    assert measured.test.reads == 1
    assert measured.recheck is not None
    assert measured.recheck.dropout_seen


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_a_run_whose_replica_is_killed_says_so_and_leaves_no_process(tmp_path: Path) -> None:
    suite = start(*TWO, "--epochs", "100000", "--out", tmp_path)
    worker = worker_of(suite)
    family: list[psutil.Process] = []

    def training() -> bool:
        family[:] = worker.children(recursive=True)
        return any(member.cpu_times().user > 4 for member in family)

    wait_until(training)
    busiest = max(family, key=lambda member: member.cpu_times().user)
    os.kill(busiest.pid, signal.SIGKILL)
    _, err = suite.communicate(timeout=60)
    assert suite.returncode == 1, err
    (record,) = Results(tmp_path).records()
    assert record.status == "failed"
    assert record.reason == "ReplicaEnded: replica 2 of 2 was ended by signal 9"
    assert all(map(gone, (worker, *family)))

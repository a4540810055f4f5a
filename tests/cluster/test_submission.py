"""Kinds of nodes from a file, and blocks as a job of this machine."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import UsageError, front
from bench.cli import parse
from bench.cluster import status, submission
from bench.cluster.grid import Block, Grid, Job, Kind
from bench.cluster.status import last_words
from bench.cluster.submission import NodeKind, read_kinds
from bench.plan import make_plan
from tests.cluster.suites import TINY, records
from tests.imports import ROOT
from tests.refusing import refusing
from tests.suite_process import wait_until

needs_submitit = pytest.mark.skipif(
    importlib.util.find_spec("submitit") is None or sys.platform == "win32",
    reason="submitit is not installed: pip install -c requirements-optional.txt submitit",
)


def written(folder: Path, text: str) -> Path:
    path = folder / "cluster.toml"
    path.write_text(text)
    return path


def test_a_kind_of_node_becomes_what_slurm_is_told(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '[cpu]\n[a100]\npartition = "gpu"\ngpu = "a100"\ntime_min = 90\n'
        'options = "--device cuda --framework pytorch"\nslurm_account = "teaching"\n'
        'slurm_additional_parameters = {reservation = "lesson"}\n',
    )
    cpu, a100 = read_kinds(path)
    assert cpu == NodeKind(name="cpu")
    assert a100.words == ["--device", "cuda", "--framework", "pytorch"]
    told = a100.parameters(90)
    assert told["timeout_min"] == 90
    assert told["slurm_partition"] == "gpu"
    assert told["slurm_gres"] == "gpu:a100:1"
    assert told["slurm_account"] == "teaching"
    assert told["slurm_exclusive"] is True
    assert told["slurm_additional_parameters"] == {
        "requeue": True,
        "signal": "TERM@60",
        "reservation": "lesson",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no kind of node; give a table"),
        ("[cpu", "Expected ']'"),
        ("cpu = 1", "wanted a table"),
        ("[CPU]", "'CPU' is no name of a kind of node"),
        ("[cpu]\nqueue = 'x'", "unknown queue; choose from partition, gpu, time_min"),
        ("[cpu]\ntime_min = 'long'", "Expected `int | null`, got `str`"),
        ("[cpu]\ntime_min = 0", "time_min is from 1 up"),
        ("[cpu]\ngpu = 'a100:none'", "gpu has a count"),
        ('[cpu]\noptions = "--device \'cpu"', "No closing quotation"),
    ],
)
def test_a_file_of_kinds_that_is_wrong_says_how(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read_kinds(written(tmp_path, text))
    assert message in str(caught.value)
    assert "cluster.toml" in str(caught.value)


def test_a_plan_for_a_gpu_is_made_where_there_is_none(tmp_path: Path) -> None:
    kind = NodeKind(name="gpu", gpu="a100:2", options="--device cuda:1 --framework pytorch")
    words = ["--source", "glyphs", "--glyphs-images", "300", "--task", "digits", *kind.words]
    planned = make_plan(parse([*words, "--out", str(tmp_path)]), kind.machine)
    assert {experiment.device for experiment in planned.experiments} == {"cuda:1"}


def test_the_words_of_the_engine_are_not_handed_on() -> None:
    words = ["--on", "slurm", "--seeds", "3", "--cluster=x.toml", "--cluster", "y", "--out", "z"]
    kept = [*submission._without(words, ("--on", "--cluster"))]
    assert kept == ["--seeds", "3", "--out", "z"]


def test_slurm_s_own_word_goes_before_the_last_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_words(log) == ""
    log.write_text("begin\nslurmstepd: error: *** JOB 7 ON n1 CANCELLED DUE TO TIME LIMIT ***\nx\n")
    assert last_words(log) == "JOB 7 ON n1 CANCELLED DUE TO TIME LIMIT"
    log.write_text("begin\nKilled\n")
    assert last_words(log) == "Killed"


def test_without_submitit_it_says_what_to_install(tmp_path: Path) -> None:
    script = (
        f"{refusing(('submitit',))}\nfrom bench import front\nsys.exit(front.run_all(sys.argv[1:]))"
    )
    words = (*TINY, "--out", tmp_path, "--on", "local")
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "pip install -c requirements-optional.txt submitit" in done.stderr


@pytest.mark.parametrize(
    ("ended", "submitted", "stage"),
    [
        ("2026-12-01T08:00:00+00:00", "2026-12-01T09:00:00+00:00", "waiting"),  # submitted again
        ("2026-12-01T09:30:00+00:00", "2026-12-01T09:00:00+00:00", "failed"),  # in that job
        ("2026-12-01T08:00:00+00:00", "", "failed"),  # when it was submitted is not known
    ],
)
def test_a_block_that_failed_waits_where_it_was_submitted_again(
    ended: str, submitted: str, stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "_is_controller", lambda _: True)
    grid = Grid(tmp_path)
    grid.announce(Kind(name="node", seeds=1, runs=1))
    block = Block(node="n", runs=1, state="failed", reason="no", began_at=ended, ended_at=ended)
    (name,) = grid.names(Kind(name="node", seeds=1, runs=1))
    grid.results(name).folder.mkdir(parents=True)
    grid.save_block(name, block)
    grid.save_job(name, Job(engine="local", id="1", log="log", submitted_at=submitted))
    assert [each.stage for each in status.standings(grid)] == [stage]


def test_a_block_whose_local_job_ended_before_its_turn_says_so(tmp_path: Path) -> None:
    grid = Grid(tmp_path)
    grid.announce(Kind(name="node", seeds=1, runs=1))
    grid.save_job("node-seed-00", Job(engine="local", id="0", log="log"))
    (standing,) = status.standings(grid)
    assert (standing.stage, standing.reason) == (
        "failed",
        "its job ended before its turn came; it printed log",
    )


@needs_submitit
def test_a_local_job_outlives_its_terminal_and_is_submitted_once(tmp_path: Path) -> None:
    words = [*TINY, "--seeds", "1", "--out", str(tmp_path), "--on", "local"]

    def submitted() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "run_all.py", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    first = submitted()
    assert "node: 1 block of 1 submitted" in first.communicate()[0]  # which ends: it is let go
    assert first.returncode == 0
    os.killpg(first.pid, signal.SIGHUP)  # what a terminal that is closed sends
    assert "0 blocks of 1 submitted" in submitted().communicate()[0]
    wait_until(lambda: front.run_all(["--status", "--out", str(tmp_path)]) == 0)
    assert [len(of_block) for of_block in records(tmp_path).values()] == [1]
    assert Grid(tmp_path).job("node-seed-00") is not None
    assert "1 done" in submitted().communicate()[0]

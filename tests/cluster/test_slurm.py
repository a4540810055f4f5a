"""Blocks as jobs of a real Slurm, on loopback: what becomes of those that do not end by themselves."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import front
from bench.cluster import status
from bench.cluster.grid import Grid
from bench.cluster.status import Standing
from tests.cluster import loopback
from tests.cluster.loopback import Loopback
from tests.cluster.suites import TINY, records, slow_python

REASON = loopback.why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

BLOCKS = 12
PATIENCE_S = 60.0


class Suite:
    """One grid, the command that submits it, and how its blocks are."""

    def __init__(self, folder: Path, kinds: str, *words: str) -> None:
        self.folder = folder
        (folder / "cluster.toml").write_text(kinds)
        self.words = [*TINY, *words, "--out", str(folder / "grid"), "--on", "slurm"]
        self.words += ["--cluster", str(folder / "cluster.toml")]

    def submit(self, capsys: pytest.CaptureFixture[str]) -> str:
        """Give the command; what it prints."""
        capsys.readouterr()
        assert front.run_all(self.words) == 0
        return capsys.readouterr().out

    @property
    def grid(self) -> Grid:
        return Grid(self.folder / "grid")

    def wait(self, condition: Callable[[list[Standing]], bool]) -> list[Standing]:
        """Until it holds of the blocks."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition(listed := status.standings(self.grid)):
            assert time.monotonic() < deadline, status.show(listed)
            time.sleep(0.25)
        return listed

    def settled(self) -> list[Standing]:
        """When no block is under way."""
        return self.wait(lambda listed: not any(each.under_way for each in listed))

    def job(self, name: str) -> str:
        job = self.grid.job(name)
        assert job is not None
        return job.id


@pytest.fixture(scope="module")
def slurm() -> Iterator[Loopback]:
    with loopback.slurm() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.variables.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def short_of_time(
    slurm: Loopback, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Suite, Path]:
    """A block that sleeps on a node of its own, with a minute: Slurm takes as long to notice."""
    folder = tmp_path_factory.mktemp("short")
    python, flag = slow_python(folder)
    suite = Suite(
        folder,
        '[slow]\npartition = "short"\ntime_min = 1\n',
        *("--seeds", "1", "--python", f"numpy={python}"),
    )
    assert front.run_all(suite.words) == 0
    return suite, flag


def test_twelve_blocks_are_done_once_each_though_a_job_is_cancelled_and_a_node_is_lost(
    slurm: Loopback,
    short_of_time: object,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    suite = Suite(tmp_path, '[cpu]\npartition = "low"\n', "--seeds", str(BLOCKS))
    assert f"{BLOCKS} blocks of {BLOCKS} submitted" in suite.submit(capsys)
    slurm.call("scancel", suite.job("cpu-seed-11"))
    suite.wait(
        lambda listed: sum(each.stage == "done" for each in listed) >= 2
        and any(each.stage == "running" and each.node == "node2" for each in listed)
    )
    slurm.lose("node2")
    settled = suite.settled()  # by Slurm, which gives what was lost to another node
    assert [each.name for each in settled if each.stage != "done"] == ["cpu-seed-11"]
    assert settled[-1].stage == "failed"
    assert "1 block of 12 submitted" in suite.submit(capsys)
    settled = suite.settled()
    assert {each.stage for each in settled} == {"done"}
    found = records(suite.grid.folder)
    assert [[record.seed for record in of_block] for of_block in found.values()] == [
        [seed] for seed in range(BLOCKS)
    ]
    assert {record.status for (record,) in found.values()} == {"ok"}
    assert "0 blocks of 12 submitted" in suite.submit(capsys)
    assert front.run_all(["--collect", "--out", str(suite.grid.folder)]) == 0
    page = (suite.grid.folder / "README.md").read_text()
    assert "12 blocks on 3 machines" in page
    assert all(f"| {node} |" in page for node in ("node1", "node2", "node3"))
    slurm.begin("node2")


def test_a_block_that_is_pre_empted_is_taken_up_again_by_slurm(
    slurm: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python, flag = slow_python(tmp_path)
    kind = '[cpu]\npartition = "low"\nslurm_nodelist = "node1"\n'
    suite = Suite(tmp_path, kind, "--seeds", "1", "--python", f"numpy={python}")
    suite.submit(capsys)
    suite.wait(lambda listed: listed[0].stage == "running" and listed[0].node == "node1")
    flag.unlink()
    first = "-p high -w node1 --exclusive -o /dev/null --wrap".split()
    slurm.call("sbatch", *first, "sleep 1")
    suite.wait(lambda listed: listed[0].stage == "waiting")
    assert [each.stage for each in suite.settled()] == ["done"]
    log = suite.grid.job("cpu-seed-00")
    assert log is not None
    assert Path(log.log).read_text().count("Starting with JobEnvironment") == 2


def test_a_block_that_is_cancelled_says_so_and_is_taken_up_by_the_same_command(
    slurm: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python, flag = slow_python(tmp_path)
    kind = '[cpu]\npartition = "low"\nslurm_nodelist = "node3"\n'
    suite = Suite(tmp_path, kind, "--seeds", "1", "--python", f"numpy={python}")
    suite.submit(capsys)
    suite.wait(lambda listed: listed[0].stage == "running")
    assert "0 blocks of 1 submitted" in suite.submit(capsys)
    slurm.call("scancel", suite.job("cpu-seed-00"))
    (cancelled,) = suite.settled()
    assert cancelled.stage == "failed"
    assert cancelled.reason.startswith("interrupted: cancelled, pre-empted, or near its time")
    flag.unlink()
    assert "1 block of 1 submitted" in suite.submit(capsys)
    assert [each.stage for each in suite.settled()] == ["done"]
    assert [len(of_block) for of_block in records(suite.grid.folder).values()] == [1]


def test_a_block_that_runs_out_of_time_ends_itself_before_slurm_does(
    short_of_time: tuple[Suite, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    suite, flag = short_of_time
    (late,) = suite.settled()
    assert late.stage == "failed"
    assert late.reason.startswith("interrupted: cancelled, pre-empted, or near its time limit")
    flag.unlink()
    assert "1 block of 1 submitted" in suite.submit(capsys)


def test_what_slurm_refuses_is_said(
    slurm: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = Suite(tmp_path, '[cpu]\npartition = "none"\n', "--seeds", "1")
    assert front.run_all(suite.words) == 2
    assert "invalid partition specified: none" in capsys.readouterr().err
    suite = Suite(tmp_path, "[cpu]\nslurm_queue = 'x'\n", "--seeds", "1")
    assert front.run_all(suite.words) == 2
    assert "Unknown argument 'queue'" in capsys.readouterr().err
    assert subprocess.run(["squeue", "--me", "-h"], capture_output=True).returncode == 0

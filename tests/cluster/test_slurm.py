"""Blocks as jobs of a real Slurm, on loopback: lost, cancelled, pre-empted, out of time."""

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
from tests.cluster.suites import ASLEEP, TINY, records, slow_python

REASON = loopback.why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

BLOCKS = 12
PATIENCE_S = 150.0


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

    def awake(self) -> None:
        """From now on its workers do their work."""
        (self.folder / ASLEEP).unlink()

    def job(self, name: str) -> str:
        job = self.grid.job(name)
        assert job is not None
        return job.id


def running_on(listed: list[Standing]) -> dict[str, str]:
    """The block that each node is at."""
    return {each.node: each.name for each in listed if each.stage == "running" and each.node}


@pytest.fixture(scope="module")
def slurm() -> Iterator[Loopback]:
    with loopback.slurm() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.variables.items():
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def asleep(slurm: Loopback, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Suite]:
    """By node, a suite of one block that slept there and was ended; begun before all others.

    That of node8 has a minute, and Slurm looks every half a minute at who is out of time. That of
    node7 was pre-empted, and sleeps no more; that of node6 was cancelled.
    """
    suites = {}
    for node in ("node8", "node7", "node6"):
        folder = tmp_path_factory.mktemp(node)
        kind = f'[cpu]\npartition = "low"\nslurm_nodelist = "{node}"\n'
        kind += "time_min = 1\n" if node == "node8" else ""
        words = ("--seeds", "1", "--python", f"numpy={slow_python(folder)}")
        suites[node] = Suite(folder, kind, *words)
        assert front.run_all(suites[node].words) == 0
    for suite in suites.values():
        suite.wait(lambda listed: bool(running_on(listed)))
    slurm.call("scancel", suites["node6"].job("cpu-seed-00"))
    suites["node7"].awake()
    high = ["-p", "high", "-w", "node7", "--exclusive", "-o", "/dev/null", "--wrap", "sleep 1"]
    slurm.call("sbatch", *high)
    suites["node7"].wait(lambda listed: listed[0].stage == "waiting")
    slurm.hurry(suites["node7"].job("cpu-seed-00"))
    return suites


def test_twelve_blocks_are_done_once_each_though_a_job_is_cancelled_and_a_node_is_lost(
    slurm: Loopback,
    asleep: dict[str, Suite],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("--seeds", str(BLOCKS), "--python", f"numpy={slow_python(tmp_path, 'node2')}")
    suite = Suite(tmp_path, '[cpu]\npartition = "low"\n', *words)
    assert f"{BLOCKS} blocks of {BLOCKS} submitted" in suite.submit(capsys)
    slurm.call("scancel", suite.job("cpu-seed-11"))
    begun = suite.wait(lambda listed: "node2" in running_on(listed))
    lost = running_on(begun)["node2"]
    slurm.lose("node2")
    suite.wait(
        lambda listed: any(each.name == lost and "BeginTime" in each.reason for each in listed)
    )
    slurm.hurry(suite.job(lost))
    before = status.standings(suite.grid)
    assert [each.name for each in before if each.stage == "failed"] == ["cpu-seed-11"]
    assert "1 block of 12 submitted" in suite.submit(capsys)  # others are under way
    settled = suite.settled()
    assert {each.stage for each in settled} == {"done"}
    assert (suite.grid.folder / "aside" / f"{lost}.1").is_dir()
    found = records(suite.grid.folder)
    assert [[record.seed for record in of_block] for of_block in found.values()] == [
        [seed] for seed in range(BLOCKS)
    ]
    assert {record.status for (record,) in found.values()} == {"ok"}
    assert "0 blocks of 12 submitted" in suite.submit(capsys)
    assert front.run_all(["--collect", "--out", str(suite.grid.folder)]) == 0
    page = (suite.grid.folder / "README.md").read_text()
    nodes = {each.node for each in settled} - {"node2"}
    assert f"12 blocks on {len(nodes)} machines" in page
    assert {node for node in loopback.NODES if f"| {node} |" in page} == nodes


def test_a_block_that_is_pre_empted_is_taken_up_again_by_slurm(asleep: dict[str, Suite]) -> None:
    suite = asleep["node7"]
    assert [each.stage for each in suite.settled()] == ["done"]
    job = suite.grid.job("cpu-seed-00")
    assert job is not None
    assert Path(job.log).read_text().count("Starting with JobEnvironment") == 2


def test_a_block_that_is_cancelled_says_so_and_is_taken_up_by_the_same_command(
    asleep: dict[str, Suite], capsys: pytest.CaptureFixture[str]
) -> None:
    suite = asleep["node6"]
    (cancelled,) = suite.settled()
    assert cancelled.stage == "failed"
    assert cancelled.reason.startswith("interrupted: cancelled, pre-empted, or near its time")
    suite.awake()
    assert "1 block of 1 submitted" in suite.submit(capsys)
    assert "0 blocks of 1 submitted" in suite.submit(capsys)  # it is under way
    assert [each.stage for each in suite.settled()] == ["done"]
    assert [len(of_block) for of_block in records(suite.grid.folder).values()] == [1]


def test_a_block_that_runs_out_of_time_ends_itself_before_slurm_does(
    asleep: dict[str, Suite], capsys: pytest.CaptureFixture[str]
) -> None:
    suite = asleep["node8"]
    (late,) = suite.settled()
    assert late.stage == "failed"
    assert late.reason.startswith("interrupted: cancelled, pre-empted, or near its time limit")
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

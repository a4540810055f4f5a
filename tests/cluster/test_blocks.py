"""Blocks without an engine: shards side by side, taken up again, and on another node."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import front
from bench.cluster import grid as grids
from bench.cluster.grid import Block, Grid, Kind
from bench.results.folder import ResultsError
from tests.cluster.suites import TINY, records
from tests.suite_process import start


def shard(folder: Path, *words: str) -> int:
    return front.run_all([*TINY, "--out", str(folder), *words])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three blocks, run by two shards side by side; for tests that do not change them."""
    folder = tmp_path_factory.mktemp("grid")
    words = (*TINY, "--seeds", "3", "--out", folder, "--shard")
    shards = [start(*words, "1/2"), start(*words, "2/2")]
    for each in shards:
        out, err = each.communicate()
        assert each.returncode == 0, out + err
    return folder


def test_shards_side_by_side_run_each_block_once(finished: Path) -> None:
    found = records(finished)
    assert list(found) == ["node-seed-00", "node-seed-01", "node-seed-02"]
    assert [[r.seed for r in of_block] for of_block in found.values()] == [[0], [1], [2]]
    assert all(record.status == "ok" for (record,) in found.values())


def test_the_status_shows_each_block_and_its_exit_code_that_all_are_done(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert front.run_all(["--status", "--out", str(finished)]) == 0
    out = capsys.readouterr().out
    assert out.count("1 of 1") == 3
    assert out.endswith("3 blocks: 3 done\n")


def test_the_same_command_runs_what_is_missing_alone(finished: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(finished, tmp_path / "grid")
    shutil.rmtree(folder / "blocks" / "node-seed-01")
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("blocks/*/records/*.json")}
    assert len(kept) == 2
    assert front.run_all(["--status", "--out", str(folder)]) == 1
    assert shard(folder, "--seeds", "3", "--shard", "1/1") == 0
    assert [len(of_block) for of_block in records(folder).values()] == [1, 1, 1]
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())


def test_what_another_node_began_is_kept_apart_and_begun_anew(
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = shutil.copytree(finished, tmp_path / "grid")
    grid, name = Grid(folder), "node-seed-02"
    (before,) = grid.results(name).records()
    begun = Block(node="lost", runs=2, state="running", began_at=before.started_at)
    grid.save_block(name, begun)
    monkeypatch.setenv(grids.NODE, "other")
    assert shard(folder, "--seeds", "3", "--shard", "3/3") == 0
    (after,) = grid.results(name).records()
    assert after.started_at > before.started_at
    assert [path.name for path in folder.glob("aside/*/records/*")] == [f"{before.run_id}.json"]
    block = grid.block(name)
    assert block is not None
    assert (block.node, block.state) == ("other", "done")
    assert "was begun on lost" in capsys.readouterr().err


def test_a_run_that_fails_fails_its_block_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--seeds", "2", "--timeout", "0.1", "--shard", "1/1")
    assert shard(tmp_path, *words) == 1
    assert [[r.status for r in block] for block in records(tmp_path).values()] == [
        ["timed out"],
        ["timed out"],
    ]
    assert front.run_all(["--status", "--out", str(tmp_path)]) == 1
    assert "1 of 1 run did not end well: numpy eager: timed out" in capsys.readouterr().out


def test_a_block_that_another_process_has_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(grids, "PATIENCE_S", 0.1)
    with Grid(tmp_path).held("node-seed-00") as held:
        assert held
        assert shard(tmp_path, "--seeds", "1", "--shard", "1/1") == 0
        assert "in use by another process" in capsys.readouterr().err
    assert records(tmp_path) == {"node-seed-00": []}


def test_a_block_whose_process_was_killed_is_said_to_have_ended_without_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = Grid(tmp_path)
    grid.announce(Kind(name="node", seeds=1, runs=2))
    block = Block(node="a", runs=2, state="running", began_at="2026-01-01T00:00:00+00:00")
    grid.save_block("node-seed-00", block)
    with grid.held("node-seed-00"):
        assert front.run_all(["--status", "--out", str(tmp_path)]) == 1
        assert re.search(r"node-seed-00  running +0 of 2  a\n", capsys.readouterr().out)
    assert front.run_all(["--status", "--out", str(tmp_path)]) == 1
    assert re.search(r"failed +0 of 2  a  its process ended", capsys.readouterr().out)


def test_a_folder_that_is_no_grid_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert front.run_all(["--status", "--out", str(tmp_path)]) == 2
    assert "holds no blocks; run_all.py --shard or --on makes them" in capsys.readouterr().err
    grid = Grid(tmp_path)
    grid.announce(Kind(name="node", seeds=1, runs=1))
    (tmp_path / "kinds" / "node.json").write_text("{}")
    with pytest.raises(ResultsError, match=r"node\.json: not a kind of a grid"):
        grid.kinds()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB, where the tests may mount one."""
    mount = shutil.which("mount")
    if mount is None or os.name == "nt" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    words = [mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("root may not mount here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_block_on_a_full_disk_is_run_when_there_is_room(
    small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--seeds", "1", "--shard", "1/1")
    filler = small_disk / "filler"
    filler.write_bytes(bytes(4 * 2**20 - 3 * 4096))  # pages to begin, and no more
    assert shard(small_disk / "grid", *words) == 2
    assert "free some space and give the command again" in capsys.readouterr().err
    assert records(small_disk / "grid") == {"node-seed-00": []}
    assert front.run_all(["--status", "--out", str(small_disk / "grid")]) == 1
    filler.unlink()
    assert shard(small_disk / "grid", *words) == 0
    assert [len(of_block) for of_block in records(small_disk / "grid").values()] == [1]

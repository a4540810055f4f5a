"""What killed processes leave lying is swept, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.results import written_whole
from bench.run.environment import PROJECT
from bench.run.leftovers import HALF_WRITTEN, SCRATCH, scratch_prefix, sweep


@pytest.fixture
def ended() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_what_is_half_written_goes_and_what_others_have_there_stays(
    ended: int, tmp_path: Path, scratch: Path
) -> None:
    folder = tmp_path / "results"
    (folder / "records").mkdir(parents=True)
    gone = [f"records/.run.json.{ended}.part", f".run.keras.{ended}.part.keras"]
    stays = [
        f"records/.run.json.{os.getpid()}.part",  # of a process that lives
        f"run.json.{ended}.part",  # not hidden: somebody else's
        f"records/.{ended}.part",
        "records/.run.json.part",
        "records/run.json",
        ".lock",
    ]
    for name in (*gone, *stays):
        (folder / name).touch()
    sweep(folder)
    left = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert left == {name.replace("/", os.sep) for name in stays}


def test_scratch_goes_and_what_others_have_there_stays(
    ended: int, tmp_path: Path, scratch: Path
) -> None:
    gone = [f"glyphbench-{ended}-abc", f"glyphbench-{ended}-audit-early-abc"]
    stays = [f"{scratch_prefix()}abc", f"other-{ended}-abc", "glyphbench-notes", "glyphbench-1x-y"]
    for name in (*gone, *stays):
        (scratch / name / "within").mkdir(parents=True)
    (scratch / f"glyphbench-{ended}-file").touch()
    sweep(tmp_path / "results")
    assert {path.name for path in scratch.iterdir()} == {*stays, f"glyphbench-{ended}-file"}


@pytest.mark.skipif(os.name != "posix", reason="Windows lets few users make links")
def test_what_a_link_points_to_stays(ended: int, tmp_path: Path, scratch: Path) -> None:
    (tmp_path / "precious" / "within").mkdir(parents=True)
    (scratch / f"glyphbench-{ended}-link").symlink_to(tmp_path / "precious")
    sweep(tmp_path / "results")
    assert (tmp_path / "precious" / "within").exists()


def test_the_names_are_those_that_are_made(tmp_path: Path) -> None:
    for ending in ("", ".safetensors"):
        with written_whole(tmp_path / "run.x", ending=ending) as part:
            part.touch()
        named = HALF_WRITTEN.fullmatch(part.name)
        assert named is not None
        assert named[1] == str(os.getpid())
    assert SCRATCH.fullmatch(f"{scratch_prefix()}abc")


def test_every_scratch_folder_of_the_project_is_named_so() -> None:
    """Trainers make theirs within that of their process."""
    makers = [
        path.name
        for path in (PROJECT / "bench").rglob("*.py")
        if path.parent.name != "trainers"
        and (text := path.read_text(encoding="utf-8")).count("TemporaryDirectory(")
        != text.count("prefix=scratch_prefix()") + text.count('prefix=f"{scratch_prefix()}')
    ]
    assert makers == []

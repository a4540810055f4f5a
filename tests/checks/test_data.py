"""``python -m bench data`` as a user runs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from bench.checks import data
from bench.run import progress
from bench.run.progress import StageDisplay
from datasets import Stage, digits, letters
from tests.data_files import csv, images, write_mnist

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, no data variable, and mirrors where nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    monkeypatch.setattr(digits, "MIRRORS", (address,))
    monkeypatch.setenv("GLYPHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GLYPHBENCH_DATA", raising=False)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a whole set of letters, whole meaning 546 rows here, 26 of them double."""
    monkeypatch.setattr(letters, "FULL_ROWS", 546)
    pixels, labels = images(546, classes=26)
    pixels[520:] = pixels[:26]
    labels[545] = 0  # a Z called an A
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "A_Z Handwritten Data.csv").write_bytes(csv(pixels, labels))
    return folder


def test_what_is_found_is_shown_with_its_place_and_its_images(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data.main(["--data-dir", str(data_dir)]) == 0
    shown = capsys.readouterr().out
    assert f"{data_dir} (the data folder)" in shown
    assert f"found {data_dir / 'A_Z Handwritten Data.csv'}" in shown
    assert "letters: 26 classes; runs take az\n" in shown
    assert "digits: 10 classes; runs take a download where there is one, else glyphs" in shown
    assert "416 training, 52 validation, 52 test images" in shown
    assert "26 exact duplicates removed, 1 of them under another label" in shown
    assert "images a class: A 20, B 20, C 20" in shown
    assert "not cached yet" in shown
    assert not list((tmp_path / "cache").glob("arrays/*"))  # looking writes nothing


def test_every_source_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert data.main([]) == 0
    shown = capsys.readouterr().out
    for task in (digits.TASK, letters.TASK):
        for source in task.sources:
            assert f"  {source.name}: {source.description}" in shown
    assert shown.count("not found") == 3


def test_converting_caches_and_later_says_so(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data-dir", str(data_dir), "--task", "letters"]
    assert data.main([*words, "--convert"]) == 0
    converted = capsys.readouterr().out
    (folder,) = (tmp_path / "cache" / "arrays").glob("letters-az-????????????????")
    assert f"cached in {folder}" in converted
    assert data.main(words) == 0
    assert capsys.readouterr().out == converted


def test_glyphs_are_drawn_when_they_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--task", "digits", "--convert", "--glyphs-images", "300"]
    assert data.main(words) == 0
    assert not (tmp_path / "cache" / "arrays").exists()
    capsys.readouterr()
    assert data.main([*words, "--source", "glyphs"]) == 0
    shown = capsys.readouterr().out
    assert "300 images drawn" in shown
    assert "240 training, 30 validation, 30 test images" in shown
    assert "no real handwriting" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--data-dir", "/no/such/folder"], "/no/such/folder (the data folder) does not exist"),
        (["--fetch", "digits"], "no mirror can be used"),
        (["--source", "emnist"], "unknown source 'emnist'; choose from mnist, glyphs, az"),
        (["--convert", "--source", "glyphs", "--glyphs-images", "3"], "3 drawn images asked for"),
    ],
)
def test_what_cannot_be_done_is_said_and_ends_with_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert data.main(words) == 2
    complaint = capsys.readouterr().err
    assert complaint.startswith("bench data: error: ")
    assert message in complaint


def test_a_bad_file_ends_with_2_and_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_mnist(tmp_path)
    assert data.main(["--data-dir", str(tmp_path)]) == 2
    assert "train-images-idx3-ubyte: well-formed, but not MNIST's" in capsys.readouterr().err


def test_an_unknown_task_is_answered_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        data.main(["--fetch", "digit"])
    assert ended.value.code == 2
    assert "unknown task 'digit'; choose from digits, letters" in capsys.readouterr().err


def test_it_runs_as_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "data", "--task", "letters"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "letters: 26 classes" in done.stdout
    assert done.stderr == ""


def test_short_stages_say_nothing_and_long_ones_say_quarters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage(name="reading x", total=100, unit="B")
    with StageDisplay() as show:
        for done in range(101):
            show(stage, done)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "QUIET_S", -1.0)
    with StageDisplay() as show:
        for done in range(101):
            show(stage, done)
    assert capsys.readouterr().err == "".join(f"reading x: {q} %\n" for q in (25, 50, 75, 100))


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on Windows")
def test_on_a_terminal_there_is_a_bar() -> None:
    import pty
    import termios

    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    words = ["--task", "digits", "--source", "glyphs", "--convert", "--glyphs-images", "3000"]
    with subprocess.Popen(
        [sys.executable, "-m", "bench", "data", *words],
        cwd=PROJECT,
        stderr=terminal,
        stdout=subprocess.DEVNULL,
    ) as process:
        os.close(terminal)
        shown = b"".join(iter(lambda: read_screen(screen), b""))
    os.close(screen)
    assert process.returncode == 0
    assert b"drawing digits" in shown
    assert b"images/s" in shown


def read_screen(screen: int) -> bytes:
    """What comes next; empty at the end, which Linux tells by an error."""
    try:
        return os.read(screen, 4096)
    except OSError:
        return b""

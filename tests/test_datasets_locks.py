"""One process at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from datasets.errors import DataError
from datasets.locks import locked

HOLD = """
import sys
from pathlib import Path
from datasets.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
    Path(sys.argv[1]).write_text("done by the first")
"""


def test_the_second_process_waits_for_the_first(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "place"
    words = [sys.executable, "-c", HOLD, str(place)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        first.stdin.write("\n")
        first.stdin.flush()
        with locked(place):
            assert place.read_text() == "done by the first"


def test_a_lock_ends_with_its_process_however_it_ends(tmp_path: Path) -> None:
    place = tmp_path / "place"
    words = [sys.executable, "-c", HOLD, str(place)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        first.kill()
    with locked(place):
        assert not place.exists()


def test_a_place_where_no_lock_can_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    lock = locked(tmp_path / "file" / "place")
    with pytest.raises(DataError, match="name another with GLYPHBENCH_CACHE"), lock:
        pass

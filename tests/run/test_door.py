"""However a command is ended: by its streams, by a signal, by what it is given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.run import door
from tests.suite_process import HEED_INTERRUPTS, PROJECT, after, wait_until

unix = pytest.mark.skipif(os.name != "posix", reason="needs signals and a shell of Unix")

ENTER = """\
import sys
from bench.run.interrupts import INTERRUPTS
INTERRUPTS.heed()
from bench.run import door
sys.exit(door.enter(lambda: door.carry_out("bench try", "command", sys.argv[1:])))
"""
WORKS_ON = """
def main(words):
    for number in range(20_000):
        print("ε", number)
        print("ε", number, file=sys.stderr)
    (HERE / "done").touch()
    return 0
"""

Write = Callable[[str], list[str]]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a command; returns the words that start it, as a script of the project's would."""

    def write_command(body: str) -> list[str]:
        head = "import os, pathlib, signal, sys, time\nHERE = pathlib.Path(__file__).parent\n"
        (tmp_path / "command.py").write_text(head + textwrap.dedent(body), encoding="utf-8")
        return [sys.executable, "-c", ENTER]

    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{PROJECT}")
    return write_command


def run(words: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, **options)  # type: ignore[call-overload, no-any-return]


# Streams


@unix
@pytest.mark.parametrize(
    ("redirected", "exit_code", "message"),
    [
        ("| head -1 >/dev/null", "0", ""),
        (">&-", "0", ""),
        ("2>&-", "0", ""),
        (">&- 2>&-", "0", ""),
        ("2>&1 | true", "0", ""),
        ("2>/dev/full", "0", ""),
        pytest.param(
            ">/dev/full",
            "2",
            "error: standard output cannot be written: No space left on device",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="has no /dev/full"),
        ),
    ],
)
def test_a_stream_that_breaks_ends_nothing(
    redirected: str, exit_code: str, message: str, write: Write, tmp_path: Path
) -> None:
    words = write(WORKS_ON)
    inner = f'"$@" {redirected.partition("|")[0]}; echo $? > "$HERE/code"'
    script = f"{{ {inner}; }} {redirected[redirected.find('|') :] if '|' in redirected else ''}"
    done = run(["sh", "-c", script, "sh", *words], env=os.environ | {"HERE": str(tmp_path)})
    wait_until(lambda: (tmp_path / "code").exists())
    assert (tmp_path / "code").read_text().strip() == exit_code
    assert (tmp_path / "done").exists()
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert message in done.stderr


@unix
def test_what_libraries_print_lands_in_no_file_where_output_is_closed(
    write: Write, tmp_path: Path
) -> None:
    words = write("""
        def main(words):
            with (HERE / "results").open("w") as file:
                os.write(1, b"a library")
                os.write(2, b"another")
                file.write("a record")
            return 0
    """)
    assert run(["sh", "-c", '"$@" >&- 2>&-', "sh", *words]).returncode == 0
    assert (tmp_path / "results").read_text() == "a record"


def test_a_character_that_cannot_be_encoded_is_a_mark(write: Write) -> None:
    words = write("""
        def main(words):
            print("ε")
            print("ε", file=sys.stderr)
            return 0
    """)
    done = run(words, env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "?\n", "\\u03b5\n")


def test_a_stream_that_is_no_file_stays_as_it_is(write: Write) -> None:
    """As in a notebook: it has neither fileno nor isatty nor reconfigure."""
    words = write("""
        class Cell:
            def write(self, text): HERE.joinpath("cell").open("a").write(text)
            def flush(self): pass
        def main(words):
            from bench.run import streams
            from bench.run.progress import StageDisplay, display
            sys.stdout = sys.stderr = Cell()
            streams.endure()
            display([], []).close()
            print("shown")
            return 0
    """)
    assert run(words).returncode == 0


# Interrupts


def ended_by(number: int, words: list[str], ready: Path) -> tuple[int, str]:
    """The exit code and the errors of a command that is signalled once it has made a file."""
    process = subprocess.Popen(after(HEED_INTERRUPTS, words), stderr=subprocess.PIPE, text=True)
    wait_until(ready.exists)
    process.send_signal(number)
    err = process.communicate()[1]
    return process.returncode, err


@unix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize(
    "body",
    [
        "(HERE / 'ready').touch(); time.sleep(60)",  # while it is imported
        "def main(words):\n    (HERE / 'ready').touch(); time.sleep(60)",
    ],
)
def test_every_polite_end_is_a_sentence(body: str, name: str, write: Write, tmp_path: Path) -> None:
    ended = ended_by(getattr(signal, name), write(body), tmp_path / "ready")
    assert ended == (130, "interrupted\n")


@unix
def test_a_closed_terminal_does_not_end_what_nohup_started(write: Write, tmp_path: Path) -> None:
    words = write("""
        def main(words):
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0.1)
            return 0
    """)
    done = run(after("signal.signal(signal.SIGHUP, signal.SIG_IGN)", words))
    assert (done.returncode, done.stderr) == (0, "")


@unix
@pytest.mark.parametrize(
    "body",
    [
        # where Python drops exceptions
        """
        class Dying:
            def __del__(self): signal.raise_signal(signal.SIGINT)
        def main(words):
            Dying()
            time.sleep(60)
        """,
        # where C code makes another of it
        """
        def main(words):
            try: signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt: raise ImportError("numpy cannot be imported") from None
        """,
        # where Python remembers it and would end itself by a signal
        """
        def main(words):
            try: exec("signal.raise_signal(signal.SIGINT)", globals())
            except KeyboardInterrupt: sys.stderr.write("interrupted\\n")
            return 130
        """,
    ],
)
def test_an_interrupt_is_never_lost(body: str, write: Write) -> None:
    done = run(after(HEED_INTERRUPTS, write(body)))
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


# What goes wrong


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            "OSError(28, 'No space left on device', 'results')",
            "results: No space left on device; free some space and give the command again, a suite "
            "with --resume",
        ),
        ("PermissionError(13, 'Permission denied', b'file')", "file: Permission denied"),
        (
            "MemoryError('Unable to allocate 7 TiB')",
            "not enough memory (Unable to allocate 7 TiB); close other programs, or ask for less",
        ),
    ],
)
def test_what_the_system_refuses_is_a_sentence(error: str, message: str, write: Write) -> None:
    done = run(write(f"def main(words):\n    raise {error}"))
    assert (done.returncode, done.stderr) == (2, f"bench try: error: {message}\n")


def test_a_mistake_of_the_project_s_own_keeps_its_traceback(write: Write) -> None:
    done = run(write("def main(words):\n    raise KeyError('mistake')"))
    assert done.returncode == 1
    assert "KeyError: 'mistake'" in done.stderr


def test_the_exit_code_of_the_command_is_kept(write: Write) -> None:
    assert run(write("def main(words):\n    return 1")).returncode == 1
    assert run(write("def main(words):\n    sys.exit(3)")).returncode == 3


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (5000 * "x", "word 2 of the command line, 'xxxxxxxxxxxxxxxxxxxx' ..., has 5,000 character"),
        ("a\0b", "word 2 of the command line, 'a\\x00b', holds a NUL; leave it out"),
    ],
)
def test_a_word_that_no_command_can_take_is_refused(
    word: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert door.carry_out("bench try", "no.such.module", ["--out", word]) == 2
    assert capsys.readouterr().err.startswith(f"bench try: error: {message}")

"""Children of every kind, for real: those that answer, break, hang, and lose their parent."""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from bench.checks import certify, trial
from bench.experiment import Run
from bench.machine import hardware
from bench.run import worker
from bench.run.environment import PROJECT, environment
from bench.run.leftovers import SCRATCH
from bench.run.processes import (
    Child,
    Ending,
    NoAnswer,
    ask,
    end_tree,
)
from bench.saved import asking, export_child
from bench.saved.export_child import ExportRequest, ModelFiles
from tests import saved_models
from tests.fakes import an_experiment
from tests.records import MACHINE
from tests.suite_process import HEED_INTERRUPTS, PATIENCE_S, after, gone, wait_until

unix = pytest.mark.skipif(os.name != "posix", reason="needs signals and programs of Unix")
linux = pytest.mark.skipif(sys.platform != "linux", reason="what Linux does by itself")

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a child's program; returns the name of its module."""

    def write_program(body: str) -> str:
        lines = "import os, signal, subprocess, sys, time\nfrom bench.run.processes import Parent\n"
        (tmp_path / "odd_child.py").write_text(lines + textwrap.dedent(body))
        return "odd_child"

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return write_program


def heard(
    module: str, request: Any = None, *, limit_s: float = PATIENCE_S, log: Any = None
) -> tuple[list[Any], Ending]:
    """All messages of a child, of whatever type, and how it ended."""
    with Child(module, request, limit_s=limit_s, log=log) as child:
        messages = list(child.messages(object))
    return messages, child.ending


# What is said and heard


def test_a_child_gets_its_request_and_its_messages_come_in_order(write: Write) -> None:
    module = write("""
        parent = Parent()
        for number in parent.request(dict)["count to"] * [None], [2], [3]:
            parent.tell({"number": number})
    """)
    messages, ending = heard(module, {"count to": 1})
    assert messages == [{"number": [None]}, {"number": [2]}, {"number": [3]}]
    assert ending == Ending(exit_code=0)


def test_a_request_may_be_known_only_when_the_child_has_started(write: Write) -> None:
    module = write("""
        parent = Parent()
        parent.tell("ready")
        parent.tell(parent.request(str))
    """)
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    heard = []
    with Child(module, asked.get, limit_s=PATIENCE_S) as child:
        for message in child.messages(str):
            heard.append(message)
            if message == "ready":
                asked.put("late")
    assert heard == ["ready", "late"]


def test_all_that_is_printed_goes_to_the_log(write: Write, tmp_path: Path) -> None:
    """By the interpreter before the child has its say, by a framework, by its C library."""
    module = write(r"""
        os.write(1, b"before\n\xff\xfe no text\n{\"half\": \n")
        parent = Parent()
        parent.request(str)
        print("a framework", flush=True)
        os.write(1, b"its library\n")
        parent.tell("an answer")
        print("an error", file=sys.stderr)
    """)
    with (tmp_path / "log").open("w+b") as log:
        messages, ending = heard(module, "a request", log=log)
    assert messages == ["an answer"]
    assert ending == Ending(exit_code=0, last_line="an error")
    printed = (tmp_path / "log").read_bytes().splitlines()
    assert sorted(printed) == sorted(
        [
            b"before",
            b"\xff\xfe no text",
            b'{"half": ',
            b"a framework",
            b"its library",
            b"an error",
        ]
    )


def test_messages_of_another_kind_go_to_the_log(write: Write) -> None:
    module = write("""
        parent = Parent()
        parent.tell("neither")
        parent.tell(3)
    """)
    with Child(module, None, limit_s=PATIENCE_S) as child:
        assert list(child.messages(int)) == [3]
    assert child.ending.last_line == '"neither"'


@unix
def test_what_a_child_starts_does_not_wait_for_input(write: Write) -> None:
    module = write("""
        parent = Parent()
        parent.request(object)
        parent.tell(subprocess.run("cat", stdout=subprocess.PIPE).stdout.decode())
    """)
    assert heard(module)[0] == [""]


def test_what_a_child_keeps_for_a_while_lies_in_a_folder_that_goes_with_it(write: Write) -> None:
    module = write("""
        import tempfile
        parent = Parent()
        parent.request(object)
        parent.tell(tempfile.mkdtemp())
    """)
    (folder,), _ = heard(module)
    assert SCRATCH.fullmatch(Path(folder).parent.name)
    assert not Path(folder).parent.exists()


@linux
def test_a_log_on_a_full_disk_ends_no_work(write: Write) -> None:
    """Neither what a child prints itself nor what is written there for it."""
    module = write("""
        os.write(1, b"before\\n")
        parent = Parent()
        parent.request(object)
        for number in range(1000):
            print("a framework", number)
        print("a warning", file=sys.stderr)
        parent.tell("an answer")
    """)
    with Path("/dev/full").open("wb", buffering=0) as log:
        child = Child(
            module, None, limit_s=PATIENCE_S, log=Unread(log.fileno(), "wb", closefd=False)
        )
        with child:
            assert list(child.messages(str)) == ["an answer"]
    assert child.ending.exit_code == 0


class Unread(io.FileIO):
    """A log that is not read at the end: a device holds nothing."""

    def seek(self, position: int, whence: int = 0, /) -> int:
        return 0

    def read(self, size: int | None = -1, /) -> bytes:
        return b""


# How it ends


def test_an_error_is_its_last_line_and_what_was_said_before_is_kept(write: Write) -> None:
    module = write("""
        Parent().tell(1)
        raise MemoryError("no more")
    """)
    messages, ending = heard(module)
    assert messages == [1]
    assert str(ending) == "its process ended with exit code 1; last words: MemoryError: no more"


@unix
def test_a_child_ended_by_a_signal_says_which(write: Write) -> None:
    module = write("""
        Parent().tell(1)
        os.kill(os.getpid(), signal.SIGSEGV)
    """)
    messages, ending = heard(module)
    assert messages == [1]
    assert str(ending) == "its process ended with exit code -11; it said nothing"


def test_a_python_that_is_not_there_is_how_it_ended() -> None:
    with Child("odd_child", None, limit_s=PATIENCE_S, python=Path("no-such-python")) as child:
        assert list(child.messages(object)) == []
    assert str(child.ending).startswith("its Python cannot be started: No such file")


def test_a_child_that_closes_its_output_may_finish_its_work(write: Write, tmp_path: Path) -> None:
    module = write("""
        parent = Parent()
        path = parent.request(str)
        parent.tell("closing")
        parent._out.close()
        time.sleep(0.3)
        open(path, "w").close()
    """)
    messages, ending = heard(module, str(tmp_path / "made"))
    assert (messages, ending.exit_code) == (["closing"], 0)
    assert (tmp_path / "made").exists()


def test_a_child_that_closes_its_output_has_no_more_time_than_another(write: Write) -> None:
    module = write("""
        parent = Parent()
        parent._out.close()
        time.sleep(600)
    """)
    assert str(heard(module, limit_s=0.5)[1]) == "not done after 0.5 s; it said nothing"


def test_a_child_that_never_reads_its_request_has_no_more_time_than_another(write: Write) -> None:
    """It is larger than any pipe: whoever writes it has to wait."""
    module = write("time.sleep(600)")
    ending = heard(module, 2**21 * "x", limit_s=0.5)[1]
    assert str(ending) == "not done after 0.5 s; it said nothing"


def test_a_child_that_prints_without_end_has_no_more_time_than_another(write: Write) -> None:
    module = write("""
        while True:
            print("all work and no play")
    """)
    ending = heard(module, limit_s=0.5)[1]
    assert str(ending) == "not done after 0.5 s; last words: all work and no play"


@unix
def test_at_the_time_limit_all_end_that_it_has_started(write: Write) -> None:
    """Also what heeds no SIGTERM, and what has left for a session of its own."""
    module = write("""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        parent = Parent()
        for own in (False, True):
            parent.tell(subprocess.Popen(["sleep", "600"], start_new_session=own).pid)
        time.sleep(600)
    """)
    with Child(module, None, limit_s=3) as child:
        started = [psutil.Process(pid) for pid in child.messages(int)]
    assert child.ending.over_limit_s == 3
    assert len(started) == 2
    wait_until(lambda: all(map(gone, started)))


@unix
def test_what_is_left_running_is_ended_and_not_waited_for(write: Write) -> None:
    """It holds the standard output that the child itself was given."""
    module = write("""
        left = subprocess.Popen(["sleep", "600"])
        Parent().tell(left.pid)
    """)
    start = time.monotonic()
    with Child(module, None, limit_s=PATIENCE_S) as child:
        (left,) = [psutil.Process(pid) for pid in child.messages(int)]
    assert time.monotonic() - start < PATIENCE_S
    assert child.ending == Ending(exit_code=0)
    wait_until(lambda: gone(left))


@unix
def test_what_is_left_printing_without_end_has_no_more_time_either(write: Write) -> None:
    """In a session of its own, and nobody's child once the one that started it has ended."""
    module = write("""
        words = ["sh", "-c", "sleep 1; while :; do echo no answer; sleep 0.02; done"]
        left = subprocess.Popen(words, start_new_session=True)
        Parent().tell(left.pid)
        time.sleep(1)
    """)
    with Child(module, None, limit_s=3) as child:
        (left,) = [psutil.Process(pid) for pid in child.messages(int)]
    left.kill()
    assert child.ending == Ending(exit_code=0, last_line="no answer")


def test_a_child_that_is_no_longer_wanted_is_ended(write: Write) -> None:
    module = write("""
        Parent().tell(os.getpid())
        time.sleep(600)
    """)
    with Child(module, None, limit_s=PATIENCE_S) as child:
        process = psutil.Process(next(child.messages(int)))
    assert gone(process)


@unix
def test_the_tree_of_any_process_can_be_ended() -> None:
    process = subprocess.Popen(["sh", "-c", "sleep 600 & sleep 600"], start_new_session=True)
    parent = psutil.Process(process.pid)
    wait_until(lambda: len(parent.children()) == 2)
    children = parent.children()
    end_tree(process)
    wait_until(lambda: all(gone(child) for child in children))
    assert process.returncode == -9


# One question, one answer


def test_the_answer_is_the_last_message(write: Write) -> None:
    module = write("""
        parent = Parent()
        parent.tell(1)
        parent.tell(2)
    """)
    assert ask(module, None, int, limit_s=PATIENCE_S) == 2


@pytest.mark.parametrize(
    ("body", "limit_s", "message"),
    [
        ("sys.exit('no such library')", PATIENCE_S, "ended with exit code 1: no such library"),
        ("Parent().tell(1)\nsys.exit(3)", PATIENCE_S, "ended with exit code 3: it said nothing"),
        ("", PATIENCE_S, "ended with exit code 0: it said nothing"),
        ("print('hello')", PATIENCE_S, "no answer, but 'hello'"),
        ("Parent().tell(1)\ntime.sleep(600)", 0.5, "no answer within 0.5 s"),
    ],
)
def test_without_an_answer_it_is_said_why(
    body: str, limit_s: float, message: str, write: Write
) -> None:
    with pytest.raises(NoAnswer) as raised:
        ask(write(body), None, int, limit_s=limit_s)
    assert str(raised.value) == message


def test_a_module_or_a_python_that_is_not_there_is_named() -> None:
    with pytest.raises(NoAnswer, match=r"exit code 1: .*No module named bench.nothing"):
        ask("bench.nothing", None, int, limit_s=PATIENCE_S)
    with pytest.raises(NoAnswer, match="no-such-python cannot be started: No such file"):
        ask("bench.nothing", None, int, limit_s=PATIENCE_S, python=Path("no-such-python"))


# A parent that is killed


PARENT = """
import json, sys
from bench.run.processes import Child
with Child(sys.argv[1], json.loads(sys.argv[2]), limit_s=600) as child:
    for message in child.messages(object):
        print(message, flush=True)
"""
SOON_S = 5.0  # far more than it takes, far less than anything that these children do


@contextmanager
def parent_of(module: str, request: Any) -> Iterator[subprocess.Popen[str]]:
    """A process whose child does a request."""
    words = [sys.executable, "-c", PARENT, module, msgspec.json.encode(request).decode()]
    with subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        try:
            yield parent
        finally:
            parent.kill()


def all_end_soon_after(parent: subprocess.Popen[str], family: list[psutil.Process]) -> None:
    """Kill the parent, which can do nothing about it, and see its family end."""
    assert not any(map(gone, family))
    parent.kill()
    start = time.monotonic()
    wait_until(lambda: all(map(gone, family)))
    assert time.monotonic() - start < SOON_S


STARTS_A_GRANDCHILD = """
import os, subprocess
if os.getsid(0) == os.getpid(): subprocess.Popen(["sleep", "600"])
"""


def _requests(data_folder: Path) -> dict[str, Any]:
    """Real requests to the programs that are children, by module; they read from the folder."""
    experiment = an_experiment(source="glyphs", framework="numpy", batch_size=32)
    model = saved_models.model_path()
    question = asking.Question(
        run_id=saved_models.record().run_id,
        data_folder=str(data_folder),
    )
    return {
        worker.__name__: worker.RunRequest(
            run=Run(experiment=experiment, seed=0),
            data_folder=str(data_folder),
            results_folder=str(data_folder),
            machine=MACHINE,
            started_at=datetime.now(UTC),
        ),
        certify.__name__: certify.CertificateRequest(
            subjects=(trial.of(experiment),), data_folder=str(data_folder)
        ),
        asking.__name__: asking.EvaluationRequest(
            results_folder=str(model.parents[1]), framework="numpy", questions=(question,)
        ),
        export_child.__name__: ExportRequest(
            work="compare",
            models=(ModelFiles(model=str(model), onnx="none"),),
            machine=hardware.observe(),
            data_folder=str(data_folder),
        ),
    }


@unix
@pytest.mark.parametrize(
    "module",
    [worker.__name__, certify.__name__, asking.__name__, export_child.__name__],
)
def test_a_run_a_certificate_an_evaluation_and_an_export_end_with_their_parent(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of their work: reading data that never come."""
    facts = tmp_path / "facts.json"
    os.mkfifo(facts)
    (tmp_path / "sitecustomize.py").write_text(STARTS_A_GRANDCHILD)
    request = _requests(tmp_path)[module]
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with parent_of(module, request) as parent, _read_by_another(facts):
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(family) == 2
        all_end_soon_after(parent, family)


@contextmanager
def _read_by_another(fifo: Path) -> Iterator[None]:
    """Waits until somebody reads from it, and gives them nothing."""
    opened: list[int] = []

    def has_a_reader() -> bool:
        try:
            opened.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    wait_until(has_a_reader)
    try:
        yield
    finally:
        os.close(opened[0])


@linux
def test_a_child_in_c_code_that_holds_python_s_lock_ends_with_its_parent(write: Write) -> None:
    module = write("""
        import ctypes
        parent = Parent()
        parent.request(object)
        parent.tell(subprocess.Popen(["sleep", "600"]).pid)
        ctypes.PyDLL(None).sleep(600)
    """)
    with parent_of(module, None) as parent:
        all_end_soon_after(parent, _family(parent))


@unix
def test_a_child_without_the_kernel_s_help_ends_with_its_parent(write: Write) -> None:
    """Also what has left for a session of its own."""
    module = write("""
        from bench.run import processes
        processes._let_the_kernel_end_us = lambda stdin: None
        parent = Parent()
        parent.request(object)
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        parent.tell(subprocess.Popen(["sleep", "600"]).pid)
        time.sleep(600)
    """)
    with parent_of(module, None) as parent:
        family = _family(parent)
        assert len(family) == 3
        all_end_soon_after(parent, family)


def _family(parent: subprocess.Popen[str]) -> list[psutil.Process]:
    """All that run below a process, once its child has said that it is at work."""
    assert parent.stdout is not None
    assert json.loads(parent.stdout.readline())
    return psutil.Process(parent.pid).children(recursive=True)


@unix
def test_a_child_that_is_asked_by_hand_ends_nothing_but_itself(write: Write) -> None:
    """``python -m bench.run.worker < request`` in somebody's terminal."""
    module = write("""
        parent = Parent()
        parent.request(object)
        time.sleep(600)
    """)
    words = f"{sys.executable} -m {module} < {os.devnull}; echo alive"
    done = subprocess.run(
        ["sh", "-c", words], cwd=PROJECT, env=environment(None, os.environ), capture_output=True
    )
    assert done.stdout == b"alive\n"


INTERRUPTED_START = """
import os, signal, subprocess
from bench.run.interrupts import INTERRUPTS
INTERRUPTS.heed()
import psutil
from bench.run import processes
popen, started = subprocess.Popen, []
def interrupted(*words, **settings):
    started.append(popen(*words, **settings))
    os.kill(os.getpid(), signal.SIGINT)  # before anybody knows of the child
    return started[0]
subprocess.Popen = interrupted
with INTERRUPTS:
    try:
        with processes.Child("odd_child", None, limit_s=600):
            print("entered")
    except KeyboardInterrupt:
        (child,) = started
        print("interrupted", child.poll() is not None)
"""


@unix
def test_an_interrupt_while_a_child_is_started_leaves_none(write: Write) -> None:
    write("time.sleep(600)")
    ended = subprocess.run(
        after(HEED_INTERRUPTS, [sys.executable, "-c", INTERRUPTED_START]),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert ended.stdout.split() == ["interrupted", "True"], ended.stderr

"""One way to have work done in a process of its own: start it, hand over, hear it, end it whole.

A parent starts ``python -m MODULE`` and gives it a request, one line of JSON on standard input.
The child answers in lines of JSON on standard output; everything else that is printed there goes
to a log. Standard input then stays open for as long as the parent lives: when it closes, the child
ends itself and all that it has started, such as compilers, so a parent that is killed leaves
nothing running.

    with Child("bench.run.worker", request, limit_s=60) as child:     # the parent's side
        for message in child.messages(RunProgress): ...
    print(child.ending)

    parent = Parent()                                             # the child's side
    request = parent.request(RunRequest)
    parent.tell(RunProgress(...))

An interpreter that is only asked for its versions may have no packages: what is not in the
standard library is imported where it is needed.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from bench.run import streams
from bench.run.environment import PROJECT, environment
from bench.run.interrupts import INTERRUPTS
from bench.run.leftovers import scratch_prefix

if TYPE_CHECKING:
    import psutil

    from bench.experiment import Experiment
    from bench.results.record import Status

Message = TypeVar("Message")

POLL_S = 0.1  # how often the time limit is looked at
GRACE_S = 1.0  # for the pipes of a process that has been ended
LOG_TAIL_BYTES = 2**14  # of a log, in which its last line is looked for


class NoAnswer(Exception):
    """A child that was asked for one answer gave none; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a child ended."""

    exit_code: int | None = None  # negative: the signal that ended it; None: it was never started
    over_limit_s: float | None = None  # its time limit, where it was ended for that
    not_started: str | None = None  # why it could not be started; None: it was
    last_line: str | None = None  # of its log; None: it said nothing

    @property
    def last_words(self) -> str:
        """The last line, for the end of a sentence."""
        return f"last words: {self.last_line[:200]}" if self.last_line else "it said nothing"

    def __str__(self) -> str:
        """For what has not been answered: what happened, and the last words."""
        if self.not_started is not None:
            return f"its Python cannot be started: {self.not_started}"
        if self.over_limit_s is not None:
            return f"not done after {self.over_limit_s:g} s; {self.last_words}"
        return f"its process ended with exit code {self.exit_code}; {self.last_words}"


# The parent's side


class Child:
    """A process at work on a request. Leaving its context ends it with all that it has started.

    Nothing is raised for what becomes of it: its messages stop, and ``ending`` says why.

    Args:
        module: to be run, such as 'bench.run.worker'; its first act is to make a ``Parent``.
        request: what it is told: plain values, or a dataclass of them; or a function that returns
            it, for which the child waits, ready to work.
        limit_s: seconds from its start after which it is ended.
        experiment: whose environment it gets (framework, device, threads); None: our own.
        python: the interpreter; None for this one.
        variables: of its environment, in place of those it gets anyway.
        log: a file open for reading and writing that takes whatever it prints; None: a temporary.
    """

    ending: Ending  # once the context is left

    def __init__(
        self,
        module: str,
        request: Any,
        *,
        limit_s: float,
        experiment: Experiment | None = None,
        python: Path | None = None,
        variables: Mapping[str, str] | None = None,
        log: IO[bytes] | None = None,
    ) -> None:
        import msgspec

        self._command = [str(python or sys.executable), "-m", module]
        self._experiment = experiment
        self._variables = dict(variables or {})
        self._ask = request if callable(request) else None
        self._request = b"" if callable(request) else msgspec.json.encode(request) + b"\n"
        self._limit_s = limit_s
        self._given_log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: list[threading.Thread] = []
        self._not_started: str | None = None
        self._over_limit = False
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()  # None: no more come
        self._ended = threading.Event()

    def __enter__(self) -> Child:
        self._log = self._given_log or tempfile.TemporaryFile()
        self._scratch = tempfile.TemporaryDirectory(
            prefix=scratch_prefix(), ignore_cleanup_errors=True
        )
        self._deadline = time.monotonic() + self._limit_s
        try:
            INTERRUPTS.unbroken(self._start)  # else a child could run on that nobody knows of
        except KeyboardInterrupt:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                self._command,
                cwd=PROJECT,
                env=environment(self._experiment, os.environ, Path(self._scratch.name))
                | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), self._scratch.name)
                | self._variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                # away from the terminal: Ctrl-C is ours to pass on; and a group to be ended whole
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # on Windows
            )
        except OSError as error:
            self._not_started = error.strerror or str(error)
        else:  # in threads: a child that reads or writes nothing must not hold us up
            ends = (self._feed, self._process.stdin), (self._read, self._process.stdout)
            for work, end in ends:
                self._threads.append(threading.Thread(target=work, args=(end,), daemon=True))
                self._threads[-1].start()

    def __exit__(self, *exception: object) -> None:
        if self._process is not None:
            try:
                end_tree(self._process)
            finally:  # a second Ctrl-C: without standard input it ends itself
                self._ended.set()
            for thread in self._threads:
                thread.join(GRACE_S)
        self.ending = Ending(
            exit_code=None if self._process is None else self._process.returncode,
            over_limit_s=self._limit_s if self._over_limit else None,
            not_started=self._not_started,
            last_line=_last_line(self._log),
        )
        if self._given_log is None:
            self._log.close()
        self._scratch.cleanup()

    def messages(self, kind: type[Message]) -> Iterator[Message]:
        """Its messages as they come, until it ends or its time is up. Other lines go to the log."""
        import msgspec

        for line in self._heard():
            try:
                message = msgspec.json.decode(line, type=kind)
            except ValueError:  # an interpreter may print before the child has its say
                with contextlib.suppress(OSError):  # a full disk: its messages still come
                    os.write(self._log.fileno(), line)  # unbuffered: closing it cannot fail
            else:
                yield message

    def _heard(self) -> Iterator[bytes]:
        """Each line as it comes; of a child that is ended here also what it had written by then."""
        if self._process is None:
            return
        while time.monotonic() < self._deadline:
            try:
                line = self._lines.get(timeout=POLL_S)
            except queue.Empty:
                if self._process.poll() is not None:
                    break  # what it has started still holds its standard output
                continue
            if line is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout=max(0.0, self._deadline - time.monotonic()))
                break
            yield line
        self._over_limit = self._process.poll() is None
        end_tree(self._process)
        self._threads[-1].join(GRACE_S)  # the one that reads
        for _ in range(self._lines.qsize()):
            if (line := self._lines.get_nowait()) is not None:
                yield line

    def _feed(self, stdin: IO[bytes]) -> None:
        import msgspec

        if self._ask is not None:
            self._request = msgspec.json.encode(self._ask()) + b"\n"
        with contextlib.suppress(OSError), stdin:
            with contextlib.suppress(OSError):  # it died at once: its ending says why
                stdin.write(self._request)
                stdin.flush()
            self._ended.wait()  # open for as long as we live

    def _read(self, stdout: IO[bytes]) -> None:
        with stdout:
            for line in stdout:
                self._lines.put(line)
        self._lines.put(None)


def ask(
    module: str,
    request: Any,
    answer: type[Message],
    *,
    limit_s: float,
    experiment: Experiment | None = None,
    python: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Message:
    """The one answer of a new process, as of ``Child``; raises NoAnswer where it gave none."""
    with Child(
        module,
        request,
        limit_s=limit_s,
        experiment=experiment,
        python=python,
        variables=variables,
    ) as child:
        answers = list(child.messages(answer))
    ending = child.ending
    if ending.not_started is not None:
        raise NoAnswer(f"{python or sys.executable} cannot be started: {ending.not_started}")
    if ending.over_limit_s is not None:
        raise NoAnswer(f"no answer within {limit_s:g} s")
    if ending.exit_code == 0 and answers:
        return answers[-1]
    if ending.exit_code == 0 and ending.last_line:
        raise NoAnswer(f"no answer, but {ending.last_line[:80]!r}")
    last_line = ending.last_line or "it said nothing"
    raise NoAnswer(f"ended with exit code {ending.exit_code}: {last_line}")


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """End a child and all that it started (compilers, data loaders), if they still run."""
    # The number of a child that has ended may be another's by now.
    family = _descendants(process.pid) if process.poll() is None else []
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):  # none is left
            os.killpg(process.pid, signal.SIGKILL)  # its own session: also orphans of its own
    process.kill()
    _kill(family)
    process.wait()


def _descendants(pid: int) -> list[psutil.Process]:
    import psutil

    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill(family: list[psutil.Process]) -> None:
    import psutil

    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()


def _last_line(log: IO[bytes]) -> str | None:
    """The last that was written there; None where nothing was."""
    log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
    lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else None


def failure(ending: Ending) -> tuple[Status, str]:
    """What to say of a run that left no record."""
    code = ending.exit_code
    if ending.over_limit_s is not None:
        return "timed out", f"not done after {ending.over_limit_s:g} s; give it more with --timeout"
    if code is not None and code < 0:
        hint = "; often the system is out of memory" if code == -9 else ""
        return "crashed", f"the process was ended by signal {-code}{hint}; {ending.last_words}"
    if code is not None:
        reason = f"the process ended with exit code {code} and no record; {ending.last_words}"
        return "crashed", reason
    return "crashed", str(ending)


# The child's side


class Parent:
    """The process that has started this one. To be made first of all, and once.

    Standard output is kept for messages; what this process prints goes to standard error instead.
    """

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        streams.endure()  # a log that cannot be written must not end the work

    def request(self, kind: type[Message]) -> Message:
        """What this process was started for. From here on it ends with its parent."""
        import msgspec

        return msgspec.json.decode(self.request_line(), type=kind)

    def request_line(self) -> bytes:
        """The same as JSON, for an interpreter that has the standard library alone."""
        line = sys.stdin.buffer.readline()
        _end_with_parent()
        return line

    def tell(self, message: Any) -> None:
        """Send a message: plain values, or a dataclass of them."""
        import msgspec

        self.tell_line(msgspec.json.encode(message))

    def tell_line(self, line: bytes) -> None:
        """Send one that is JSON already."""
        self._out.write(line + b"\n")
        self._out.flush()


def _end_with_parent() -> None:
    """End this process and all that it has started as soon as standard input closes.

    It is kept for that alone: what this process starts gets an empty one.
    """
    stdin = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if sys.platform == "linux" and _leads_its_session():
        _let_the_kernel_end_us(stdin)

    def wait() -> None:
        os.read(stdin, 1)  # unbuffered: a buffered read would hold a lock that exit() waits for
        with contextlib.suppress(ImportError):
            _kill(_descendants(os.getpid()))
        if _leads_its_session():
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _let_the_kernel_end_us(stdin: int) -> None:
    """Have Linux kill the whole group when ``stdin`` closes, even while C code holds Python's lock.

    PR_SET_PDEATHSIG, its signal of a parent's death, would end this process alone, and often before
    the thread can end the compilers.
    """
    import fcntl

    with contextlib.suppress(OSError):  # a system without it has the thread
        fcntl.fcntl(stdin, fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(stdin, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(stdin, fcntl.F_SETFL, fcntl.fcntl(stdin, fcntl.F_GETFL) | os.O_ASYNC)


def _leads_its_session() -> bool:
    """Whether it was started as a child is, and not by hand in somebody's terminal."""
    return hasattr(os, "getsid") and os.getsid(0) == os.getpid()

"""Talks to ``framework_process.py``, and gives pytest-benchmark the child's own seconds.

A benchmark's time is the difference of two readings of its timer. ``CHILD_CLOCK`` moves only
by what a child has measured around its work, so that no pipe and no process is in a figure.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from types import TracebackType

import msgspec

from bench.experiment import Experiment
from bench.run.environment import PROJECT, environment
from bench.run.processes import end_tree
from bench.trainers import FrameworkMissing
from tests.benchmarks.framework_process import Answer, Command


class ChildClock:
    """Adds up seconds that were measured elsewhere."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def read(self) -> float:
        """The timer for ``@pytest.mark.benchmark(timer=...)``."""
        return self.now_s


CHILD_CLOCK = ChildClock()  # one for all: a mark needs its timer before any process exists


class FrameworkProcess:
    """A child process for one framework on one device, those of ``experiment``."""

    def __init__(self, experiment: Experiment, clock: ChildClock = CHILD_CLOCK) -> None:
        self._clock = clock
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.framework_process"],
            cwd=PROJECT,
            env=environment(experiment, os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def build(self, experiment: Experiment) -> None:
        """Make the network and warm it up, unless it is the one in hand.

        Raises FrameworkMissing where the framework, or its support for the device, is not
        installed.
        """
        self._ask(Command(action="build", experiment=experiment))

    def step(self, experiment: Experiment) -> float:
        """Train a stretch; move the clock by the seconds of one step and return them."""
        return self._timed(Command(action="step", experiment=experiment))

    def infer(self, experiment: Experiment) -> float:
        """Infer one batch; move the clock by its seconds and return them."""
        return self._timed(Command(action="infer", experiment=experiment))

    def close(self) -> None:
        """End the child."""
        end_tree(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what it has not read is lost
                    pipe.close()

    def _timed(self, command: Command) -> float:
        seconds = self._ask(command).seconds
        self._clock.now_s += seconds
        return seconds

    def _ask(self, command: Command) -> Answer:
        answer = msgspec.json.decode(self._exchange(msgspec.json.encode(command)), type=Answer)
        if answer.missing is not None:
            raise FrameworkMissing(answer.missing)
        if answer.error is not None:
            raise RuntimeError(f"in the child:\n{answer.error}")
        return answer

    def _exchange(self, line: bytes) -> bytes:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(line + b"\n")
            stdin.flush()
        except BrokenPipeError:
            pass  # it has ended: the empty answer below says so
        reply = stdout.readline()
        if not reply:
            raise RuntimeError(f"the child ended with exit code {self._process.wait()}")
        return reply


class FrameworkProcesses:
    """At most one child lives at a time, so that none takes cores or memory from another."""

    def __init__(self) -> None:
        self._process: FrameworkProcess | None = None
        self._key: tuple[str, str] | None = None

    def built(self, experiment: Experiment) -> FrameworkProcess:
        """The process of the experiment's framework, its network made and warmed up."""
        key = (experiment.framework, experiment.device)
        if self._process is None or key != self._key:
            self.close()
            self._process, self._key = FrameworkProcess(experiment), key
        self._process.build(experiment)
        return self._process

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def __enter__(self) -> FrameworkProcesses:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

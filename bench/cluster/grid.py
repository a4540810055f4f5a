"""A grid: a folder that many machines fill. The one module that knows what lies where in it.

A block is all runs of one seed on one node. It is an ordinary results folder of its own, so that no
two machines write to one file, and what was interrupted is taken up as in any suite.

NAME/kinds/KIND.json             a kind of node: how many blocks it has, and runs a block
NAME/blocks/KIND-seed-03/        a results folder; block.json in it: on which node, how it ended
NAME/aside/KIND-seed-03.1/       what of a block was begun on another node than ended it
NAME/jobs/KIND-seed-03.json      the job that was last submitted for a block
NAME/jobs/logs/                  what submitit keeps of jobs, and what they printed
NAME/locks/                      which process has which block
NAME/README.md machines.* frameworks.*   made of all blocks by --collect
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import filelock

from bench.results import write_atomically
from bench.results.folder import Results, ResultsError
from bench.results.record import encode
from bench.results.sound import RecordError, parse, printable

NODE = "GLYPHBENCH_NODE"  # names the node, where neither Slurm nor the host's name does
PATIENCE_S = 5.0  # for a block that another process only looks at

Content = TypeVar("Content")
State = Literal["running", "done", "failed"]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of node, and what is to be run on it."""

    name: str
    seeds: int  # a block each, from seed 0
    runs: int  # of a block


@dataclass(frozen=True, kw_only=True)
class Block:
    """What a block says of itself."""

    node: str
    runs: int  # planned
    state: State
    reason: str | None = None  # why it failed
    began_at: str  # UTC, ISO 8601
    ended_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a block was last submitted as."""

    engine: Literal["slurm", "local"]
    id: str  # Slurm's, such as '12_3'; of 'local' the number of its process
    log: str  # the file with what it printed
    submitted_at: str = ""  # UTC, ISO 8601; empty of one submitted before this was noted


@dataclass(frozen=True)
class Grid:
    """The folder of one grid."""

    folder: Path

    # Kinds

    def kinds(self) -> list[Kind]:
        """Those that are known, by name. Raises ResultsError where there is none."""
        paths = sorted((self.folder / "kinds").glob("*.json"))
        kinds = [kind for path in paths if (kind := _read(path, Kind)) is not None]
        if not kinds:
            raise ResultsError(
                f"{self.folder} holds no blocks; run_all.py --shard or --on makes them"
            )
        return kinds

    def announce(self, kind: Kind) -> None:
        """Say what a kind has to do; each of its processes says the same."""
        write_atomically(self.folder / "kinds" / f"{kind.name}.json", encode(kind))

    # Blocks

    @staticmethod
    def names(kind: Kind) -> list[str]:
        """The names of its blocks, one a seed."""
        return [f"{kind.name}-seed-{seed:02}" for seed in range(kind.seeds)]

    def results(self, name: str) -> Results:
        """A block's results folder."""
        return Results(self.folder / "blocks" / name)

    def block(self, name: str) -> Block | None:
        """What a block says of itself; None: it was never begun."""
        return _read(self._block_file(name), Block)

    def save_block(self, name: str, block: Block) -> None:
        """Write that, whole or not at all."""
        write_atomically(self._block_file(name), encode(block))

    def recorded(self, name: str) -> int:
        """How many runs of a block have a record."""
        return len(list((self.results(name).folder / "records").glob("*.json")))

    def put_aside(self, name: str) -> Path:
        """Keep what was measured of a block apart, so that it can begin anew; return where."""
        aside = self.folder / "aside"
        aside.mkdir(exist_ok=True)
        number = 1
        while (target := aside / f"{name}.{number}").exists():
            number += 1
        self.results(name).folder.rename(target)
        return target

    def _block_file(self, name: str) -> Path:
        return self.results(name).folder / "block.json"

    # Jobs

    @property
    def logs(self) -> Path:
        """Where submitit keeps its files."""
        return self.folder / "jobs" / "logs"

    def job(self, name: str) -> Job | None:
        """The job that a block was last submitted as; None: it never was."""
        return _read(self.folder / "jobs" / f"{name}.json", Job)

    def save_job(self, name: str, job: Job) -> None:
        """Note the job of a block."""
        write_atomically(self.folder / "jobs" / f"{name}.json", encode(job))

    # One at a time

    @contextmanager
    def held(self, work: str, patience_s: float | None = None) -> Iterator[bool]:
        """Hold a block, or another piece of work, for this process; False: another has it.

        ``patience_s``: how long it may have it; None: PATIENCE_S. Raises ResultsError where nothing
        can be written.
        """
        locks = self.folder / "locks"
        lock = filelock.FileLock(locks / work)
        held = True
        try:
            locks.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=PATIENCE_S if patience_s is None else patience_s)
        except filelock.Timeout:
            held = False
        except OSError as error:
            raise ResultsError(
                f"{self.folder} cannot be written to ({error.strerror or error}); choose another "
                "--out"
            ) from error
        try:
            yield held
        finally:
            lock.release()


def node() -> str:
    """The name of this node: as GLYPHBENCH_NODE has it, as Slurm calls it, or the host's."""
    names = (os.environ.get(NODE), os.environ.get("SLURMD_NODENAME"), platform.node())
    return printable(next(filter(None, names), "unknown"))


def _read(path: Path, kind: type[Content]) -> Content | None:
    """What a file says; None where there is none. Raises ResultsError where it is broken."""
    try:
        return parse(path.read_bytes(), path, kind, f"a {kind.__name__.lower()} of a grid")
    except FileNotFoundError:
        return None
    except (RecordError, OSError) as error:
        raise ResultsError(f"{error}; remove the file to go on without it") from error


def now() -> str:
    """The time, as a grid's files have it: UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")

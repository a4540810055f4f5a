"""What files of pytest-benchmark and results folders say: how long each benchmark took at a commit.

Each file or folder is one run: of each of its benchmarks it gives one time, the median over the
rounds. Of a results folder that is the mean training step of an experiment, the geometric mean over
the seeds that nothing disturbed. However many rounds there are, they share a process, a build and a
moment; so what is compared are runs (Kalibera and Jones, 'Rigorous Benchmarking in Reasonable
Time', ISMM 2013).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import geometric_mean

import msgspec

from bench import UsageError
from bench.results.evidence import Commit
from bench.results.folder import Results
from bench.results.sound import parse, printable
from bench.stats import runs

DIGITS = 7  # of a commit's id
# A system is patched every few weeks, which makes it no other: of 'Linux 6.1.0-18-amd64' this is
PATCHED = re.compile(r"^(\S+ \d+\.\d+)\S*")  # 'Linux 6.1'


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What one file or folder says: how long every benchmark took at one commit."""

    path: Path
    commit: Commit | None  # None: not known; then it has its place by its own time
    made_at: datetime
    machine: Mapping[str, str]  # 'processor', 'cores', ... -> as far as it is known
    seconds: Mapping[str, float]  # by the benchmarks' names

    @property
    def state(self) -> str:
        """Of the project's files: the same in two runs only if they were."""
        if self.commit is None:
            return self.made_at.isoformat()
        return self.commit.id + (f"+{self.made_at.isoformat()}" if self.commit.dirty else "")

    @property
    def label(self) -> str:
        """'1a2b3c4', with a plus where files were changed; the time where no commit is known."""
        if self.commit is None:
            return f"{self.made_at:%Y-%m-%d %H:%M}"
        return f"{self.commit.id[:DIGITS]}{'+' if self.commit.dirty else ''}"

    @property
    def order(self) -> tuple[datetime, str, datetime]:
        """By the time of the commit; the runs of one stand together."""
        of_commit = _time(self.commit.time, self.path) if self.commit else self.made_at
        return of_commit, self.state, self.made_at


def read(paths: Sequence[Path]) -> list[Snapshot]:
    """Every run in these files and folders, in order.

    Raises UsageError, ResultsError or RecordError on what is none, naming the file.
    """
    sources = {source.resolve(): source for path in paths for source in _sources(path)}
    if not sources:
        raise UsageError(
            f"{', '.join(map(str, paths))}: no run in it; give files that 'pytest --benchmark-only "
            "--benchmark-json FILE' wrote, or results folders"
        )
    snapshots = (_of_folder(path) if path.is_dir() else _of_file(path) for path in sources.values())
    return sorted(snapshots, key=lambda snapshot: snapshot.order)


def _sources(path: Path) -> Iterator[Path]:
    if path.is_file() or (path / "records").is_dir():
        yield path
    elif not path.is_dir():
        raise UsageError(f"{path}: no such file or folder")
    else:
        for child in sorted(path.iterdir()):
            if child.is_dir() or child.suffix == ".json":
                yield from _sources(child)


def _time(text: str, path: Path) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{path}: {text!r} is no date and time of ISO 8601") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


class _Processor(msgspec.Struct):
    brand_raw: str = "unknown"
    count: int = 0


class _MachineInfo(msgspec.Struct):
    system: str
    release: str
    machine: str
    cpu: _Processor
    gpus: tuple[str, ...] = ()  # added by tests/benchmarks/conftest.py


class _CommitInfo(msgspec.Struct):
    id: str
    time: str | None = None
    dirty: bool = False


class _Stats(msgspec.Struct):
    median: float


class _Benchmark(msgspec.Struct):
    fullname: str
    stats: _Stats


class _Written(msgspec.Struct):
    """What is read of a file of pytest-benchmark; it has more."""

    machine_info: _MachineInfo
    commit_info: _CommitInfo
    benchmarks: tuple[_Benchmark, ...]
    made_at: str = msgspec.field(name="datetime")


def _of_file(path: Path) -> Snapshot:
    written = parse(path.read_bytes(), path, _Written, "a file of pytest-benchmark")
    seconds = {printable(each.fullname): each.stats.median for each in written.benchmarks}
    for name, median_s in seconds.items():
        if not 0 < median_s < math.inf:
            raise UsageError(f"{path}: {name} took {median_s} s; wanted more than 0")
    info, commit = written.machine_info, written.commit_info
    return Snapshot(
        path=path,
        commit=(
            None
            if commit.time is None
            else Commit(id=printable(commit.id), time=commit.time, dirty=commit.dirty)
        ),
        made_at=_time(written.made_at, path),
        machine={
            "processor": printable(info.cpu.brand_raw),
            "cores": str(info.cpu.count),
            "system": _system(f"{info.system} {info.release} {info.machine}"),
            "GPUs": printable(", ".join(info.gpus)) or "none",
        },
        seconds=seconds,
    )


def _system(words: str) -> str:
    return printable(PATCHED.sub(r"\1", words))


def _of_folder(folder: Path) -> Snapshot:
    results = Results(folder)
    records = results.require_records()
    if len({runs.host(record.machine) for record in records}) > 1:
        raise UsageError(f"{folder}: its runs are of several machines; give a folder of one")
    seconds: dict[str, float] = {}
    for group in runs.replicates(records):
        name = group.experiment.id
        steps = [runs.step_s(record) for record in group.measured if not record.disturbed]
        known = [step_s for step_s in steps if step_s]
        if name in seconds:
            raise UsageError(
                f"{folder}: {name} ran on several versions, data or GPUs; give one set"
            )
        if known:
            seconds[name] = geometric_mean(known)
    host, gpus = runs.host(records[0].machine), records[0].machine.gpus
    return Snapshot(
        path=folder,
        commit=results.evidence().suite.commit,
        made_at=_time(records[0].started_at, folder),
        machine={
            "processor": host.cpu,
            "cores": str(host.cores),
            "memory": f"{host.memory_gib} GiB",
            "system": _system(host.system),
            "GPUs": ", ".join(gpu.name for gpu in gpus) or "none",
        },
        seconds=seconds,
    )


def of_one_machine(
    snapshots: Sequence[Snapshot], *, newest_machine: bool = False
) -> tuple[list[Snapshot], list[str]]:
    """Those that may be joined, and what differs in those that were left out, in sentences.

    Raises UsageError where the machine of the newest is not that of all, unless the others are to
    be left out (``newest_machine``).
    """
    newest = snapshots[-1]
    fitting = [snapshot for snapshot in snapshots if not _differences([snapshot], newest)]
    sentences = _differences(snapshots, newest)
    if sentences and not newest_machine:
        raise UsageError(
            "runs of several machines are no trend:\n"
            + "\n".join(f"  {sentence}" for sentence in sentences)
            + "\ngive those of one machine, or add --newest-machine to leave the others out"
        )
    return fitting, sentences


def _differences(snapshots: Sequence[Snapshot], newest: Snapshot) -> list[str]:
    found: dict[tuple[str, str], str] = {}
    for snapshot in snapshots:
        for what, here in newest.machine.items():
            there = snapshot.machine.get(what, here)
            if there != here:
                sentence = f"{what}: {there} in {snapshot.path}, {here} in {newest.path}"
                found.setdefault((what, there), sentence)
    return list(found.values())

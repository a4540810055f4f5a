"""A results folder: records saved at once and whole, loaded, locked, checked before a resume.

NAME/records/RUN.json       one record a run
NAME/checkpoints/RUN.safetensors
NAME/models/RUN.safetensors (or .keras)   the best weights with their card, ready for use
NAME/predictions/RUN.npz    what that model says of the test images
NAME/logs/RUN.log           what the frameworks printed
NAME/tables/ NAME/plots/    made from the records by bench.report
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.record import Machine, Record, RecordError, decode, encode

GIB = 2**30


class ResultsError(Exception):
    """A results folder that cannot be used as asked; the message says what to do."""


def record_path(folder: Path, run_id: str) -> Path:
    """Where the record of a run lies."""
    return folder / "records" / f"{run_id}.json"


def checkpoint_path(folder: Path, run_id: str) -> Path:
    """Where the best weights of a run lie."""
    return folder / "checkpoints" / f"{run_id}.safetensors"


def model_path(folder: Path, run_id: str, ending: str) -> Path:
    """Where the saved model of a run lies; ``ending`` is its framework's ``model_ending``."""
    return folder / "models" / f"{run_id}{ending}"


def predictions_path(folder: Path, run_id: str) -> Path:
    """Where the predictions of a run's saved model lie."""
    return folder / "predictions" / f"{run_id}.npz"


def log_path(folder: Path, run_id: str) -> Path:
    """Where the output of a run's process lies."""
    return folder / "logs" / f"{run_id}.log"


def save(folder: Path, record: Record) -> None:
    """Write a record under a temporary name, to the disk, then rename it: whole or not at all."""
    write_atomically(record_path(folder, record.run_id), encode(record))


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` beside ``path``, force it to the disk, and rename it into place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load(folder: Path) -> list[Record]:
    """All records of a folder, in the order in which they were made.

    Raises ResultsError where there is no such folder, no record in it, or one is unreadable.
    """
    records = load_some(folder)
    if not records:
        raise ResultsError(
            f"no records in {folder / 'records'}; a results folder is made by run_all.py --out"
        )
    return records


def load_some(folder: Path) -> list[Record]:
    """Like ``load``, but a folder that is not there yet has no records."""
    paths = sorted((folder / "records").glob("*.json"))
    try:
        records = [decode(path.read_bytes(), path) for path in paths]
    except (RecordError, OSError) as error:
        raise ResultsError(f"{error}; move the file away to go on without it") from error
    return sorted(records, key=lambda record: (record.started_at, record.run_id))


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the folder for one process.

    Raises ResultsError at once where another process holds it, or nothing can be written there.
    """
    import filelock

    held = filelock.FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held.acquire(timeout=0)
    except OSError as error:
        if not isinstance(error, filelock.Timeout):
            raise ResultsError(
                f"{folder} cannot be written to ({error.strerror or error}); choose another --out"
            ) from error
        raise ResultsError(
            f"{folder} is in use by another process; wait for it, or choose another --out"
        ) from None
    try:
        yield
    finally:
        held.release()


def differences(
    records: Iterable[Record],
    machine: Machine,
    versions: Mapping[str, Mapping[str, str]],
    fingerprints: dict[tuple[str, str], str],
) -> list[str]:
    """What keeps saved records from being set beside new ones: one sentence for each thing.

    Args:
        records: those in the folder.
        machine: the one that would run now.
        versions: framework -> package -> version, as they would run now.
        fingerprints: (task, source) -> fingerprint of the data as it is now.
    """
    found: dict[str, None] = {}  # keeps the order and drops what repeats
    for record in records:
        for sentence in (
            *_machine_differences(record.machine, machine),
            *_version_differences(record, versions),
            *_data_differences(record, fingerprints),
        ):
            found[sentence] = None
    return list(found)


def _machine_differences(then: Machine, now: Machine) -> Iterator[str]:
    pairs = {
        "processor": (then.cpu, now.cpu),
        "cores": (then.cores, now.cores),
        # to the GiB: the last bytes change with every kernel
        "memory in GiB": (round(then.memory_bytes / GIB), round(now.memory_bytes / GIB)),
        "system": (then.system, now.system),
        "GPUs": (tuple(g.name for g in then.gpus), tuple(g.name for g in now.gpus)),
    }
    for name, (old, new) in pairs.items():
        if old != new:
            yield f"{name}: {old} in the records, {new} now"


def _version_differences(record: Record, now: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    framework = record.experiment.framework
    for package, version in now.get(framework, {}).items():
        old = record.versions.get(package)
        if old != version and record.status != "not installed":
            yield f"{package} for {framework}: {old or 'none'} in the records, {version} now"


def _data_differences(record: Record, now: dict[tuple[str, str], str]) -> Iterator[str]:
    data = record.data
    current = now.get((data.task, data.source))
    if current is None:
        sources = [source for task, source in now if task == data.task]
        if sources:
            yield f"{data.task}: {data.source} in the records, {', '.join(sources)} now"
    elif current != data.fingerprint:
        yield f"{data.task} from {data.source}: the images are not the same as in the records"


def note_command(
    folder: Path, arguments: Sequence[str], program: Sequence[str] = ("python", "run_all.py")
) -> None:
    """Add the command line to ``command.txt``, so that the folder says how it was made."""
    line = shlex.join([*program, *arguments])
    with (folder / "command.txt").open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def commands(folder: Path) -> list[str]:
    """The command lines that made the folder, oldest first; empty where none was noted."""
    path = folder / "command.txt"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

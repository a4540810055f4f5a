"""What a climb leaves: one process, one rung, one seed. Raw values, one JSON file each.

A rung that was changed is entered anew, and what it left before stays: ``entry`` counts. Only the
climbs of the last entry are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.experiment import in_file_name
from bench.results import write_atomically
from bench.results.folder import ResultsError
from bench.results.observed import Energy
from bench.results.record import DISTURBED, Data, Machine, encode
from bench.results.sound import RecordError, numbers, parse, texts

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Work:
    """What was done, as the rung says and as it was counted."""

    batch_size: int
    steps: int  # as the loop says
    steps_counted: int  # by the optimiser
    images_seen: int  # training images, each as often as it was seen, by their numbers
    images_distinct: int  # how many different ones
    parameters: int  # numbers in the network, running means of normalisation among them
    flop_an_image: int | None = None  # forward and backward, of all weights; None: not counted


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A climb that came to its end."""

    train_s: float  # from uint8 images in host memory to the idle device
    process_s: float  # from the start of the process to the weights in host memory
    empty_s: float | None = None  # the same from empty caches; None: nothing is compiled, as above
    work: Work
    start_accuracy: float  # on validation, before any training
    validation_accuracy: float
    test_correct: int | None = None  # None: the test set stayed sealed
    test_images: int | None = None
    others_share: float | None = None  # of the processors' time, by other programs
    energy: Energy | None = None


@dataclass(frozen=True, kw_only=True)
class Climb:
    """One rung with one seed."""

    ladder: str
    framework: str
    device: str
    rung: str
    idea: str
    former: str | None  # the rung below, which ran beside it
    source_sha256: str  # of the rung and of all that it stands on
    former_sha256: str | None = None  # the same of the rung below; None: of an early record
    entry: int = 1  # the how-many-eth time that this rung is measured in this folder
    seed: int
    position: int  # its turn among the rungs of its seed
    started_at: str  # UTC, ISO 8601
    machine: Machine
    versions: dict[str, str]
    data: Data
    environment: dict[str, str]  # that the rung asks for
    settings: dict[str, str] = field(default_factory=dict)
    measured: Measured | None = None
    problems: tuple[
        str, ...
    ] = ()  # what the checks found, or why it failed; then it counts for nothing
    tries: int = 1  # how often it ran: while others disturbed it
    schema_version: int = SCHEMA_VERSION

    @property
    def disturbed(self) -> bool:
        """Whether other programs took too much of the processors."""
        return bool(self.measured and (self.measured.others_share or 0.0) > DISTURBED)

    @property
    def test_accuracy(self) -> float | None:
        """A fraction; None where the test set stayed sealed."""
        measured = self.measured
        if measured is None or measured.test_correct is None or not measured.test_images:
            return None
        return measured.test_correct / measured.test_images


def _path(folder: Path, climb: Climb) -> Path:
    of = f"{climb.ladder}_{climb.framework}_{in_file_name(climb.device)}_{climb.rung}"
    return folder / "climbs" / f"{of}_e{climb.entry}_s{climb.seed}.json"


def save(folder: Path, climb: Climb) -> None:
    """Write a climb, whole or not at all."""
    write_atomically(_path(folder, climb), encode(climb))


def load(folder: Path) -> list[Climb]:
    """All climbs of a folder, in the order in which they were made; none where there is none.

    Raises ResultsError naming a file that is broken.
    """
    climbs = [_read(path) for path in sorted((folder / "climbs").glob("*.json"))]
    return sorted(climbs, key=lambda climb: (climb.started_at, climb.rung))


def _read(path: Path) -> Climb:
    try:
        climb = parse(path.read_bytes(), path, Climb, "the record of a climb")
        for problem in (*numbers(climb, ""), *texts(climb, "")):
            raise RecordError(f"{path}: this cannot be a climb: {problem}")
    except RecordError as error:
        raise ResultsError(f"{error}; move the file away to go on without it") from error
    if climb.schema_version != SCHEMA_VERSION or _path(path.parents[1], climb).name != path.name:
        raise ResultsError(f"{path}: not the climb of its name; move the file away")
    return climb


def entry(climbs: Sequence[Climb], like: Climb, *, asks_test: bool) -> int:
    """The number of the entry to which a climb of this rung would belong.

    The last one's where the rung is as it was and no more is asked of it, else a new one.
    """
    same = [climb for climb in climbs if _subject(climb) == _subject(like)]
    last = max(same, key=lambda climb: climb.entry, default=None)
    if last is None:
        return 1
    asks_more = asks_test and last.measured is not None and last.test_accuracy is None
    return last.entry + (last.source_sha256 != like.source_sha256 or asks_more)


def latest(climbs: Sequence[Climb]) -> list[Climb]:
    """The climbs of each rung's last entry."""
    last: dict[tuple[str, ...], int] = {}
    for climb in climbs:
        last[_subject(climb)] = max(last.get(_subject(climb), 0), climb.entry)
    return [climb for climb in climbs if climb.entry == last[_subject(climb)]]


def _subject(climb: Climb) -> tuple[str, ...]:
    return climb.ladder, climb.framework, climb.device, climb.rung

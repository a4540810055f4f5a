"""Whether what a file says can be so: a record may come from anybody, damaged or made up.

Types are checked as JSON is decoded. Here are ranges, words that become names of files, and what
has to fit together; and the checksum that every file of a results folder carries as its last
field, by which a flipped bit or a changed figure is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

if TYPE_CHECKING:
    from bench.results.record import Measurement, Record

Kind = TypeVar("Kind")

# What experiments are named by: also a part of paths, so nothing that leads out of a folder.
WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
NUMBER = re.compile(r":[0-9]+$")  # of a device, one of several
MOST_CHARACTERS = 64
MOST = 1e36  # of anything: squares, sums and inverses of it are finite
WORDS = ("task", "source", "architecture", "framework", "execution", "device")
CHECKSUM = re.compile(rb',\n "sha256": "([0-9a-f]{64})"\n\}\n$')
AT_THE_END = 100  # bytes among which a checksum begins


class RecordError(Exception):
    """A record file that cannot be read."""


def with_checksum(content: bytes) -> bytes:
    """Indented JSON of an object, with the SHA-256 of all its other bytes as its last field."""
    body = content.removesuffix(b"\n}\n")
    return body + b',\n "sha256": "' + sha256(body).hexdigest().encode() + b'"\n}\n'


def is_changed(content: bytes) -> bool:
    """Whether a file says by its checksum that it was changed; one that has none does not."""
    checksum = CHECKSUM.search(content)
    if checksum is None:
        return b'"sha256": ' in content[-AT_THE_END:]  # what was one
    return sha256(content[: checksum.start()]).hexdigest().encode() != checksum[1]


def parse(content: bytes, path: Path, kind: type[Kind], name: str) -> Kind:
    """Read JSON of a kind, of a file of this project or of anybody's.

    Raises RecordError naming ``path`` and ``name``, which it should have been: 'a record'.
    """
    if is_changed(content):
        raise RecordError(f"{path}: it was changed after it was written: its checksum does not fit")
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise RecordError(f"{path}: not {name}: {error}") from error


def problems(record: Record) -> Iterator[str]:
    """What of a record cannot be, in words; nothing of a sound one."""
    experiment = record.experiment
    for name in WORDS:
        word = getattr(experiment, name)
        plain = NUMBER.sub("", word) if name == "device" else word
        if not WORD.fullmatch(plain) or len(word) > MOST_CHARACTERS:
            yield f"{name} {word!r}: wanted small letters and digits in words joined by hyphens"
    if record.run_id != record.run.id:
        yield f"run_id {record.run_id!r}: its experiment and seed make it {record.run.id!r}"
    if (record.data.task, record.data.source) != (experiment.task, experiment.source):
        yield "data: of another task or source than the experiment"
    try:
        datetime.fromisoformat(record.started_at)
    except ValueError:
        yield f"started_at {record.started_at!r}: no date and time of ISO 8601"
    if (record.measurement is None) == (record.status == "ok"):
        there = "a" if record.measurement else "no"
        yield f"status {record.status!r} with {there} measurement"
    yield from numbers(record, "")
    yield from texts(record, "")
    if experiment.batch_size < 1 or not experiment.epochs > 0:
        yield f"batch size {experiment.batch_size} and {experiment.epochs:g} epochs: nothing is run"
    if record.measurement is not None:
        yield from _of_measurement(record.measurement, record)


def _of_measurement(measured: Measurement, record: Record) -> Iterator[str]:
    if not measured.segments:
        yield "measurement.segments: empty, so nothing was trained"
    if any(segment.images < 1 or segment.steps < 1 for segment in measured.segments):
        yield "measurement.segments: one without images or steps"
    for evaluation in measured.evaluations:
        if not evaluation.accuracy <= 1 or not (evaluation.training_accuracy or 0) <= 1:
            yield f"an accuracy of {evaluation.accuracy:g}: wanted a fraction, from 0 to 1"
    test = measured.test
    if test is not None:
        if not test.correct <= test.images or test.images < 1:
            yield f"test: {test.correct} right of {test.images} images"
        if test.evaluation >= len(measured.evaluations):
            yield f"test.evaluation {test.evaluation}: there are {len(measured.evaluations)}"
        wrong = test.wrong
        if wrong is not None and (
            len(set(wrong)) != test.images - test.correct or max(wrong, default=0) >= test.images
        ):
            yield f"test.wrong: {len(wrong)} images, where {test.images - test.correct} are wrong"
    if any(asked.batch_size < 1 for asked in measured.inference):
        yield "measurement.inference: a batch without images"
    rehearsal = measured.rehearsal
    if rehearsal is not None:
        timed = (rehearsal.samples_s, *(each.samples_s for each in rehearsal.exchanges))
        if rehearsal.steps < 1 or len(timed) < 3 or not all(s and min(s) > 0 for s in timed):
            yield "measurement.rehearsal: without steps, exchanges of two sizes, or seconds"


def printable(text: str) -> str:
    """The text on one line, without what would move a terminal's cursor or colour it."""
    return "".join(char if char.isprintable() else " " for char in text)


def texts(value: object, name: str) -> Iterator[str]:
    """Every text in a record can be printed on one line."""
    if isinstance(value, str):
        if not value.isprintable():
            yield f"{name} {value[:MOST_CHARACTERS]!r}: it has characters that cannot be printed"
    elif isinstance(value, tuple) and value and not isinstance(value[0], float | int):
        for part in value:
            yield from texts(part, name)
    elif isinstance(value, dict):
        yield from texts((*value, *value.values()), name)
    elif is_dataclass(value):
        for each in fields(value):
            yield from texts(getattr(value, each.name), f"{name}.{each.name}".lstrip("."))


def numbers(value: object, name: str) -> Iterator[str]:
    """Every number in a record is one that sums and ratios can be made of, and not below 0."""
    if isinstance(value, float | int):
        if value and not 1 / MOST <= value <= MOST:
            yield f"{name} {value:g}: wanted 0, or a number from {1 / MOST:g} to {MOST:g}"
    elif isinstance(value, tuple) and value and isinstance(value[0], float | int):
        yield from numbers(min(value), f"the least of {name}")
        yield from numbers(sum(value), f"the sum of {name}")  # not a number where one is none
    elif isinstance(value, tuple):
        for part in value:
            yield from numbers(part, name)
    elif is_dataclass(value):
        for each in fields(value):
            yield from numbers(getattr(value, each.name), f"{name}.{each.name}".lstrip("."))

"""What a saved model says of itself: its card. It holds all that is needed to use the network.

A card may come from anybody. ``decode_card`` is the one way to read it, and reads none that cannot
be so: ``check`` holds its rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import UsageError
from bench.results.record import Record, encode
from bench.results.sound import RecordError, parse, problems
from datasets.tasks import printable
from models import ARCHITECTURES

CARD_VERSION = 1
MOST_CARD_BYTES = 8 << 20  # the record of a hundred epochs takes a hundredth of it
LEAST_CLASSES, MOST_CLASSES = 2, 256  # as of the data that are read: labels are bytes
MOST_CLASS_CHARACTERS = 100
LEAST_STD = 1e-6  # of pixels from 0 to 1: less than of a single white one among a million images


class SavedModelError(UsageError):
    """A file that is no usable saved model: says what came, what was wanted, what to do.

    Its message holds no control characters, which a file's names may have.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


@dataclass(frozen=True, kw_only=True)
class Card:
    """Task, normalisation, network, and the record of the run that trained it."""

    task: str
    class_names: tuple[str, ...]  # in label order
    pixel_mean: float  # images are normalised as (x / 255 - mean) / std
    pixel_std: float
    architecture: str
    framework: str  # that trained it
    record: Record
    card_version: int = CARD_VERSION


class _Versioned(msgspec.Struct):
    card_version: int


def card_of(record: Record) -> Card:
    """The card of the model that a run left."""
    return Card(
        task=record.data.task,
        class_names=record.data.class_names,
        pixel_mean=record.data.pixel_mean,
        pixel_std=record.data.pixel_std,
        architecture=record.experiment.architecture,
        framework=record.experiment.framework,
        record=record,
    )


def encode_card(card: Card) -> bytes:
    """The card as JSON with a checksum, by which ``decode_card`` notices a flipped bit."""
    return encode(card)


def decode_card(content: bytes, path: Path) -> Card:
    """The card that a file holds as JSON, checked.

    Raises SavedModelError where it is too large, damaged, of a version that cannot be read, or
    says what cannot be so.
    """
    if len(content) > MOST_CARD_BYTES:
        raise too_large(path, "a card", len(content), MOST_CARD_BYTES)
    name = "the card of a model, or a damaged one"
    try:
        version = parse(content, path, _Versioned, name).card_version
        if version != CARD_VERSION:
            raise SavedModelError(
                f"{path}: its card is of version {version}, wanted {CARD_VERSION}; "
                "use the version of the project that saved it"
            )
        card = parse(content, path, Card, name)
    except RecordError as error:
        raise SavedModelError(f"{error}; copy the model again") from error
    check(card, path)
    return card


def too_large(path: Path, part: str, size_bytes: int, most_bytes: int) -> SavedModelError:
    """For a part of a file that no model of this project needs so much room for."""
    return SavedModelError(
        f"{path}: {part} of {size_bytes / 2**20:,.1f} MB; {most_bytes / 2**20:,.2g} MB are the "
        "most that a model of this project needs: it is damaged, or not one of them"
    )


def check(card: Card, path: Path) -> None:
    """Raise SavedModelError naming ``path`` and the first thing of a card that cannot be so."""
    for problem in _problems(card):
        raise SavedModelError(f"{path}: its card cannot be so: {problem}")


def _problems(card: Card) -> Iterator[str]:
    yield from _of_classes(card.class_names)
    if not 0 <= card.pixel_mean <= 1:
        yield f"pixel_mean {card.pixel_mean}: wanted a number from 0 to 1"
    if not LEAST_STD <= card.pixel_std <= 1:
        yield f"pixel_std {card.pixel_std}: wanted a number from {LEAST_STD:g} to 1"
    if card.architecture not in ARCHITECTURES:
        yield (
            f"unknown architecture {card.architecture[:MOST_CLASS_CHARACTERS]!r}; known are "
            f"{', '.join(ARCHITECTURES)}"
        )
    yield from (f"record: {problem}" for problem in problems(card.record))
    if card.record.status != "ok":
        yield f"record: its run {card.record.status}; wanted one that was trained to the end"
    yield from _unlike_its_record(card)


def _of_classes(names: tuple[str, ...]) -> Iterator[str]:
    if not LEAST_CLASSES <= len(names) <= MOST_CLASSES:
        yield f"{len(names):,} classes; wanted {LEAST_CLASSES} to {MOST_CLASSES}"
        return
    for name in names:
        if not 1 <= len(name) <= MOST_CLASS_CHARACTERS or not name.isprintable():
            yield (
                f"a class called {name[:20]!r}, {len(name):,} characters; wanted 1 to "
                f"{MOST_CLASS_CHARACTERS} that can be printed"
            )
    if len(set(names)) < len(names):
        yield "two classes of one name"


def _unlike_its_record(card: Card) -> Iterator[str]:
    own = card_of(card.record)
    for name in ("task", "architecture", "framework", "pixel_mean", "pixel_std"):
        value, recorded = getattr(card, name), getattr(own, name)
        if value != recorded:
            yield f"{name} {value!r}, and {recorded!r} in the record of its run"
    if set(card.class_names) != set(own.class_names):
        yield "its classes are not those in the record of its run"

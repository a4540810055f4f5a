"""Cards in and out of files: a saved model is written whole with its card, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.card import CARD_VERSION, Card
from bench.record import Record
from bench.saved.error import SavedModelError
from bench.saved.formats import FORMATS, damaged, format_of


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


def write(path: Path, card: Card, save: Callable[[Path], None]) -> None:
    """Have ``save`` write a network beside ``path``, add the card, and rename it into place.

    ``save`` is ``Trainer.save``; ``path`` ends as the framework's files do. Raises OSError where
    it cannot be written; what was there before is then still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Its ending stays: Keras goes by it.
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        save(part)
        FORMATS[path.suffix].add_card(part, msgspec.json.encode(card))
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read(path: Path) -> Card:
    """The card of a saved model; the weights are not looked at.

    Raises SavedModelError where the file is no saved model, is cut off, has no card (weights of
    somebody else), or one that this version of the project cannot read.
    """
    try:
        content = format_of(path).card(path)
    except OSError as error:
        raise SavedModelError(f"{path} cannot be read: {error.strerror or error}") from error
    if content is None:
        raise SavedModelError(
            f"{path}: weights without a card: it lacks task, classes, normalisation and "
            "architecture; wanted a model that a run of this project has saved"
        )
    return _decode(content, path)


def _decode(content: bytes, path: Path) -> Card:
    try:
        version = msgspec.json.decode(content, type=_Versioned).card_version
        if version != CARD_VERSION:
            raise SavedModelError(
                f"{path}: its card is of version {version}, wanted {CARD_VERSION}; "
                "use the version of the project that saved it"
            )
        return msgspec.json.decode(content, type=Card)
    except msgspec.MsgspecError as error:
        raise damaged(path, error) from error

"""A saved model file: a network with its card, written whole, read without running anything in it.

.safetensors   numbers behind a JSON header; the card is the header's metadata entry ``glyphbench``
.keras         Keras's own zip of JSON and HDF5; the card is its member ``glyphbench.json``

The card is JSON and holds all that is needed to use the network. No framework is imported. See
https://github.com/huggingface/safetensors and https://keras.io/guides/serialization_and_saving/;
``bench.saved.model`` loads a model and asks it.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from bench import UsageError
from bench.results import written_whole
from bench.results.record import Record

CARD_VERSION = 1
HEADER_ENTRY = "glyphbench"  # of a safetensors header
ZIP_MEMBER = "glyphbench.json"  # of a .keras zip
BEGINNING_BYTES = 9  # what the signatures are looked for in


class SavedModelError(UsageError):
    """A file that is no usable saved model: says what came, what was wanted, what to do."""


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


def write_model(path: Path, card: Card, save_network: Callable[[Path], None]) -> None:
    """Write a network beside ``path``, add the card, and rename it into place.

    ``save_network`` is ``Trainer.save``; ``path`` ends as the framework's files do. Raises
    OSError where it cannot be written; what was there before is then still there.
    """
    with written_whole(path, ending=path.suffix) as part:  # Keras goes by it
        save_network(part)
        _FORMATS[path.suffix].add_card(part, msgspec.json.encode(card))


def read_card(path: Path) -> Card:
    """The card of a saved model; the weights are not looked at.

    Raises SavedModelError where the file is no saved model, is cut off, has no card (weights of
    somebody else), or one that this version of the project cannot read.
    """
    try:
        content = _format_of(path).card(path)
    except OSError as error:
        raise SavedModelError(f"{path} cannot be read: {error.strerror or error}") from error
    if content is None:
        raise SavedModelError(
            f"{path}: weights without a card: it lacks task, classes, normalisation and "
            "architecture; wanted a model that a run of this project has saved"
        )
    return _decode(content, path)


def damaged(path: Path, error: Exception) -> SavedModelError:
    """For a file of the right kind that cannot be read to its end."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return SavedModelError(f"{path}: cut off or damaged ({lines[0]}); copy it again")


def sha256(path: Path) -> str:
    """Of a file's content, hex: by it an export knows the model that it was made of."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


class _Safetensors:
    """Weights in the neutral layout."""

    name = "safetensors"  # what people call it

    def is_signed(self, beginning: bytes) -> bool:
        """Whether a file that begins so is of this kind: a length of 8 bytes, then JSON."""
        return beginning[8:9] == b"{"

    def card(self, path: Path) -> bytes | None:
        """The JSON of the card; None: the file has none.

        Raises SavedModelError where the file is cut off or damaged.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
        except SafetensorError as error:
            raise damaged(path, error) from error
        return metadata[HEADER_ENTRY].encode() if HEADER_ENTRY in metadata else None

    def add_card(self, path: Path, card: bytes) -> None:
        """Put a card into a file that was just written: its header stands first, so anew."""
        path.write_bytes(save(load_file(path), metadata={HEADER_ENTRY: card.decode()}))


class _KerasZip:
    """Keras's own file, of any of its backends."""

    name = "Keras"

    def is_signed(self, beginning: bytes) -> bool:
        """As ``_Safetensors.is_signed``: a zip's first member."""
        return beginning.startswith(b"PK\x03\x04")

    def card(self, path: Path) -> bytes | None:
        """As ``_Safetensors.card``."""
        try:
            with zipfile.ZipFile(path) as file:
                return file.read(ZIP_MEMBER) if ZIP_MEMBER in file.namelist() else None
        except zipfile.BadZipFile as error:
            raise damaged(path, error) from error

    def add_card(self, path: Path, card: bytes) -> None:
        """One member more, which Keras passes over."""
        with zipfile.ZipFile(path, "a") as file:
            file.writestr(ZIP_MEMBER, card)


_FORMATS: dict[str, _Safetensors | _KerasZip] = {
    ".safetensors": _Safetensors(),
    ".keras": _KerasZip(),
}


def _format_of(path: Path) -> _Safetensors | _KerasZip:
    """The kind of an existing file, by its ending and its first bytes.

    Raises SavedModelError where there is no such file, or it is of neither kind.
    """
    if not path.is_file():
        raise SavedModelError(
            f"{path}: no such file; saved models lie in models/ of a results folder, one for each "
            "run that was trained to the end"
        )
    if path.suffix not in _FORMATS:
        raise SavedModelError(
            f"{path}: no saved model; wanted a file that ends in {' or '.join(_FORMATS)}"
        )
    kind = _FORMATS[path.suffix]
    with path.open("rb") as file:
        beginning = file.read(BEGINNING_BYTES)
    if not kind.is_signed(beginning):
        content = f"it begins with {beginning!r}" if beginning else "it is empty"
        raise SavedModelError(f"{path}: no {kind.name} file: {content}")
    return kind

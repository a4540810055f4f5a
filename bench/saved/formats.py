"""The two kinds of file a network is saved in, and where the card lies in each. No framework.

.safetensors   numbers behind a JSON header; the card is the header's metadata entry ``glyphbench``
.keras         Keras's own zip of JSON and HDF5; the card is its member ``glyphbench.json``

Neither holds anything that is run on reading. See https://github.com/huggingface/safetensors and
https://keras.io/guides/serialization_and_saving/.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Protocol

from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from bench.saved.error import SavedModelError

ENTRY = "glyphbench"  # of a safetensors header
MEMBER = "glyphbench.json"  # of a .keras zip
BEGINNING_BYTES = 9  # what the signatures are looked for in


class Format(Protocol):
    """One kind of file."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def is_signed(self, beginning: bytes) -> bool:
        """Whether a file that begins so is of this kind, whole or cut off."""
        ...

    def card(self, path: Path) -> bytes | None:
        """The JSON of the card; None: the file has none.

        Raises SavedModelError where the file is cut off or damaged.
        """
        ...

    def add_card(self, path: Path, card: bytes) -> None:
        """Put a card into a file that was just written."""
        ...


class Safetensors:
    """Weights in the neutral layout."""

    name = "safetensors"

    def is_signed(self, beginning: bytes) -> bool:
        """Eight bytes of length, then the header's JSON."""
        return beginning[8:9] == b"{"

    def card(self, path: Path) -> bytes | None:
        """The metadata entry."""
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
        except SafetensorError as error:
            raise damaged(path, error) from error
        return metadata[ENTRY].encode() if ENTRY in metadata else None

    def add_card(self, path: Path, card: bytes) -> None:
        """The header stands first: the file is written anew."""
        path.write_bytes(save(load_file(path), metadata={ENTRY: card.decode()}))


class KerasZip:
    """Keras's own file, of any of its backends."""

    name = "Keras"

    def is_signed(self, beginning: bytes) -> bool:
        """A zip's first member."""
        return beginning.startswith(b"PK\x03\x04")

    def card(self, path: Path) -> bytes | None:
        """The member of the zip."""
        try:
            with zipfile.ZipFile(path) as file:
                return file.read(MEMBER) if MEMBER in file.namelist() else None
        except zipfile.BadZipFile as error:
            raise damaged(path, error) from error

    def add_card(self, path: Path, card: bytes) -> None:
        """One member more, which Keras passes over."""
        with zipfile.ZipFile(path, "a") as file:
            file.writestr(MEMBER, card)


FORMATS: dict[str, Format] = {".safetensors": Safetensors(), ".keras": KerasZip()}


def format_of(path: Path) -> Format:
    """The kind of an existing file, by its ending and its first bytes.

    Raises SavedModelError where there is no such file, or it is of neither kind.
    """
    if not path.is_file():
        raise SavedModelError(
            f"{path}: no such file; saved models lie in models/ of a results folder, one for each "
            "run that was trained to the end"
        )
    if path.suffix not in FORMATS:
        raise SavedModelError(
            f"{path}: no saved model; wanted a file that ends in {' or '.join(FORMATS)}"
        )
    kind = FORMATS[path.suffix]
    with path.open("rb") as file:
        beginning = file.read(BEGINNING_BYTES)
    if not kind.is_signed(beginning):
        came = f"it begins with {beginning!r}" if beginning else "it is empty"
        raise SavedModelError(f"{path}: no {kind.name} file: {came}")
    return kind


def damaged(path: Path, error: Exception) -> SavedModelError:
    """For a file of the right kind that cannot be read to its end."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    return SavedModelError(f"{path}: cut off or damaged ({said[0]}); copy it again")

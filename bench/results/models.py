"""The files of a saved model: the network with its card. No framework is seen.

.safetensors   numbers behind a JSON header; the card is the header's metadata entry ``glyphbench``
.keras         Keras's own zip of JSON and HDF5; the card is its member ``glyphbench.json``

Each is written whole, and read without running anything in it. A file may come from anybody: it is
a regular file of bounded size, and no part of it is read before its size is known. See
https://github.com/huggingface/safetensors and https://keras.io/guides/serialization_and_saving/.
``bench.saved.model`` loads a model and asks it.
"""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from bench.results import written_whole
from bench.results.card import (
    MOST_CARD_BYTES,
    Card,
    SavedModelError,
    decode_card,
    encode_card,
    too_large,
)
from datasets import DataError
from datasets.formats import regular_bytes
from models.weights import Array, check_shapes

ADVICE = (
    "saved models lie in models/ of a results folder, one for each run that was trained to the end"
)
HEADER_ENTRY = "glyphbench"  # of a safetensors header
CHECKSUM = "sha256"  # the entry beside it: of all bytes behind the header; older files have none
BEGINNING_BYTES = 9  # what the signatures are looked for in
MOST_MODEL_BYTES = 64 << 20  # the largest network here takes 4 MB
MOST_HEADER_BYTES = MOST_CARD_BYTES + (1 << 20)  # of safetensors: the card, and what it holds
MOST_DIRECTORY_BYTES = 4096  # of a zip: what lists its few members

ZIP_MEMBER = "glyphbench.json"
KERAS_METADATA = "metadata.json"
KERAS_CONFIG, KERAS_WEIGHTS = "config.json", "model.weights.h5"
# The members of a .keras zip, and the most bytes that each may unpack into.
KERAS_MEMBERS = {
    KERAS_METADATA: 1 << 16,  # Keras's version, and a date
    KERAS_CONFIG: 1 << 20,  # what the network consists of
    KERAS_WEIGHTS: MOST_MODEL_BYTES,
    ZIP_MEMBER: MOST_CARD_BYTES,
}
# What zipfile and zlib raise on bytes that are not as they should be.
_ZIP_ERRORS = (
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def write_model(path: Path, card: Card, save_network: Callable[[Path], None]) -> None:
    """Write a network beside ``path``, add the card, and rename it into place.

    ``save_network`` is ``Trainer.save``; ``path`` ends as the framework's files do. Raises
    OSError where it cannot be written; what was there before is then still there.
    """
    with written_whole(path, ending=path.suffix) as part:  # Keras goes by it
        save_network(part)
        _FORMATS[path.suffix].add_card(part, encode_card(card))


def read_card(path: Path) -> Card:
    """The card of a saved model; the weights are not looked at.

    Raises SavedModelError where the file is no saved model, is cut off, has no card (weights of
    somebody else), or one that this version of the project cannot read or believe.
    """
    content = _format_of(path).card(path)
    if content is None:
        raise SavedModelError(
            f"{path}: weights without a card: it lacks task, classes, normalisation and "
            "architecture; wanted a model that a run of this project has saved"
        )
    return decode_card(content, path)


def damaged(path: Path, error: Exception) -> SavedModelError:
    """For a file of the right kind that cannot be read to its end."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return SavedModelError(f"{path}: cut off or damaged ({lines[0]}); copy it again")


def sha256(path: Path) -> str:
    """Of a file's content, hex: by it an export knows the model that it was made of.

    Raises SavedModelError where it is no file of bounded size.
    """
    check_file(path, ADVICE)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_file(path: Path, advice: str) -> None:
    """Raise SavedModelError where a model's file is not there, is none or is too large.

    It is not opened: a pipe may never speak, and a device may never end. ``advice``: where such
    files come from.
    """
    try:
        size_bytes = regular_bytes(path)
    except FileNotFoundError:
        raise SavedModelError(f"{path}: no such file; {advice}") from None
    except DataError as error:
        raise SavedModelError(str(error)) from error
    except (OSError, ValueError) as error:  # links in a circle; a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise SavedModelError(f"{path}: cannot be read: {reason}; {advice}") from error
    if size_bytes > MOST_MODEL_BYTES:
        raise too_large(path, "a file", size_bytes, MOST_MODEL_BYTES)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """A file that may not be read, or goes away meanwhile, is the user's to see to."""
    try:
        yield
    except OSError as error:
        raise SavedModelError(f"{path} cannot be read: {error.strerror or error}") from error


# Safetensors: weights in the neutral layout


def read_weights(path: Path, like: Mapping[str, NDArray[Any]]) -> dict[str, Array]:
    """The weights of a ``.safetensors`` file, in the order of ``like``.

    Names, types and shapes are compared before a value is read, and all bytes with their checksum.

    Args:
        path: of a file whose card was read.
        like: the weights of the network they are for, in the neutral layout.

    Raises:
        ValueError: where they are another network's, not float32, or not finite.
        SavedModelError: where the file is damaged.
    """
    try:
        with _readable(path), safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            check_shapes(
                {name: tuple(tensor.get_shape()) for name, tensor in tensors.items()},
                {name: array.shape for name, array in like.items()},
            )
            for name, tensor in tensors.items():
                if tensor.get_dtype() != "F32":
                    raise ValueError(f"{name} is of the type {tensor.get_dtype()}, wanted F32")
            weights = {name: file.get_tensor(name) for name in like}
            checksum = (file.metadata() or {}).get(CHECKSUM)
            if checksum not in (None, _checksum(path.read_bytes())):
                raise SavedModelError(
                    f"{path}: its weights were changed after they were written; copy it again"
                )
    except SafetensorError as error:
        raise damaged(path, error) from error
    check_finite(weights)
    return weights


def _checksum(content: bytes) -> str:
    """SHA-256, hex, of what lies behind the header in a file of safetensors."""
    return hashlib.sha256(content[8 + int.from_bytes(content[:8], "little") :]).hexdigest()


def check_finite(weights: Mapping[str, NDArray[Any]]) -> None:
    """Raise ValueError naming the first weights that are not all finite numbers."""
    for name, array in weights.items():
        if not np.isfinite(array).all():
            raise ValueError(f"the weights {name} are not all finite numbers")


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
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(8), "little")
        if header_bytes > MOST_HEADER_BYTES:
            raise too_large(path, "a header", header_bytes, MOST_HEADER_BYTES)
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
        except SafetensorError as error:
            raise damaged(path, error) from error
        return metadata[HEADER_ENTRY].encode() if HEADER_ENTRY in metadata else None

    def add_card(self, path: Path, card: bytes) -> None:
        """Put a card into a file that was just written: its header stands first, so anew."""
        weights = load_file(path)
        entries = {HEADER_ENTRY: card.decode(), CHECKSUM: _checksum(save(weights))}
        path.write_bytes(save(weights, metadata=entries))


# Keras: a zip


def keras_members(path: Path) -> dict[str, bytes]:
    """The content of every member of a ``.keras`` file, the card's too.

    Raises SavedModelError where it has others than those of a saved model, or is damaged.
    """
    with _opened(path) as file:
        members = {info.filename: _unpacked(file, info) for info in file.infolist()}
        for name in KERAS_MEMBERS:
            if name not in members:
                raise KeyError(f"there is no {name} in it")
    return members


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A ``.keras`` zip whose members are those of a saved model, and none too large."""
    try:
        with _readable(path):
            check_directory(path)
            with zipfile.ZipFile(path) as file:
                _check_members(path, file.infolist())
                yield file
    except _ZIP_ERRORS as error:
        raise damaged(path, error) from error


def check_directory(path: Path) -> None:
    """Raise BadZipFile unless a file ends as a zip of ours does, with a short list of members.

    Python reads that list whole, and it may have millions of entries: here it is looked at
    first. PKWARE, 'APPNOTE.TXT - .ZIP File Format Specification', 4.3.15 and 4.3.16.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 42))
        end = file.read()  # the locator of zip64, if there is one, and the record of the end
    locator, record = end[:-22], end[-22:]
    directory_bytes = int.from_bytes(record[12:16], "little")
    if not record.startswith(b"PK\5\6") or record[20:] != b"\0\0":
        raise zipfile.BadZipFile("it does not end as a zip does")
    if locator.startswith(b"PK\6\7") or directory_bytes > MOST_DIRECTORY_BYTES:
        raise zipfile.BadZipFile("it lists more members than are ever written")


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    for info in members:
        most_bytes = KERAS_MEMBERS.get(info.filename)
        if most_bytes is None:
            raise SavedModelError(
                f"{path}: refused: it holds {info.filename[:50]!r}; wanted nothing but "
                f"{', '.join(KERAS_MEMBERS)}"
            )
        if info.file_size > most_bytes:
            raise too_large(path, info.filename, info.file_size, most_bytes)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile(f"{info.filename} is packed in a way that Keras does not use")
    if len({info.filename for info in members}) < len(members):
        raise zipfile.BadZipFile("it lists a member twice")


def _unpacked(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """All of a member, but never more than it says: ``ZipFile.read`` would unpack it first."""
    with file.open(info) as member:
        content = member.read(info.file_size)
    if len(content) < info.file_size:
        raise EOFError(f"{info.filename} ends early")
    return content


class _KerasZip:
    """Keras's own file, of any of its backends."""

    name = "Keras"

    def is_signed(self, beginning: bytes) -> bool:
        """As ``_Safetensors.is_signed``: a zip's first member."""
        return beginning.startswith(b"PK\x03\x04")

    def card(self, path: Path) -> bytes | None:
        """As ``_Safetensors.card``."""
        with _opened(path) as file:
            return _unpacked(file, info) if (info := file.NameToInfo.get(ZIP_MEMBER)) else None

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
    check_file(path, ADVICE)
    if path.suffix not in _FORMATS:
        raise SavedModelError(
            f"{path}: no saved model; wanted a file that ends in {' or '.join(_FORMATS)}"
        )
    kind = _FORMATS[path.suffix]
    with _readable(path), path.open("rb") as file:
        beginning = file.read(BEGINNING_BYTES)
    if not kind.is_signed(beginning):
        content = f"it begins with {beginning!r}" if beginning else "it is empty"
        raise SavedModelError(f"{path}: no {kind.name} file: {content}")
    return kind

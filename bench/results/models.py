"""The files of a saved model: the network with its card, and its predictions. No framework is seen.

.safetensors   numbers behind a JSON header; the card is the header's metadata entry ``glyphbench``
.keras         Keras's own zip of JSON and HDF5; the card is its member ``glyphbench.json``
.npz           what the model, loaded again, says of the test images: NumPy's zip of arrays

Each is written whole, and read without running anything in it. The card is JSON and holds all that
is needed to use the network. See https://github.com/huggingface/safetensors and
https://keras.io/guides/serialization_and_saving/. ``bench.saved.model`` loads a model and asks it;
``bench.saved.asking`` writes the predictions, and the study reads them.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save

from bench import UsageError
from bench.results import write_atomically, written_whole
from bench.results.folder import ResultsError
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
    return decode_card(content, path)


def damaged(path: Path, error: Exception) -> SavedModelError:
    """For a file of the right kind that cannot be read to its end."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return SavedModelError(f"{path}: cut off or damaged ({lines[0]}); copy it again")


def sha256(path: Path) -> str:
    """Of a file's content, hex: by it an export knows the model that it was made of."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def decode_card(content: str | bytes, path: Path) -> Card:
    """The card that a file holds as JSON.

    Raises SavedModelError where it is damaged or of a version that cannot be read.
    """
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


# What a saved model, loaded again, says of the test images: predictions/RUN.npz


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Of all n test images, in their order."""

    run_id: str
    model: str  # the file that was loaded, relative to the results folder
    logits: NDArray[np.float32]  # (n, classes)
    features: NDArray[np.float32] | None  # (n, d) of the penultimate layer; None: it has none
    labels: NDArray[np.int64]  # (n,) the truth
    as_recorded: bool  # True: wrong on exactly the images that the run's record names

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(n,) the class with the highest logit."""
        return np.asarray(self.logits.argmax(axis=1))

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(n, classes), the softmax of the logits, computed in float64."""
        return softmax(self.logits)


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, classes) logits -> (n, classes) probabilities, computed in float64."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    odds = np.exp(shifted)
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def save_predictions(path: Path, predictions: Predictions) -> None:
    """Write them as ``.npz``, whole or not at all; features that are None are left out."""
    arrays: dict[str, NDArray[np.generic]] = {
        "run_id": np.array(predictions.run_id),
        "model": np.array(predictions.model),
        "logits": predictions.logits,
        "labels": predictions.labels,
        "as_recorded": np.array(predictions.as_recorded),
    }
    if predictions.features is not None:
        arrays["features"] = predictions.features
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    write_atomically(path, content.getvalue())


def load_predictions(path: Path) -> Predictions:
    """Read what ``save_predictions`` wrote: arrays of numbers and text, nothing that could be run.

    Raises ResultsError where it cannot be read.
    """
    try:
        with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
            return Predictions(
                run_id=str(file["run_id"]),
                model=str(file["model"]),
                logits=file["logits"],
                features=file.get("features"),
                labels=file["labels"],
                as_recorded=bool(file["as_recorded"]),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ResultsError(
            f"{path}: no predictions ({error}); delete the file, it will be made again"
        ) from error

"""What a saved model, loaded again, says of its test images: predictions/RUN.npz.

NumPy's zip of arrays. ``bench.saved.asking`` writes them, and the study reads them.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.results import write_atomically
from bench.results.folder import ResultsError
from bench.results.models import check_directory
from datasets import DataError
from datasets.formats import regular_bytes

MOST_CHARACTERS = 1000  # of a run's id and of a path
# What NumPy and zipfile raise on bytes that are not as they should be.
_UNREADABLE = (
    DataError,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    SyntaxError,
    UnicodeDecodeError,
    ValueError,
    zipfile.BadZipFile,
)


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

    Raises ResultsError where it cannot be read, or is not what was written.
    """
    try:
        regular_bytes(path)
        check_directory(path)
        with zipfile.ZipFile(path) as file:
            arrays = {
                info.filename.removesuffix(".npy"): _array(file, info) for info in file.infolist()
            }
        predictions = Predictions(
            run_id=_text(arrays["run_id"]),
            model=_text(arrays["model"]),
            logits=arrays["logits"],
            features=arrays.get("features"),
            labels=arrays["labels"],
            as_recorded=bool(arrays["as_recorded"]),
        )
        _check(predictions)
    except _UNREADABLE as error:
        raise ResultsError(
            f"{path}: no predictions ({error}); delete the file, it will be made again"
        ) from error
    return predictions


def _array(file: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """An array that is as large as its header says, and not packed: no larger than the file."""
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise ValueError(f"{info.filename} is packed, as it never is written")
    with file.open(info) as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise ValueError(f"{info.filename} is of a version of its format that is not written")
        shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        promised_bytes = dtype.itemsize
        for side in shape:
            promised_bytes *= side
        if dtype.hasobject or promised_bytes != info.file_size - member.tell():
            raise ValueError(f"{info.filename} is not as large as it says")
    with file.open(info) as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    return array


def _text(array: NDArray[Any]) -> str:
    if array.dtype.kind != "U" or array.ndim or array.itemsize > 4 * MOST_CHARACTERS:
        raise ValueError(f"an array of {array.dtype} and shape {array.shape} where a name is")
    return str(array)


def _check(predictions: Predictions) -> None:
    """Raise ValueError where types, shapes or values are not as they are written."""
    logits, labels, features = predictions.logits, predictions.labels, predictions.features
    if logits.ndim != 2 or logits.dtype != np.float32 or not np.isfinite(logits).all():
        raise ValueError("logits that are not finite numbers, (n, classes) float32")
    images, classes = logits.shape
    if labels.shape != (images,) or labels.dtype != np.int64:
        raise ValueError(f"labels that are not ({images},) int64")
    if images and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"labels that are not of the {classes} classes")
    if features is not None and (
        features.ndim != 2
        or len(features) != images
        or features.dtype != np.float32
        or not np.isfinite(features).all()
    ):
        raise ValueError(f"features that are not finite numbers, ({images}, d) float32")

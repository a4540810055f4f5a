"""What a saved model, loaded again, says of the test images: one ``.npz`` file a run.

``predictions/RUN.npz`` in a results folder. Written by ``bench.saved.asking``, read by the study.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.results import write_atomically
from bench.results.folder import ResultsError


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


def save(path: Path, predictions: Predictions) -> None:
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


def load(path: Path) -> Predictions:
    """Read what ``save`` wrote; arrays of numbers and text alone, nothing that could be run.

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

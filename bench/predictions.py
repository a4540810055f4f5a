"""What a saved model, loaded again, says of the test images: one ``.npz`` file a run.

``predictions/RUN.npz`` in a results folder. Written by ``bench.evaluation``, read by the study.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
        return self.logits.argmax(axis=1)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(n, classes), the softmax of the logits, computed in float64."""
        shifted = self.logits.astype(np.float64)
        shifted -= shifted.max(axis=1, keepdims=True)
        odds = np.exp(shifted)
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

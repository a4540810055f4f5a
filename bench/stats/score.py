"""How well a network's answers meet the labels: accuracy and loss. Computed once, for all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Score:
    """How well logits meet the labels of the same images."""

    correct: int
    images: int
    loss: float  # mean cross-entropy per image, natural logarithm

    @property
    def accuracy(self) -> float:
        """The fraction of images whose largest logit is the label's."""
        return self.correct / self.images


def score(logits: NDArray[np.float32], labels: NDArray[np.integer]) -> Score:
    """Score a whole split, in float64.

    Args:
        logits: (n, classes) float32.
        labels: (n,) integers in 0..classes-1.

    Raises:
        ValueError: where the two do not have one row an image.
    """
    if logits.ndim != 2 or len(logits) != len(labels):
        raise ValueError(f"logits of shape {logits.shape} do not fit {len(labels)} labels")
    wide = logits.astype(np.float64)
    # log-softmax with the largest logit taken out first, so that exp() cannot overflow
    shifted = wide - wide.max(axis=1, keepdims=True)
    log_likelihood = shifted[np.arange(len(labels)), labels] - np.log(np.exp(shifted).sum(axis=1))
    correct = int((logits.argmax(axis=1) == labels).sum())
    return Score(correct=correct, images=len(labels), loss=float(-log_likelihood.mean()))


def wrong(logits: NDArray[np.float32], labels: NDArray[np.integer]) -> tuple[int, ...]:
    """The indices of the images that ``score`` does not count as correct, ascending."""
    return tuple(int(index) for index in np.flatnonzero(logits.argmax(axis=1) != labels))

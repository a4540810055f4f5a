"""The members of the ensembles: how many, how large, and what each says. NumPy, no framework.

For weights in the neutral layout of ``ensemble_mlp_pytorch.py`` and ``adaboost_mlp_pytorch.py``:
those of ``mlp-small`` with a first axis for the members, ``dense/kernel`` (M, 784, 64) and so on.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

MEMBERS = 16
HIDDEN = 64  # units of the one hidden layer of a member

Array = NDArray[np.float32]


def logits(weights: Mapping[str, Array], images: Array) -> Array:
    """(M, n, classes) of each member.

    Args:
        weights: of M members in the neutral layout.
        images: (n, 28, 28) float32, normalised as in training.
    """
    pixels = images.reshape(len(images), -1)
    return np.stack(
        [
            np.maximum(pixels @ kernel + bias, 0) @ last_kernel + last_bias
            for kernel, bias, last_kernel, last_bias in zip(
                weights["dense/kernel"],
                weights["dense/bias"],
                weights["logits/kernel"],
                weights["logits/bias"],
                strict=True,
            )
        ]
    )


def mean_probabilities(logits: Array) -> Array:
    """(M, n, classes): the mean probabilities of the first member, the first two, ... all M."""
    odds = np.exp(logits - logits.max(axis=2, keepdims=True))
    probabilities = odds / odds.sum(axis=2, keepdims=True)
    counts = np.arange(1, len(logits) + 1, dtype=np.float32)
    return np.asarray(np.cumsum(probabilities, axis=0) / counts[:, None, None])


def weighted_votes(logits: Array, alphas: Array) -> Array:
    """(M, n, classes): the votes for each class of the first member, the first two, ... all M.

    A member votes for the class of its highest logit, and its vote weighs its alpha.
    """
    votes = logits.argmax(axis=2)[..., None] == np.arange(logits.shape[2])
    return np.asarray(np.cumsum(votes * alphas[:, None, None], axis=0))

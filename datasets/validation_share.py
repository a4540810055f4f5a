"""Another share of the images for validation than the data set was split with; test untouched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from datasets.arrays import Dataset, Split
from datasets.cache import pixel_statistics
from datasets.splits import SPLIT_SEED


def with_validation_share(dataset: Dataset, share: float) -> Dataset:
    """Divide training and validation images anew, so that ``share`` of them validates.

    Within each class, rounded, by the fixed seed of all splits and never that of a run. A class
    of two or more images has one in both; of one image, it is for training. The test images are
    untouched, and so is the fingerprint: it names the images of all three splits as they were
    first divided, of which, with the share, the new division follows. The pixels' mean and
    deviation are those of the new training images.

    Raises ValueError where ``share`` is not between 0 and 1, or leaves a split empty.
    """
    if not 0 < share < 1:
        raise ValueError(f"a validation share of {share:g}; wanted one between 0 and 1")
    labels = np.concatenate([dataset.train.labels, dataset.validation.labels])
    validates = _chosen(labels, share)
    if validates.all() or not validates.any():
        raise ValueError(
            f"a validation share of {share:g} of {len(labels)} images leaves a split empty; "
            "wanted a class of two images or more"
        )
    images = np.concatenate([dataset.train.images, dataset.validation.images])
    train = Split(images=images[~validates], labels=labels[~validates])
    mean, std = pixel_statistics(train.images)
    return replace(
        dataset,
        train=train,
        validation=Split(images=images[validates], labels=labels[validates]),
        pixel_mean=mean,
        pixel_std=std,
    )


def _chosen(labels: NDArray[np.uint8], share: float) -> NDArray[np.bool_]:
    """(n,) which images validate. NumPy keeps the stream of a RandomState unchanged."""
    random = np.random.RandomState(SPLIT_SEED)
    validates = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        members = random.permutation(np.flatnonzero(labels == label))
        wanted = min(max(1, round(share * len(members))), len(members) - 1)
        validates[members[:wanted]] = True
    return validates

"""The images that certificates are made with: a few hundred real ones of a task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.trainers import Images, Labels
from datasets import Dataset, Split, normalise

BATCH_SIZE = 16
STEPS = 20
SHORT = 12  # images of the last batch: every epoch but a lucky one ends on a short one
TRAIN_IMAGES = (STEPS - 1) * BATCH_SIZE + SHORT
EVALUATION_IMAGES = 100


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Normalised images with their labels, and what they are called."""

    name: str  # task, source, fingerprint, how many
    classes: int
    train_images: Images  # (n, 28, 28) float32
    train_labels: Labels  # (n,) int64
    evaluation_images: Images  # of the validation set; the test set stays closed


def take(data: Dataset) -> Sample:
    """Evenly spaced images of the training and the validation set: every class is among them.

    Raises ValueError where there are too few for 20 steps.
    """
    if len(data.train.labels) < TRAIN_IMAGES or not len(data.validation.labels):
        raise ValueError(
            f"{data.task} ({data.source}) has {len(data.train.labels)} training images; "
            f"parity needs {TRAIN_IMAGES}: draw more with --glyphs-images, or choose a --source"
        )
    train, labels = _normal(data, data.train, TRAIN_IMAGES)
    evaluation, _ = _normal(data, data.validation, EVALUATION_IMAGES)
    return Sample(
        name=(
            f"{data.task} ({data.source}{', drawn' if data.drawn else ''}, "
            f"{data.fingerprint[:12]}), {TRAIN_IMAGES} training images"
        ),
        classes=len(data.class_names),
        train_images=train,
        train_labels=labels,
        evaluation_images=evaluation,
    )


def _normal(data: Dataset, split: Split, wanted: int) -> tuple[Images, Labels]:
    """So many of a split, or all there are, as a run would give them to a trainer."""
    there = len(split.labels)
    rows = np.linspace(0, there - 1, min(wanted, there)).astype(np.int64)
    images = normalise(split.images[rows], mean=data.pixel_mean, std=data.pixel_std)
    return images, split.labels[rows].astype(np.int64)

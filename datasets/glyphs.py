"""The source ``glyphs``: both tasks drawn by the project itself, for machines without data.

Printed characters, distorted until they look hastily written. They stand in for MNIST and
the A-Z letters so that everything runs; no result on them says anything about handwriting.
"""

from __future__ import annotations

import string
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from datasets.distortion import distorted
from datasets.typefaces import distance_fields
from datasets.warping import IMAGE_SIDE

CHARACTERS = {"digits": string.digits, "letters": string.ascii_uppercase}  # in label order
MOST_IMAGES = 372_450  # as many as the full A-Z letters set has
# Drawn together, so part of what the images are (see draw()); a multiple of 10 and of 26, so
# that a chunk holds every class equally often.
CHUNK_IMAGES = 1040


def draw(
    task: str,
    count: int,
    *,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw ``count`` images of a task and their labels, the same bytes for the same seed.

    ``progress`` is called with the number of images done so far, after every chunk.

    Returns images (count, 28, 28) uint8, white on black, and labels (count,) uint8, in
    shuffled order; no class has over one image more than another. Image i depends on the
    task, the seed and i alone, whatever ``count`` is: each chunk of 1,040 images has a random
    generator of its own. Other versions of NumPy, Pillow or matplotlib may draw others.

    Raises ValueError on an unknown task and on a count below the number of classes or above
    372,450; FileNotFoundError where matplotlib, whose fonts are used, is not installed.
    """
    characters = _characters(task)
    if not len(characters) <= count <= MOST_IMAGES:
        raise ValueError(
            f"cannot draw {count} images of {task}; "
            f"choose from {len(characters)} (one a class) to {MOST_IMAGES}"
        )
    images = np.empty((count, IMAGE_SIDE, IMAGE_SIDE), dtype=np.uint8)
    labels = np.empty(count, dtype=np.uint8)
    for start in range(0, count, CHUNK_IMAGES):
        done = min(start + CHUNK_IMAGES, count)
        chunk = _chunk(characters, seed, start // CHUNK_IMAGES)
        images[start:done], labels[start:done] = (part[: done - start] for part in chunk)
        if progress is not None:
            progress(done)
    return images, labels


def _characters(task: str) -> str:
    if task not in CHARACTERS:
        raise ValueError(f"unknown task {task!r}; choose from {', '.join(CHARACTERS)}")
    return CHARACTERS[task]


def _chunk(characters: str, seed: int, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One whole chunk, also where only its first images are wanted: they must not change."""
    rng = np.random.default_rng([seed, number])
    labels = _shuffled_labels(len(characters), rng)
    fields = distance_fields(characters)
    fonts = rng.integers(fields.shape[1], size=CHUNK_IMAGES)
    which = labels * fields.shape[1] + fonts
    images = distorted(fields.reshape(-1, *fields.shape[2:]), which, rng)
    return images, labels.astype(np.uint8)


def _shuffled_labels(classes: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Blocks of all classes, each block shuffled, so that any first part is balanced too."""
    blocks = np.tile(np.arange(classes), (CHUNK_IMAGES // classes, 1))
    return rng.permuted(blocks, axis=1).reshape(-1)

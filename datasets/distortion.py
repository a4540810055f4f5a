"""Random distortion of many characters at once: from distance fields to sloppy 28x28 images.

Where each pixel looks is ``datasets.warping``'s; here is how far, and how a stroke is inked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets import warping
from datasets.typefaces import CELLS_PER_PIXEL
from datasets.warping import Floats, uniform


@dataclass(frozen=True, kw_only=True)
class Distortion:
    """How far an image may stray; lengths are in pixels of the image.

    Found by looking at the images beside MNIST's and by training on them: after 4 epochs on
    20,000 digits a small CNN reads 0.99 of new ones and an MLP 0.95, so that there is
    something to learn and a difference to see. Mean and deviation of a pixel are 0.14 and
    0.30 (MNIST: 0.13 and 0.31).
    """

    rotation_radians: float = 0.2  # either way
    slant: tuple[float, float] = (-0.3, 0.45)  # handwriting leans to the right more often
    size: tuple[float, float] = (0.8, 1.1)  # of MNIST's 20x20 box
    stretch: float = 0.2  # width over height, either way, as a natural logarithm
    shift: float = 1.5  # either way, from the centre
    elastic_smoothing: float = 4.0  # Simard's sigma: the width of the field's bumps
    elastic_std: float = 1.2  # of the field itself, after smoothing
    thickening: tuple[float, float] = (-0.25, 0.45)  # added to either side of a stroke
    softness: tuple[float, float] = (0.6, 1.4)  # width of a stroke's edge
    brightness: tuple[float, float] = (0.85, 1.0)
    noise_std: float = 0.04  # of each pixel, before cutting to 0..1


def distorted(
    fields: Floats,
    which: NDArray[np.int64],
    rng: np.random.Generator,
    distortion: Distortion | None = None,
) -> NDArray[np.uint8]:
    """Images of the fields named by ``which``, each with a distortion of its own.

    ``fields``: (m, GRID_CELLS, GRID_CELLS) float32 of ``datasets.typefaces``;
    ``which``: (n,) int64, indices into them.
    Returns (n, 28, 28) uint8, white on black.
    """
    distortion = distortion or Distortion()
    n = len(which)
    places = _places(n, rng, distortion)
    distances = warping.look(fields, which, places, cells=CELLS_PER_PIXEL)
    ink = _ink(distances, rng, distortion)
    ink += rng.standard_normal(ink.shape, dtype=np.float32) * distortion.noise_std
    return np.asarray(np.clip(ink, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _places(n: int, rng: np.random.Generator, distortion: Distortion) -> Floats:
    """Where each pixel looks in the undistorted character, as of ``datasets.warping``."""
    places = warping.affine_places(
        angle=uniform(rng, -distortion.rotation_radians, distortion.rotation_radians, n),
        slant=uniform(rng, *distortion.slant, n),
        size=uniform(rng, *distortion.size, n),
        stretch=uniform(rng, -distortion.stretch, distortion.stretch, n),
        shift=uniform(rng, -distortion.shift, distortion.shift, 2 * n).reshape(n, 2),
    )
    places += warping.elastic_field(
        n, rng, smoothing=distortion.elastic_smoothing, deviation=distortion.elastic_std
    )
    return places


def _ink(distances: Floats, rng: np.random.Generator, distortion: Distortion) -> Floats:
    """Distances to the outline as strokes of varied weight, edge and brightness, 0..1."""
    n = len(distances)
    thickening = uniform(rng, *distortion.thickening, n).reshape(-1, 1, 1)
    softness = uniform(rng, *distortion.softness, n).reshape(-1, 1, 1)
    brightness = uniform(rng, *distortion.brightness, n).reshape(-1, 1, 1)
    ink = np.clip((distances + thickening) / softness + 0.5, 0, 1) * brightness
    return np.asarray(ink, dtype=np.float32)

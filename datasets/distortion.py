"""Random distortion of many characters at once: from distance fields to sloppy 28x28 images.

Affine and elastic distortion after P. Simard, D. Steinkraus and J. Platt, 'Best Practices for
Convolutional Neural Networks Applied to Visual Document Analysis' (ICDAR 2003), section 2:
every pixel looks at a place that was moved by a smoothed random field.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datasets.typefaces import CELLS_PER_PIXEL, GRID_CELLS

Floats = NDArray[np.float32]

IMAGE_SIDE = 28


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
    places = _affine_places(n, rng, distortion) + _elastic_field(n, rng, distortion)
    ink = _ink(_sample(fields, which, places), rng, distortion)
    ink += rng.standard_normal(ink.shape, dtype=np.float32) * distortion.noise_std
    return np.asarray(np.clip(ink, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _uniform(rng: np.random.Generator, low: float, high: float, n: int) -> Floats:
    return rng.uniform(low, high, n).astype(np.float32)


def _affine_places(n: int, rng: np.random.Generator, distortion: Distortion) -> Floats:
    """Where each pixel looks in the undistorted character: (n, 2, 28, 28), y then x.

    In pixels from the centre. It is the inverse of what the eye sees: looking further out
    makes the character smaller.
    """
    angle = _uniform(rng, -distortion.rotation_radians, distortion.rotation_radians, n)
    slant = _uniform(rng, *distortion.slant, n)
    zoom = 1 / _uniform(rng, *distortion.size, n)
    stretch = np.exp(_uniform(rng, -distortion.stretch, distortion.stretch, n) / 2)
    shift = rng.uniform(-distortion.shift, distortion.shift, (n, 2, 1, 1)).astype(np.float32)

    rotate = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    lean = np.array([[np.ones(n), np.zeros(n)], [slant, np.ones(n)]])
    scale = zoom * np.array([[stretch, np.zeros(n)], [np.zeros(n), 1 / stretch]])
    matrices = np.einsum("ijn,jkn,kln->nil", scale, lean, rotate).astype(np.float32)

    middle = (IMAGE_SIDE - 1) / 2
    pixels = np.mgrid[:IMAGE_SIDE, :IMAGE_SIDE].astype(np.float32) - middle
    return np.asarray(np.einsum("nij,njyx->niyx", matrices, pixels - shift), dtype=np.float32)


def _elastic_field(n: int, rng: np.random.Generator, distortion: Distortion) -> Floats:
    """(n, 2, 28, 28) displacements in pixels: smoothed uniform noise, Simard's section 2."""
    from scipy.ndimage import gaussian_filter

    sigma = distortion.elastic_smoothing
    field = rng.random((n, 2, IMAGE_SIDE, IMAGE_SIDE), dtype=np.float32) * 2 - 1
    smooth = gaussian_filter(field, sigma, axes=(2, 3), mode="wrap", truncate=3)
    # Uniform noise on -1..1 has deviation 1/sqrt(3); smoothing it over an area divides that
    # by 2 * sqrt(pi) * sigma. This undoes both, so that elastic_std is what it says.
    return np.asarray(smooth * (distortion.elastic_std * np.sqrt(12 * np.pi) * sigma), np.float32)


def _sample(fields: Floats, which: NDArray[np.int64], places: Floats) -> Floats:
    """The fields at the places of each image, linear between the four cells around: (n, 28, 28)."""
    cells = np.clip(places * CELLS_PER_PIXEL + (GRID_CELLS - 1) / 2, 0, GRID_CELLS - 1.001)
    corner = cells.astype(np.intp)
    down, right = np.moveaxis(cells - corner, 1, 0)
    flat = fields.reshape(-1)
    start = which.reshape(-1, 1, 1) * GRID_CELLS**2
    first = start + corner[:, 0] * GRID_CELLS + corner[:, 1]
    above = flat[first] * (1 - right) + flat[first + 1] * right
    first += GRID_CELLS
    below = flat[first] * (1 - right) + flat[first + 1] * right
    return np.asarray(above * (1 - down) + below * down, dtype=np.float32)


def _ink(distances: Floats, rng: np.random.Generator, distortion: Distortion) -> Floats:
    """Distances to the outline as strokes of varied weight, edge and brightness, 0..1."""
    n = len(distances)
    thickening = _uniform(rng, *distortion.thickening, n).reshape(-1, 1, 1)
    softness = _uniform(rng, *distortion.softness, n).reshape(-1, 1, 1)
    brightness = _uniform(rng, *distortion.brightness, n).reshape(-1, 1, 1)
    ink = np.clip((distances + thickening) / softness + 0.5, 0, 1) * brightness
    return np.asarray(ink, dtype=np.float32)

"""The source ``glyphs``: both tasks drawn by the project itself, for machines without data.

Printed characters, distorted until they look hastily written. They stand in for MNIST and
the A-Z letters so that everything runs; no result on them says anything about handwriting.

Each character of each font is first a signed distance field: for every point of a grid, how far
the outline of the character is, positive inside (C. Green, 'Improved Alpha-Tested Magnification
for Vector Textures and Special Effects', SIGGRAPH 2007). Unlike pixels it can be sampled at any
scale, and adding a constant makes every stroke thicker.
"""

from __future__ import annotations

import importlib.util
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets import warping
from datasets.splits import Collection, divide
from datasets.tasks import DataError, Progress, Source, Stage, Task
from datasets.warping import IMAGE_SIDE, Floats, uniform

NAME = "glyphs"
DEFAULT_IMAGES = 20_000  # seconds to draw; enough to tell the frameworks apart
SEED = 0  # of the drawing: every run of every seed sees the same images
CHARACTERS = {"digits": string.digits, "letters": string.ascii_uppercase}  # in label order
MOST_IMAGES = 372_450  # as many as the full A-Z letters set has
# Drawn together, so part of what the images are (see draw()); a multiple of 10 and of 26, so
# that a chunk holds every class equally often.
CHUNK_IMAGES = 1040

# The text fonts among those that matplotlib carries. Its others hold symbols, old-style
# figures (cmmi10) or placeholders (LastResort) where the digits and letters should be.
FONT_NAMES = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSansMono-Oblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "STIXGeneralItalic",
    "cmb10",
    "cmr10",
    "cmss10",
    "cmti10",
    "cmtt10",
)

CELLS_PER_PIXEL = 4  # the grid of a field is this much finer than the 28x28 image
GRID_CELLS = 28 * CELLS_PER_PIXEL
BOX_CELLS = 20 * CELLS_PER_PIXEL  # MNIST fits each digit into 20x20 of its 28x28 pixels
_DRAWN_SIZE = 160  # points; large against BOX_CELLS, so that shrinking to it leaves no steps

# What decides the bytes of an image: a change of any of these means other images.
_FILES = ("glyphs.py", "warping.py")
_PACKAGES = ("numpy", "matplotlib", "pillow", "scipy")


# A source of images, as any other


def drawn_source(*, targets: tuple[float, ...]) -> Source:
    """The source ``glyphs`` of a task, with the accuracies worth timing on it."""
    return Source(
        name=NAME,
        description="printed characters drawn and distorted by the project: no real handwriting",
        targets=targets,
        drawn=True,
    )


def load(task: Task, images: int, progress: Progress) -> Collection:
    """Draw ``images`` of a task and split them. Raises DataError on a number out of range."""
    least = 10 * len(task.class_names)
    if not least <= images <= MOST_IMAGES:
        raise DataError(
            f"{images:,} drawn images asked for; {task.name} needs {least:,} (ten a class) "
            f"to {MOST_IMAGES:,}"
        )
    stage = Stage(name=f"drawing {task.name}", total=images, unit="images")
    return divide(*draw(task.name, images, seed=SEED, progress=lambda n: progress(stage, n)))


def content_key(task: Task, images: int) -> str:
    """Say what would be drawn: the same key, the same images.

    Raises DataError where a package that draws is not installed.
    """
    from importlib import metadata  # late: --help waits for every import

    sources = [(Path(__file__).parent / name).read_bytes() for name in _FILES]
    try:
        versions = [f"{package} {metadata.version(package)}" for package in _PACKAGES]
    except metadata.PackageNotFoundError as error:
        raise DataError(f"drawing glyphs needs the package {error.name}; install it") from error
    return f"{task.name} {images} {SEED} {versions} {sha256(b''.join(sources)).hexdigest()}"


# Drawing


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
    372,450; DataError where matplotlib, whose fonts are used, is not installed.
    """
    if task not in CHARACTERS:
        raise ValueError(f"unknown task {task!r}; choose from {', '.join(CHARACTERS)}")
    characters = CHARACTERS[task]
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


# Distorting


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

    ``fields``: (m, GRID_CELLS, GRID_CELLS) float32 of ``distance_fields``;
    ``which``: (n,) int64, indices into them.
    Returns (n, 28, 28) uint8, white on black.
    """
    distortion = distortion or Distortion()
    n = len(which)
    positions = _positions(n, rng, distortion)
    distances = warping.sample(fields, which, positions, cells=CELLS_PER_PIXEL)
    ink = _ink(distances, rng, distortion)
    ink += rng.standard_normal(ink.shape, dtype=np.float32) * distortion.noise_std
    return np.asarray(np.clip(ink, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _positions(n: int, rng: np.random.Generator, distortion: Distortion) -> Floats:
    """Where each pixel is sampled in the undistorted character, as of ``datasets.warping``."""
    positions = warping.affine_positions(
        angle=uniform(rng, -distortion.rotation_radians, distortion.rotation_radians, n),
        slant=uniform(rng, *distortion.slant, n),
        size=uniform(rng, *distortion.size, n),
        stretch=uniform(rng, -distortion.stretch, distortion.stretch, n),
        shift=uniform(rng, -distortion.shift, distortion.shift, 2 * n).reshape(n, 2),
    )
    positions += warping.elastic_field(
        n, rng, smoothing=distortion.elastic_smoothing, deviation=distortion.elastic_std
    )
    return positions


def _ink(distances: Floats, rng: np.random.Generator, distortion: Distortion) -> Floats:
    """Distances to the outline as strokes of varied weight, edge and brightness, 0..1."""
    n = len(distances)
    thickening = uniform(rng, *distortion.thickening, n).reshape(-1, 1, 1)
    softness = uniform(rng, *distortion.softness, n).reshape(-1, 1, 1)
    brightness = uniform(rng, *distortion.brightness, n).reshape(-1, 1, 1)
    ink = np.clip((distances + thickening) / softness + 0.5, 0, 1) * brightness
    return np.asarray(ink, dtype=np.float32)


# Characters as distance fields


def font_folder() -> Path:
    """Where matplotlib keeps its TrueType fonts; found without importing it.

    Raises DataError where matplotlib is not installed.
    """
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise DataError("drawing glyphs needs the fonts of matplotlib, which is not installed here")
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"


@cache
def distance_fields(characters: str) -> NDArray[np.float32]:
    """Each character in each font of ``FONT_NAMES``, centred on its centre of mass.

    Returns (characters, fonts, GRID_CELLS, GRID_CELLS) float32: the distance to the outline
    in pixels of the final image, positive inside the stroke.
    """
    folder = font_folder()
    return np.stack(
        [
            np.stack([_distance_field(_mask(c, folder / f"{name}.ttf")) for name in FONT_NAMES])
            for c in characters
        ]
    )


def _mask(character: str, font_path: Path) -> NDArray[np.bool_]:
    """The character, its longer side BOX_CELLS, as a (GRID_CELLS, GRID_CELLS) mask."""
    from PIL import Image, ImageDraw, ImageFont

    # The basic layout engine is part of Pillow itself: the same everywhere.
    font = ImageFont.truetype(font_path, _DRAWN_SIZE, layout_engine=ImageFont.Layout.BASIC)
    drawn = Image.new("L", (3 * _DRAWN_SIZE, 3 * _DRAWN_SIZE))
    ImageDraw.Draw(drawn).text((_DRAWN_SIZE, _DRAWN_SIZE), character, fill=255, font=font)
    cut = drawn.crop(drawn.getbbox())
    shrink = BOX_CELLS / max(cut.size)
    size = (max(1, round(cut.width * shrink)), max(1, round(cut.height * shrink)))
    ink = np.asarray(cut.resize(size, Image.Resampling.BOX)) >= 128
    return _centred(ink)


def _centred(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Put the ink's centre of mass into the middle of the grid, as MNIST does."""
    rows, columns = np.nonzero(ink)
    top = round(GRID_CELLS / 2 - rows.mean())
    left = round(GRID_CELLS / 2 - columns.mean())
    mask = np.zeros((GRID_CELLS, GRID_CELLS), dtype=np.bool_)
    # A lopsided character (L, J) may not fit so: then it stays as near as the grid allows.
    top = min(max(top, 0), GRID_CELLS - ink.shape[0])
    left = min(max(left, 0), GRID_CELLS - ink.shape[1])
    mask[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return mask


def _distance_field(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    from scipy.ndimage import distance_transform_edt

    inside, outside = distance_transform_edt(mask), distance_transform_edt(~mask)
    return np.asarray((inside - outside) / CELLS_PER_PIXEL, dtype=np.float32)

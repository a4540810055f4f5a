"""A user's own data in small, made for tests: simple shapes, no two alike."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tests.data_files import Bytes, idx

SHAPES = ("bar", "cross", "ring")
ENDINGS = (".png", ".jpg", ".bmp")


def shapes(count: int, *, side: int = 28, seed: int = 0) -> tuple[Bytes, NDArray[np.str_]]:
    """Shapes (count, side, side), white on black, and their names (count,), in turn."""
    rng = np.random.default_rng(seed)
    names = [SHAPES[number % len(SHAPES)] for number in range(count)]
    drawn = [np.asarray(_drawn(name, (side, side), rng, ink=255)) for name in names]
    return np.stack(drawn), np.array(names)


def write_folder(folder: Path, count: int, *, names: Sequence[str] = SHAPES, seed: int = 0) -> None:
    """Dark shapes on white paper of many sizes and formats, ``count`` of each name."""
    for path, image in _images(folder, count, names, np.random.default_rng(seed)):
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)


def write_idx(folder: Path, part: str, count: int, *, seed: int = 0) -> Path:
    """Shapes as IDX, in gzip, and their numbers beside them, plain; ``part``: such as 'train-'."""
    pixels, names = shapes(count, seed=seed)
    folder.mkdir(exist_ok=True)
    labels = np.array([SHAPES.index(name) for name in names], dtype=np.uint8)
    (folder / f"{part}labels-idx1-ubyte").write_bytes(idx(labels))
    path = folder / f"{part}images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(pixels)))
    return path


def write_npz(folder: Path, **arrays: Any) -> Path:
    """These arrays as ``own.npz``."""
    path = folder / "own.npz"
    np.savez(path, **arrays)
    return path


def _images(
    folder: Path, count: int, names: Sequence[str], rng: np.random.Generator
) -> Iterator[tuple[Path, Image.Image]]:
    for name in names:
        for number in range(count):
            width, height = (int(side) for side in rng.integers(30, 70, 2))
            path = folder / name / f"{number}{ENDINGS[number % len(ENDINGS)]}"
            yield path, _drawn(name, (width, height), rng, ink=0)


def _drawn(name: str, size: tuple[int, int], rng: np.random.Generator, *, ink: int) -> Image.Image:
    """One shape in ``ink`` on the opposite, at a place of its own."""
    image = Image.new("L", size, 255 - ink)
    pen = ImageDraw.Draw(image)
    (x, y), reach = rng.uniform(0.4, 0.6, 2) * size, rng.uniform(0.2, 0.35) * min(size)
    thick = max(1, round(min(size) * rng.uniform(0.05, 0.15)))
    if name == "ring":
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), outline=ink, width=thick)
    else:
        pen.line((x, y - reach, x, y + reach), fill=ink, width=thick)
    if name == "cross":
        pen.line((x - reach, y, x + reach, y), fill=ink, width=thick)
    image.putpixel((size[0] // 2, 3), int(rng.integers(256)))  # no two are alike
    return image

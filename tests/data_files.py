"""Small data in the real file formats, made for tests."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

# For property tests: no example fails for being slow.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def idx(values: Bytes) -> bytes:
    """An IDX file of unsigned bytes."""
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    return header + values.tobytes()


def csv(images: Bytes, labels: Bytes) -> bytes:
    """The letters' form: no header, the label and then 784 pixels a row."""
    table = np.column_stack([labels, images.reshape(len(images), -1)])
    return b"".join(b",".join(b"%d" % value for value in row) + b"\n" for row in table.tolist())


def images(count: int, *, classes: int, seed: int = 0) -> tuple[Bytes, Bytes]:
    """Random images (count, 28, 28), no two alike, and labels (count,), balanced."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return pixels, (np.arange(count) % classes).astype(np.uint8)


def write_mnist(folder: Path, count: int = 30) -> None:
    """Four well-formed IDX files that are not those of MNIST."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, seed in (("train", 0), ("t10k", 1)):
        pixels, labels = images(count, classes=10, seed=seed)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(pixels))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))

"""The IDX format of the MNIST files, parsed strictly.

Big-endian: two zero bytes, the type (0x08, unsigned bytes), the number of dimensions, the
size of each dimension as 32 bits, then the values. Described at
http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from datasets.errors import DataError

SIDE = 28  # pixels


def parse(content: bytes, *, dimensions: int, name: str) -> NDArray[np.uint8]:
    """Unsigned bytes of any size in so many dimensions, read-only, from the bytes of an IDX file.

    ``name``: the file's, for the DataError raised, with the byte, on anything but that.
    """
    return _values(content, _shape(content, dimensions=dimensions, name=name), name=name)


def parse_images(content: bytes, *, name: str) -> NDArray[np.uint8]:
    """Images (n, 28, 28) uint8, read-only, from the bytes of an ``idx3-ubyte`` file.

    ``name``: the file's, for the DataError raised, with the byte, on anything but that.
    """
    shape = _shape(content, dimensions=3, name=name)
    if shape[1:] != (SIDE, SIDE):
        raise DataError(f"{name}: images of {shape[1]}×{shape[2]} at byte 8, wanted {SIDE}×{SIDE}")
    return _values(content, shape, name=name)


def parse_labels(content: bytes, *, classes: int, name: str) -> NDArray[np.uint8]:
    """Labels (n,) uint8 in 0..classes-1, read-only, from the bytes of an ``idx1-ubyte`` file.

    ``name``: the file's, for the DataError raised, with the byte, on anything but that.
    """
    labels = parse(content, dimensions=1, name=name)
    wrong = np.flatnonzero(labels >= classes)
    if len(wrong):
        raise DataError(
            f"{name}: label {labels[wrong[0]]} at byte {_header_bytes(1) + wrong[0]:,}, "
            f"wanted 0 to {classes - 1}"
        )
    return labels


def _header_bytes(dimensions: int) -> int:
    return 4 + 4 * dimensions


def _shape(content: bytes, *, dimensions: int, name: str) -> tuple[int, ...]:
    if len(content) < _header_bytes(dimensions):
        raise DataError(
            f"{name}: ends at byte {len(content)}, inside the IDX header, "
            f"which has {_header_bytes(dimensions)} bytes"
        )
    magic, wanted = int.from_bytes(content[:4], "big"), 0x0800 + dimensions
    if magic != wanted:
        raise DataError(
            f"{name}: magic number 0x{magic:08X} at byte 0, wanted 0x{wanted:08X} "
            f"(IDX, unsigned bytes, {dimensions} dimension{'s' if dimensions > 1 else ''})"
        )
    sizes = np.frombuffer(content, dtype=">u4", count=dimensions, offset=4)
    return tuple(int(size) for size in sizes)


def _values(content: bytes, shape: tuple[int, ...], *, name: str) -> NDArray[np.uint8]:
    header = _header_bytes(len(shape))
    wanted = header + math.prod(shape)
    if len(content) != wanted or shape[0] == 0:
        sizes = "×".join(f"{size:,}" for size in shape)
        raise DataError(
            f"{name}: ends at byte {len(content):,}, wanted {wanted:,}: "
            f"its header promises {sizes} values after {header} bytes"
            + (", and none is too few" if shape[0] == 0 else "")
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)

"""The weights of a ``.keras`` file, read without Keras: its configuration and its HDF5 alone.

The file may come from anybody: ``bench.results.models`` says what is taken of it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.results.models import (
    KERAS_CONFIG,
    KERAS_WEIGHTS,
    check_finite,
    damaged,
    keras_members,
)
from models.weights import Array

# Layers without weights, which change nothing but shapes where nothing is trained.
PASSED_OVER = ("InputLayer", "Reshape", "Flatten", "Dropout")


def read_keras_weights(path: Path, like: Mapping[str, NDArray[Any]]) -> dict[str, Array]:
    """The weights of a ``.keras`` file of a chain of layers, without Keras: as ``read_weights``.

    Kinds and activations of the layers are compared, and of the weights names, types and shapes
    before a value is read. ``predict`` compares everything: ``bench.trainers.keras_network``.
    Raises ModuleNotFoundError where h5py is not installed.
    """
    import h5py  # late: it comes with Keras

    members = keras_members(path)
    try:
        _check_layers(json.loads(members[KERAS_CONFIG]), like)
        with h5py.File(io.BytesIO(members[KERAS_WEIGHTS]), "r") as file:
            weights = {name: _values(file, place, like[name]) for name, place in _places(like)}
    except (AttributeError, OSError, RuntimeError, TypeError, KeyError) as error:
        raise damaged(path, error) from error
    check_finite(weights)
    return weights


def _check_layers(config: Any, like: Mapping[str, NDArray[Any]]) -> None:
    """Raise ValueError unless a configuration is of the layers that these weights belong to."""
    kernels = [array for name, array in like.items() if name.endswith("/kernel")]
    wanted: list[tuple[str, str | None]] = []
    relu = ("Activation", "relu")
    for kernel in kernels:
        convolution = [("Conv2D", "linear"), relu, ("MaxPooling2D", None)]
        wanted += convolution if kernel.ndim == 4 else [("Dense", "linear"), relu]
    told = [
        (layer["class_name"], layer["config"].get("activation"))
        for layer in config["config"]["layers"]
        if layer["class_name"] not in PASSED_OVER
    ]
    if told != wanted[:-1]:  # nothing follows the logits
        raise ValueError(f"layers of another network: {str(told)[:200]}, wanted {wanted[:-1]}")


def _places(like: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, str]]:
    """Name -> place in Keras's HDF5, which numbers the layers of each kind."""
    numbers = {"conv2d": count(), "dense": count()}
    for name, array in like.items():
        if name.endswith("/kernel"):
            kind = "conv2d" if array.ndim == 4 else "dense"
            number = next(numbers[kind])
            layer = f"layers/{kind}{f'_{number}' if number else ''}"
        yield name, f"{layer}/vars/{0 if name.endswith('/kernel') else 1}"


def _values(file: Any, place: str, like: NDArray[Any]) -> Array:
    """An array that lies in a file of HDF5 itself, and in one piece."""
    import h5py

    part = file
    for name in place.split("/"):
        if not isinstance(part.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"weights of another network: {place} is not among them")
        part = part[name]
    if not isinstance(part, h5py.Dataset) or part.chunks or part.external or part.is_virtual:
        raise ValueError(f"{place} is no array, is packed, or lies in another file")
    if part.shape != like.shape or part.dtype != np.float32:
        raise ValueError(f"{place}: {part.shape} of {part.dtype}, wanted {like.shape} of float32")
    values: Array = part[()]
    return values

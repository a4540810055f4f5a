"""The networks: ``ARCHITECTURE_FAMILY.py``, the same network in each framework, file beside file.

Imports no framework: a model file is imported when it is asked for. To add an architecture:
one file a family, each with ``build(classes, *, dropout=True)``, and one line in
``ARCHITECTURES``. Layers that hold weights bear the same names in every family, and stand in the
same order. ``initial.py`` draws the weights that all are given to begin with, ``layout.py``
translates weights between frameworks, and ``layers_numpy.py`` shows what a layer computes.
"""

from __future__ import annotations

import importlib
from typing import Any, Literal, Protocol, overload

from numpy.typing import DTypeLike

Family = Literal["pytorch", "keras", "numpy"]

ARCHITECTURES: dict[str, str] = {
    "mlp": "multi-layer perceptron: 784-512-512-C, ReLU, dropout 0.2",
    "cnn": "convolutional network: 32 and 64 3x3 filters with max-pooling, dense 128, dropout 0.5",
}


class ModelFile(Protocol):
    """What every model file offers."""

    def build(self, classes: int, *, dropout: bool = True) -> Any:
        """A fresh network: (b, 28, 28) float32 images in, (b, classes) float32 logits out.

        Its weights are the framework's own start. ``dropout=False`` sets every dropout rate to
        zero and changes nothing else.
        """
        ...


class NumPyModelFile(Protocol):
    """What the NumPy files offer: the dtype too, float64 for a referee."""

    def build(self, classes: int, *, dropout: bool = True, dtype: DTypeLike = ...) -> Any:
        """As above; a ``models.network_numpy.Network`` whose weights are zero."""
        ...


@overload
def load(architecture: str, family: Literal["numpy"]) -> NumPyModelFile: ...


@overload
def load(architecture: str, family: Family) -> ModelFile: ...


def load(architecture: str, family: Family) -> Any:
    """Import the file of an architecture for a family of frameworks, and with it the framework.

    Raises ValueError on an unknown architecture.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(
            f"unknown architecture {architecture!r}; choose from {', '.join(ARCHITECTURES)}"
        )
    return importlib.import_module(f"models.{architecture}_{family}")

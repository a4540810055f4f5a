"""The networks: ``ARCHITECTURE_FAMILY.py``, the same network in each framework, file beside file.

Imports no framework: a model file is imported when it is asked for. To add an architecture:
one file a family, each with ``build(classes, *, dropout=True)``, and one entry in
``ARCHITECTURES``. Layers that hold weights bear the same names in every family, and stand in the
same order. ``initial.py`` draws the weights that all are given to begin with, ``layout.py``
translates weights between frameworks, and ``layers_numpy.py`` shows what a layer computes.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Literal, Protocol, overload

from numpy.typing import DTypeLike

Family = Literal["pytorch", "keras", "numpy"]

FAMILIES: tuple[Family, ...] = ("pytorch", "keras", "numpy")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What is known of an architecture without importing a framework."""

    description: str
    families: tuple[Family, ...] = FAMILIES  # that have a file of it
    # True: the same network in every family, begun from the same weights, shown by certificates
    compared: bool = True
    executions: tuple[str, ...] | None = None  # None: whatever a framework offers
    augmentable: bool = True  # False: it cannot be given other training images each epoch
    packages: tuple[str, ...] = ()  # distributions it needs beside the framework


ARCHITECTURES: dict[str, Architecture] = {
    "mlp": Architecture(description="multi-layer perceptron: 784-512-512-C, ReLU, dropout 0.2"),
    "cnn": Architecture(
        description="convolutional network: 32 and 64 3x3 filters with max-pooling, dense 128, "
        "dropout 0.5"
    ),
    "mlp-small": Architecture(
        description="a member of the ensembles alone: 784-64-C",
        families=("pytorch",),
        compared=False,
    ),
    "mlp-wide": Architecture(
        description="as many parameters as an ensemble, in one network: 784-1024-C",
        families=("pytorch",),
        compared=False,
    ),
    "ensemble-mlp": Architecture(
        description="16 of 784-64-C from different starts, probabilities averaged, trained at once",
        families=("pytorch",),
        compared=False,
        executions=("eager",),
    ),
    "adaboost-mlp": Architecture(
        description="16 of 784-64-C boosted one after the other (SAMME)",
        families=("pytorch",),
        compared=False,
        executions=("eager",),
    ),
    "gnn": Architecture(
        description="message-passing network on graphs of about 75 superpixels",
        families=("pytorch",),
        compared=False,
        executions=("eager",),
        augmentable=False,
        packages=("torch-geometric", "scikit-image"),
    ),
}
# What a suite compares unless it is told otherwise: architectures that every framework has.
COMPARED = tuple(name for name, one in ARCHITECTURES.items() if one.compared)


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

    Raises ValueError on an unknown architecture, and on one that the family has no file of.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(
            f"unknown architecture {architecture!r}; choose from {', '.join(ARCHITECTURES)}"
        )
    if family not in ARCHITECTURES[architecture].families:
        raise ValueError(
            f"{architecture} has no {family} file, only "
            f"{', '.join(ARCHITECTURES[architecture].families)}"
        )
    return importlib.import_module(f"models.{architecture.replace('-', '_')}_{family}")

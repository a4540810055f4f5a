"""The networks: ``ARCHITECTURE_FAMILY.py``, the same network in each framework, file beside file.

Imports no framework: a model file is imported when it is asked for. To add an architecture:
one file a family, each with ``build(classes, *, dropout=True)``, and one entry in
``ARCHITECTURES``. Layers that hold weights bear the same names in every family, and stand in the
same order. ``weights.py`` draws the weights that all are given to begin with and translates
weights between frameworks, ``layers_numpy.py`` shows what a layer computes, and ``cost.py`` counts
its work.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal, Protocol, overload

from numpy.typing import DTypeLike

from models.members import HIDDEN, MEMBERS

Family = Literal["pytorch", "keras", "jax", "numpy"]

FAMILIES: tuple[Family, ...] = ("pytorch", "keras", "jax", "numpy")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What is known of an architecture without importing a framework."""

    description: str
    label: str  # as the field writes it, in tables and plots
    families: tuple[Family, ...] = FAMILIES  # that have a file of it
    # True: the same network in every family, begun from the same weights, shown by certificates
    compared: bool = True
    # True: it has convolutions over images, for which memory layouts and TF32 switches matter
    convolutional: bool = False
    executions: tuple[str, ...] | None = None  # None: whatever a framework offers
    augmentable: bool = True  # False: it cannot be given other training images each epoch
    packages: tuple[str, ...] = ()  # distributions it needs beside the framework
    # trained on two x86-64 cores in batches of 128; None: as others with or without convolutions
    images_per_s: float | None = None
    file: str | None = None  # FILE_FAMILY.py builds it; None: its own name, with _ for -
    sizes: Mapping[str, int] = field(default_factory=dict)  # what that file's ``build`` is told
    # The trainers' module that trains and restores it; None: that of the framework
    trainer: str | None = None


ARCHITECTURES: dict[str, Architecture] = {
    "mlp": Architecture(
        description="multi-layer perceptron: 784-512-512-C, ReLU, dropout 0.2", label="MLP"
    ),
    "cnn": Architecture(
        description="convolutional network: 32 and 64 3x3 filters with max-pooling, dense 128, "
        "dropout 0.5",
        label="CNN",
        convolutional=True,
    ),
    "mlp-small": Architecture(
        description="a member of the ensembles alone: 784-64-C",
        label="small MLP",
        families=("pytorch",),
        compared=False,
        images_per_s=75_000.0,
        file="single_mlps",
        sizes={"hidden": HIDDEN},
    ),
    "mlp-wide": Architecture(
        description="as many parameters as an ensemble, in one network: 784-1024-C",
        label="wide MLP",
        families=("pytorch",),
        compared=False,
        images_per_s=25_000.0,
        file="single_mlps",
        sizes={"hidden": MEMBERS * HIDDEN},
    ),
    "ensemble-mlp": Architecture(
        description="16 of 784-64-C from different starts, probabilities averaged, trained at once",
        label="ensemble of MLPs",
        families=("pytorch",),
        compared=False,
        executions=("eager",),
        images_per_s=20_000.0,
        trainer="pytorch_ensembles",
    ),
    "adaboost-mlp": Architecture(
        description="16 of 784-64-C boosted one after the other (SAMME)",
        label="AdaBoost of MLPs",
        families=("pytorch",),
        compared=False,
        executions=("eager",),
        images_per_s=70_000.0,
        trainer="pytorch_ensembles",
    ),
    "gnn": Architecture(
        description="message-passing network on graphs of about 75 superpixels",
        label="GNN",
        families=("pytorch",),
        compared=False,
        executions=("eager",),
        augmentable=False,
        packages=("torch-geometric", "scikit-image"),
        images_per_s=2_500.0,
        trainer="pytorch_graph",
    ),
}
# What a suite compares unless it is told otherwise: architectures that every framework has.
COMPARED = tuple(name for name, entry in ARCHITECTURES.items() if entry.compared)


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
        """As above; a ``models.layers_numpy.Network`` whose weights are zero."""
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
    entry = ARCHITECTURES[architecture]
    if family not in entry.families:
        raise ValueError(f"{architecture} has no {family} file, only {', '.join(entry.families)}")
    name = entry.file or architecture.replace("-", "_")
    file = importlib.import_module(f"models.{name}_{family}")
    return SimpleNamespace(build=partial(file.build, **entry.sizes)) if entry.sizes else file

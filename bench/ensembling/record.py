"""What the measurement of ensembles leaves: one immutable record, raw values only.

``ensembling.json`` in a results folder. Ratios and their intervals are computed on reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from bench.record import Machine
from bench.results import ResultsError, write_atomically

Way = Literal["one by one", "vmap", "batched"]

# Deviations of weights below it are rounding's: 1e-6 is usual, another order of batches is 1.
SAME = 1e-3


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is trained: M networks of 784-width-classes, all on the same batches."""

    members: int
    width: int  # hidden units of a member
    batch_size: int
    steps: int  # optimiser steps of each member in a round
    device: str
    classes: int = 10


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way to train them."""

    way: Way
    rounds_s: tuple[float, ...]  # seconds of each round; entry i of every arm is round i
    # of the weights after as many steps from the same start, from those of 'one by one', as a
    # share of how far they moved: means over a tensor, and of the tensors the largest
    deviation: float


@dataclass(frozen=True, kw_only=True)
class Timed:
    """One setting, every way."""

    setting: Setting
    threads: int  # of PyTorch, in an operation
    arms: tuple[Arm, ...]

    def arm(self, way: Way) -> Arm:
        """The arm of that way."""
        return next(arm for arm in self.arms if arm.way == way)


@dataclass(frozen=True, kw_only=True)
class Ensembling:
    """All settings that were measured together."""

    made_at: str  # UTC, ISO 8601
    machine: Machine
    versions: dict[str, str]
    timed: tuple[Timed, ...]
    schema_version: int = 1


def path(folder: Path) -> Path:
    """Where the record of a results folder is."""
    return folder / "ensembling.json"


def save(folder: Path, record: Ensembling) -> None:
    """Write it to its results folder, whole or not at all."""
    content = msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
    write_atomically(path(folder), content)


def load(folder: Path) -> Ensembling | None:
    """The record of a results folder; None where there is none.

    Raises ResultsError where the file is no such record.
    """
    file = path(folder)
    if not file.exists():
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=Ensembling)
    except (OSError, msgspec.MsgspecError) as error:
        raise ResultsError(
            f"{file}: not a measurement of ensembles ({error}); make it again with "
            f"'python -m bench ensemble --out {folder}'"
        ) from error

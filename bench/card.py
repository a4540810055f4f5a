"""What a saved model carries beside its weights: all that is needed to use it.

In a ``.safetensors`` file the card is the metadata entry ``glyphbench``; in a ``.keras`` file, a
zip, it is the member ``glyphbench.json``. Both are JSON. See ``bench.saved``.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.record import Record

CARD_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Card:
    """Task, normalisation, network, and the record of the run that trained it."""

    task: str
    class_names: tuple[str, ...]  # in label order
    pixel_mean: float  # images are normalised as (x / 255 - mean) / std
    pixel_std: float
    architecture: str
    framework: str  # that trained it
    record: Record
    card_version: int = CARD_VERSION

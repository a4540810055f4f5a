"""Data resident: normalised once, all at a time, and batches are taken from the device by index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from bench.ladder.pytorch import rung_02_target as former
from bench.ladder.pytorch.loop import Batch, Pile, Rung

SEEDS = 3


def resident(rung: Rung, pile: Pile, generator: torch.Generator) -> Callable[[], Iterator[Batch]]:
    """Images and labels on the device, gathered batch by batch."""
    images, labels = rung.prepare(pile), pile.labels.to(pile.device).long()

    def epoch() -> Iterator[Batch]:
        order = torch.randperm(len(labels), generator=generator).to(pile.device)
        for batch in torch.split(order, rung.batch_size):
            yield images[batch], labels[batch]

    return epoch


RUNG = replace(former.RUNG, feed=resident)

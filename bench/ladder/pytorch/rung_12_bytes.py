"""Fewer bytes moved: a batch is gathered as bytes, and normalised while it lies in the cache.

A byte is a quarter of a float32. Every byte's value has a bfloat16 of its own, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from bench.ladder.pytorch import rung_11_layout as former
from bench.ladder.pytorch.loop import Batch, Pile, Rung


def plain(pile: Pile) -> torch.Tensor:
    """(n, 1, h, w) of the rung's type, on the device."""
    images = pile.images.to(pile.device).to(pile.dtype)
    return images.mul_(1 / (255 * pile.std)).sub_(pile.mean / pile.std).unsqueeze(1)


def bytewise(rung: Rung, pile: Pile, generator: torch.Generator) -> Callable[[], Iterator[Batch]]:
    """Bytes on the device, gathered and prepared batch by batch."""
    images, labels = pile.images.to(pile.device), pile.labels.to(pile.device)

    def epoch() -> Iterator[Batch]:
        order = torch.randperm(len(labels), generator=generator).to(pile.device)
        for batch in torch.split(order, rung.batch_size):
            if len(batch) == rung.batch_size or not rung.whole_batches:
                picked = images.index_select(0, batch)  # copies rows; images[batch] copies bytes
                yield rung.prepare(replace(pile, images=picked)), labels[batch].long()

    return epoch


RUNG = replace(former.RUNG, prepare=plain, feed=bytewise)

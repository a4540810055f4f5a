"""The recipe as it was published for speed: one epoch, one cycle, in the order of the file.

github.com/tuomaso/train_mnist_fast, notebook 8, written anew. There it is tuned and judged on the
test set and trained on all 60,000 images, and loading and normalising are off its clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import nn

from bench.ladder.pytorch.loop import Batch, Batchwise, Pile, Rung, eager_step


def network(classes: int) -> nn.Module:
    """(b, 1, 28, 28) -> (b, classes)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 24, 5), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Conv2d(24, 32, 3), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(800, 256), nn.ReLU(), nn.Linear(256, classes)),
    )


def in_order(rung: Rung, pile: Pile, generator: torch.Generator) -> Callable[[], Iterator[Batch]]:
    """Slices of the images as they lie in the file."""
    images, labels = rung.prepare(pile), pile.labels.to(pile.device).long()

    def epoch() -> Iterator[Batch]:
        return zip(
            torch.split(images, rung.batch_size),
            torch.split(labels, rung.batch_size),
            strict=True,
        )

    return epoch


def rate(share: float) -> float:
    """PyTorch's OneCycleLR as it is of itself: two half cosines, from 1/25 and to 1/250,000."""
    from_, to, part = (
        (1 / 25, 1.0, share / 0.3) if share < 0.3 else (1.0, 4e-6, (share - 0.3) / 0.7)
    )
    return 1e-2 * (to + (from_ - to) * 0.5 * (1 + math.cos(math.pi * part)))


RUNG = Rung(
    network=network,
    batch_size=256,
    epochs=1,
    optimizer=lambda network: torch.optim.Adam(network.parameters(), betas=(0.7, 0.9)),
    rate=rate,
    feed=in_order,
    step=eager_step,
    program=Batchwise,
)

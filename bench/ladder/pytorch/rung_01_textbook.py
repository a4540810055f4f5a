"""The textbook's loop: a DataLoader, Adam at 0.001, a convolutional network with dropout.

As tutorials write it: an image is normalised when it is fetched, one after the other, and training
lasts as many epochs as somebody thought enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from bench.ladder.pytorch.loop import Batch, Batchwise, Pile, Rung, eager_step

SEEDS = 3


def network(classes: int) -> nn.Module:
    """(b, 1, 28, 28) -> (b, classes)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Dropout(0.5)),
        nn.Linear(128, classes),
    )


class Characters(Dataset[Batch]):
    """One image at a time."""

    def __init__(self, pile: Pile) -> None:
        self._pile = pile

    def __len__(self) -> int:
        return len(self._pile.labels)

    def __getitem__(self, index: int) -> Batch:
        pile = self._pile
        image = (pile.images[index].float() / 255 - pile.mean) / pile.std
        return image.unsqueeze(0), pile.labels[index].long()


def loaded(rung: Rung, pile: Pile, generator: torch.Generator) -> Callable[[], Iterator[Batch]]:
    """By PyTorch's DataLoader, shuffled."""
    loader = DataLoader(
        Characters(pile), batch_size=rung.batch_size, shuffle=True, generator=generator
    )

    def epoch() -> Iterator[Batch]:
        for images, labels in loader:
            yield images.to(pile.device), labels.to(pile.device)

    return epoch


RUNG = Rung(
    network=network,
    batch_size=64,
    epochs=10,
    optimizer=lambda network: torch.optim.Adam(network.parameters(), lr=1e-3),
    feed=loaded,
    step=eager_step,
    program=Batchwise,
)

"""An ensemble in PyTorch: all members at once, each trained as it would be alone.

The loss that is differentiated is the sum of the members' mean cross-entropies, so no member's
gradient depends on another; the loss that is told is their mean.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from bench.trainers import Setup, Trainer
from bench.trainers.pytorch import PyTorchTrainer
from models.members import MEMBERS


def create(setup: Setup) -> Trainer:
    """A trainer of one ensemble; raises FrameworkMissing where the device is not there."""
    return EnsembleTrainer(setup)


class EnsembleTrainer(PyTorchTrainer):
    """See ``bench.trainers.Trainer``."""

    def _loss(
        self, logits: torch.Tensor, labels: torch.Tensor, batch: torch.Tensor
    ) -> torch.Tensor:
        return summed_cross_entropy(logits, labels)

    def mean_loss(self) -> float:
        return super().mean_loss() / MEMBERS

    def settings(self) -> dict[str, str]:
        return super().settings() | {"members": str(MEMBERS)}


def summed_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The sum over the members of their mean cross-entropies of a batch.

    Args:
        logits: (M, classes, b).
        labels: (b,), the same for all members.
    """
    members, _, images = logits.shape
    total = functional.cross_entropy(logits, labels.expand(members, images), reduction="sum")
    return total / images

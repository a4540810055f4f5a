"""Boosting in PyTorch: small networks one after the other, each on images weighted anew.

The epochs of a run are divided equally among the members (``bench.boosting``). Where a member's
last epoch ends, it is asked about all training images, which gives its vote and the weights of
the images for the next (``bench.trainers.samme``): part of training, and on its clock. Each
member has a start and an optimiser of its own. The weights are scaled to a mean of 1 and stand in
the loss, so a step with equal weights is that of a network alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from bench.boosting import rounds
from bench.trainers import EVALUATION_BATCH_SIZE, Setup, Trainer, samme
from bench.trainers.pytorch import PyTorchTrainer, optimizer
from models.adaboost_mlp_pytorch import Boosted


def create(setup: Setup) -> Trainer:
    """A trainer of boosted networks.

    Raises FrameworkMissing where the device is not there, ValueError where the epochs cannot be
    divided among the members.
    """
    return BoostingTrainer(setup)


class BoostingTrainer(PyTorchTrainer):
    """See ``bench.trainers.Trainer``.

    Trained on after the last member is fitted, it trains that one and changes no vote.
    """

    _network: Boosted

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._rounds = rounds(setup.experiment.epochs)

    def build(self) -> None:
        super().build()
        alone = self._network.members[0]
        self.parameter_count = self._rounds.members * sum(p.numel() for p in alone.parameters())
        self._images_seen = 0
        self._begin(0, samme.equal_weights(len(self._setup.train_labels)))

    def _begin(self, member: int, weights: samme.Weights) -> None:
        self._member = member
        self._network.training_member = member
        self._optimizer = optimizer(self._network.members[member], self._setup.experiment)
        self._sample_weights = weights
        scaled = (weights * len(weights)).astype(np.float32)
        self._loss_weights = torch.from_numpy(scaled).to(self._device)

    def train(self) -> None:
        super().train()
        self._images_seen += len(self._order)
        images_each = self._rounds.epochs_each * len(self._sample_weights)
        if self._images_seen == (self._member + 1) * images_each:
            self._end_member()

    def _loss(
        self, logits: torch.Tensor, labels: torch.Tensor, batch: torch.Tensor
    ) -> torch.Tensor:
        losses = functional.cross_entropy(logits, labels, reduction="none")
        return (losses * self._loss_weights[batch]).mean()

    def _end_member(self) -> None:
        """Give the member its vote, and begin the next where there is one."""
        alpha, weights = samme.reweigh(self._sample_weights, self._wrong(), self._setup.classes)
        self._network.set_fitted(self._member, alpha)
        if self._member + 1 < self._rounds.members:
            self._begin(self._member + 1, weights)

    @torch.inference_mode()
    def _wrong(self) -> NDArray[np.bool_]:
        """(n,) which training images the member in training gets wrong."""
        member = self._network.members[self._member]
        with self._precision():
            batches = torch.split(self._train_images, EVALUATION_BATCH_SIZE)
            predicted = torch.cat([member(batch).argmax(dim=1) for batch in batches])
        wrong: NDArray[np.bool_] = (predicted != self._train_labels).cpu().numpy()
        return wrong

    def settings(self) -> dict[str, str]:
        return super().settings() | {
            "members": str(self._rounds.members),
            "epochs a member": str(self._rounds.epochs_each),
        }

    @contextmanager
    def _ending_as_it_began(self) -> Iterator[None]:
        member, weights, seen = self._member, self._sample_weights, self._images_seen
        with super()._ending_as_it_began():
            yield
            self._begin(member, weights)  # whose optimiser is then given the state it had
            self._images_seen = seen

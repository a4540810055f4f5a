"""Boosted small multi-layer perceptrons in PyTorch: members that vote, each with its weight.

layer      output shape   parameters
members    (b, C) each     M · 50,890   784-64-C each, as ``mlp-small``, C = 10
                              814,240   for M = 16 and C = 10; 830,880 for C = 26

The algorithm is SAMME (Zhu, Zou, Rosset and Hastie, 'Multi-class AdaBoost', Statistics and Its
Interface 2 (2009), algorithm 2): member m is fitted after those before it, on images weighted by
how they were got wrong, and its vote for a class weighs

    α = log((1 - err)/err) + log(C - 1)

Here stands what is fitted; how it is, in ``bench/trainers/pytorch_ensembles.py``.

The logits are f/(C - 1), by which the paper defines the probabilities of the classes (its lemma
1), with f = Σ α g, where a member's g is 1 for the class it votes for and -1/(C - 1) for each
other. That is the sum of the α of the members that vote for a class, less the mean of these sums
over the classes, times C/(C - 1)². scikit-learn divides by Σ α too, which leaves the probabilities
nearly equal. With the additive model's own β = α (C - 1)²/C in place of α one member would give
its class just the probability 1 - err, but several would then count as if independent: so sure of
their mistakes that the lowest validation loss chose the first member, or one of the first few.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models import single_mlps_pytorch, weights_pytorch
from models.members import MEMBERS

Array = NDArray[np.float32]


def build(classes: int, *, dropout: bool = True, members: int = MEMBERS) -> Boosted:
    """(b, 28, 28) float32 images in; see ``Boosted`` for what comes out.

    Each member starts as a new ``mlp-small`` does, drawn after the one before it. ``dropout``
    changes nothing: the members have none.
    """
    return Boosted([single_mlps_pytorch.build(classes) for _ in range(members)])


class Boosted(nn.Module):
    """Members, what their votes weigh, and how many of them are fitted.

    Until the first is fitted it counts as if it were, with a weight of 1.
    """

    alphas: torch.Tensor  # (M,) float32; 0 for members that are not fitted

    def __init__(self, members: list[nn.Sequential]) -> None:
        """``members``: small networks of equal shapes."""
        super().__init__()
        self.members = nn.ModuleList(members)
        self.training_member = 0  # whose logits forward() gives in training
        self.fitted = 0  # members that are; the first so many
        self.register_buffer("alphas", torch.eye(len(members))[0])

    def get_extra_state(self) -> int:
        """What ``state_dict`` keeps beside the tensors: how many members are fitted."""
        return self.fitted

    def set_extra_state(self, state: int) -> None:
        """As ``get_extra_state`` gave it."""
        self.fitted = state

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(b, C): in training the logits of ``training_member``; else those of the vote."""
        if self.training:
            alone: torch.Tensor = self.members[self.training_member](images)
            return alone
        voting = self._voting()
        each = torch.stack([member(images) for member in voting])  # (k, b, C)
        classes = torch.arange(each.shape[2], device=each.device)
        voted = each.argmax(dim=2, keepdim=True) == classes
        votes = (voted * self.alphas[: len(voting), None, None]).sum(dim=0)
        scale = len(classes) / (len(classes) - 1) ** 2
        return scale * (votes - votes.mean(dim=1, keepdim=True))

    def set_fitted(self, member: int, alpha: float) -> None:
        """Let a member vote, with this weight; those before it do already."""
        self.alphas[member] = alpha
        self.fitted = member + 1

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """(b, k·64), the hidden layers of the k fitted members side by side, after the ReLU."""
        return torch.cat([member[:-1](images) for member in self._voting()], dim=1)

    def _voting(self) -> list[nn.Sequential]:
        return [cast(nn.Sequential, member) for member in self.members[: max(1, self.fitted)]]

    def neutral_weights(self) -> dict[str, Array]:
        """As of ``mlp-small``, with a first axis for the members; then ``vote/alphas`` (M,) and
        ``vote/fitted`` (1,).
        """
        members = [weights_pytorch.neutral(member) for member in self.members]
        weights = {name: np.stack([member[name] for member in members]) for name in members[0]}
        return weights | {
            "vote/alphas": self.alphas.cpu().numpy().copy(),
            "vote/fitted": np.array([self.fitted], np.float32),
        }

    def load_neutral_weights(self, weights: Mapping[str, Array]) -> None:
        """Take what ``neutral_weights`` gives."""
        layers = [name for name in weights if not name.startswith("vote/")]
        for index, member in enumerate(self.members):
            weights_pytorch.load(member, {name: weights[name][index] for name in layers})
        self.alphas.copy_(torch.from_numpy(np.array(weights["vote/alphas"])))
        self.fitted = int(weights["vote/fitted"][0])

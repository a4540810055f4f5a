"""An ensemble of small multi-layer perceptrons in PyTorch, all computed at once.

layer     output shape   parameters
pixels    (784, b)
hidden    (M·64, b)      M · 50,240   the hidden layers of all members, one below the other
logits    (M, C, b)      M ·   65·C   each member's, from its own 64 hidden units
                            814,240   for M = 16 and C = 10; 830,880 for C = 26

Members share the images and nothing else. As all read the same batch, their first layers are one
product, (M·64, 784) times (784, b), as fast as that of one wide network; the second layers are M
small products in one call. Images are the columns here, so that the 64 rows of a member lie
together and no product has to rearrange its operands, and a step is about a tenth faster for it.

The loss of a step is the sum of the members' losses, so the gradient of each is what it would be
alone, and so is each step of an optimiser that works parameter by parameter (SGD, Adam): the
members are trained as if one after the other.

They see the same batches in the same order and differ by their start alone: that is what makes
members of an ensemble of networks differ (Lakshminarayanan, Pritzel and Blundell, 'Simple and
Scalable Predictive Uncertainty Estimation using Deep Ensembles', 2017, section 2.4; Fort, Hu and
Lakshminarayanan, 'Deep Ensembles: A Loss Landscape Perspective', 2019). Their answer is the mean
of their probabilities (section 2.4 of the former).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models import single_mlps_pytorch
from models.members import MEMBERS

Array = NDArray[np.float32]


def build(classes: int, *, dropout: bool = True, members: int = MEMBERS) -> Ensemble:
    """(b, 28, 28) float32 images in; see ``Ensemble`` for what comes out.

    Each member starts as a new ``mlp-small`` does, drawn after the one before it. ``dropout``
    changes nothing: the members have none.
    """
    return Ensemble([single_mlps_pytorch.build(classes) for _ in range(members)])


class Ensemble(nn.Module):
    """Members one below the other in four parameters."""

    def __init__(self, members: list[nn.Sequential]) -> None:
        """``members``: small networks of equal shapes; their weights are copied."""
        super().__init__()
        self.members = len(members)
        states = [member.state_dict() for member in members]

        def of_all(name: str) -> list[torch.Tensor]:
            return [
                state[name].unsqueeze(-1) if "bias" in name else state[name] for state in states
            ]

        self.hidden_weight = nn.Parameter(torch.cat(of_all("dense.weight")))  # (M·H, 784)
        self.hidden_bias = nn.Parameter(torch.cat(of_all("dense.bias")))  # (M·H, 1)
        self.logits_weight = nn.Parameter(torch.stack(of_all("logits.weight")))  # (M, C, H)
        self.logits_bias = nn.Parameter(torch.stack(of_all("logits.bias")))  # (M, C, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """In training each member's logits, (M, C, b); else (b, C), the log of the mean of the
        members' probabilities, which as logits give just these probabilities.
        """
        units = self.logits_weight.shape[2]
        hidden = self._hidden(images).view(self.members, units, -1)
        logits = torch.baddbmm(self.logits_bias, self.logits_weight, hidden)
        if self.training:
            return logits
        # in float32 at least: autocast may have left bfloat16
        mean = logits.float().log_softmax(dim=1).logsumexp(dim=0) - math.log(self.members)
        return mean.T

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """(b, M·64), the members' hidden layers side by side, after the ReLU."""
        return self._hidden(images).T

    def _hidden(self, images: torch.Tensor) -> torch.Tensor:
        pixels = images.flatten(1).T
        return torch.addmm(self.hidden_bias, self.hidden_weight, pixels).relu()

    def neutral_weights(self) -> dict[str, Array]:
        """As of ``mlp-small``, with a first axis for the members: ``dense/kernel`` (M, 784, 64)."""
        with torch.no_grad():
            tensors = {
                "dense/kernel": self._by_member(self.hidden_weight).transpose(1, 2),
                "dense/bias": self._by_member(self.hidden_bias).squeeze(2),
                "logits/kernel": self.logits_weight.transpose(1, 2),
                "logits/bias": self.logits_bias.squeeze(2),
            }
            return {name: tensor.cpu().numpy().copy(order="C") for name, tensor in tensors.items()}

    def load_neutral_weights(self, weights: Mapping[str, Array]) -> None:
        """Take what ``neutral_weights`` gives."""
        given = {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
        with torch.no_grad():
            self._by_member(self.hidden_weight).copy_(given["dense/kernel"].transpose(1, 2))
            self._by_member(self.hidden_bias).copy_(given["dense/bias"].unsqueeze(2))
            self.logits_weight.copy_(given["logits/kernel"].transpose(1, 2))
            self.logits_bias.copy_(given["logits/bias"].unsqueeze(2))

    def _by_member(self, parameter: torch.Tensor) -> torch.Tensor:
        """(M·H, ...) seen as (M, H, ...)."""
        return parameter.view(self.members, -1, *parameter.shape[1:])

"""Adam's kernel alone, without torch.optim, which brings a compiler that nobody asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from bench.ladder.pytorch import rung_16_stays as former


class Bare:
    """The fused kernel that ``torch.optim.Adam`` calls, over one vector."""

    def __init__(self, vector: torch.Tensor, gradient: torch.Tensor) -> None:
        self._gradient = gradient  # the vector's, always in the same place
        self.param_groups: list[dict[str, Any]] = [{"params": [vector], "lr": 0.0}]
        self.state = {
            vector: {
                "step": torch.zeros((), device=vector.device),
                "exp_avg": torch.zeros_like(vector),
                "exp_avg_sq": torch.zeros_like(vector),
            }
        }

    def step(self) -> None:
        """Count, and move the vector by its gradient."""
        (group,) = self.param_groups
        ((vector, state),) = self.state.items()
        state["step"] += 1
        torch._fused_adam_(
            [vector],
            [self._gradient],
            [state["exp_avg"]],
            [state["exp_avg_sq"]],
            [],
            [state["step"]],
            lr=group["lr"],
            beta1=0.7,
            beta2=0.9,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Nothing: each step writes over the gradient."""


def bare(network: nn.Module) -> Bare:
    """Over the network's vector, which is no Parameter: nothing is to be differentiated."""
    vector: Any = network.vector
    vector.grad = torch.zeros_like(vector)
    return Bare(vector, vector.grad)


RUNG = replace(former.RUNG, optimizer=bare)

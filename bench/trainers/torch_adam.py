"""Adam in PyTorch as all other frameworks here do it: the same update, the same fused kernel.

Wanted is 'epsilon hat', the form at the end of section 2 of Kingma and Ba (2015), as Keras has it:

    lr · √(1-β₂ᵗ)/(1-β₁ᵗ) · m / (√v + ε̂)

PyTorch computes  lr/(1-β₁ᵗ) · m / (√v/√(1-β₂ᵗ) + ε),  which is the same where ε = ε̂/√(1-β₂ᵗ).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch

BETAS = (0.9, 0.999)  # Kingma and Ba (2015), algorithm 1


def matched_adam(
    parameters: Iterable[torch.nn.Parameter], *, lr: float, epsilon_hat: float
) -> torch.optim.Adam:
    """PyTorch's Adam, given the ε that each step needs for 'epsilon hat'.

    A plain number that the kernel takes anyway: nothing waits for the device.
    """
    optimizer = own_adam(parameters, lr=lr)
    # Among what state_dict() holds: the count is put back where the means of Adam are. Its
    # own count lies on the device, and reading it would wait for the device.
    optimizer.param_groups[0] |= {"epsilon_hat": epsilon_hat, "steps_begun": 0}
    optimizer.register_step_pre_hook(_set_epsilon)
    return optimizer


def _set_epsilon(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    group = optimizer.param_groups[0]
    group["steps_begun"] += 1
    group["eps"] = group["epsilon_hat"] / math.sqrt(1 - BETAS[1] ** group["steps_begun"])


def own_adam(parameters: Iterable[torch.nn.Parameter], *, lr: float) -> torch.optim.Adam:
    """Adam as PyTorch has it by itself: its own formula and its own ε, 1e-8."""
    return torch.optim.Adam(
        parameters, lr=lr, betas=BETAS, weight_decay=0.0, amsgrad=False, fused=True
    )


def named(optimizer: torch.optim.Optimizer) -> str:
    """What an optimiser is, in words: 'Adam with epsilon hat, fused'."""
    group = optimizer.param_groups[0]
    hat = " with epsilon hat" if "epsilon_hat" in group else ""
    return f"{type(optimizer).__name__}{hat}, {'fused' if group['fused'] else 'not fused'}"

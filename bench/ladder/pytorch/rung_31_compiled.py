"""Aside: the network and its loss compiled by TorchInductor, forward and backward."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn import functional

from bench.ladder.pytorch import rung_13_crop as former
from bench.ladder.pytorch.loop import Loop, Step

DEVICES = ("cpu",)
COMPILES = True
SEEDS = 3


def compiled(loop: Loop) -> Step:
    """As the eager step, but for the loss, which is one program there and one back."""

    def loss_of(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        logits = loop.network(images)
        return functional.cross_entropy(logits, labels, label_smoothing=loop.rung.smoothing)

    program = torch.compile(loss_of, dynamic=False, fullgraph=True)

    def step(images: torch.Tensor, labels: torch.Tensor) -> None:
        loop.optimizer.zero_grad(set_to_none=True)
        program(images, labels).backward()  # type: ignore[no-untyped-call]
        loop.optimizer.step()

    return step


RUNG = replace(former.RUNG, step=compiled)

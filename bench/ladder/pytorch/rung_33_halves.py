"""Aside: a half of each batch for each core, which meet once a step and not in each part of it.

Within an operation PyTorch's threads wait for one another at its end, dozens of times a step. Here
each takes half of the batch through the whole step by itself; then gradients are averaged. It is
data-parallel training in one process.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

import torch

from bench.ladder.pytorch import rung_17_bare as former
from bench.ladder.pytorch.loop import Loop, Step
from bench.ladder.pytorch.rung_14_by_hand import by_hand
from bench.ladder.pytorch.rung_16_stays import TAUGHT

SEEDS = 10


class Half:
    """The loop as half of a step sees it: the same weights, and gradients of its own."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.network, self.rung, self.optimizer = loop.network, loop.rung, self
        weights = cast(torch.Tensor, loop.network.vector).detach()  # the same memory
        self.gradient = weights.grad = torch.zeros_like(weights)
        self.param_groups = [{"params": [weights]}]
        self.differentiate = by_hand(cast(Loop, self), TAUGHT)

    @property
    def progress(self) -> float:
        """Of the whole loop."""
        return self._loop.progress

    def step(self) -> None:
        """Nothing moves before both halves are there."""


def halved(loop: Loop) -> Step:
    """One half in this thread, one in another, and Adam on their mean."""
    torch.set_num_threads(1)
    elsewhere = ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,))
    own, other = Half(loop), Half(loop)
    mean = cast(torch.Tensor, cast(torch.Tensor, loop.network.vector).grad)

    def step(images: torch.Tensor, labels: torch.Tensor) -> None:
        middle = len(labels) // 2
        pending = elsewhere.submit(other.differentiate, images[middle:], labels[middle:])
        own.differentiate(images[:middle], labels[:middle])
        pending.result()
        torch.lerp(own.gradient, other.gradient, 1 - middle / len(labels), out=mean)
        loop.optimizer.step()

    return step


RUNG = replace(former.RUNG, step=halved)

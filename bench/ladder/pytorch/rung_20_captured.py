"""The whole epoch captured: all steps are one CUDA graph, and Python launches it once.

A graph holds addresses and plain numbers. So images, labels, the order and the rate of each step
lie in tensors that stay where they are, and Adam counts its steps on the device.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from bench.ladder.climb import Material
from bench.ladder.pytorch import rung_14_by_hand as former
from bench.ladder.pytorch.loop import Loop
from bench.ladder.pytorch.rung_08_filters import give_filters
from bench.trainers import torch_executions

DEVICES = ("cuda",)


def recordable(network: nn.Module) -> torch.optim.Optimizer:
    """Adam over the vector, whose rate is a tensor, and which counts on the device."""
    vector = nn.Parameter(network.vector)  # type: ignore[arg-type]
    vector.grad = torch.zeros_like(vector)
    rate = torch.zeros((), device=vector.device)
    return torch.optim.Adam([vector], lr=rate, betas=(0.7, 0.9), fused=True, capturable=True)


class Captured:
    """Recorded in the warm-up on noise, replayed on the images."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def warm_up(self, noise: Material) -> None:
        """Record all steps."""
        loop, rung = self._loop, self._loop.rung
        self._steps = rung.steps(len(noise.labels))
        if rung.rate is None or rung.epochs > 1:
            raise ValueError("what is captured is an epoch or less, with a rate for each step")
        shares = ((step + 0.5) / self._steps for step in range(self._steps))
        self._rates = torch.tensor([rung.rate(share) for share in shares], device=loop.device)
        self._held = self._fresh(noise)
        recorder = torch_executions.Recorder()
        recorder.warm_up(lambda: self._take(0))
        self._replay = recorder.record(self._take_all)

    def run(self, material: Material) -> int:
        """Put filters and images where the graph looks for them, and replay it."""
        give_filters(self._loop, material)
        for held, tensor in zip(self._held, self._fresh(material), strict=True):
            held.copy_(tensor)
        self._replay()
        return self._steps

    def _fresh(self, material: Material) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        loop = self._loop
        pile = loop.pile(material.images, material.labels, material)
        order = torch.randperm(len(material.labels), generator=loop.generator())
        labels = pile.labels.to(loop.device).long()
        return loop.rung.prepare(pile), labels, order.to(loop.device)

    def _take_all(self) -> None:
        for step in range(self._steps):
            self._take(step)

    def _take(self, step: int) -> None:
        loop, size = self._loop, self._loop.rung.batch_size
        images, labels, order = self._held
        batch = order[step * size : (step + 1) * size]
        loop.progress = (step + 0.5) / self._steps
        loop.optimizer.param_groups[0]["lr"].copy_(self._rates[step])
        loop.step(images[batch], labels[batch])


RUNG = replace(former.RUNG, optimizer=recordable, program=Captured)

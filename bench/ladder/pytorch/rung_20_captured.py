"""The whole epoch captured: all steps are one CUDA graph, and Python launches it once.

A graph holds addresses and plain numbers. So images, labels, the order and the rate of each step
lie in tensors that stay where they are, and Adam counts its steps on the device.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from bench.ladder.climb import Material
from bench.ladder.pytorch import rung_10_bytes as former
from bench.ladder.pytorch.loop import Loop

DEVICES = ("cuda",)
WARM_UPS = 3  # steps before recording: cuDNN chooses its kernels


def recordable(network: nn.Module) -> torch.optim.Optimizer:
    """Adam whose rate is a tensor, and which counts on the device."""
    parameters = list(network.parameters())
    rate = torch.zeros((), device=parameters[0].device)
    return torch.optim.Adam(parameters, lr=rate, betas=(0.7, 0.9), fused=True, capturable=True)


class Captured:
    """Recorded in the warm-up on noise, replayed on the images."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def warm_up(self, noise: Material) -> None:
        """Record an epoch."""
        loop, rung = self._loop, self._loop.rung
        self._steps = rung.epochs * rung.steps_an_epoch(len(noise.labels))
        assert rung.rate is not None  # noqa: S101 - a graph of constant rates is another rung
        shares = ((step + 0.5) / self._steps for step in range(self._steps))
        self._rates = torch.tensor([rung.rate(share) for share in shares], device=loop.device)
        self._place(noise)
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for step in range(WARM_UPS):
                self._take(step)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=stream):
            for step in range(self._steps):
                self._take(step)

    def run(self, material: Material) -> int:
        """Put the images where the graph looks for them, and replay it."""
        self._place(material)
        self._graph.replay()
        return self._steps

    def _place(self, material: Material) -> None:
        loop, rung = self._loop, self._loop.rung
        pile = loop.pile(material.images, material.labels, material)
        order = torch.randperm(len(material.labels), generator=loop.generator())
        fresh = (rung.prepare(pile), pile.labels.to(loop.device).long(), order.to(loop.device))
        if not hasattr(self, "_held"):
            self._held = fresh
        for held, tensor in zip(self._held, fresh, strict=True):
            held.copy_(tensor)

    def _take(self, step: int) -> None:
        loop, size = self._loop, self._loop.rung.batch_size
        images, labels, order = self._held
        batch = order[step * size : (step + 1) * size]
        loop.optimizer.param_groups[0]["lr"].copy_(self._rates[step])
        loop.step(images[batch], labels[batch])


RUNG = replace(former.RUNG, optimizer=recordable, program=Captured)

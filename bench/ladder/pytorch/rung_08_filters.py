"""Filters from the images: the first convolution starts with their principal components.

What eight linear filters can keep of a patch of 5 x 5 pixels, the components keep most of. Each is
there twice, with either sign, since ReLU drops what is negative; all answer equally strongly. As in
Keller Jordan's airbench (2024), where a network for small photographs starts so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import torch
from torch import nn
from torch.nn import functional

from bench.ladder.climb import Material
from bench.ladder.pytorch import rung_07_softer as former
from bench.ladder.pytorch.loop import Batchwise, Loop

LOOKED_AT = 1000  # training images, the first ones
LEAST = 0.01  # added to a component's variance: what is hardly there is not blown up


@torch.no_grad()
def give_filters(loop: Loop, material: Material) -> None:
    """Write them into the network's first layer, (2k, 1, s, s), on the clock as all else is."""
    first = cast(nn.Conv2d, loop.network[0])  # type: ignore[index]
    filters, _, side, _ = first.weight.shape
    pile = loop.pile(material.images[:LOOKED_AT], material.labels[:LOOKED_AT], material)
    images = loop.rung.prepare(pile).float()
    patches = functional.unfold(images, side, stride=first.stride).mT.reshape(-1, side * side)
    variances, components = torch.linalg.eigh(patches.T.cov())  # the smallest first
    strongest = slice(-(filters // 2), None)
    kept = components[:, strongest] / (variances[strongest] + LEAST).sqrt()
    both = torch.cat([kept, -kept], 1).T
    first.weight.copy_(both.reshape(first.weight.shape))
    cast(torch.Tensor, first.bias).zero_()


class Filtered(Batchwise):
    """Batch after batch, the filters first."""

    def run(self, material: Material) -> int:
        give_filters(self._loop, material)
        return super().run(material)


RUNG = replace(former.RUNG, program=Filtered, epochs=1.25)

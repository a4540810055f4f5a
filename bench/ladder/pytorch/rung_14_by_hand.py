"""The derivative by hand: a step is thirty operations on weights that lie in one piece.

Autograd records each operation and finds its derivative, which is known beforehand here. All
weights are one vector, so one kernel of Adam moves them, and one operation narrows them where the
rung computes in a narrower type than it keeps them in.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn
from torch.nn import functional

from bench.ladder.pytorch import rung_13_crop as former
from bench.ladder.pytorch.loop import Loop, Step

aten = torch.ops.aten


def shaped(part: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A stretch of the vector as a weight; a convolution's has its channels last."""
    if like.dim() < 4:
        return part.view(like.shape)
    filters, channels, height, width = like.shape
    return part.view(filters, height, width, channels).permute(0, 3, 1, 2)


def parts(vector: torch.Tensor, network: nn.Module) -> list[torch.Tensor]:
    """The vector as the network's weights."""
    parameters = list(network.parameters())
    pieces = torch.split(vector, [parameter.numel() for parameter in parameters])
    return [shaped(piece, parameter) for piece, parameter in zip(pieces, parameters, strict=True)]


def in_one_piece(network: nn.Module) -> nn.Module:
    """The same network, its weights views of one vector, ``network.vector``."""
    network = former.RUNG.place(network)
    vector = torch.cat([torch.zeros(parameter.numel()) for parameter in network.parameters()])
    vector = vector.to(next(network.parameters()).device)
    for parameter, part in zip(network.parameters(), parts(vector, network), strict=True):
        parameter.data = part.copy_(parameter.data)
    network.vector = vector
    return network


def of_one_piece(network: nn.Module) -> torch.optim.Optimizer:
    """Adam over the vector."""
    vector = nn.Parameter(network.vector)  # type: ignore[arg-type]
    vector.grad = torch.zeros_like(vector)
    return torch.optim.Adam([vector], betas=(0.7, 0.9), fused=True)


def by_hand(loop: Loop, taught: float = 1.0) -> Step:
    """Forward, backward, Adam: of two convolutions, a pooling and two dense layers.

    ``taught``: the share of all steps in which the first convolution learns.
    """
    (vector,) = loop.optimizer.param_groups[0]["params"]
    dtype = loop.rung.dtype
    copy = torch.empty_like(vector.data, dtype=dtype)  # what a step computes with
    gradients = parts(vector.grad, loop.network)
    w1, b1, w2, b2, w3, b3, w4, b4 = parts(copy, loop.network)
    once = ([1, 1], [0, 0], [1, 1], False, [0, 0], 1)  # stride, padding, dilation, ...
    twice = ([2, 2], *once[1:])
    nothing = [torch.zeros_like(w1), torch.zeros_like(b1)]
    smoothing = loop.rung.smoothing

    @torch.no_grad()
    def step(images: torch.Tensor, labels: torch.Tensor) -> None:
        copy.copy_(vector)
        first = functional.conv2d(images, w1, b1, stride=2).relu_()
        second = functional.conv2d(first, w2, b2)
        pooled, places = aten.max_pool2d_with_indices(second, [2, 2])
        flat = pooled.relu_().flatten(1)
        hidden = torch.addmm(b3, flat, w3.t()).relu_()
        logits = torch.addmm(b4, hidden, w4.t())
        wrong = logits.float().softmax(1)
        wrong[torch.arange(len(labels), device=labels.device), labels] -= 1 - smoothing
        d4 = wrong.sub_(smoothing / len(b4)).div_(len(labels)).to(dtype)
        d3 = aten.threshold_backward(d4 @ w4, hidden, 0)
        d_pooled = aten.threshold_backward((d3 @ w3).view_as(pooled), pooled, 0)
        d_second = aten.max_pool2d_with_indices_backward(
            *(d_pooled, second, [2, 2], [2, 2], [0, 0], [1, 1], False, places)
        )
        learns = loop.progress < taught
        d_first, *second_s = aten.convolution_backward(
            *(d_second, first, w2, [len(b2)], *once, [learns, True, True])
        )
        first_s = nothing
        if learns:
            d_first = aten.threshold_backward(d_first, first, 0)
            _, *first_s = aten.convolution_backward(
                *(d_first, images, w1, [len(b1)], *twice, [False, True, True])
            )
        dense = (d3.t() @ flat, d3.sum(0), d4.t() @ hidden, d4.sum(0))
        torch._foreach_copy_(gradients, [*first_s, *second_s, *dense])
        loop.optimizer.step()

    return step


RUNG = replace(former.RUNG, place=in_one_piece, optimizer=of_one_piece, step=by_hand)

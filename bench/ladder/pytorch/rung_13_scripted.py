"""The whole epoch as one program: TorchScript runs all steps, and Python calls it once."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch.nn import functional

from bench.ladder.climb import Material
from bench.ladder.pytorch import rung_12_memory as former
from bench.ladder.pytorch.loop import WARM_STEPS, Loop
from bench.ladder.pytorch.rung_11_by_hand import parts


def epoch(
    images: torch.Tensor,
    labels: torch.Tensor,
    order: torch.Tensor,
    rates: list[float],
    narrow: torch.Tensor,
    weights: list[torch.Tensor],
    gradients: list[torch.Tensor],
    adam: list[torch.Tensor],
    size: int,
) -> None:
    """Every step of ``rung_11_by_hand``, and Adam's kernel; ``adam``: vector, gradient, state."""
    w1, b1, w2, b2, w3, b3, w4, b4 = weights
    vector, gradient, first_mean, second_mean, count = adam
    for step, rate in enumerate(rates):
        batch = order[step * size : (step + 1) * size]
        seen, wanted = images[batch], labels[batch]
        narrow.copy_(vector)
        first = functional.conv2d(seen, w1, b1, [2, 2]).relu_()
        second = functional.conv2d(first, w2, b2)
        pooled, places = torch.ops.aten.max_pool2d_with_indices(second, [2, 2])
        flat = pooled.relu_().flatten(1)
        hidden = torch.addmm(b3, flat, w3.t()).relu_()
        wrong = torch.addmm(b4, hidden, w4.t()).float().softmax(1)
        wrong -= functional.one_hot(wanted, wrong.size(1))
        d4 = wrong.div_(float(size)).to(torch.bfloat16)
        d3 = torch.ops.aten.threshold_backward(d4 @ w4, hidden, 0)
        d_pooled = torch.ops.aten.threshold_backward((d3 @ w3).view_as(pooled), pooled, 0)
        d_second = torch.ops.aten.max_pool2d_with_indices_backward(
            d_pooled, second, [2, 2], [2, 2], [0, 0], [1, 1], False, places
        )
        d_first, dw2, db2 = torch.ops.aten.convolution_backward(
            d_second,
            first,
            w2,
            [b2.numel()],
            [1, 1],
            [0, 0],
            [1, 1],
            False,
            [0, 0],
            1,
            [True, True, True],
        )
        d_first = torch.ops.aten.threshold_backward(d_first, first, 0)
        _, dw1, db1 = torch.ops.aten.convolution_backward(
            d_first,
            seen,
            w1,
            [b1.numel()],
            [2, 2],
            [0, 0],
            [1, 1],
            False,
            [0, 0],
            1,
            [False, True, True],
        )
        found = [dw1, db1, dw2, db2, d3.t() @ flat, d3.sum(0), d4.t() @ hidden, d4.sum(0)]
        torch.ops.aten._foreach_copy_(gradients, found)
        count += 1
        torch.ops.aten._fused_adam_(
            [vector],
            [gradient],
            [first_mean],
            [second_mean],
            [],
            [count],
            lr=rate,
            beta1=0.7,
            beta2=0.9,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )


class Scripted:
    """Scripted when a loop is built, run once in the warm-up."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        (vector,) = loop.optimizer.param_groups[0]["params"]
        state = loop.optimizer.state[vector]
        state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(vector), torch.zeros_like(vector)
        state["step"] = torch.zeros((), device=vector.device)
        narrow = torch.empty_like(vector.data, dtype=torch.bfloat16)
        self._held = (
            narrow,
            parts(narrow, loop.network),
            parts(vector.grad, loop.network),
            [vector.data, vector.grad, state["exp_avg"], state["exp_avg_sq"], state["step"]],
            loop.rung.batch_size,
        )
        self._epoch = torch.jit.script(epoch)

    def warm_up(self, noise: Material) -> None:
        """A few steps."""
        few = slice(0, WARM_STEPS * self._loop.rung.batch_size)
        less = replace(noise, images=noise.images[few], labels=noise.labels[few])
        for _ in range(WARM_STEPS):  # TorchScript watches two runs before it settles
            self.run(less)

    @torch.no_grad()
    def run(self, material: Material) -> int:
        """Train; how many steps."""
        loop, rung = self._loop, self._loop.rung
        n = len(material.labels)
        if rung.rate is None or rung.epochs != 1:
            raise ValueError("what is scripted is one epoch with a rate for each step")
        steps = rung.steps_an_epoch(n)
        rates = [rung.rate((step + 0.5) / steps) for step in range(steps)]
        pile = loop.pile(material.images, material.labels, material)
        order = torch.randperm(n, generator=loop.generator())
        self._epoch(rung.prepare(pile), pile.labels.long(), order, rates, *self._held)
        return steps


RUNG = replace(former.RUNG, program=Scripted)

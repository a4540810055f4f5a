"""The whole epoch as one program: the images lie on the device, and XLA loops over the batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from bench.ladder.climb import Material
from bench.ladder.jax import rung_04_products as former
from bench.ladder.jax.loop import Loop, State, normalised, one_step

COMPILES = True


def at_once(loop: Loop, material: Material) -> Iterator[None]:
    """An epoch a call."""
    for epoch in range(loop.rung.epochs):
        loop.state = loop.whole(loop.state, *_given(loop, material, epoch))
        yield


def compiled(loop: Loop, noise: Material) -> None:
    """Make the program; nothing is run."""
    step = one_step(loop.rung)

    def whole(state: State, images: jax.Array, labels: jax.Array, order: Any, rates: Any) -> State:
        prepared = normalised(images, noise)  # its mean and deviation are those of the images

        def body(state: State, now: Any) -> tuple[State, None]:
            batch, rate = now
            return step(state, jnp.take(prepared, batch, axis=0), labels[batch], rate), None

        return lax.scan(body, state, (order, rates))[0]

    given = _given(loop, noise, 0)
    loop.whole = jax.jit(whole, donate_argnums=0).lower(loop.state, *given).compile()


def _given(loop: Loop, material: Material, epoch: int) -> tuple[Any, ...]:
    n = len(material.labels)
    order = loop.order(epoch, n).reshape(-1, loop.batch_size)
    given = (material.images, material.labels, order, loop.rates(epoch, n))
    return tuple(map(jax.device_put, given))


RUNG = replace(former.RUNG, drive=at_once, compiled_before=compiled)

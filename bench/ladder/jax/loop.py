"""JAX's loop, and what a rung is made of. A rung changes parts; the loop stays.

Everything that a step changes is one state: weights, Adam's two means, its count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from bench.ladder.climb import ASKED_AT_ONCE, Images, Material, Weights

Network = Callable[[Any, jax.Array, "Rung"], jax.Array]  # weights, (b, 28, 28) -> (b, classes)
Convolution = Callable[[jax.Array, jax.Array, int], jax.Array]  # images, kernel, stride


class State(NamedTuple):
    """All that a step changes."""

    weights: Any
    first: Any  # Adam's means
    second: Any
    steps: jax.Array


@dataclass(frozen=True, kw_only=True)
class Rung:
    """What a rung is; those above replace parts of it."""

    shapes: Callable[[int], dict[str, tuple[int, ...]]]  # classes -> of weights, by their names
    network: Network
    convolution: Convolution
    batch_size: int
    epochs: int  # at most, where there is a target
    target: float | None = None  # on validation, read after each epoch; None: never read
    whole_batches: bool = False  # True: what is left of an epoch, less than a batch, is not seen
    share: float = 1.0  # of each epoch's batches, the first ones of its order
    smoothing: float = 0.0  # of labels
    edge: int = 0  # pixels left out all around
    betas: tuple[float, float] = (0.9, 0.999)
    rate: Callable[[float], float]  # of the share of all steps, 0..1
    dtype: Any = jnp.float32  # that layers compute in
    drive: Callable[[Loop, Material], Iterator[None]]  # trains an epoch for each time it is asked
    compiled_before: Callable[[Loop, Material], None] | None = None  # None: a few steps are taken

    def climber(self, seed: int, device: str, classes: int) -> Loop:
        """See ``bench.ladder.climb.Climber``."""
        return Loop(self, seed, device, classes)

    def steps_an_epoch(self, images: int) -> int:
        """Batches in ``images``."""
        whole, rest = divmod(images, self.batch_size)
        return max(1, round(self.share * (whole + (rest > 0 and not self.whole_batches))))


class Loop:
    """See ``bench.ladder.climb.Climber``."""

    def __init__(self, rung: Rung, seed: int, device: str, classes: int) -> None:
        jax.config.update("jax_platforms", "cpu" if device == "cpu" else f"{device},cpu")  # type: ignore[no-untyped-call]
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)  # type: ignore[no-untyped-call]
        self.rung, self.seed = rung, seed
        self.state = _begin(rung.shapes(classes), np.random.default_rng((seed, 2)))
        self._start = jax.tree.map(np.array, self.state)
        self.step = jax.jit(one_step(rung), donate_argnums=0)
        self._classes = jax.jit(lambda weights, images: logits(rung, weights, images).argmax(1))
        self.whole: Callable[..., State]  # of all steps of an epoch, where a rung compiles that
        self._steps = 0
        self.batches: list[NDArray[np.int32]] = []  # that were trained on, an epoch each

    @property
    def batch_size(self) -> int:
        """Images a step."""
        return self.rung.batch_size

    def order(self, epoch: int, images: int) -> NDArray[np.int32]:
        """The numbers of an epoch's images, in turn; kept, so that it can be told what was seen."""
        order = np.random.default_rng((self.seed, epoch)).permutation(images).astype(np.int32)
        if self.rung.whole_batches:
            order = order[: self.rung.steps_an_epoch(images) * self.rung.batch_size]
        self.batches.append(order)
        return order

    def rates(self, epoch: int, images: int) -> NDArray[np.float32]:
        """(steps,): of each step of an epoch."""
        steps = self.rung.steps_an_epoch(images)
        shares = [(epoch * steps + at + 0.5) / (self.rung.epochs * steps) for at in range(steps)]
        return np.array([self.rung.rate(share) for share in shares], np.float32)

    def warm_up(self, noise: Material) -> None:
        if self.rung.compiled_before is not None:
            self.rung.compiled_before(self, noise)
        else:
            self._train(noise.few(self.batch_size))
        self.state = jax.tree.map(jnp.array, self._start)

    def train(self, material: Material) -> None:
        self._steps = self._train(material)

    def _train(self, material: Material) -> int:
        rung, steps = self.rung, self.rung.steps_an_epoch(len(material.labels))
        self.batches = []
        done = 0
        for _ in rung.drive(self, material):
            done += steps
            if rung.target is not None and self._validation(material) >= rung.target:
                break
        return done

    def _validation(self, material: Material) -> float:
        found = self.answers(material, material.validation_images)
        return float((found == material.validation_labels).mean())

    def synchronize(self) -> None:
        jax.block_until_ready(self.state)  # type: ignore[no-untyped-call]

    def weights(self) -> Weights:
        return {name: np.array(array) for name, array in self.state.weights.items()}

    def load(self, weights: Weights) -> None:
        arrays = {name: jnp.array(weights[name]) for name in weights}
        self.state = self.state._replace(weights=arrays)

    def answers(self, material: Material, images: Images) -> NDArray[np.int64]:
        parts = np.split(images, range(ASKED_AT_ONCE, len(images), ASKED_AT_ONCE))
        asked = [self._classes(self.state.weights, normalised(part, material)) for part in parts]
        return np.concatenate([np.array(part) for part in asked])

    def steps(self) -> tuple[int, int]:
        return self._steps, int(self.state.steps)

    def seen(self, material: Material) -> NDArray[np.int64]:
        return np.bincount(np.concatenate(self.batches), minlength=len(material.labels))

    def flop_an_image(self, material: Material) -> int | None:
        return None

    def settings(self) -> dict[str, str]:
        return {"device name": jax.devices()[0].device_kind, "optimiser": "Adam"}


def normalised(images: Any, material: Material) -> Any:
    """(n, 28, 28) float32 of bytes, in NumPy or on the device."""
    scaled = images.astype(np.float32) / np.float32(255)
    return (scaled - np.float32(material.mean)) / np.float32(material.std)


def _begin(shapes: dict[str, tuple[int, ...]], random: np.random.Generator) -> State:
    """Uniform in ±1/√fan_in, as PyTorch draws them; kernels are (…, in, out)."""
    weights, reach = {}, 1.0
    for name, shape in shapes.items():
        reach = reach if name.endswith("bias") else 1 / math.sqrt(math.prod(shape[:-1]))
        weights[name] = jnp.array(random.uniform(-reach, reach, shape), jnp.float32)
    zeros = jax.tree.map(jnp.zeros_like, weights)
    return State(weights, zeros, jax.tree.map(jnp.zeros_like, weights), jnp.zeros((), jnp.int32))


def logits(rung: Rung, weights: Any, images: jax.Array) -> jax.Array:
    """(b, classes) float32, whatever layers compute in."""
    narrow = jax.tree.map(lambda array: array.astype(rung.dtype), weights)
    inner = slice(rung.edge, images.shape[1] - rung.edge)
    return rung.network(narrow, images[:, inner, inner].astype(rung.dtype), rung).astype(
        jnp.float32
    )


def one_step(rung: Rung) -> Callable[..., State]:
    """A step of Adam on one batch (Kingma and Ba, 2015), as a pure function."""
    beta1, beta2 = rung.betas

    def loss(weights: Any, images: jax.Array, labels: jax.Array) -> jax.Array:
        found = jax.nn.log_softmax(logits(rung, weights, images))
        right = jnp.take_along_axis(found, labels[:, None].astype(jnp.int32), axis=1).mean()
        return -(1 - rung.smoothing) * right - rung.smoothing * found.mean()

    def step(state: State, images: jax.Array, labels: jax.Array, rate: jax.Array) -> State:
        gradients = jax.grad(loss)(state.weights, images, labels)
        count = state.steps + 1
        first = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, state.first, gradients)
        second = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, state.second, gradients)
        corrected1, corrected2 = 1 - beta1**count, 1 - beta2**count

        def moved(weight: jax.Array, m: jax.Array, v: jax.Array) -> jax.Array:
            return weight - rate * (m / corrected1) / (jnp.sqrt(v / corrected2) + 1e-8)

        weights = jax.tree.map(moved, state.weights, first, second)
        return State(weights, first, second, count)

    return step


def slid(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """A convolution as XLA has it: (b, h, w, in) and (height, width, in, out)."""
    return lax.conv_general_dilated(
        images, kernel, (stride, stride), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def largest(images: jax.Array) -> jax.Array:
    """The largest of each 2x2 window, as XLA has it."""
    square = (1, 2, 2, 1)
    found: jax.Array = lax.reduce_window(images, -jnp.inf, lax.max, square, square, "VALID")
    return found


def dense(weights: Any, name: str, values: jax.Array) -> jax.Array:
    """y = x·W + b."""
    product: jax.Array = values @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
    return product

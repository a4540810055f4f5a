"""Keras's ``fit`` on TensorFlow, and what a rung is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from bench.ladder.climb import ASKED_AT_ONCE, Images, Material, Weights


@dataclass(frozen=True, kw_only=True)
class Rung:
    """What a rung is; those above replace parts of it."""

    network: Callable[[int], Any]  # classes -> (b, 28, 28) images in, (b, classes) logits out
    batch_size: int
    epochs: int  # at most, where there is a target
    target: float | None = None  # on validation, read after each epoch; None: never read
    optimizer: Callable[[int], Any]  # of the number of all steps
    share: float = 1.0  # of each epoch's images, the first ones of its order
    smoothing: float = 0.0  # of labels
    policy: str = "float32"  # of layers
    program: Callable[[Loop], Callable[[Material], int]]  # trains; how many steps

    def climber(self, seed: int, device: str, classes: int) -> Loop:
        """See ``bench.ladder.climb.Climber``."""
        return Loop(self, seed, device, classes)

    def images_an_epoch(self, images: int) -> int:
        """Of so many; a part of them is of whole batches."""
        part = round(self.share * images)
        return part if part == images else max(1, part // self.batch_size) * self.batch_size


class Loop:
    """See ``bench.ladder.climb.Climber``."""

    def __init__(self, rung: Rung, seed: int, device: str, classes: int) -> None:
        if device != "cpu" and not tf.config.list_physical_devices("GPU"):
            raise RuntimeError(f"TensorFlow sees no GPU, and {device} was asked for")
        keras.utils.set_random_seed(seed)
        keras.config.set_dtype_policy(rung.policy)
        self.rung, self.seed = rung, seed
        self.model = rung.network(classes)
        self._program: Callable[[Material], int] | None = None
        self._steps = 0
        self.orders: list[NDArray[np.int64]] = []  # of images that were trained on, an epoch each

    @property
    def batch_size(self) -> int:
        """Images a step."""
        return self.rung.batch_size

    def order(self, epoch: int, images: int) -> NDArray[np.int64]:
        """The numbers of an epoch's images, in turn; kept, so that it can be told what was seen."""
        order = np.random.default_rng((self.seed, epoch)).permutation(images)
        order = order[: self.rung.images_an_epoch(images)]
        self.orders.append(order)
        return order

    def warm_up(self, noise: Material) -> None:
        rung, start = self.rung, self.model.get_weights()
        steps = rung.epochs * -(-rung.images_an_epoch(len(noise.labels)) // rung.batch_size)
        self.model.compile(optimizer=rung.optimizer(steps), loss=_loss(rung.smoothing))
        self.model.optimizer.build(self.model.trainable_variables)
        moments = [np.array(variable) for variable in self.model.optimizer.variables]
        self._program = rung.program(self)
        self._program(noise.few(self.batch_size))
        self.model.set_weights(start)
        for variable, value in zip(self.model.optimizer.variables, moments, strict=True):
            variable.assign(value)
        self.orders = []

    def train(self, material: Material) -> None:
        assert self._program is not None  # noqa: S101 - the warm-up comes before
        self._steps = self._program(material)

    def synchronize(self) -> None:
        """Weights in host memory are finished."""
        self.model.trainable_variables[0].numpy()

    def weights(self) -> Weights:
        return {str(at): array for at, array in enumerate(self.model.get_weights())}

    def load(self, weights: Weights) -> None:
        self.model.set_weights(list(weights.values()))

    def answers(self, material: Material, images: Images) -> NDArray[np.int64]:
        parts = np.split(images, range(ASKED_AT_ONCE, len(images), ASKED_AT_ONCE))
        found = [self.model.predict_on_batch(normalised(part, material)) for part in parts]
        answers: NDArray[np.int64] = np.concatenate(found).argmax(1)
        return answers

    def steps(self) -> tuple[int, int]:
        return self._steps, int(self.model.optimizer.iterations.numpy())

    def seen(self, material: Material) -> NDArray[np.int64]:
        return np.bincount(np.concatenate(self.orders), minlength=len(material.labels))

    def flop_an_image(self, material: Material) -> int | None:
        return None

    def settings(self) -> dict[str, str]:
        return {"optimiser": type(self.model.optimizer).__name__, "precision": self.rung.policy}


def normalised(images: Images, material: Material) -> NDArray[np.float32]:
    """(n, 28, 28) float32 of bytes."""
    scaled = images.astype(np.float32) / np.float32(255)
    found: NDArray[np.float32] = (scaled - np.float32(material.mean)) / np.float32(material.std)
    return found


def _loss(smoothing: float) -> Any:
    """Mean cross-entropy; Keras has softer labels for one-hot ones alone."""
    if not smoothing:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def loss(labels: Any, logits: Any) -> Any:
        wanted = keras.ops.one_hot(keras.ops.reshape(labels, (-1,)), logits.shape[-1])
        return keras.losses.categorical_crossentropy(
            wanted, logits, from_logits=True, label_smoothing=smoothing
        )

    return loss


def fitted(loop: Loop) -> Callable[[Material], int]:
    """By ``fit``, an epoch a call, so that the order of images is known."""

    def train(material: Material) -> int:
        rung, n = loop.rung, len(material.labels)
        images, done = normalised(material.images, material), 0
        for epoch in range(rung.epochs):
            order = loop.order(epoch, n)
            loop.model.fit(
                *(images[order], material.labels[order].astype(np.int32)),
                batch_size=rung.batch_size,
                shuffle=False,
                verbose=0,
            )
            done += -(-len(order) // rung.batch_size)
            if rung.target is not None:
                found = loop.answers(material, material.validation_images)
                if float((found == material.validation_labels).mean()) >= rung.target:
                    break
        return done

    return train

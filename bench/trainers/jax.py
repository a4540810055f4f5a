"""Plain JAX: pure functions, differentiated and compiled by XLA, and nothing between.

The networks are in ``models/*_jax.py``, the optimisers in ``optimizers_jax.py``; here is the
training loop. The data lie on the device and batches are taken by index. A step is a function
of all that it changes: 'compiled' calls it from Python for each batch, and 'epoch' calls a whole
stretch of steps that are one program. 'tuned' is 'epoch' with max-pooling written in a way that
suits XLA on a CPU: see ``models.layers_jax``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax  # the package: imports are absolute, so that this file's name is no matter
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

import models
from bench.experiment import Experiment
from bench.machine import settings as names
from bench.results.card import Card
from bench.results.models import read_weights
from bench.trainers import (
    EVALUATION_BATCH_SIZE,
    DeviceMemory,
    Features,
    Images,
    Logits,
    Setup,
    Trainer,
    Weights,
    jax_device,
    optimizers_jax,
)
from bench.trainers.batches import (
    in_pieces,
    predict_every_shape,
    warm_up_order,
)
from models import ARCHITECTURES, layers_jax
from models.layers_jax import Key, Network
from models.weights import check_weights, initial_weights

TYPES = {"fp32": jnp.float32, "tf32": jnp.float32, "bf16": jnp.bfloat16}  # that layers compute in
Forward = Callable[..., jax.Array]  # weights, (b, 28, 28) images, key -> (b, classes) or (b, d)


def create(setup: Setup) -> Trainer:
    """A trainer of one network; raises FrameworkMissing where the device is not there."""
    return JaxTrainer(setup)


def restore(path: Path, card: Card) -> JaxNetwork:
    """The network of a ``.safetensors`` file, on the CPU, computing as in training.

    Raises ValueError where JAX has no such architecture, or the weights are not its own.
    """
    experiment = card.record.experiment
    jax_device.choose("cpu")
    jax_device.set_precision(experiment)
    network: Network = models.load(card.architecture, "jax").build(len(card.class_names))
    weights = read_weights(path, _empty(network))
    return JaxNetwork(network, experiment, {name: jnp.array(weights[name]) for name in weights})


def _empty(network: Network) -> Weights:
    return {name: np.empty(shape, np.float32) for name, shape in network.shapes.items()}


class JaxNetwork:
    """See ``bench.trainers.Network``; of a trainer, or of a saved model."""

    def __init__(self, network: Network, experiment: Experiment, weights: Any) -> None:
        """``weights``: on the device; a trainer's are others after each stretch."""
        self.weights = weights
        self._logits = jax.jit(_computing_in(experiment, network.logits))
        self._features = jax.jit(_computing_in(experiment, network.features))

    def logits(self, images: Images) -> Logits:
        return self._in_batches(partial(self._logits, self.weights), images)

    def infer(self, images: Images) -> Logits:
        return np.asarray(self._logits(self.weights, images))

    def features(self, images: Images) -> Features | None:
        return self._in_batches(lambda batch: self._features(self.weights, batch, None), images)

    def _in_batches(self, forward: Callable[[Images], Any], images: Images) -> NDArray[np.float32]:
        starts = range(0, len(images), EVALUATION_BATCH_SIZE)
        batches = [forward(images[at : at + EVALUATION_BATCH_SIZE]) for at in starts]
        return np.concatenate(batches)  # waits for each in turn


def _computing_in(experiment: Experiment, forward: Forward) -> Forward:
    """The same in the precision asked for: float32 in and out, whatever layers compute in."""
    dtype = TYPES[experiment.precision]

    def narrowed(weights: Any, images: jax.Array, key: Key = None) -> jax.Array:
        cast = {name: array.astype(dtype) for name, array in weights.items()}
        return forward(cast, images.astype(dtype), key).astype(jnp.float32)

    return narrowed


class State(NamedTuple):
    """All that a step changes; it lies on the device, and each step writes over the last."""

    weights: Any  # by their names
    optimizer: optimizers_jax.Memory
    key: jax.Array  # of dropout: the seed's, always the same
    loss_sum: jax.Array  # of the images of a stretch so far, each before its step


class JaxTrainer:
    """See ``bench.trainers.Trainer``."""

    train_waits = False

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._batch_size = setup.experiment.batch_size
        self._device = jax_device.choose(setup.experiment.device)
        jax_device.set_precision(setup.experiment)
        self._compilations = jax_device.Compilations()
        self.parameter_count = 0

    def build(self) -> None:
        experiment, seed = self._setup.experiment, self._setup.seed
        file: Any = models.load(experiment.architecture, "jax")
        self._network: Network = file.build(
            self._setup.classes, dropout=experiment.dropout, **self._ways()
        )
        # JAX has no start of its own.
        weights = _on_device(initial_weights(_empty(self._network), seed))
        memory = optimizers_jax.begin(weights)
        self._state = State(weights, memory, jax.random.key(seed), jnp.zeros(()))
        self._classifier = JaxNetwork(self._network, experiment, weights)
        step = _step(self._network, experiment)
        self._step = jax.jit(step, donate_argnums=0)
        self._stretches = jax_device.Stretches(step)
        self.parameter_count = sum(int(np.prod(shape)) for shape in self._network.shapes.values())

    def _ways(self) -> dict[str, Any]:
        """How layers are computed where it is not as JAX's users would write them."""
        experiment = self._setup.experiment
        if not (self._whole and ARCHITECTURES[experiment.architecture].convolutional):
            return {}
        ways: dict[str, Any] = {}
        if self._device.platform == "cpu":
            ways["convolution"] = layers_jax.convolution_for_loops
        if experiment.execution == "tuned":
            ways["pooling"] = layers_jax.max_pooling_by_slices
        return ways

    @property
    def _whole(self) -> bool:
        return self._setup.experiment.execution in ("epoch", "tuned")

    def transfer(self) -> None:
        self._labels = jax.device_put(self._setup.train_labels.astype(np.int32))
        self.renew(self._setup.train_images)

    def renew(self, images: Images) -> None:
        self._images = jax.device_put(images)

    def warm_up(self) -> None:
        orders = [warm_up_order(len(self._images), self._batch_size)]
        if self._whole:
            orders = jax_device.warm_up_orders(self._setup, self._device)
        with self._ending_as_it_began():
            for order in orders:
                self.arrange(order)  # compiles whole stretches
            self.train()

    def warm_up_predictions(self) -> None:
        predict_every_shape(self, self._setup)

    def arrange(self, order: NDArray[np.int64]) -> None:
        # Batches are on the device before the clock starts: the order is the harness's wish.
        pieces = in_pieces(order.astype(np.int32), self._batch_size)
        if self._whole:
            self._arranged = [jax.device_put(piece) for piece in pieces]
            for piece in self._arranged:
                self._stretches.compile(self._state, self._images, self._labels, piece)
        else:
            batches = [batch for piece in pieces for batch in piece]
            self._arranged = [jax.device_put(batch) for batch in batches]
        self._arranged_images = len(order)

    def train(self) -> None:
        advance = self._stretches.run if self._whole else self._step
        state = self._state._replace(loss_sum=jnp.zeros(()))
        for batches in self._arranged:
            state = advance(state, self._images, self._labels, batches)
        self._state = state
        self._classifier.weights = state.weights

    def mean_loss(self) -> float:
        return float(self._state.loss_sum) / self._arranged_images

    def steps_done(self) -> int:
        return int(self._state.optimizer.steps)

    def observed_execution(self) -> str:
        execution = self._compilations.execution
        whole = self._whole and execution == "compiled" and self._stretches.loops
        return self._setup.experiment.execution if whole else execution

    def logits(self, images: Images) -> Logits:
        return self._classifier.logits(images)

    def infer(self, images: Images) -> Logits:
        return self._classifier.infer(images)

    def synchronize(self) -> None:
        jax.block_until_ready(self._state)  # type: ignore[no-untyped-call]

    def weights(self) -> Weights:
        # In layer order: JAX sorts what it returns by name.
        return {name: np.array(self._state.weights[name]) for name in self._network.shapes}

    def load_weights(self, weights: Weights) -> None:
        check_weights(weights, _empty(self._network))
        self._state = self._state._replace(weights=_on_device(weights))
        self._classifier.weights = self._state.weights

    def save(self, path: Path) -> None:
        path.write_bytes(save(self.weights()))

    def device_memory(self) -> DeviceMemory | None:
        return jax_device.memory(self._device)

    def reset_peak_memory(self) -> None:
        """Nothing: XLA's allocator counts its peak from its start, the warm-up included."""

    def settings(self) -> dict[str, str]:
        return jax_device.settings(self._device) | {
            "precision": self._observed_precision(),
            "memory layout": self._memory_layout(),
            "optimiser": self._setup.experiment.optimizer,
        }

    def _observed_precision(self) -> str:
        """The type that the last product comes out in, as JAX infers it."""
        dtype = TYPES[self._setup.experiment.precision]
        weights = {name: jnp.empty(s, dtype) for name, s in self._network.shapes.items()}
        images = jnp.empty((1, 28, 28), dtype)
        return str(jax.eval_shape(self._network.logits, weights, images).dtype)

    def _memory_layout(self) -> str:
        convolutions = any(len(shape) == 4 for shape in self._network.shapes.values())
        return "channels last" if convolutions else names.NO_IMAGES

    @contextmanager
    def _ending_as_it_began(self) -> Iterator[None]:
        kept = self._state
        self._state = jax.tree.map(jnp.copy, kept)  # which a step may write over
        yield
        self._state = kept
        self._classifier.weights = self._state.weights


def _on_device(weights: Weights) -> dict[str, jax.Array]:
    """Copies: a step writes over the memory that it is given."""
    return {name: jnp.array(array) for name, array in weights.items()}


def _step(network: Network, experiment: Experiment) -> jax_device.Step:
    """One optimiser step on one batch, as a pure function."""
    logits = _computing_in(experiment, network.logits)
    update = optimizers_jax.choose(experiment)

    def mean_loss(weights: Any, images: jax.Array, labels: jax.Array, key: Key) -> jax.Array:
        log_probabilities = jax.nn.log_softmax(logits(weights, images, key))
        return -jnp.take_along_axis(log_probabilities, labels[:, None], axis=1).mean()

    def step(state: State, images: jax.Array, labels: jax.Array, batch: jax.Array) -> State:
        weights, memory, key, loss_sum = state
        dropped = jax.random.fold_in(key, memory.steps)  # the seed and the step decide alone
        loss, gradients = jax.value_and_grad(mean_loss)(
            weights, images[batch], labels[batch], dropped
        )
        weights, memory = update(weights, gradients, memory)
        return State(weights, memory, key, loss_sum + len(batch) * loss)

    return step

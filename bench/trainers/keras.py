"""Keras through ``compile``, ``fit`` and ``predict``, as its users use it.

What all backends share. Choosing the device, waiting for it and describing it is left to
``keras_tensorflow.py``, ``keras_jax.py`` and ``keras_torch.py``: Keras reads its backend once,
when it is imported, so each runs in a process of its own.

How a network answers, and how a saved one is restored, is ``keras_network.py``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

import models
from bench.experiment import Experiment
from bench.machine import settings as names
from bench.trainers import DeviceMemory, Images, Logits, Setup, Weights
from bench.trainers.batches import predict_every_shape, warm_up_order
from bench.trainers.keras_network import POLICIES, KerasNetwork
from bench.trainers.keras_network import framework as framework
from bench.trainers.keras_network import restore as restore
from models.weights import check_weights


class KerasTrainer(ABC):
    """See ``bench.trainers.Trainer``."""

    train_waits = True  # fit ends by reading the loss

    def __init__(self, setup: Setup, *, jit_compile: bool) -> None:
        self._setup = setup
        self._train_images = setup.train_images
        self._jit_compile = jit_compile
        # Off: the images are in the order wanted. On: fit puts them into an order of its own.
        self._shuffle = "shuffling" in setup.experiment.native
        self.parameter_count = 0
        self._mean_loss = float("nan")

    @abstractmethod
    def synchronize(self) -> None:
        """Return when the device has done all its work."""

    @abstractmethod
    def device_memory(self) -> DeviceMemory | None:
        """What the device's allocator holds; None where it is not counted."""

    @abstractmethod
    def reset_peak_memory(self) -> None:
        """Let the peak be counted from now on, where the backend can."""

    @abstractmethod
    def observed_execution(self) -> str:
        """How training has been executed, by what the framework tells of itself afterwards."""

    @abstractmethod
    def _backend_settings(self) -> dict[str, str]:
        """What the backend says of itself and its device."""

    def _on_device(self) -> AbstractContextManager[Any]:
        """Keras works on the device inside this; nothing where the process has but one."""
        return nullcontext()

    def _random_state_kept(self) -> AbstractContextManager[Any]:
        """The backend's own random generator ends as it began, where Keras draws from it."""
        return nullcontext()

    def build(self) -> None:
        # A user's ~/.keras/keras.json may say otherwise.
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy(POLICIES[self._setup.experiment.precision])
        keras.config.set_image_data_format("channels_last")
        keras.utils.set_random_seed(self._setup.seed)  # of the weights and of dropout
        experiment = self._setup.experiment
        with self._on_device():
            self._model = self._fresh()
            self._classifier = KerasNetwork(self._model)
            self._model.compile(
                optimizer=_optimizer(experiment),
                # in float32 (Keras's float type) whatever the layers compute in
                loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                jit_compile=self._jit_compile,
            )
            self._model.optimizer.build(self._model.trainable_variables)
        self.parameter_count = sum(
            int(np.prod(variable.shape)) for variable in self._model.trainable_variables
        )

    def _fresh(self) -> keras.Model:
        experiment = self._setup.experiment
        network: keras.Model = models.load(experiment.architecture, "keras").build(
            self._setup.classes, dropout=experiment.dropout
        )
        return network

    def transfer(self) -> None:  # noqa: B027 - empty for every backend
        """Nothing: ``fit`` and ``predict`` carry each batch to the device themselves."""

    def warm_up(self) -> None:
        setup = self._setup
        with self._ending_as_it_began():
            self.arrange(warm_up_order(len(setup.train_images), setup.experiment.batch_size))
            self.train()

    def warm_up_predictions(self) -> None:
        with self._ending_as_it_began():
            predict_every_shape(self, self._setup)

    def renew(self, images: Images) -> None:
        self._train_images = images

    def arrange(self, order: NDArray[np.int64]) -> None:
        # Keras gathers every batch from the arrays it is given, in whatever order: a copy in
        # the order wanted is the harness's doing.
        self._arranged = self._train_images[order], self._setup.train_labels[order]

    def train(self) -> None:
        images, labels = self._arranged
        with self._on_device():
            history = self._model.fit(
                images,
                labels,
                batch_size=self._setup.experiment.batch_size,
                epochs=1,
                shuffle=self._shuffle,
                verbose=0,  # a progress bar reads the loss, and so waits for it, every step
            )
        self._mean_loss = float(history.history["loss"][0])  # Keras weighs batches by size

    def mean_loss(self) -> float:
        return self._mean_loss

    def steps_done(self) -> int:
        return int(_copy(self._model.optimizer.iterations))

    def logits(self, images: Images) -> Logits:
        with self._on_device(), self._random_state_kept():
            return self._classifier.logits(images)

    def infer(self, images: Images) -> Logits:
        with self._on_device():
            return self._classifier.infer(images)

    def weights(self) -> Weights:
        return {name: _copy(variable) for name, variable in self._named_variables()}

    def load_weights(self, weights: Weights) -> None:
        check_weights(weights, self.weights())
        with self._on_device():
            for name, variable in self._named_variables():
                variable.assign(weights[name].copy())  # JAX may go on using the memory it is given

    def save(self, path: Path) -> None:
        with self._on_device():
            # A copy: without the optimiser's state and the loss, which only training needs.
            copy = self._fresh()
            copy.set_weights(self._model.get_weights())
            copy.save(path)

    def settings(self) -> dict[str, str]:
        return {
            "KERAS_BACKEND": keras.backend.backend(),
            "jit_compile": str(self._model.jit_compile),
            "precision": " and ".join(sorted(self._product_types())),
            "memory layout": self._memory_layout(),
            "optimiser": type(self._model.optimizer).__name__,
        } | self._backend_settings()

    def _product_types(self) -> set[str]:
        """The types that the layers with weights compute in."""
        return {layer.compute_dtype for layer in self._model.layers if layer.trainable_variables}

    def _memory_layout(self) -> str:
        formats = {
            layer.data_format for layer in self._model.layers if hasattr(layer, "kernel_size")
        }
        return " and ".join(sorted(formats)).replace("_", " ") or names.NO_IMAGES

    def _named_variables(self) -> Iterator[tuple[str, Any]]:
        for layer in self._model.layers:
            for variable in layer.trainable_variables:
                yield f"{layer.name}/{variable.name}", variable

    def _variables(self) -> list[Any]:
        """All that training changes: of layers, of random numbers, metrics and the optimiser."""
        return [*self._model.variables, *self._model.optimizer.variables]

    @contextmanager
    def _ending_as_it_began(self) -> Iterator[None]:
        """Weights, optimiser and seeds, all variables of Keras, and the backend's own random."""
        variables = self._variables()
        values = [_copy(variable) for variable in variables]
        numpys = np.random.get_state()  # which Keras's own shuffling draws from, on JAX
        with self._random_state_kept():
            yield
        np.random.set_state(numpys)
        with self._on_device():
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)


def _optimizer(experiment: Experiment) -> keras.optimizers.Optimizer:
    if experiment.optimizer == "sgd":
        return keras.optimizers.SGD(
            learning_rate=experiment.learning_rate, momentum=experiment.momentum, nesterov=False
        )
    # Its epsilon is 'epsilon hat' (Kingma and Ba, 2015, end of section 2), as in all here.
    return keras.optimizers.Adam(
        learning_rate=experiment.learning_rate,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=experiment.adam_epsilon,
        amsgrad=False,
    )


def _copy(variable: Any) -> NDArray[Any]:
    return np.array(keras.ops.convert_to_numpy(variable.value), copy=True)

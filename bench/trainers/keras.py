"""Keras through ``compile``, ``fit`` and ``predict``, as its users use it; and its saved networks.

What all backends share. Choosing the device, waiting for it and describing it is left to
``keras_tensorflow.py``, ``keras_jax.py`` and ``keras_torch.py``: Keras reads its backend once,
when it is imported, so each runs in a process of its own.

A saved network is restored on whatever backend Keras is loaded with: the file knows none. Keras's
safe mode refuses what it knows to run code (Lambda layers). Before it reads anything, the classes
that the file names are compared with those our own network consists of: Keras would import any
other by its name.
"""

from __future__ import annotations

import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

import models
from bench.experiment import Experiment
from bench.machine import settings as names
from bench.results.models import Card, SavedModelError, damaged
from bench.trainers import EVALUATION_BATCH_SIZE, Features, Images, Logits, Setup, Weights
from bench.trainers.batches import predict_every_shape, warm_up_order
from models.weights import check_weights

# TF32 is no policy of Keras but a switch of each backend.
POLICIES = {"fp32": "float32", "tf32": "float32", "bf16": "mixed_bfloat16"}
CONFIG = "config.json"  # the member of a saved model's zip that says what it consists of


def require_backend(wanted: str) -> None:
    """Raise RuntimeError where Keras runs on another backend than the wanted one."""
    if keras.backend.backend() != wanted:
        raise RuntimeError(
            f"Keras is loaded with the backend {keras.backend.backend()!r}, wanted {wanted!r}; "
            f"start a process of its own with KERAS_BACKEND={wanted}"
        )


def framework() -> str:
    """Which of ours Keras is in this process: it reads its backend once."""
    return f"keras-{keras.backend.backend()}"


def restore(path: Path, card: Card) -> KerasNetwork:
    """The network of a ``.keras`` file.

    Raises SavedModelError where it consists of anything but the layers of its architecture, or
    is damaged; ValueError where its weights are not those that the card says.
    """
    own: keras.Model = models.load(card.architecture, "keras").build(len(card.class_names))
    _refuse_strangers(path, set(_classes(json.loads(own.to_json()))))
    try:
        model = keras.saving.load_model(path, safe_mode=True, compile=False)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise damaged(path, error) from error
    _check_shapes(model, own)
    return KerasNetwork(model)


def _refuse_strangers(path: Path, known: set[tuple[str, str]]) -> None:
    try:
        with zipfile.ZipFile(path) as file:
            named = set(_classes(json.loads(file.read(CONFIG))))
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise damaged(path, error) from error
    if strangers := sorted(f"{module}.{name}" for module, name in named - known):
        raise SavedModelError(
            f"{path}: refused: it names {', '.join(strangers)}, which no network of its "
            "architecture consists of and which might run code"
        )


def _classes(config: Any) -> Iterator[tuple[str, str]]:
    """(module, class) of everything that Keras would make from a configuration."""
    if isinstance(config, dict):
        if "class_name" in config:
            yield str(config.get("module")), str(config["class_name"])
        if config.get("registered_name"):
            yield "registered", str(config["registered_name"])
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from _classes(part)


def _check_shapes(model: keras.Model, own: keras.Model) -> None:
    """Raises ValueError where the weights are not those of our own network of these classes."""
    shapes, wanted = (
        [(variable.path.rpartition("/")[2], tuple(variable.shape)) for variable in each.variables]
        for each in (model, own)
    )
    if shapes != wanted:
        raise ValueError(f"weights of another network: {shapes}, wanted {wanted}")


class KerasNetwork:
    """See ``bench.trainers.Network``; of a trainer, or of a saved model."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model

    def logits(self, images: Images) -> Logits:
        return _predict(self.model, images)

    def infer(self, images: Images) -> Logits:
        return np.asarray(self.model.predict_on_batch(images), dtype=np.float32)

    def features(self, images: Images) -> Features | None:
        return _predict(self._body, images)

    @cached_property
    def _body(self) -> keras.Model:
        return keras.Model(self.model.inputs, self.model.layers[-2].output)


def _predict(model: keras.Model, images: Images) -> NDArray[np.float32]:
    predicted = model.predict(images, batch_size=EVALUATION_BATCH_SIZE, verbose=0)
    return np.asarray(predicted, dtype=np.float32)


class KerasTrainer(ABC):
    """See ``bench.trainers.Trainer``."""

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
    def peak_device_memory_bytes(self) -> int | None:
        """The most the device's allocator has held; None where it is not counted."""

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

    @contextmanager
    def _ending_as_it_began(self) -> Iterator[None]:
        """Weights, optimiser and seeds, all variables of Keras, and the backend's own random."""
        variables = [*self._model.variables, *self._model.optimizer.variables]
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

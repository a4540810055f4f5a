"""A saved network in Keras, on whatever backend Keras is loaded with: the file knows none.

Keras's safe mode refuses what it knows to run code (Lambda layers). Before it reads anything,
the classes that the file names are compared with those our own network consists of: Keras would
import any other by its name.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

import models
from bench.networks import Features, Network, misfits
from bench.saved_models import Card, SavedModelError, damaged
from bench.trainers import EVALUATION_BATCH_SIZE, Images, Logits

CONFIG = "config.json"  # the member of the zip that says what the network consists of


def framework() -> str:
    """Which of ours Keras is in this process: it reads its backend once."""
    return f"keras-{keras.backend.backend()}"


def restore(path: Path, card: Card) -> Network:
    """The network of a ``.keras`` file.

    Raises SavedModelError where it consists of anything but the layers of its architecture, or
    is damaged.
    """
    with misfits(path, card):
        own: keras.Model = models.load(card.architecture, "keras").build(len(card.class_names))
    _refuse_strangers(path, set(_classes(json.loads(own.to_json()))))
    try:
        model = keras.saving.load_model(path, safe_mode=True, compile=False)
    except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise damaged(path, error) from error
    with misfits(path, card):
        _check_shapes(model, own)
    return KerasNetwork(model)


class KerasNetwork:
    """See ``bench.networks.Network``."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model

    def logits(self, images: Images) -> Logits:
        return _predict(self._model, images)

    def infer(self, images: Images) -> Logits:
        return np.asarray(self._model.predict_on_batch(images), dtype=np.float32)

    def features(self, images: Images) -> Features | None:
        return _predict(self._body, images)

    @cached_property
    def _body(self) -> keras.Model:
        return keras.Model(self._model.inputs, self._model.layers[-2].output)


def _predict(model: keras.Model, images: Images) -> Logits:
    predicted = model.predict(images, batch_size=EVALUATION_BATCH_SIZE, verbose=0)
    return np.asarray(predicted, dtype=np.float32)


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
    found, wanted = (
        [(variable.path.rpartition("/")[2], tuple(variable.shape)) for variable in each.variables]
        for each in (model, own)
    )
    if found != wanted:
        raise ValueError(f"weights of another network: {found}, wanted {wanted}")

"""A network of Keras that answers, of a trainer or of a saved model, on whatever backend it runs.

A ``.keras`` file knows no backend, and says itself what network Keras is to build. It may come from
anybody: a class that it names would be imported, and a layer of 10^9 units would fill memory. So
nothing is built of it. Our own network of the architecture and classes on its card is built, and
saved; file and copy are compared part by part (members, configuration, names, types and shapes of
the weights), and then the weights alone are read into our own.
"""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

import models
from bench.experiment import Precision
from bench.results.card import Card, SavedModelError
from bench.results.models import (
    KERAS_CONFIG,
    KERAS_METADATA,
    KERAS_WEIGHTS,
    check_finite,
    damaged,
    keras_members,
)
from bench.trainers import EVALUATION_BATCH_SIZE, Features, Images, Logits

if TYPE_CHECKING:
    import h5py

# TF32 is no policy of Keras but a switch of each backend.
POLICIES = {"fp32": "float32", "tf32": "float32", "bf16": "mixed_bfloat16"}
MOST_NAMED = 3  # differences that an error names
# Keys of a configuration that are not the network's: Keras numbers its objects and inputs anew.
_NUMBERED = ("shared_object_id",)


def framework() -> str:
    """Which of ours Keras is in this process: it reads its backend once."""
    return f"keras-{keras.backend.backend()}"


class KerasNetwork:
    """See ``bench.trainers.Network``."""

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


class SavedKerasNetwork(KerasNetwork):
    """The same under whatever settings the user's own Keras has in this process."""

    def __init__(self, model: keras.Model, precision: Precision) -> None:
        super().__init__(model)
        self._precision = precision

    def logits(self, images: Images) -> Logits:
        with as_trained(self._precision):
            return super().logits(images)

    def infer(self, images: Images) -> Logits:
        with as_trained(self._precision):
            return super().infer(images)

    def features(self, images: Images) -> Features | None:
        with as_trained(self._precision):
            return super().features(images)


@contextmanager
def as_trained(precision: Precision) -> Iterator[None]:
    """Keras's settings are those of our runs inside, and the user's own again afterwards.

    They may come from ``~/.keras/keras.json``, from its variables or from the user's own code:
    images with the channels first, another float type or policy, a limit on steps.
    """
    config = keras.config
    floatx, policy = config.floatx(), config.dtype_policy()
    image_format, most_steps = config.image_data_format(), config.max_steps_per_epoch()
    config.set_floatx("float32")
    config.set_dtype_policy(POLICIES[precision])
    config.set_image_data_format("channels_last")
    config.set_max_steps_per_epoch(None)
    try:
        yield
    finally:
        config.set_floatx(floatx)
        config.set_dtype_policy(policy)
        config.set_image_data_format(image_format)
        config.set_max_steps_per_epoch(most_steps)


# A saved one


def restore(path: Path, card: Card) -> SavedKerasNetwork:
    """The network of a ``.keras`` file.

    Raises SavedModelError where it consists of anything but the layers of its architecture, or
    is damaged; ValueError where it differs from the network that the card says.
    """
    experiment, classes = card.record.experiment, len(card.class_names)
    theirs = keras_members(path)
    own = _own_members(card.architecture, classes, experiment.dropout, experiment.precision)
    try:
        _check_config(path, _config(theirs, path), json.loads(own[KERAS_CONFIG]))
    except ValueError as error:
        raise ValueError(f"{error}{_written_by(theirs)}") from error
    with as_trained(experiment.precision), tempfile.TemporaryDirectory() as folder:
        weights, own_weights = Path(folder) / KERAS_WEIGHTS, Path(folder) / "own.weights.h5"
        weights.write_bytes(theirs[KERAS_WEIGHTS])
        own_weights.write_bytes(own[KERAS_WEIGHTS])
        _check_weights(path, weights, own_weights)
        model = _built(card.architecture, classes, experiment.dropout)
        try:
            model.load_weights(weights)
        except (ValueError, TypeError, KeyError, OSError, RuntimeError) as error:
            raise damaged(path, error) from error
    check_finite({variable.path: _values(variable) for variable in model.variables})
    return SavedKerasNetwork(model, experiment.precision)


def _built(architecture: str, classes: int, dropout: bool) -> keras.Model:
    network: keras.Model = models.load(architecture, "keras").build(classes, dropout=dropout)
    return network


@lru_cache(maxsize=8)  # a process may be asked for many models of a folder
def _own_members(
    architecture: str, classes: int, dropout: bool, precision: Precision
) -> dict[str, bytes]:
    """What Keras writes of our own network: the content of each member of its file."""
    with as_trained(precision), tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.keras"
        _built(architecture, classes, dropout).save(copy)
        with zipfile.ZipFile(copy) as file:
            return {name: file.read(name) for name in file.namelist()}


def _written_by(members: dict[str, bytes]) -> str:
    """A hint where a file is of another version of Keras, which may write other things."""
    written = re.search(rb'"keras_version": "([0-9.]{1,20})"', members[KERAS_METADATA])
    version = written[1].decode() if written else keras.__version__
    if version == keras.__version__:
        return ""
    return (
        f" (it was written by Keras {version}, and this is {keras.__version__}: install that one)"
    )


def _values(variable: Any) -> NDArray[Any]:
    return np.asarray(keras.ops.convert_to_numpy(variable.value))


def _config(members: dict[str, bytes], path: Path) -> Any:
    """What a file's network would consist of. Raises SavedModelError where that is no JSON."""
    try:
        config = json.loads(members[KERAS_CONFIG])
        json.dumps(config)  # no deeper than Python can follow
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    return config


def _check_config(path: Path, theirs: Any, own: Any) -> None:
    """Raise SavedModelError on a class that is none of ours, ValueError on what else differs."""
    if strangers := sorted(
        f"{module}.{name}" for module, name in set(_classes(theirs)) - set(_classes(own))
    ):
        raise SavedModelError(
            f"{path}: refused: it names {', '.join(strangers[:MOST_NAMED])}, which no network of "
            "its architecture consists of and which might run code"
        )
    if differences := list(islice(_differences(theirs, own, "its network"), MOST_NAMED)):
        raise ValueError("; ".join(differences))


def _classes(config: Any) -> Iterator[tuple[str, str]]:
    """(module, class) of everything that Keras would make from a configuration."""
    parts = [config]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                yield str(part.get("module")), str(part["class_name"])
            if part.get("registered_name"):
                yield "registered", str(part["registered_name"])
            parts += part.values()
        elif isinstance(part, list):
            parts += part


def _differences(theirs: Any, own: Any, name: str) -> Iterator[str]:
    """What differs between two configurations, in words; what a file leaves empty does not."""
    if isinstance(theirs, dict) and isinstance(own, dict):
        for key in (*own, *(key for key in theirs if key not in own)):
            numbered = key in _NUMBERED or str(own.get(key)).startswith("input_layer")
            if not numbered and (theirs.get(key) or own.get(key)):
                part = name if key == "config" else f"{name}, {key[:20]}"
                yield from _differences(theirs.get(key), own.get(key), part)
    elif isinstance(theirs, list) and isinstance(own, list) and len(theirs) == len(own):
        for index, (one, other) in enumerate(zip(theirs, own, strict=True)):
            yield from _differences(one, other, f"{name} {_name_of(other) or index}")
    elif isinstance(theirs, list) and isinstance(own, list):
        yield f"{name}: {_shown(theirs)}, wanted {_shown(own)}"
    elif theirs != own:
        yield f"{name}: {repr(theirs)[:50]}, wanted {repr(own)[:50]}"


def _shown(parts: Sequence[Any]) -> str:
    names = [str(_name_of(part) or part)[:20] for part in parts[:20]]
    return f"{len(parts):,} ({', '.join(names)})"


def _name_of(part: Any) -> object:
    """What a layer is called; None: it is no layer, or has no name."""
    config = part.get("config") if isinstance(part, dict) else None
    return config.get("name") if isinstance(config, dict) else None


def _check_weights(path: Path, theirs: Path, own: Path) -> None:
    """Compare names, types and shapes of all weights in two files of HDF5; no value is read.

    Raises ValueError naming the first that differs, SavedModelError where a file is damaged.
    """
    import h5py  # late: a run restores nothing

    try:
        with h5py.File(theirs, "r") as file, h5py.File(own, "r") as wanted:
            difference = next(_unlike(file, wanted), None)
    except (OSError, RuntimeError, TypeError, KeyError, ValueError) as error:
        raise damaged(path, error) from error
    if difference is not None:
        raise ValueError(f"weights of another network: {difference}")


def _unlike(theirs: h5py.Group, own: h5py.Group) -> Iterator[str]:
    """What is not in a group of HDF5 as it is in ours, in words.

    Only what lies in the file itself is followed: HDF5 knows links into other files, values kept
    in others, and packed ones.
    """
    import h5py

    if set(theirs) != set(own):
        yield f"{own.name} holds {_shown(sorted(theirs))}, wanted {_shown(sorted(own))}"
        return
    for name, wanted in own.items():
        if not isinstance(theirs.get(name, getlink=True), h5py.HardLink):
            yield f"{wanted.name} is a link"
            return
        part = theirs[name]
        if isinstance(part, h5py.Group) and isinstance(wanted, h5py.Group):
            yield from _unlike(part, wanted)
        elif not isinstance(part, h5py.Dataset) or not isinstance(wanted, h5py.Dataset):
            yield f"{wanted.name} is of another kind"
        elif (part.shape, part.dtype) != (wanted.shape, wanted.dtype):
            yield (
                f"{wanted.name} has the shape {part.shape} of {part.dtype}, wanted "
                f"{wanted.shape} of {wanted.dtype}"
            )
        elif part.chunks or part.external or part.is_virtual:
            yield f"{wanted.name} is packed, or lies in another file"

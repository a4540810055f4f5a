"""A saved model ready for use: images of any kind in, labels with probabilities out.

    from bench.saved.model import load
    model = load("results/NAME/models/RUN.safetensors")
    [prediction] = model.predict(["photo.png"])
    prediction.label, prediction.top, prediction.took_s

The file itself, a network with its card, is ``bench.results.models``.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import models
from bench.results.card import Card, SavedModelError
from bench.results.models import read_card
from bench.results.predictions import softmax
from bench.trainers import (
    EVALUATION_BATCH_SIZE,
    FRAMEWORKS,
    Features,
    FrameworkMissing,
    Logits,
    Network,
    load_restorer,
)
from datasets import how_to_install, mnist_form, normalise, pictures

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Guess", "Model", "Prediction", "SavedModelError", "load"]

TOP = 3  # labels that a prediction names
SIDE = pictures.SIDE

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Guess:
    """One label and how probable the model finds it."""

    label: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a model says of one image."""

    top: tuple[Guess, ...]  # the most probable first; at least one
    took_s: float  # bringing it into MNIST's form, and its share of the network's call
    notes: tuple[str, ...] = ()  # what may be wrong with how a picture was read: sentences

    @property
    def label(self) -> str:
        """The most probable."""
        return self.top[0].label


@dataclass(frozen=True, kw_only=True)
class Model:
    """A saved network with all that is needed to use it."""

    path: Path
    card: Card
    framework: str  # that it runs in
    network: Network

    def predict(
        self, images: Pixels | Sequence[str | Path | Image], *, top: int = TOP
    ) -> list[Prediction]:
        """What the model says of each image.

        Args:
            images: (n, 28, 28) uint8 in MNIST's form; or paths of files and Pillow's images, of
                any size, light on dark or dark on light, which are brought into it.
            top: how many labels a prediction names.

        Raises:
            ValueError: where an array has another form.
            SavedModelError: where the network's answers are not finite numbers.
            datasets.DataError: where a file is no image, or an image has nothing on it.
        """
        if isinstance(images, np.ndarray):
            return self._predict(_checked(images), [0.0] * len(images), top)
        if isinstance(images, str | Path):
            raise ValueError(f"one image, {str(images)!r}, where a list of them is wanted")
        characters, prepare_s = [], []
        for image in images:
            start = time.perf_counter()
            characters.append(mnist_form.character(image, self.form))
            prepare_s.append(time.perf_counter() - start)
        prepared = np.reshape([each.image for each in characters], (-1, SIDE, SIDE))
        predictions = self._predict(prepared, prepare_s, top)
        return [
            replace(prediction, notes=each.notes)
            for prediction, each in zip(predictions, characters, strict=True)
        ]

    def warm_up(self) -> None:
        """Read one picture and forget it: a framework's first call compiles, and imports more."""
        from PIL import Image

        bar = np.zeros((2 * SIDE, 2 * SIDE), np.uint8)
        bar[SIDE // 2 : -SIDE // 2, SIDE - 2 : SIDE + 3] = 255
        self.predict([Image.fromarray(bar)])

    def prepare(self, image: str | Path | Image) -> Pixels:
        """An image of any size -> (28, 28) uint8, in the form of those it was trained on.

        See ``datasets.mnist_form``. Raises DataError as ``predict`` does.
        """
        return mnist_form.prepare(image, self.form)

    @property
    def form(self) -> mnist_form.Form:
        """Which form the images have that it was trained on."""
        return mnist_form.form_of(self.card.task, self.card.record.data.source)

    def logits(self, images: Pixels) -> Logits:
        """(n, classes) float32 of (n, 28, 28) uint8 images in MNIST's form.

        Raises SavedModelError where they are not finite numbers.
        """
        prepared = self._normalised(images)
        # One batch goes the way on which latency is measured.
        few = len(images) <= EVALUATION_BATCH_SIZE
        with np.errstate(all="ignore"):  # what comes of it is looked at
            logits = self.network.infer(prepared) if few else self.network.logits(prepared)
        if logits.shape != (len(images), len(self.card.class_names)):
            raise SavedModelError(
                f"{self.path}: logits of the shape {logits.shape} for {len(images):,} images and "
                f"{len(self.card.class_names)} classes; copy it again"
            )
        self._check_finite(logits)
        return logits

    def _check_finite(self, answers: NDArray[np.float32]) -> None:
        broken = int((~np.isfinite(answers)).any(axis=1).sum())
        if broken:
            raise SavedModelError(
                f"{self.path}: what it says of {broken:,} of {len(answers):,} images is not "
                "finite numbers, so it says nothing; copy it again, or train it anew"
            )

    def features(self, images: Pixels) -> Features | None:
        """(n, d) float32 of the layer before the logits; None: the network has none.

        Raises as ``logits``.
        """
        features = self.network.features(self._normalised(images))
        if features is not None:
            self._check_finite(features)
        return features

    def _normalised(self, images: Pixels) -> NDArray[np.float32]:
        return normalise(images, mean=self.card.pixel_mean, std=self.card.pixel_std)

    def _predict(self, images: Pixels, prepare_s: Sequence[float], top: int) -> list[Prediction]:
        if len(images) == 0:
            return []
        start = time.perf_counter()
        probabilities = softmax(self.logits(images))
        share_s = (time.perf_counter() - start) / len(images)
        return [
            Prediction(top=self._top(row, top), took_s=seconds + share_s)
            for row, seconds in zip(probabilities, prepare_s, strict=True)
        ]

    def _top(self, probabilities: NDArray[np.float64], count: int) -> tuple[Guess, ...]:
        best = np.argsort(-probabilities, kind="stable")[:count]
        names = self.card.class_names
        return tuple(Guess(label=names[i], probability=float(probabilities[i])) for i in best)


def load(path: str | Path, framework: str | None = None) -> Model:
    """Read a saved model; nothing that the file holds is run.

    Args:
        path: a ``.safetensors`` or ``.keras`` file of a results folder's ``models/``, or an
            ``.onnx`` file that was exported from one.
        framework: to run it in; None for the one that trained it, or NumPy where that is PyTorch
            and not installed. Keras can run a file of any of its backends, and stays with the one
            it is loaded with.

    Raises:
        SavedModelError: where the file is none that can be used, or the framework is not
            installed or not one for it.
    """
    path = Path(path)
    if path.suffix == ".onnx":
        return _exported(path, framework)
    card = read_card(path)
    chosen = _choose(path, card, framework)
    try:
        with _environment(chosen):
            module = load_restorer(chosen, card.architecture)
            with misfits(path, card):
                network: Network = module.restore(path, card)
    except (ModuleNotFoundError, FrameworkMissing) as error:
        raise SavedModelError(
            f"{path} was to run in {chosen}: {error}; install it, or choose another framework of "
            f"{', '.join(offered(path, card))}"
        ) from error
    running = module.framework() if FRAMEWORKS[chosen].family == "keras" else chosen
    return Model(path=path, card=card, framework=running, network=network)


@contextmanager
def _environment(framework: str) -> Iterator[None]:
    """The variables that a framework reads as it is imported; the user's own again afterwards.

    Nothing is changed where Keras is loaded already: it has read them.
    """
    own = dict(os.environ)
    if "keras" not in sys.modules:
        os.environ.update(FRAMEWORKS[framework].environment)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # Keras imports TensorFlow, which talks
    try:
        yield
    finally:
        for name in os.environ.keys() - own.keys():
            del os.environ[name]
        os.environ.update(own)


def _exported(path: Path, framework: str | None) -> Model:
    """An ONNX file, which carries its card as well, in ONNX Runtime."""
    if framework is not None:
        raise SavedModelError(
            f"{path}: an ONNX file runs in ONNX Runtime; leave --framework out, or name the model "
            "that it was exported from"
        )
    try:
        onnx: Any = importlib.import_module("bench.saved.onnx")
    except ModuleNotFoundError as error:
        raise SavedModelError(
            f"{path} needs the package {error.name!r}; {how_to_install(str(error.name))}"
        ) from error
    network = onnx.restore(path)
    return Model(path=path, card=network.card, framework="onnxruntime", network=network)


@contextmanager
def misfits(path: Path, card: Card) -> Iterator[None]:
    """A ValueError inside, from models or weights that do not fit a card, names file and card."""
    try:
        yield
    except ValueError as error:
        raise SavedModelError(
            f"{path}: its card says {card.architecture} for {card.task} with "
            f"{len(card.class_names)} classes, which does not fit: {error}"
        ) from error


def offered(path: Path, card: Card) -> list[str]:
    """The frameworks that can run a file, by its ending and its architecture."""
    known = models.ARCHITECTURES.get(card.architecture)
    families = models.FAMILIES if known is None else known.families
    return [
        name
        for name, framework in FRAMEWORKS.items()
        if framework.model_ending == path.suffix and framework.family in families
    ]


def runs_here(path: Path, framework: str | None = None) -> bool:
    """Whether ``load`` finds the framework that it would take installed.

    ``framework``: as of ``load``; a file that is not for it does not run. Raises SavedModelError
    where the file is none that can be used.
    """
    card = read_card(path)
    names = offered(path, card)
    if framework is not None and framework not in names:
        return False
    return find_spec(FRAMEWORKS[_choose(path, card, framework)].packages[0]) is not None


def _choose(path: Path, card: Card, asked: str | None) -> str:
    choice = offered(path, card)
    wanted = asked or card.framework
    if wanted not in choice:
        raise SavedModelError(
            f"{path}: a {card.architecture} of {card.framework} cannot run in {wanted!r}; "
            f"choose from {', '.join(choice) or 'none'}"
        )
    missing = find_spec(FRAMEWORKS[wanted].packages[0]) is None
    return "numpy" if missing and asked is None and "numpy" in choice else wanted


def _checked(images: NDArray[Any]) -> Pixels:
    if images.shape[1:] != (SIDE, SIDE) or images.dtype != np.uint8:
        raise ValueError(
            f"an array of shape {images.shape} and type {images.dtype}; wanted (n, 28, 28) uint8 "
            "in MNIST's form; give images of another size as paths or Pillow's images"
        )
    return images

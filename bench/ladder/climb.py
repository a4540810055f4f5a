"""One climb: one rung, one seed, one process. Seal, clocks, checks; the answer is what it found.

``bench.ladder.speed`` starts it and sends it a Request, as ``bench.run.processes`` describes. A
framework's ``loop.py`` offers ``climber(rung, seed, device, classes)``: see Climber.

    training clock   from uint8 images in host memory, the device warm, until it is idle
    process clock    from the start of this process until the weights are in host memory

Transfer, normalising, shuffling and every reading of validation that a rung stops by are on the
training clock. Off it, and on the process clock: imports, opening the data, building the network,
the warm-up. The warm-up has noise in the images' place: whatever it may keep teaches nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

import datasets
from bench.ladder.records import Measured, Work
from bench.machine import settings
from bench.machine.pulse import Others
from bench.run.processes import Parent

Images = NDArray[np.uint8]  # (n, 28, 28)
Labels = NDArray[np.uint8]  # (n,)
Weights = Mapping[str, NDArray[Any]]

NOISE_IMAGES = 500  # different ones; they repeat
GUESSING = 0.5  # on validation: a network that starts above it has been taught before


class SealBroken(Exception):
    """Data were to be opened before the clocks had stopped."""


ASKED_AT_ONCE = 1000  # images
WARM_STEPS = 3


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a rung is given: images as they lie in host memory, and what is known of them."""

    images: Images  # for training
    labels: Labels
    validation_images: Images
    validation_labels: Labels
    mean: float  # of the training pixels, on the scale 0..1
    std: float

    def few(self, batch_size: int) -> Material:
        """Every shape that training and validation have, shorter last ones too; for a warm-up."""
        n, asked = len(self.labels), len(self.validation_labels)
        steps = slice(0, min(WARM_STEPS * batch_size + n % batch_size, n))
        parts = slice(0, min(ASKED_AT_ONCE + asked % ASKED_AT_ONCE, asked))
        return replace(
            self,
            images=self.images[steps],
            labels=self.labels[steps],
            validation_images=self.validation_images[parts],
            validation_labels=self.validation_labels[parts],
        )


class Climber(Protocol):
    """One network in training, in one framework."""

    def warm_up(self, noise: Material) -> None:
        """Compile and autotune; weights, optimiser and random state end as they began."""
        ...

    def train(self, material: Material) -> None:
        """All of it, as the rung wants it."""
        ...

    def synchronize(self) -> None:
        """Return when the device has done all its work."""
        ...

    def weights(self) -> Weights:
        """A copy in host memory."""
        ...

    def load(self, weights: Weights) -> None:
        """Take such a copy."""
        ...

    def answers(self, material: Material, images: Images) -> NDArray[np.int64]:
        """(n,) classes of (n, 28, 28) images, each asked once."""
        ...

    def steps(self) -> tuple[int, int]:
        """Of the training: as the loop says, and as the optimiser has counted."""
        ...

    def seen(self, material: Material) -> NDArray[np.int64]:
        """(n,): how often each training image was in a batch, by numbers fed as labels."""
        ...

    def flop_an_image(self, material: Material) -> int | None:
        """Of one image forward and backward; None where the framework does not count."""
        ...

    @property
    def batch_size(self) -> int:
        """Images a step."""
        ...

    def settings(self) -> dict[str, str]:
        """What the framework says of itself."""
        ...


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a climb is told."""

    module: str  # of the rung
    device: str
    seed: int
    data_folder: str  # of arrays cached by datasets.prepare
    sealed: tuple[str, ...]  # files that may not be opened before the clocks have stopped
    enter: bool = False  # whether to ask the test images; else validation alone
    energy: bool = False
    flop: bool = False
    started_s: float = field(default_factory=time.perf_counter)  # all processes share this clock


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of it."""

    measured: Measured | None = None
    problems: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)


class Seal:
    """While it is closed, Python can open none of these files, by whatever name."""

    def __init__(self, files: tuple[str, ...]) -> None:
        self.broken: tuple[str, ...] = ()  # a rung may have swallowed the error
        self._files = {_identity(Path(file).stat()) for file in files}
        self._closed = True
        sys.addaudithook(self._hear)  # for good: Python lets none be taken away

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self._closed and isinstance(arguments[0], str | bytes | os.PathLike):
            with contextlib.suppress(OSError):  # it is not there, and is to be made
                if _identity(os.stat(arguments[0])) in self._files:  # noqa: PTH116 - quick
                    name = Path(os.fsdecode(arguments[0])).name
                    self.broken = (f"{name} was to be opened before the clocks had stopped",)
                    raise SealBroken(self.broken[0])

    def open(self) -> None:
        """From here on everything may be opened."""
        self._closed = False


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def main() -> int:
    """Do what is requested, and tell."""
    parent = Parent()
    request = parent.request(Request)
    try:
        answer = climb(request)
    except Exception as error:  # noqa: BLE001 - a failed climb is a record with its error
        import traceback

        traceback.print_exc()
        answer = Answer(problems=(f"{type(error).__name__}: {' '.join(str(error).split())}",))
    parent.tell(answer)
    return 0


def climb(request: Request) -> Answer:
    """Seal the data, import the rung, train it, judge it. Raises whatever the rung raises."""
    others = Others(family=True)  # a compiler has processes of its own
    material, classes = read_material(request.data_folder)
    seal = Seal(request.sealed)
    try:
        return _sealed(request, material, classes, seal, others)
    finally:
        seal.open()


def _sealed(
    request: Request, material: Material, classes: int, seal: Seal, others: Others
) -> Answer:
    climber: Climber = importlib.import_module(request.module).RUNG.climber(
        request.seed, request.device, classes
    )
    start = climber.weights()
    climber.warm_up(noise_like(material, classes))
    untouched = _equal(start, climber.weights())
    climber.synchronize()
    began_s = time.perf_counter()
    climber.train(material)
    climber.synchronize()
    train_s = time.perf_counter() - began_s
    weights = climber.weights()
    process_s = time.perf_counter() - request.started_s
    # the clocks have stopped
    share = others.share()
    work = _work(climber, material, weights, flop=request.flop)
    climber.load(start)
    start_accuracy = _accuracy(climber, material)
    climber.load(weights)
    validation = _accuracy(climber, material)
    seal.open()
    correct, images = _ask_test(climber, material, request) if request.enter else (None, None)
    measured = Measured(
        train_s=train_s,
        process_s=process_s,
        work=work,
        start_accuracy=start_accuracy,
        validation_accuracy=validation,
        test_correct=correct,
        test_images=images,
        others_share=share,
        energy=_energy(climber, material, request) if request.energy else None,
    )
    return Answer(
        measured=measured,
        problems=(
            *seal.broken,
            *_problems(work, len(material.labels), untouched, start_accuracy),
        ),
        settings=settings.read() | climber.settings(),
    )


def _work(climber: Climber, material: Material, weights: Weights, *, flop: bool) -> Work:
    (steps, counted), seen = climber.steps(), climber.seen(material)
    return Work(
        batch_size=climber.batch_size,
        steps=steps,
        steps_counted=counted,
        images_seen=int(seen.sum()),
        images_distinct=int(np.count_nonzero(seen)),
        parameters=sum(int(array.size) for array in weights.values()),
        flop_an_image=climber.flop_an_image(material) if flop else None,
    )


def read_material(folder: str) -> tuple[Material, int]:
    """What a rung is given, and the number of classes.

    Copies in memory: what is left of the data set is let go of, its test images too.
    """
    data = datasets.open_cached(Path(folder))
    splits = (data.train, data.validation)
    (images, labels), (seen_images, seen_labels) = (
        (np.array(split.images), np.array(split.labels)) for split in splits
    )
    material = Material(
        images=images,
        labels=labels,
        validation_images=seen_images,
        validation_labels=seen_labels,
        mean=data.pixel_mean,
        std=data.pixel_std,
    )
    return material, len(data.class_names)


def noise_like(material: Material, classes: int) -> Material:
    """The same shapes, nothing of the images."""
    random = np.random.default_rng(0)
    block = random.integers(0, 256, (NOISE_IMAGES, 28, 28), dtype=np.uint8)

    def labels(count: int) -> Labels:
        return random.integers(0, classes, count, dtype=np.uint8)

    return replace(
        material,
        images=np.resize(block, material.images.shape),
        labels=labels(len(material.labels)),
        validation_images=np.resize(block, material.validation_images.shape),
        validation_labels=labels(len(material.validation_labels)),
    )


def _equal(first: Weights, second: Weights) -> bool:
    return all(np.array_equal(first[name], second[name]) for name in first)


def _accuracy(climber: Climber, material: Material) -> float:
    answers = climber.answers(material, material.validation_images)
    return float((answers == material.validation_labels).mean())


def _problems(work: Work, images: int, untouched: bool, start_accuracy: float) -> Iterator[str]:
    """Why this climb counts for nothing; nothing of an honest one."""
    if work.steps_counted != work.steps:
        yield f"{work.steps:,} steps said, {work.steps_counted:,} counted by the optimiser"
    most = work.steps * work.batch_size
    short = -(-most // images) * work.batch_size  # the last batch of an epoch may be
    if not most - short < work.images_seen <= most:
        yield f"{work.images_seen:,} images seen in {work.steps:,} steps of {work.batch_size:,}"
    if not untouched:
        yield "the warm-up has left other weights than it found"
    if start_accuracy > GUESSING:
        yield f"before any training {100 * start_accuracy:.1f} % of validation were right"


def _ask_test(climber: Climber, material: Material, request: Request) -> tuple[int, int]:
    """How many of the test images are right, and of how many: opened here and nowhere else."""
    test = datasets.open_cached(Path(request.data_folder)).test
    answers = climber.answers(material, np.array(test.images))
    return int((answers == test.labels).sum()), len(test.labels)


def _energy(climber: Climber, material: Material, request: Request) -> Any:
    from bench.run import energy

    class Again:
        """What the meter asks: to train, and to wait."""

        def train(self) -> None:
            climber.train(material)

        def synchronize(self) -> None:
            climber.synchronize()

    return energy.read(request.device, cast(Any, Again()), climber.steps()[0] * climber.batch_size)


if __name__ == "__main__":
    sys.exit(main())

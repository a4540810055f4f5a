"""From a data set to what a run is made of: splits, setup, the clock's subject; and its facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.experiment import Experiment, Run
from bench.results.record import Data
from bench.results.sound import printable
from bench.run.measure import Labelled, SealedTest, Subject
from bench.trainers import Images, Labels, Setup, Trainer
from bench.trainers.batches import TRAINING_SAMPLE_IMAGES
from datasets import Dataset, Split, normalise, open_cached, with_validation_share
from datasets.splits import SPLIT_SEED

AUGMENTATION_STREAM = 1  # keeps its random numbers apart from those of the order of images


def dataset(folder: Path, experiment: Experiment) -> Dataset:
    """A cached data set, split as the experiment wants it."""
    data = open_cached(folder)
    share = experiment.validation_share
    return data if share is None else with_validation_share(data, share)


def describe(data: Dataset) -> Data:
    """The part of a record that says which images were used."""
    return Data(
        task=data.task,
        source=data.source,
        drawn=data.drawn,
        fingerprint=data.fingerprint,
        class_names=data.class_names,
        train_images=len(data.train.labels),
        validation_images=len(data.validation.labels),
        test_images=len(data.test.labels),
        duplicates_removed=data.duplicates_removed,
        pixel_mean=data.pixel_mean,
        pixel_std=data.pixel_std,
        reading=tuple(map(printable, data.reading)),
    )


def differences(then: Data, now: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Whether a run's images are not those of now, as a sentence.

    ``now``: (task, source) -> fingerprint of the data as it is now.
    """
    current = now.get((then.task, then.source))
    if current is None:
        sources = [source for task, source in now if task == then.task]
        if sources:
            yield f"{then.task}: {then.source} in the records, {', '.join(sources)} now"
    elif current != then.fingerprint:
        yield f"{then.task} from {then.source}: the images are not the same as in the records"


def setup(run: Run, data: Dataset) -> tuple[Setup, SealedTest]:
    """What a trainer is made from, and the test set that it does not get."""
    test = SealedTest(_normal(data.test.images, data), _int64(data.test))
    made = Setup(
        experiment=run.experiment,
        seed=run.seed,
        classes=len(data.class_names),
        train_images=_normal(data.train.images, data),
        train_labels=_int64(data.train),
        validation_images=_normal(data.validation.images, data),
        test_size=test.size,
        pixel_mean=data.pixel_mean,
        pixel_std=data.pixel_std,
    )
    return made, test


def subject(trainer: Trainer, made: Setup, test: SealedTest, data: Dataset) -> Subject:
    """What the clock measures: ``made`` and ``test`` are what ``setup`` made of the data."""
    experiment = made.experiment
    return Subject(
        trainer=trainer,
        experiment=experiment,
        seed=made.seed,
        train_images=made.train_images,
        validation=Labelled(images=made.validation_images, labels=_int64(data.validation)),
        test=test,
        renewed=partial(augmented, data, made.seed) if experiment.augmentation else None,
        training_sample=training_sample(made) if experiment.training_accuracy else None,
    )


def augmented(data: Dataset, seed: int, epoch: int) -> Images:
    """The training images as one epoch sees them: the same for a seed, however long the run is."""
    from datasets.warping import augment

    rng = np.random.default_rng((seed, epoch, AUGMENTATION_STREAM))
    return _normal(augment(data.train.images, rng), data)


def training_sample(made: Setup) -> Labelled:
    """Training images that all runs of a data set are judged by, whatever their seed."""
    shuffled = np.random.RandomState(SPLIT_SEED).permutation(len(made.train_labels))
    rows = np.sort(shuffled[:TRAINING_SAMPLE_IMAGES])
    return Labelled(images=made.train_images[rows], labels=made.train_labels[rows])


def _normal(images: NDArray[np.uint8], data: Dataset) -> Images:
    return normalise(images, mean=data.pixel_mean, std=data.pixel_std)


def _int64(split: Split) -> Labels:
    return split.labels.astype(np.int64)

"""What a worker makes of the data: its shares, its augmentation, its sample of training images."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

import datasets
from bench.experiment import Run
from bench.machine import clock
from bench.results.folder import Results
from bench.results.record import Record
from bench.run import material
from bench.run.worker import RunRequest, perform
from datasets.arrays import pixel_statistics
from tests.fakes import an_experiment
from tests.records import MACHINE


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inference is sampled as shortly as can be: no test here is about it."""
    monkeypatch.setattr(clock, "SAMPLING_S", 0.0)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a few drawn digits: 240 for training, 30 for validation, 30 for the test."""
    cache = tmp_path_factory.mktemp("cache")
    return datasets.prepare("digits", source="glyphs", cache_dir=cache, glyphs_images=300).folder


def performed(data: Path, out: Path, **changes: Any) -> Record:
    """The record of a run of the MLP in NumPy, in this process."""
    fields = {"source": "glyphs", "framework": "numpy", "batch_size": 32} | changes
    request = RunRequest(
        run=Run(experiment=an_experiment(**fields), seed=4),
        data_folder=str(data),
        results_folder=str(out),
        machine=MACHINE,
        started_at=datetime.now(UTC),
    )
    return perform(request, lambda phase, done, total: None)


def weights_of(record: Record, out: Path) -> dict[str, NDArray[np.float32]]:
    return load_file(Results(out).checkpoint_path(record.run_id))


def test_another_validation_share_is_split_and_told_and_normalised_by(
    drawn: Path, tmp_path: Path
) -> None:
    as_split = performed(drawn, tmp_path)
    record = performed(drawn, tmp_path, validation_share=1 / 3)
    told = record.data
    assert (told.train_images, told.validation_images, told.test_images) == (180, 90, 30)
    assert told.fingerprint == as_split.data.fingerprint
    shared = datasets.with_validation_share(datasets.open_cached(drawn), 1 / 3)
    assert (told.pixel_mean, told.pixel_std) == pixel_statistics(shared.train.images)
    assert told.pixel_mean != as_split.data.pixel_mean
    assert record.measurement is not None
    assert record.measurement.evaluations[0].images_seen == 180


def test_a_trainer_is_told_how_its_images_were_normalised(drawn: Path) -> None:
    data = datasets.open_cached(drawn)
    setup, _ = material.setup(Run(experiment=an_experiment(), seed=0), data)
    restored = (setup.train_images * setup.pixel_std + setup.pixel_mean) * 255
    np.testing.assert_allclose(restored, data.train.images, atol=1e-3)


def test_augmented_images_are_another_run_and_the_same_again(drawn: Path, tmp_path: Path) -> None:
    plain = performed(drawn, tmp_path)
    augmented = performed(drawn, tmp_path, augmentation=True)
    first = weights_of(augmented, tmp_path)
    assert augmented.measurement is not None
    assert (augmented.measurement.phases.augmentation_s or 0) > 0
    assert not np.array_equal(first["logits/kernel"], weights_of(plain, tmp_path)["logits/kernel"])
    again = weights_of(performed(drawn, tmp_path, augmentation=True), tmp_path)
    for name, array in first.items():
        np.testing.assert_array_equal(again[name], array)


def test_augmented_images_are_normalised_as_the_others_and_new_each_epoch(drawn: Path) -> None:
    data = datasets.open_cached(drawn)
    first, same, second = (material.augmented(data, 0, epoch) for epoch in (0, 0, 1))
    np.testing.assert_array_equal(first, same)
    assert not (first == second).all(axis=(1, 2)).any()
    black = datasets.normalise(
        np.zeros((1, 28, 28), np.uint8), mean=data.pixel_mean, std=data.pixel_std
    )
    assert first.dtype == np.float32
    assert first.min() == black.min()


def test_training_accuracy_is_of_training_images_at_each_evaluation(
    drawn: Path, tmp_path: Path
) -> None:
    record = performed(drawn, tmp_path, training_accuracy=True, epochs=12, dropout=False)
    assert record.measurement is not None
    last = record.measurement.evaluations[-1]
    assert last.training_accuracy is not None
    assert last.training_accuracy > last.accuracy  # of 240 images, learnt by heart
    assert last.training_accuracy > 0.95


def test_the_training_sample_is_the_same_whatever_the_seed(
    drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(material, "TRAINING_SAMPLE_IMAGES", 50)
    data = datasets.open_cached(drawn)
    samples = [
        material.training_sample(
            material.setup(Run(experiment=an_experiment(), seed=seed), data)[0]
        )
        for seed in (0, 1)
    ]
    assert samples[0].images.shape == (50, 28, 28)
    np.testing.assert_array_equal(samples[0].images, samples[1].images)
    rows = [
        np.flatnonzero((data.train.images == _bytes(one, data)).all(axis=(1, 2)))
        for one in samples[0].images
    ]
    np.testing.assert_array_equal(data.train.labels[np.concatenate(rows)], samples[0].labels)


def _bytes(image: NDArray[np.float32], data: datasets.Dataset) -> NDArray[np.uint8]:
    return np.asarray(np.rint((image * data.pixel_std + data.pixel_mean) * 255), np.uint8)

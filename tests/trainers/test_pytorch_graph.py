"""The trainer of the graph network: from normalised images to graphs, and a run on them."""

from __future__ import annotations

import gzip
import importlib.util
import math
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import datasets
from bench import trainers
from bench.experiment import Experiment
from bench.machine.settings import TRAINER_KEYS
from bench.trainers import FrameworkMissing, Images, Setup, Trainer, Weights
from datasets.preparation import DATA_VARIABLE
from tests.data_files import Bytes
from tests.strokes import strokes

pytest.importorskip("torch", reason="the framework of the graph network")
pytest.importorskip("torch_geometric", reason="passes its messages")
pytest.importorskip("skimage", reason="builds the superpixels")

# PyTorch, of PyTorch Geometric's own code as it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.:DeprecationWarning")

MEAN, STD = 0.13, 0.31
BATCH_SIZE = 16
COUNT = 3 * BATCH_SIZE + 5  # the last batch is short
ORDER = np.random.default_rng(1).permutation(COUNT)
TEST_IMAGES = datasets.normalise(strokes(30, seed=9), mean=MEAN, std=STD)


def a_setup(images: Bytes, labels: Bytes, *, seed: int = 0, learning_rate: float = 1e-3) -> Setup:
    """The last fifth of the images is for validation."""
    normal = datasets.normalise(images, mean=MEAN, std=STD)
    train = len(images) * 4 // 5
    experiment = Experiment(
        task="digits",
        source="mnist",
        architecture="gnn",
        framework="pytorch",
        execution="eager",
        device="cpu",
        batch_size=BATCH_SIZE,
        epochs=1,
        learning_rate=learning_rate,
    )
    return Setup(
        experiment=experiment,
        seed=seed,
        classes=10,
        train_images=normal[:train],
        train_labels=labels[:train].astype(np.int64),
        validation_images=normal[train:],
        test_size=len(TEST_IMAGES),
        pixel_mean=MEAN,
        pixel_std=STD,
    )


def create(setup: Setup | None = None, *, seed: int = 0) -> Trainer:
    images = strokes(COUNT * 5 // 4 + 1)
    setup = setup or a_setup(images, (np.arange(len(images)) % 10).astype(np.uint8), seed=seed)
    trainer = trainers.load("pytorch", setup.experiment.architecture).create(setup)
    trainer.build()
    trainer.transfer()
    return trainer


def trained(trainer: Trainer) -> Weights:
    trainer.arrange(ORDER)
    trainer.train()
    return trainer.weights()


def assert_same(one: Weights, other: Weights) -> None:
    assert list(one) == list(other)
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array, err_msg=name)


def differ(one: Weights, other: Weights) -> bool:
    return any(not np.array_equal(other[name], array) for name, array in one.items())


@pytest.mark.parametrize(("mean", "std"), [(MEAN, STD), (0.0, 1.0), (0.5, 0.02)])
def test_every_byte_comes_back_from_normalised_images(mean: float, std: float) -> None:
    from bench.trainers.pytorch_graph import pixels

    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    normal = datasets.normalise(every, mean=mean, std=std)
    np.testing.assert_array_equal(pixels(normal, mean=mean, std=std), every)


def test_images_normalised_by_other_numbers_are_refused() -> None:
    from bench.trainers.pytorch_graph import pixels

    with pytest.raises(ValueError, match="not normalised by a mean of 0 and a deviation of 1"):
        pixels(TEST_IMAGES, mean=0.0, std=1.0)


def test_warm_up_leaves_everything_as_it_began_and_the_seed_decides_the_rest() -> None:
    cold, other = trained(create()), trained(create(seed=1))
    assert differ(cold, other)
    warmed = create()
    start = warmed.weights()
    warmed.warm_up()
    warmed.warm_up_predictions()
    assert_same(warmed.weights(), start)
    assert_same(trained(warmed), cold)


def test_renewed_images_are_those_trained_on() -> None:
    other = strokes(COUNT * 5 // 4 + 1, seed=4)
    labels = (np.arange(len(other)) % 10).astype(np.uint8)
    renewed, wanted = create(), trained(create(a_setup(other, labels)))
    before = renewed.weights()
    renewed.renew(a_setup(other, labels).train_images)
    assert differ(before, wanted)
    trainer = create()
    trainer.renew(a_setup(other, labels).train_images)
    assert_same(trained(trainer), wanted)


def test_infer_gives_the_logits_and_reading_them_changes_nothing() -> None:
    trainer = create()
    ended = trained(trainer)
    wanted = trainer.logits(TEST_IMAGES)
    assert wanted.shape == (len(TEST_IMAGES), 10)
    assert wanted.dtype == np.float32
    np.testing.assert_array_equal(trainer.logits(TEST_IMAGES), wanted)  # from the cache
    np.testing.assert_allclose(trainer.infer(TEST_IMAGES), wanted, atol=1e-5)
    np.testing.assert_allclose(trainer.infer(TEST_IMAGES[:1]), wanted[:1], atol=1e-5)
    assert_same(trainer.weights(), ended)


def test_weights_come_back_as_they_were_and_those_of_another_network_are_refused() -> None:
    weights = create(seed=1).weights()
    trainer = create(seed=2)
    trainer.load_weights(dict(reversed(weights.items())))
    assert_same(trainer.weights(), weights)
    with pytest.raises(ValueError, match=r"logits/bias has the shape \(11,\), wanted \(10,\)"):
        trainer.load_weights(weights | {"logits/bias": np.zeros(11, np.float32)})


def test_a_saved_network_gives_the_trainers_logits_and_its_features(tmp_path: Path) -> None:
    from bench.trainers import pytorch_graph

    trainer = create()
    weights = trained(trainer)
    trainer.save(tmp_path / "gnn.safetensors")
    card: Any = SimpleNamespace(
        architecture="gnn", class_names=tuple("0123456789"), pixel_mean=MEAN, pixel_std=STD
    )
    loaded = pytorch_graph.restore(tmp_path / "gnn.safetensors", card)
    wanted = trainer.logits(TEST_IMAGES)
    np.testing.assert_array_equal(loaded.logits(TEST_IMAGES), wanted)
    np.testing.assert_allclose(loaded.infer(TEST_IMAGES[:1]), wanted[:1], atol=1e-5)
    features = loaded.features(TEST_IMAGES)
    assert features is not None
    again = features @ weights["logits/kernel"] + weights["logits/bias"]
    np.testing.assert_allclose(again, wanted, atol=1e-4)


def test_settings_say_how_large_the_graphs_are() -> None:
    trainer = create()
    settings = trainer.settings()
    assert set(TRAINER_KEYS) <= set(settings)
    nodes, _, _, edges, *_ = settings["graphs"].split()
    assert 60 < float(nodes) < 85
    assert float(edges) == pytest.approx(8 * float(nodes), abs=1)


def test_without_its_packages_it_is_said_how_to_install_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find = importlib.util.find_spec

    def absent(name: str, package: str | None = None) -> Any:
        return None if name == "torch_geometric" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", absent)
    with pytest.raises(
        FrameworkMissing, match=r"torch_geometric.*requirements\.txt scikit-image torch-geometric"
    ):
        create()


@pytest.mark.skipif(DATA_VARIABLE not in os.environ, reason="needs real digits")
def test_it_learns_to_read_real_digits() -> None:
    images = first_values("train-images-idx3-ubyte.gz", 1250, (28, 28))
    labels = first_values("train-labels-idx1-ubyte.gz", 1250, ())
    setup = a_setup(images, labels, learning_rate=1e-3)
    trainer = create(setup)
    assert accuracy(trainer, setup.validation_images, labels[1000:]) < 0.3
    random = np.random.default_rng(0)
    for _ in range(4):
        trainer.arrange(random.permutation(1000))
        trainer.train()
    assert accuracy(trainer, setup.validation_images, labels[1000:]) > 0.6


def first_values(name: str, count: int, shape: tuple[int, ...]) -> Bytes:
    """The first entries of one of MNIST's files: reading it whole would take longer."""
    with gzip.open(Path(os.environ[DATA_VARIABLE]) / "mnist" / name) as file:
        file.read(8 + 4 * len(shape))  # the header
        values = np.frombuffer(file.read(count * math.prod(shape)), np.uint8)
    return values.reshape(count, *shape)


def accuracy(trainer: Trainer, images: Images, labels: Bytes) -> float:
    return float((trainer.logits(images).argmax(axis=1) == labels).mean())

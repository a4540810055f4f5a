"""What the ensembles in PyTorch promise. ``test_pytorch_ensembles.py`` runs it in its own process.

By hand: ``GLYPHBENCH_TEST_FRAMEWORK=pytorch pytest tests/ensemble_contract.py``.
"""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench.results.evidence import EnsembleSetting
from bench.study import ensembling
from bench.study.ensembling import deviation
from bench.trainers import Trainer, Weights
from bench.trainers.pytorch_ensembles import equal_weights, reweigh
from models import adaboost_mlp_pytorch, ensemble_mlp_pytorch, members
from tests.small_trainers import (
    CLASSES,
    ORDER,
    TEST_IMAGES,
    TRAIN_IMAGES,
    assert_same,
    create,
    differ,
    small_setup,
)

ROUNDING = 5e-5  # as in the contract of a trainer
EVERY_MEMBER = range(members.MEMBERS)

each_ensemble = pytest.mark.parametrize("architecture", ["ensemble-mlp", "adaboost-mlp"])


def one_member(weights: Weights, index: int) -> Weights:
    return {name: w[index] for name, w in weights.items() if not name.startswith("vote/")}


def train_on(trainer: Trainer, order: NDArray[np.int64] = ORDER, epochs: int = 1) -> None:
    for _ in range(epochs):
        trainer.arrange(order)
        trainer.train()


# Independent members


@pytest.mark.parametrize(
    "recipe",
    [{"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.9}, {"optimizer": "adam"}],
    ids=["momentum", "adam"],
)
def test_training_at_once_is_training_every_member_alone(recipe: dict[str, Any]) -> None:
    ensemble = create("ensemble-mlp", **recipe)
    start = ensemble.weights()
    train_on(ensemble)
    trained, losses = ensemble.weights(), []
    for index in EVERY_MEMBER:
        alone = create("mlp-small", **recipe)
        alone.load_weights(one_member(start, index))
        train_on(alone)
        losses.append(alone.mean_loss())
        away = deviation(one_member(trained, index), alone.weights(), one_member(start, index))
        assert away < ROUNDING
    assert ensemble.mean_loss() == pytest.approx(np.mean(losses), rel=1e-5)


def test_members_start_apart() -> None:
    kernels = create("ensemble-mlp").weights()["dense/kernel"]
    assert len({kernel.tobytes() for kernel in kernels}) == members.MEMBERS


@each_ensemble
def test_the_first_member_starts_where_the_small_network_does(architecture: str) -> None:
    assert_same(
        create("mlp-small", seed=3).weights(), one_member(create(architecture, seed=3).weights(), 0)
    )


def test_the_ensemble_answers_with_the_mean_of_the_probabilities() -> None:
    ensemble = create("ensemble-mlp")
    train_on(ensemble)
    logits = ensemble.logits(TEST_IMAGES)
    wanted = members.mean_probabilities(members.logits(ensemble.weights(), TEST_IMAGES))[-1]
    np.testing.assert_allclose(np.exp(logits), wanted, atol=1e-5)  # they are log-probabilities


# What both promise as networks and as trainers


@each_ensemble
def test_loaded_weights_come_back_and_answer_alike(architecture: str) -> None:
    trained = create(architecture, seed=1, epochs=2)
    train_on(trained, epochs=2)
    other = create(architecture, seed=2, epochs=2)
    assert differ(trained.weights(), other.weights())
    other.load_weights(dict(reversed(trained.weights().items())))
    assert_same(trained.weights(), other.weights())
    np.testing.assert_array_equal(other.logits(TEST_IMAGES), trained.logits(TEST_IMAGES))
    np.testing.assert_allclose(other.infer(TEST_IMAGES), trained.logits(TEST_IMAGES), atol=1e-5)


@each_ensemble
@pytest.mark.parametrize("batch_size", [32, 50])  # with 50 a warm-up is as long as an epoch
def test_warm_up_leaves_everything_as_it_began(architecture: str, batch_size: int) -> None:
    cold = create(architecture, epochs=2, batch_size=batch_size)
    start = cold.weights()
    stretches = (ORDER[:64], ORDER[64:], ORDER)  # the first member in two, then the second
    for stretch in stretches:
        train_on(cold, stretch)
    warmed = create(architecture, epochs=2, batch_size=batch_size)
    warmed.warm_up_predictions()
    for stretch in stretches:
        warmed.warm_up()
        assert differ(start, warmed.weights()) == (stretch is not stretches[0])
        train_on(warmed, stretch)
    assert_same(cold.weights(), warmed.weights())


@each_ensemble
def test_features_are_the_hidden_layers_side_by_side(architecture: str) -> None:
    trainer = create(architecture, epochs=2)
    train_on(trainer, epochs=2)
    weights, network = trainer.weights(), trainer._network  # type: ignore[attr-defined]
    shown = members.MEMBERS if architecture == "ensemble-mlp" else 2
    with torch.inference_mode():
        found = network.features(torch.from_numpy(TEST_IMAGES)).numpy()
    pixels = TEST_IMAGES.reshape(len(TEST_IMAGES), -1)
    for index, block in enumerate(np.split(found, shown, axis=1)):
        kernel, bias = weights["dense/kernel"][index], weights["dense/bias"][index]
        np.testing.assert_allclose(block, np.maximum(pixels @ kernel + bias, 0), atol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "epochs", "count", "parameters"),
    [
        ("ensemble-mlp", 1, 16, 814_240),
        ("adaboost-mlp", 16, 16, 814_240),
        ("adaboost-mlp", 3, 3, 152_670),
    ],
)
def test_a_record_says_how_many_members_there_are(
    architecture: str, epochs: int, count: int, parameters: int
) -> None:
    trainer = create(architecture, epochs=epochs)
    assert trainer.settings()["members"] == str(count)
    assert trainer.parameter_count == parameters


@pytest.mark.parametrize("build", [ensemble_mlp_pytorch.build, adaboost_mlp_pytorch.build])
def test_an_ensemble_may_have_few_members_and_any_number_of_classes(build: Any) -> None:
    network = build(3, members=2).eval()
    assert network(torch.zeros(5, 28, 28)).shape == (5, 3)
    assert network.neutral_weights()["dense/kernel"].shape == (2, 784, 64)


# Boosting


def test_the_first_boosted_member_is_trained_as_the_small_network() -> None:
    boosted, alone = create("adaboost-mlp", epochs=2), create("mlp-small", epochs=2)
    train_on(boosted)
    train_on(alone)
    start = create("mlp-small").weights()
    assert deviation(one_member(boosted.weights(), 0), alone.weights(), start) < ROUNDING
    assert boosted.mean_loss() == pytest.approx(alone.mean_loss(), rel=1e-5)


def test_every_member_gets_the_vote_and_leaves_the_weights_that_samme_gives() -> None:
    setup = small_setup("adaboost-mlp", epochs=3)
    boosted = create("adaboost-mlp", epochs=3)
    weights = equal_weights(TRAIN_IMAGES)
    for round_ in range(3):
        before = boosted.weights()
        train_on(boosted)
        answers = members.logits(boosted.weights(), setup.train_images)[round_].argmax(axis=1)
        alpha, weights = reweigh(weights, answers != setup.train_labels, CLASSES)
        told = boosted.weights()
        assert told["vote/alphas"][round_] == pytest.approx(alpha, rel=1e-5)
        assert told["vote/fitted"] == [round_ + 1]
        others = [index for index in EVERY_MEMBER if index != round_]
        assert_same(
            {"rest": before["dense/kernel"][others]}, {"rest": told["dense/kernel"][others]}
        )


def test_the_weights_of_images_stand_in_the_loss() -> None:
    boosted = create("adaboost-mlp", epochs=2, batch_size=TRAIN_IMAGES)
    train_on(boosted)
    setup, before = small_setup("adaboost-mlp"), boosted.weights()
    wrong = members.logits(before, setup.train_images)[0].argmax(axis=1) != setup.train_labels
    _, weights = reweigh(equal_weights(TRAIN_IMAGES), wrong, CLASSES)
    logits = members.logits(before, setup.train_images)[1].astype(np.float64)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[range(TRAIN_IMAGES), setup.train_labels]
    train_on(boosted)
    assert boosted.mean_loss() == pytest.approx(float(weights @ losses), rel=1e-5)
    assert boosted.mean_loss() != pytest.approx(float(losses.mean()), rel=1e-3)


def test_the_vote_is_that_of_the_fitted_members_centred_and_scaled_as_in_the_paper() -> None:
    boosted = create("adaboost-mlp", epochs=3)
    train_on(boosted, epochs=3)
    weights = boosted.weights()
    votes = members.logits(weights, TEST_IMAGES)[:3].argmax(axis=2)
    f = np.zeros((len(TEST_IMAGES), CLASSES))
    for alpha, voted in zip(weights["vote/alphas"], votes, strict=False):
        f += alpha * np.where(voted[:, None] == np.arange(CLASSES), 1, -1 / (CLASSES - 1))
    np.testing.assert_allclose(boosted.logits(TEST_IMAGES), f / (CLASSES - 1), atol=1e-5)


def test_before_the_first_member_is_fitted_it_votes_alone() -> None:
    boosted = create("adaboost-mlp", epochs=2)
    train_on(boosted, ORDER[:64])
    assert boosted.weights()["vote/fitted"] == [0]
    alone = members.logits(boosted.weights(), TEST_IMAGES)[0].argmax(axis=1)
    np.testing.assert_array_equal(boosted.logits(TEST_IMAGES).argmax(axis=1), alone)


def test_training_on_after_the_last_member_changes_no_vote() -> None:
    boosted = create("adaboost-mlp", epochs=2)
    train_on(boosted, epochs=2)
    votes = {name: w for name, w in boosted.weights().items() if name.startswith("vote/")}
    train_on(boosted, epochs=2)
    assert_same(votes, boosted.weights())


# One after the other and at once, timed


def test_all_ways_of_training_the_members_come_to_the_same_weights() -> None:
    setting = EnsembleSetting(members=3, width=8, batch_size=16, steps=6, device="cpu")
    timed = ensembling.measure(setting, rounds=2)
    assert [arm.way for arm in timed.arms] == ["one by one", "vmap", "batched"]
    assert all(arm.deviation < ROUNDING for arm in timed.arms)
    assert all(len(arm.rounds_s) == 2 and min(arm.rounds_s) > 0 for arm in timed.arms)
    assert ensembling.same_work(timed)
    strayed = dataclasses.replace(timed.arms[2], deviation=0.5)
    other = dataclasses.replace(timed, arms=(*timed.arms[:2], strayed))
    assert not ensembling.same_work(other)
    assert "mean nothing" in ensembling.sentences(other)[-1]

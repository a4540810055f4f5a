"""Ensembles: SAMME beside scikit-learn's, the epochs of members, and the networks in PyTorch."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from models import members
from tests.trainers.test_trainers import run_contract


def test_the_ensembles_in_pytorch_keep_their_promises() -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed")
    ended = run_contract("pytorch", files=("tests/ensemble_contract.py",))
    assert ended.returncode == 0, ended.stdout[-8000:]


@pytest.fixture
def ensembles() -> Any:
    """The module that trains them, which imports PyTorch."""
    return pytest.importorskip("bench.trainers.pytorch_ensembles")


# SAMME


def test_votes_and_scores_are_those_of_scikit_learn(ensembles: Any) -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    tree = pytest.importorskip("sklearn.tree")
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 300)
    points = random.standard_normal((300, 3)) + labels[:, None]
    weak = tree.DecisionTreeClassifier(max_depth=2, random_state=0)
    boosted = ensemble.AdaBoostClassifier(weak, n_estimators=6, random_state=0).fit(points, labels)
    alphas, weights = [], ensembles.equal_weights(300)
    for member in boosted.estimators_:
        alpha, weights = ensembles.reweigh(weights, member.predict(points) != labels, 4)
        alphas.append(alpha)
    np.testing.assert_allclose(alphas, boosted.estimator_weights_, rtol=1e-9)
    one_hot = np.stack([np.eye(4)[member.predict(points)] for member in boosted.estimators_])
    votes = members.weighted_votes(one_hot.astype(np.float32), np.array(alphas, np.float32))[-1]
    f = (4 * votes - votes.sum(axis=1, keepdims=True)) / 3
    np.testing.assert_allclose(f / sum(alphas), boosted.decision_function(points), atol=1e-5)


def test_after_reweighing_the_member_is_as_good_as_chance(ensembles: Any) -> None:
    wrong = np.arange(100) < 13
    alpha, weights = ensembles.reweigh(ensembles.equal_weights(100), wrong, classes=10)
    assert alpha == pytest.approx(np.log(87 / 13) + np.log(9))
    assert weights.sum() == pytest.approx(1)
    assert weights[wrong].sum() == pytest.approx(1 - 1 / 10)


def test_a_member_no_better_than_chance_has_no_vote_and_changes_no_weight(ensembles: Any) -> None:
    before = np.random.default_rng(0).dirichlet(np.ones(10))
    wrong = np.arange(10) < 9
    alpha, weights = ensembles.reweigh(ensembles.equal_weights(10), wrong, classes=10)
    assert alpha == 0
    np.testing.assert_array_equal(weights, ensembles.equal_weights(10))
    alpha, weights = ensembles.reweigh(before, np.ones(10, bool), classes=10)
    assert alpha == 0
    np.testing.assert_array_equal(weights, before)


def test_a_member_without_an_error_has_the_vote_of_half_an_image(ensembles: Any) -> None:
    equal = ensembles.equal_weights(50)
    alpha, weights = ensembles.reweigh(equal, np.zeros(50, bool), classes=10)
    assert alpha == pytest.approx(np.log(99) + np.log(9))
    np.testing.assert_allclose(weights, equal)


@pytest.mark.parametrize(
    ("epochs", "count", "each"),
    [(0.25, 1, 1), (1, 1, 1), (5, 5, 1), (16, 16, 1), (32, 16, 2), (512, 16, 32)],
)
def test_epochs_are_shared_out_equally(
    epochs: float, count: int, each: int, ensembles: Any
) -> None:
    wanted = ensembles.Rounds(members=count, epochs_each=each)
    assert ensembles.rounds(epochs) == wanted


@pytest.mark.parametrize(
    ("epochs", "choices"), [(50, "48 or 64"), (17, "16 or 32"), (2.5, "2 or 4")]
)
def test_epochs_that_cannot_be_shared_out_are_refused_with_some_that_can(
    epochs: float, choices: str, ensembles: Any
) -> None:
    with pytest.raises(ValueError, match=f"take {choices} epochs"):
        ensembles.rounds(epochs)


# The members in NumPy


def test_probabilities_are_averaged_over_the_first_members() -> None:
    sure = np.log(np.array([[[8, 1, 1]], [[1, 8, 1]], [[1, 8, 1]]], np.float32))
    found = members.mean_probabilities(sure)
    np.testing.assert_allclose(
        found[:, 0], [[0.8, 0.1, 0.1], [0.45, 0.45, 0.1], [1 / 3, 17 / 30, 0.1]], rtol=1e-5
    )


def test_votes_weigh_what_their_member_weighs() -> None:
    logits = np.array([[[9, 0, 0]], [[0, 1, 0]], [[0, 1, 0]]], np.float32)
    found = members.weighted_votes(logits, np.array([3, 2, 2], np.float32))
    np.testing.assert_allclose(found[:, 0], [[3, 0, 0], [3, 2, 0], [3, 4, 0]])

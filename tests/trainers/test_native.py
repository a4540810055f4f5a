"""What each framework does of itself, as data."""

from __future__ import annotations

from dataclasses import replace

import pytest

import models
from bench.experiment import NATIVE, Experiment
from bench.trainers import FRAMEWORKS, native, restorable
from tests.fakes import an_experiment

CNN = an_experiment(architecture="cnn")


def test_every_framework_says_something_under_every_word() -> None:
    assert set(native.MATCHED) == set(NATIVE)
    for framework in FRAMEWORKS.values():
        assert set(framework.own) == set(NATIVE)
        assert all(own.says for own in framework.own.values())
        assert framework.compiler


@pytest.mark.parametrize(
    ("experiment", "wanted"),
    [
        (
            CNN,
            ("adam-epsilon", "bias-init", "kernel-init", "memory-layout", "shuffling"),
        ),
        (
            replace(CNN, architecture="mlp"),  # has no images inside
            ("adam-epsilon", "bias-init", "kernel-init", "shuffling"),
        ),
        (
            replace(CNN, device="cuda"),  # channels first there anyway, and TF32 exists
            ("adam-epsilon", "bias-init", "kernel-init", "matmul-precision", "shuffling"),
        ),
        (
            replace(CNN, optimizer="sgd"),
            ("bias-init", "kernel-init", "memory-layout", "shuffling"),
        ),
        (replace(CNN, framework="keras-jax"), ("shuffling",)),
        (replace(CNN, framework="keras-jax", device="cuda"), ("matmul-precision", "shuffling")),
        (
            replace(CNN, framework="keras-torch", architecture="mlp", device="cuda"),
            ("shuffling",),  # PyTorch takes TF32 in convolutions alone
        ),
        (replace(CNN, framework="numpy"), ()),
    ],
)
def test_a_default_is_restorable_where_it_changes_something(
    experiment: Experiment, wanted: tuple[str, ...]
) -> None:
    assert restorable(experiment) == wanted


def test_a_precision_asked_for_by_name_leaves_none_to_the_framework() -> None:
    asked = replace(CNN, framework="keras-jax", device="cuda", precision="tf32")
    assert "matmul-precision" not in restorable(asked)


def test_another_network_with_convolutions_is_left_the_same_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(models.ARCHITECTURES, "lenet", models.ARCHITECTURES["cnn"])
    assert restorable(replace(CNN, architecture="lenet")) == restorable(CNN)

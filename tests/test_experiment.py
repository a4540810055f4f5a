"""What is run, and how it is trained."""

from __future__ import annotations

import pytest

from bench import experiment
from bench.experiment import ADAM, Recipe


def test_a_recipe_of_its_own_is_of_its_task_and_architecture_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = Recipe(optimizer="sgd", learning_rate=0.1, momentum=0.9)
    monkeypatch.setitem(experiment.RECIPES, ("letters", "cnn"), own)
    assert experiment.recipe("letters", "cnn") == own
    assert experiment.recipe("digits", "cnn") == experiment.recipe("letters", "mlp") == ADAM

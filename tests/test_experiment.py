"""What is run, how it is trained, and in which order it sees the images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import experiment
from bench.experiment import ADAM, Recipe, segments, total_steps
from tests.fakes import an_experiment


def test_a_recipe_of_its_own_is_of_its_task_and_architecture_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = Recipe(optimizer="sgd", learning_rate=0.1, momentum=0.9)
    monkeypatch.setitem(experiment.RECIPES, ("letters", "cnn"), own)
    assert experiment.recipe("letters", "cnn") == own
    assert experiment.recipe("digits", "cnn") == experiment.recipe("letters", "mlp") == ADAM


def test_which_of_several_gpus_is_in_the_name_of_a_file_that_any_system_can_have() -> None:
    first, second = (an_experiment(device=device).id for device in ("cuda", "cuda:1"))
    assert "_cuda_" in first
    assert "_cuda-1_" in second
    assert ":" not in second
    assert first.replace("_cuda_", "_cuda-1_") != second  # by the hash too


def test_an_id_is_what_it_was_before_gpus_had_numbers() -> None:
    old = "digits-mnist_mlp_pytorch-eager_cuda_b4_train_571dfa36"
    assert an_experiment(device="cuda").id == old


# The order of the images: from the seed, whole, and cut only between batches

sizes = st.integers(1, 200)


@given(images=sizes, batch=st.integers(1, 50), evaluations=st.integers(1, 7))
def test_an_epoch_shows_every_image_once(images: int, batch: int, evaluations: int) -> None:
    own = an_experiment(batch_size=batch, evaluations_per_epoch=evaluations)
    seen = np.concatenate(list(segments(own, 0, images)))
    assert sorted(seen) == list(range(images))


@given(images=sizes, batch=st.integers(1, 50), evaluations=st.integers(1, 7))
def test_cutting_an_epoch_does_not_change_its_batches(
    images: int, batch: int, evaluations: int
) -> None:
    whole = list(segments(an_experiment(batch_size=batch, epochs=2), 3, images))
    cut_experiment = an_experiment(batch_size=batch, epochs=2, evaluations_per_epoch=evaluations)
    cut = list(segments(cut_experiment, 3, images))
    assert np.array_equal(np.concatenate(whole), np.concatenate(cut))
    short = [len(part) % batch for part in cut]
    assert sum(bool(rest) for rest in short) <= 2  # only at the end of each epoch


def test_another_seed_is_another_order_and_the_same_seed_the_same() -> None:
    own = an_experiment()
    first, again, other = (next(segments(own, seed, 100)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_each_epoch_has_its_own_order() -> None:
    one, two = segments(an_experiment(epochs=2), 0, 100)
    assert not np.array_equal(one, two)


def test_an_epoch_is_the_same_however_long_the_run() -> None:
    short = list(segments(an_experiment(epochs=1), 0, 100))
    long = list(segments(an_experiment(epochs=5), 0, 100))
    assert np.array_equal(short[0], long[0])


def test_a_part_of_an_epoch_is_the_beginning_of_it() -> None:
    (part,) = segments(an_experiment(epochs=0.5), 0, 100)
    (whole,) = segments(an_experiment(epochs=1), 0, 100)
    assert len(part) == 48  # 12 of 25 steps, batch size 4: Python rounds 12.5 to even
    assert np.array_equal(part, whole[:48])


def test_the_shortest_run_is_one_step() -> None:
    assert total_steps(an_experiment(epochs=1e-9), 100) == 1


def test_shuffling_left_to_the_framework_is_the_order_of_the_file_in_every_epoch() -> None:
    own = an_experiment(epochs=2, native=("shuffling",))
    for epoch in segments(own, 0, 100):
        assert np.array_equal(epoch, np.arange(100))

"""A climb in this process, on a few drawn images: an honest rung, and every cheat of the rules."""

from __future__ import annotations

import importlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import datasets
from bench.ladder.climb import (
    Answer,
    Request,
    SealBroken,
    climb,
    noise_like,
    read_material,
)
from bench.trainers import torch_executions
from datasets import Prepared
from tests.ladder import own_rungs
from tests.tape import TapeRecorder


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return datasets.prepare("digits", source="glyphs", glyphs_images=1000, download=False)


def climbed(
    prepared: Prepared,
    folder: Path,
    patch: pytest.MonkeyPatch,
    source: str,
    *,
    enter: bool = False,
) -> Answer:
    package = own_rungs.write(folder, rung_90_newcomer=source)
    patch.syspath_prepend(folder)
    patch.setenv("DATA_FOLDER", str(prepared.folder))
    return climb(
        Request(
            module=f"{package}.rung_90_newcomer",
            device="cpu",
            seed=0,
            data_folder=str(prepared.folder),
            sealed=tuple(map(str, prepared.folder.iterdir())),
            enter=enter,
            flop=enter,
        )
    )


def test_an_honest_climb_is_timed_counted_and_judged(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = climbed(prepared, tmp_path, monkeypatch, own_rungs.HONEST, enter=True)
    measured = answer.measured
    assert measured is not None
    assert answer.problems == ()
    images = len(datasets.open_cached(prepared.folder).train.labels)
    steps = images // 50
    work = measured.work
    assert (work.steps, work.steps_counted, work.batch_size) == (steps, steps, 50)
    assert (work.images_seen, work.images_distinct) == (steps * 50, steps * 50)
    assert work.parameters == 7850
    assert work.flop_an_image == 2 * 2 * 7840
    assert 0 < measured.train_s < measured.process_s
    assert measured.start_accuracy < 0.5 < measured.validation_accuracy
    assert measured.test_images == len(datasets.open_cached(prepared.folder).test.labels)
    assert measured.test_correct is not None
    assert measured.test_correct > measured.test_images / 2


def test_without_entering_the_test_set_stays_sealed(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = climbed(prepared, tmp_path, monkeypatch, own_rungs.HONEST)
    assert answer.measured is not None
    assert answer.measured.test_correct is None


def test_a_rung_that_reads_the_test_set_is_caught(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SealBroken, match="was to be opened before the clocks had stopped"):
        climbed(prepared, tmp_path, monkeypatch, own_rungs.HONEST + own_rungs.SEES_THE_TEST)


def test_a_rung_that_swallows_the_error_is_caught_all_the_same(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "    datasets.open"
    swallowed = own_rungs.SEES_THE_TEST.replace(line, f"    with quiet:\n {line}")
    quiet = "import contextlib\nquiet = contextlib.suppress(Exception)\n"
    source = own_rungs.HONEST + quiet + swallowed
    answer = climbed(prepared, tmp_path, monkeypatch, source)
    assert any("was to be opened" in problem for problem in answer.problems)


@pytest.mark.parametrize(
    ("cheat", "words"),
    [
        (own_rungs.LEAVES_STEPS_OUT, "counted by the optimiser"),
        (own_rungs.SEES_LESS, "images seen in"),
        (own_rungs.LEARNS_IN_THE_WARM_UP, "the warm-up has left other weights"),
    ],
)
def test_a_rung_that_leaves_work_out_is_caught(
    cheat: str, words: str, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = climbed(prepared, tmp_path, monkeypatch, own_rungs.HONEST + cheat)
    assert any(words in problem for problem in answer.problems), answer.problems


def test_captured_bare_and_in_halves_it_comes_to_the_same_weights(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Captured on a tape, which keeps addresses and plain numbers as a CUDA graph does."""
    monkeypatch.setattr(torch_executions, "Recorder", TapeRecorder)
    material, classes = read_material(str(prepared.folder))
    stays = importlib.import_module("bench.ladder.pytorch.rung_16_stays").RUNG.step
    halved = importlib.import_module("bench.ladder.pytorch.rung_33_halves").RUNG.step
    weights = []
    for name, step in (
        ("rung_14_by_hand", stays),
        ("rung_17_bare", stays),
        ("rung_33_halves", halved),
        ("rung_20_captured", stays),
    ):
        rung = importlib.import_module(f"bench.ladder.pytorch.{name}").RUNG
        rung = replace(rung, batch_size=51, epochs=0.8, step=step)
        climber = rung.climber(0, "cpu", classes)
        climber.warm_up(noise_like(material, classes))
        climber.train(material)
        assert climber.steps() == (12, 12)  # of 15, since eight images in ten are seen
        weights.append(climber.weights())
    first, *others = weights
    for other in others:
        for name in first:
            np.testing.assert_allclose(other[name], first[name], atol=1e-4, err_msg=name)


@pytest.mark.parametrize(("dtype", "agreeing"), [("float32", 0.995), ("bfloat16", 0.97)])
@pytest.mark.parametrize("by_hand", ["rung_14_by_hand", "rung_23_lean"])
def test_the_derivative_by_hand_is_autograd_s(
    prepared: Prepared, by_hand: str, dtype: str, agreeing: float
) -> None:
    """One step of each from the same weights, autograd's in float32."""
    torch = pytest.importorskip("torch")
    loop = importlib.import_module("bench.ladder.pytorch.loop")
    material, classes = read_material(str(prepared.folder))
    network = importlib.import_module(f"bench.ladder.pytorch.{by_hand}").RUNG.network
    moved = []
    for name, of_type in (("rung_13_crop", "float32"), (by_hand, dtype)):
        rung = importlib.import_module(f"bench.ladder.pytorch.{name}").RUNG
        rung = replace(rung, network=network, batch_size=700, smoothing=0.1)
        rung = replace(rung, dtype=getattr(torch, of_type))
        rung = replace(rung, program=loop.Batchwise)  # the first filters are another matter
        climber = rung.climber(0, "cpu", classes)
        before = climber.weights()
        climber.train(material)
        moved.append({key: value - before[key] for key, value in climber.weights().items()})
    for key, by_autograd in moved[0].items():
        if by_hand == "rung_23_lean" and key.startswith("0."):
            assert not moved[1][key].any()  # the first convolution never learns
            continue
        agree = np.sign(by_autograd) == np.sign(moved[1][key])  # Adam's first step is its sign
        assert agree[by_autograd != 0].mean() > agreeing, key


def test_a_convolution_that_stays_is_no_longer_moved(prepared: Prepared) -> None:
    material, classes = read_material(str(prepared.folder))
    rung = importlib.import_module("bench.ladder.pytorch.rung_16_stays").RUNG
    by_hand = importlib.import_module("bench.ladder.pytorch.rung_14_by_hand").by_hand
    climber = replace(rung, step=partial(by_hand, taught=0.0)).climber(0, "cpu", classes)
    importlib.import_module("bench.ladder.pytorch.rung_08_filters").give_filters(climber, material)
    before = climber.weights()
    climber.train(material)
    moved = {name: bool((before[name] != now).any()) for name, now in climber.weights().items()}
    first = [name for name in moved if name.startswith("0.")]
    assert len(first) == 2
    assert moved == {name: name not in first for name in moved}


def test_filters_are_the_principal_components_of_patches(prepared: Prepared) -> None:
    material, classes = read_material(str(prepared.folder))
    module = importlib.import_module("bench.ladder.pytorch.rung_08_filters")
    climber = module.RUNG.climber(0, "cpu", classes)
    module.give_filters(climber, material)
    kernel = climber.weights()["0.weight"].reshape(16, 25)
    np.testing.assert_array_equal(kernel[:8], -kernel[8:])
    few = replace(material, images=material.images[: module.LOOKED_AT])
    scaled = (few.images / 255 - material.mean) / material.std
    patches = np.lib.stride_tricks.sliding_window_view(scaled, (5, 5), (1, 2))[:, ::2, ::2]
    covariance = np.cov(patches.reshape(-1, 25).T)
    answers = kernel[:8] @ covariance @ kernel[:8].T  # uncorrelated, and each of variance 1
    np.testing.assert_allclose(answers, np.diag(np.diag(answers)), atol=1e-3)
    assert np.all((np.diag(answers) > 0.9) & (np.diag(answers) <= 1))

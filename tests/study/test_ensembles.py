"""The step of the study about ensembles: made-up records, and a saved model of small members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from bench.results.evidence import EnsembleArm, EnsembleSetting, EnsembleTimes, Ensembling
from bench.results.folder import Results
from bench.results.record import Record
from bench.study import ensembles
from bench.study.artifact import Artifact, Study
from datasets import Split
from tests.records import MACHINE, make_record
from tests.study_data import frames, make_dataset, pictures, study_of

IMAGES = 60


def make(records: Sequence[Record], folder: Path) -> list[Artifact]:
    return list(ensembles.make(a_study(records, folder)))


def a_study(records: Sequence[Record], folder: Path) -> Study:
    values = np.random.default_rng(0)
    test = Split(
        images=values.integers(0, 256, (IMAGES, 28, 28), dtype=np.uint8),
        labels=values.integers(0, 10, IMAGES, dtype=np.uint8),
    )
    return study_of(records, make_dataset(test), folder=folder)


def some_records(seeds: int = 3) -> list[Record]:
    """The ensemble wrong on 10 of the single network's 30 images, boosting on others as many."""
    wrong = {"mlp-small": range(30), "ensemble-mlp": range(10), "adaboost-mlp": range(20, 50)}
    return [
        replace(
            make_record(architecture=name, seed=seed, wrong=[*images, 100 + seed]),
            settings={} if name == "mlp-small" else {"members": "16"},
        )
        for seed in range(seeds)
        for name, images in wrong.items()
    ]


def small_weights(count: int, boosted: bool) -> dict[str, np.ndarray]:
    values = np.random.default_rng(1)
    shapes = {
        "dense/kernel": (count, 784, 64),
        "dense/bias": (count, 64),
        "logits/kernel": (count, 64, 10),
        "logits/bias": (count, 10),
    }
    weights = {name: values.standard_normal(s).astype(np.float32) for name, s in shapes.items()}
    if boosted:
        weights["vote/alphas"] = np.array([3, 2, 2, *[0] * (count - 3)], np.float32)
        weights["vote/fitted"] = np.array([3], np.float32)
    return weights


def test_ensembles_stand_beside_the_single_network_of_their_seed(tmp_path: Path) -> None:
    frame = frames(make(some_records(), tmp_path))["ensembles"].set_index("network")
    assert list(frame.index) == ["small MLP", "ensemble of MLPs", "AdaBoost of MLPs"]
    assert list(frame["members"]) == [1, 16, 16]
    assert frame.loc["ensemble of MLPs", "gain"] == pytest.approx(0.02)
    assert frame.loc["AdaBoost of MLPs", "gain"] == pytest.approx(0)
    assert frame.loc["ensemble of MLPs", "gain_low"] == pytest.approx(0.02)  # alike at each seed
    assert frame["gain"].isna()["small MLP"]


def test_errors_are_told_apart_seed_by_seed_and_corrected_for_all(tmp_path: Path) -> None:
    frame = frames(make(some_records(), tmp_path))["ensembles_errors"]
    assert len(frame) == 6
    first = frame[frame["network"] == "ensemble of MLPs"]
    assert set(zip(first["network_only_wrong"], first["single_only_wrong"], strict=True)) == {
        (0, 20)
    }
    assert set(first["verdict"]) == {"fewer errors"}
    assert set(frame[frame["network"] == "AdaBoost of MLPs"]["verdict"]) == {"not told apart"}
    np.testing.assert_allclose(first["p"], 2 / 2**20)
    assert (first["p_holm"] > first["p"]).all()


def test_one_seed_and_one_network_are_enough(tmp_path: Path) -> None:
    alone = [r for r in some_records(1) if r.experiment.architecture == "adaboost-mlp"]
    artifacts = make(alone, tmp_path)
    assert [artifact.name for artifact in artifacts] == ["ensembles", "ensembles_cost"]
    assert frames(artifacts)["ensembles"]["accuracy_low"].isna().all()


def test_nothing_is_made_without_a_network_of_this_part(tmp_path: Path) -> None:
    assert make([make_record(architecture="mlp")], tmp_path) == []


def test_saved_members_are_asked_one_after_the_other(tmp_path: Path) -> None:
    records = some_records(2)
    for record in records:
        if record.experiment.architecture != "mlp-small":
            boosted = record.experiment.architecture == "adaboost-mlp"
            path = Results(tmp_path).model_path(record.run_id, ".safetensors")
            path.parent.mkdir(exist_ok=True)
            save_file(small_weights(4, boosted), path)
    (axes,) = pictures(make(records, tmp_path))["ensembles_members"].figure.axes
    lines = [line for line in axes.get_lines() if line.get_marker() != "None"]
    lengths = [np.size(line.get_xdata()) for line in lines]
    assert sorted(lengths) == [3, 4]  # three members of the boosted network are fitted


def test_accuracy_of_the_first_members_is_what_their_mean_and_their_votes_give() -> None:
    images = np.random.default_rng(2).standard_normal((IMAGES, 28, 28)).astype(np.float32)
    weights = small_weights(4, boosted=True)
    hidden = np.einsum("np,mph->mnh", images.reshape(IMAGES, -1), weights["dense/kernel"])
    hidden = np.maximum(hidden + weights["dense/bias"][:, None], 0)
    logits = np.einsum("mnh,mhc->mnc", hidden, weights["logits/kernel"])
    logits += weights["logits/bias"][:, None]
    first, second, third = logits[:3].argmax(axis=2)
    by_votes = np.where(second == third, second, first)  # 2 + 2 outweigh 3, 2 alone does not
    assert ensembles.accuracies(weights, images, by_votes)[-1] == 1
    assert ensembles.accuracies(weights, images, first)[:2] == [1, 1]
    plain = small_weights(4, boosted=False)
    odds = np.exp(logits - logits.max(axis=2, keepdims=True))
    by_mean = (odds / odds.sum(axis=2, keepdims=True)).mean(axis=0).argmax(axis=1)
    assert ensembles.accuracies(plain, images, by_mean)[-1] == 1


def test_what_was_measured_of_training_at_once_is_in_a_table(tmp_path: Path) -> None:
    arms = (
        EnsembleArm(way="one by one", rounds_s=(2.0, 2.2), deviation=0),
        EnsembleArm(way="vmap", rounds_s=(2.0, 2.2), deviation=1e-7),
        EnsembleArm(way="batched", rounds_s=(1.0, 1.1), deviation=1e-7),
    )
    setting = EnsembleSetting(members=16, width=64, batch_size=128, steps=100, device="cpu")
    timed = EnsembleTimes(setting=setting, threads=2, arms=arms)
    measured = Ensembling(made_at="", machine=MACHINE, versions={}, timed=(timed,))
    Results(tmp_path).save_evidence(measured)
    assert Results(tmp_path).ensembling() == measured
    frame = frames(make(some_records(1), tmp_path))["ensembles_at_once"].set_index("way")
    assert frame.loc["batched", "times_as_fast"] == pytest.approx(2)
    assert frame.loc["one by one", "step_ms"] == pytest.approx(21)

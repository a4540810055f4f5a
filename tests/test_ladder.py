"""The ladder's plan: matched first, one default restored at a time, then all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import ladder
from bench.experiment import Experiment
from tests.fakes import an_experiment


def said(rung: Experiment) -> str:
    return "+".join(rung.native) or rung.execution


def test_the_rungs_of_pytorch() -> None:
    rungs = list(ladder.rungs(an_experiment(architecture="cnn")))
    assert [said(rung) for rung in rungs] == [
        "eager",
        "adam-epsilon",
        "bias-init",
        "kernel-init",
        "memory-layout",
        "shuffling",
        "compiled",
        "adam-epsilon+bias-init+kernel-init+memory-layout+shuffling",
    ]
    assert {rung.execution for rung in rungs if rung.native} == {"eager"}
    assert len({rung.id for rung in rungs}) == len(rungs)


def test_a_framework_with_one_own_default_restores_it_once() -> None:
    experiment = an_experiment(framework="keras-jax", execution="compiled")
    assert [said(rung) for rung in ladder.rungs(experiment)] == ["compiled", "shuffling"]


def test_numpy_has_nothing_to_restore() -> None:
    assert [said(rung) for rung in ladder.rungs(an_experiment(framework="numpy"))] == ["eager"]


WORDS = ["--task", "digits", "--architecture", "mlp", "--framework", "pytorch", "--device", "cpu"]


def test_a_dry_run_lists_every_rung_with_three_seeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = ["--source", "glyphs", "--glyphs-images", "200", "--out", str(tmp_path / "out")]
    assert ladder.main(["defaults", *WORDS, *drawn, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "21 runs (7 experiments, 3 seeds)" in out
    assert out.count("own kernel-init seed 2") == 1
    assert out.count("own adam-epsilon+bias-init+kernel-init+shuffling seed 0") == 1
    assert out.count("pytorch compiled") == 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which ladder?; choose from defaults"),
        (["default"], "unknown ladder 'default'; choose from defaults"),
        (["defaults", "--execution", "all"], "--execution: a ladder sees to that itself"),
        (["defaults", "--init", "native"], "--init native: a ladder sees to that itself"),
        (
            ["defaults", "--seeds", "auto", "--between", "pytorch,keras-jax"],
            "--seeds auto: a ladder sees to that itself",
        ),
    ],
)
def test_what_cannot_be_meant_is_a_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ladder.main(words) == 2
    assert f"bench ladder: error: {said}" in capsys.readouterr().err

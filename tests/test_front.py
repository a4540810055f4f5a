"""The three front doors: their words, and the ladder's plan.

Matched first, then one default restored at a time, then all of them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import UsageError, cli, front, presets
from bench.experiment import Experiment
from bench.plan import Plan
from tests.fakes import an_experiment


def name(rung: Experiment) -> str:
    return "+".join(rung.native) or rung.execution


def test_the_rungs_of_pytorch() -> None:
    rungs = list(presets.rungs(an_experiment(architecture="cnn")))
    assert [name(rung) for rung in rungs] == [
        "eager",
        "adam-epsilon",
        "bias-init",
        "kernel-init",
        "memory-layout",
        "shuffling",
        "compiled",
        "tuned",
        "compiled-step",
        "adam-epsilon+bias-init+kernel-init+memory-layout+shuffling",
    ]
    assert {rung.execution for rung in rungs if rung.native} == {"eager"}
    assert len({rung.id for rung in rungs}) == len(rungs)


def test_a_framework_with_one_own_default_restores_it_once() -> None:
    experiment = an_experiment(framework="keras-jax", execution="compiled")
    assert [name(rung) for rung in presets.rungs(experiment)] == ["compiled", "shuffling", "epoch"]


def test_numpy_has_nothing_to_restore() -> None:
    assert [name(rung) for rung in presets.rungs(an_experiment(framework="numpy"))] == ["eager"]


WORDS = ["--task", "digits", "--architecture", "mlp", "--framework", "pytorch", "--device", "cpu"]


def test_a_dry_run_lists_every_rung_with_three_seeds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = ["--source", "glyphs", "--glyphs-images", "200", "--out", str(tmp_path / "out")]
    assert front.ladder(["defaults", *WORDS, *drawn, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "27 runs (9 experiments, 3 seeds)" in out
    assert out.count("own kernel-init seed 2") == 1
    assert out.count("own adam-epsilon+bias-init+kernel-init+shuffling seed 0") == 1
    assert out.count("pytorch compiled cpu") == 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "the following arguments are required: LADDER"),
        (["default"], "argument LADDER: invalid choice: 'default' (choose from"),
        (["defaults", "--resume"], "python -m bench ladder: error: --resume needs --out"),
        (
            ["defaults", "--execution", "all"],
            "unrecognized arguments: --execution all; 'python -m bench ladder --help' lists those",
        ),
        (["defaults", "--seeds", "auto"], "'auto' is no whole number from 1 up"),
    ],
)
def test_a_ladder_that_is_none_is_explained(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        front.ladder(words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


AUTO = ("--between", "--within", "--budget")
REPLICAS = ("--replicas", "--scaling")
GRID = ("--on", "--cluster", "--shard", "--kind", "--status", "--collect")


@pytest.mark.parametrize(
    ("door", "left_out"),
    [
        (front.run_all, set()),
        (front.study, {"--task", "--preset", *AUTO, *REPLICAS, *GRID}),
        (front.ladder, {"--execution", "--init", *AUTO, *REPLICAS, *GRID}),
    ],
)
def test_each_door_shows_the_options_that_apply_to_it(
    door: Callable[[list[str]], int], left_out: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        door(["--help"])
    assert caught.value.code == 0
    shown = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    every = {option.metadata["flag"] for option in dataclasses.fields(cli.Options)}
    assert every - shown == left_out


def test_the_study_is_the_preset_of_the_paper_for_one_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = ["--source", "glyphs", "--glyphs-images", "200", "--out", str(tmp_path / "out")]
    assert front.study(["digits", *drawn, "--device", "cpu", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "digits adaboost-mlp pytorch" in out
    assert "letters" not in out


@pytest.mark.parametrize(
    ("problem", "exit_code", "message"),
    [
        (UsageError("no such device"), 2, "door: error: no such device\n"),
        (
            OSError(5, "Input/output error", "disk"),
            2,
            "disk: Input/output error; what was measured is kept\n",
        ),
        (
            OSError(28, "No space left"),
            2,
            "door: error: No space left; free some space and give the command again, a suite with "
            "--resume; what was measured is kept\n",
        ),
        (KeyboardInterrupt(), 130, "interrupted; what was measured is kept\n"),
    ],
)
def test_every_door_ends_alike(
    problem: BaseException, exit_code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def plan(options: cli.Options) -> Plan:
        raise problem

    door = front.run_suite(cli.parse([]), name="door", command=(), plan=plan)
    assert door == exit_code
    assert capsys.readouterr().err.endswith(message)

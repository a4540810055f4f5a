"""The command, as a user gives it, on a few drawn images."""

from __future__ import annotations

from pathlib import Path

import pytest

import datasets
from bench.experiment import Experiment
from bench.front import ladder
from bench.ladder import records, speed
from bench.ladder.climb import Answer, Request
from bench.run import processes

FEW = ("--source", "glyphs", "--glyphs-images", "1000")


def test_rungs_are_climbed_in_processes_side_by_side_and_a_page_is_left(tmp_path: Path) -> None:
    words = ["speed", "--rung", "rung_10", "--seeds", "1", *FEW, "--out", str(tmp_path)]
    assert ladder(words) == 0
    climbs = records.load(tmp_path)
    assert [climb.rung for climb in climbs] == ["rung_09_wider", "rung_10_fused"]
    for climb in climbs:
        assert climb.problems == ()
        assert climb.measured is not None
        assert climb.measured.process_s > climb.measured.train_s > 0
        assert climb.test_accuracy is None
        assert climb.settings["optimiser"] == "Adam"
    page = (tmp_path / "README.md").read_text()
    assert "on validation, not entered" in page
    assert "not real handwriting" in page
    assert ladder([*words, "--resume"]) == 0  # nothing is left to climb
    assert records.load(tmp_path) == climbs


def test_a_folder_with_climbs_is_not_touched_without_resume(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.ladder.climbs import climb

    records.save(tmp_path, climb("rung_02_target", 0))
    assert speed.main(["--out", str(tmp_path), *FEW]) == 2
    assert "--resume" in capsys.readouterr().err


def test_a_dry_run_names_every_rung_and_its_idea(capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(["--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "rung_01_textbook" in said
    assert "beside rung_02_target: Data resident" in said


def test_an_unknown_rung_is_a_mistake_of_the_user(capsys: pytest.CaptureFixture[str]) -> None:
    assert speed.main(["--rung", "rung_77"]) == 2
    assert "wanted one of rung_00_published" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("framework", "rung", "steps"),
    [("jax", "rung_06_wider", 9), ("keras-tensorflow", "rung_07_wider", 9)],
)
def test_other_frameworks_climb_and_their_work_is_counted(
    framework: str, rung: str, steps: int
) -> None:
    prepared = datasets.prepare("digits", source="glyphs", glyphs_images=1000, download=False)
    answer = processes.ask(
        "bench.ladder.climb",
        Request(
            module=f"bench.ladder.{framework.replace('-', '_')}.{rung}",
            device="cpu",
            seed=0,
            data_folder=str(prepared.folder),
            sealed=tuple(map(str, prepared.folder.iterdir())),
        ),
        Answer,
        limit_s=600,
        experiment=Experiment(
            task="digits",
            source="glyphs",
            architecture="cnn",
            framework=framework,
            execution="eager",
            device="cpu",
            batch_size=128,
            epochs=1,
        ),
    )
    assert answer.problems == ()
    assert answer.measured is not None
    assert answer.measured.work.steps_counted == steps

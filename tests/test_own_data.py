"""The whole suite on a user's own data: from the command line to tables and plots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import datasets
from bench.checks import data
from bench.checks.certify import for_suite
from bench.cli import parse
from bench.plan import Plan, make_plan
from bench.results.folder import Results
from bench.run import progress
from models import COMPARED
from tests.own_files import SHAPES, shapes, write_folder, write_npz
from tests.suite_process import run_all


def test_a_folder_of_images_is_run_to_tables_and_plots(tmp_path: Path) -> None:
    write_folder(tmp_path / "shapes", 20)
    out = tmp_path / "out"
    words = ("--task", "shapes", "--data-file", tmp_path / "shapes", "--framework", "numpy")
    done = run_all(
        *words, "--device", "cpu", "--epochs", "3", "--unchecked", "--seeds", "1", "--out", out
    )
    assert "shapes: the images are dark on light" in done.stderr
    records = Results(out).records()
    statuses = sorted((record.experiment.architecture, record.status) for record in records)
    assert statuses == sorted((architecture, "ok") for architecture in COMPARED)
    assert {r.experiment.targets for r in records} == {(0.80, 0.90)}
    assert {r.data.class_names for r in records} == {SHAPES}
    page = (out / "README.md").read_text()
    assert "MLP on shapes (own)" in page
    assert "| shapes | own | 3 | 48 | 6 | 6 | 0 |" in page
    assert (out / "tables" / "swap.md").read_text().count("shapes") > 0
    assert list((out / "plots").glob("accuracy*.svg"))


# The plan


def plan(tmp_path: Path, *words: str, images: int) -> Plan:
    pixels, names = shapes(images)
    file = write_npz(tmp_path, x=pixels, y=names)
    asked = ("--task", "shapes", "--data-file", str(file), "--device", "cpu")
    return make_plan(parse([*asked, "--out", str(tmp_path / "out"), *words]))


@pytest.mark.parametrize("preset", ["quick", "standard", "paper"])
def test_every_preset_plans_own_data_and_nothing_else(preset: str, tmp_path: Path) -> None:
    planned = plan(tmp_path, "--preset", preset, images=60)
    assert {(e.task, e.source) for e in planned.experiments} == {("shapes", "own")}
    assert set(planned.site.data) == {("shapes", "own")}
    assert {"mlp", "cnn"} <= {e.architecture for e in planned.experiments}


@pytest.mark.parametrize(
    ("images", "used"), [(450, "shapes (own, "), (60, "digits (glyphs, drawn, ")]
)
def test_certificates_are_made_with_own_images_where_they_suffice(
    images: int,
    used: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("--framework", "numpy", "--architecture", "mlp")
    planned = plan(tmp_path, *words, images=images)
    monkeypatch.setattr(progress, "QUIET_S", 0.0)  # and that is shown, however soon it is done
    capsys.readouterr()  # of the plan
    (certificate,) = for_suite(planned.experiments, planned.site)
    assert capsys.readouterr().err == "certifying equal work: 100 %\n"
    assert certificate.passed
    assert certificate.data.startswith(used)


# The command line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--task fruit", "unknown task 'fruit'; choose from digits, letters, or give your own"),
        ("--data-file a.npz", "--data-file needs --task with one name"),
        ("--task a,b --data-file a.npz", "--data-file needs --task with one name"),
        ("--task digits --data-file a.npz", "give yours a new name, such as --task my-digits"),
        ("--task a --data-file a.npz --source mnist", "nothing to choose by --source"),
        ("--task a --data-file a.npz --glyphs-images 9", "or --glyphs-images; leave them out"),
    ],
)
def test_a_task_is_a_known_one_or_a_new_name_with_a_file(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(words.split())
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_file_that_cannot_be_used_ends_run_all_with_a_sentence(tmp_path: Path) -> None:
    done = run_all("--task", "fruit", "--data-file", tmp_path, "--dry-run", check=2)
    assert done.stderr.startswith(f"run_all.py: error: {tmp_path}: holds no folders of images")
    assert "Traceback" not in done.stderr


def test_bench_data_shows_own_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_folder(tmp_path / "set", 10)
    words = ["--task", "shapes", "--data-file", str(tmp_path / "set")]
    assert data.main(words) == 0
    shown = capsys.readouterr().out
    assert "shapes: 3 classes" in shown
    assert f"own: {tmp_path / 'set'}" in shown
    assert "all were inverted to white on black" in shown
    assert "24 training, 3 validation, 3 test images; no duplicates removed" in shown
    assert "images a class: bar 10, cross 10, ring 10" in shown
    for more, message in (
        (["--source", "mnist"], "nothing to --source and --fetch"),
        (["--task", "a,b"], "needs --task with one name"),
    ):
        assert data.main([*words, *more]) == 2
        assert message in capsys.readouterr().err


def test_what_labels_number_is_asked_and_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = np.arange(78) % 13 + 1  # half of the letters of EMNIST
    file = write_npz(tmp_path, x=shapes(78)[0], y=numbers)
    words = ["--task", "letters", "--data-file", str(file)]
    assert data.main(words) == 2
    assert "Say which with --labels-from 0 or --labels-from 1" in capsys.readouterr().err
    assert data.main([*words, "--labels-from", "1"]) == 0
    shown = capsys.readouterr().out
    assert "labels 1 to 26 are taken for A to Z" in shown
    assert "A 6, B 6" in shown
    assert "M 6, N 0" in shown
    with pytest.raises(datasets.DataError, match="--labels-from says what the labels of a"):
        datasets.prepare("digits", labels_from=1)


def test_own_is_no_source_of_a_known_task() -> None:
    assert all(s.name != "own" for task in datasets.TASKS.values() for s in task.sources)

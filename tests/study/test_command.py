"""``python -m bench study TASK``, whole: trained, saved, loaded again, looked at, on a page."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import front
from bench.results.folder import Results
from tests.imports import ROOT
from tests.parsed import parsed_files

# Matplotlib, scikit-learn and the rest are imported once; the framework is what starts fastest.
DRAWN = ("--source", "glyphs", "--glyphs-images", "600")
MLP_IN_NUMPY = ("--framework", "numpy", "--architecture", "mlp", "--device", "cpu")
SMALL = (*MLP_IN_NUMPY, "--epochs", "2", "--seeds", "2", "--unchecked")


def study(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "study", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studied") / "out"
    done = study("digits", *DRAWN, *SMALL, "--out", str(folder))
    assert done.returncode == 0, done.stderr
    assert "study/digits/index.html" in done.stdout
    return folder


def test_the_page_leads_to_every_picture_and_table(studied: Path) -> None:
    page = studied / "study/digits"
    links = set(
        re.findall(r'href="((?:pictures|tables)/[^"]+)"', (page / "index.html").read_text())
    )
    files = {f"{path.parent.name}/{path.name}" for path in page.glob("*/[!.]*.*")}
    assert links == {name for name in files if not name.startswith("projector/")}
    led_to = set(re.findall(r"\]\(((?:pictures|tables)/[^)]+)\)", (page / "README.md").read_text()))
    assert {name for name in files if name.startswith("tables/") and name.endswith(".md")} <= led_to
    assert led_to < links
    assert "[Digits](study/digits/README.md)" in (studied / "README.md").read_text()


def test_every_part_is_there_or_says_what_it_needs(studied: Path) -> None:
    parts = (studied / "study/digits/README.md").read_text().split("\n## ")[1:]
    bare = {part.splitlines()[0]: part for part in parts if "tables/" not in part}
    assert len(parts) == 9
    assert all("Not made: it needs" in part for part in bare.values())
    assert set(bare) >= {"Augmentation", "Graphs of superpixels"}  # nothing of theirs was run


def test_saved_models_loaded_again_answer_as_was_recorded(studied: Path) -> None:
    table = (studied / "study/digits/tables/evaluation.csv").read_text()
    records = Results(studied).records()
    assert len(records) == 2
    assert all((studied / "models" / f"{record.run_id}.safetensors").exists() for record in records)
    assert "yes" in table
    assert "NO" not in table


def test_the_model_of_the_first_seed_is_exported_and_in_the_table_of_latencies(
    studied: Path,
) -> None:
    pytest.importorskip("onnxruntime")
    (exported,) = Results(studied).evidence().exports
    assert exported.passed
    assert exported.seed == 0
    assert "onnxruntime" in (studied / "tables/latency.md").read_text()


def test_a_study_made_again_parses_each_file_once(
    studied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(studied, tmp_path / "out")
    handler = signal.getsignal(signal.SIGTERM)
    parsed = parsed_files(monkeypatch)
    assert front.study(["digits", *DRAWN, *SMALL, "--resume", "--out", str(folder)]) == 0
    signal.signal(signal.SIGTERM, handler)
    records = set(folder.glob("records/*.json"))
    assert len(records) == 2
    assert set(parsed) >= records
    assert set(parsed.values()) == {1}


def test_the_plan_is_told_without_running_anything(tmp_path: Path) -> None:
    done = study("letters", "--source", "glyphs", "--dry-run", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "adaboost-mlp" in done.stdout
    assert not (tmp_path / "out").exists()


def test_a_task_that_is_none_is_explained(tmp_path: Path) -> None:
    done = study("digit", "--out", str(tmp_path))
    assert done.returncode == 2
    assert "unknown task 'digit'; choose from digits, letters" in done.stderr

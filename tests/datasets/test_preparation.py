"""The whole way from a task's name to a data set in the cache."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

import datasets
from datasets import DataError, Prepared, digits, letters, open_cached, prepare, search
from datasets.cache import cache_folder
from datasets.preparation import TASKS, SearchFolder, search_folders, source_named, task_named
from datasets.tasks import Progress, Stage, Task
from tests.data_files import csv, images, write_mnist
from tests.imports import ROOT

REAL = os.environ.get("GLYPHBENCH_DATA")
FULL_NAME = "A_Z Handwritten Data.csv"


@pytest.fixture(autouse=True)
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, no data variable, and mirrors where nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    monkeypatch.setattr(digits, "MIRRORS", (address,))
    monkeypatch.setenv("GLYPHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GLYPHBENCH_DATA", raising=False)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a whole set of letters, whole meaning 520 rows here."""
    monkeypatch.setattr(letters, "FULL_ROWS", 520)
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / FULL_NAME).write_bytes(csv(*images(520, classes=26)))
    return folder


def stages_of(prepare_with: Progress | None = None) -> tuple[list[str], Progress]:
    names: list[str] = []

    def note(stage: Stage, done: int) -> None:
        if stage.name not in names:
            names.append(stage.name)

    return names, note


def glyphs(**changed: int) -> Prepared:
    return prepare("digits", source="glyphs", glyphs_images=changed.get("images", 200))


def test_files_that_are_there_are_parsed_split_and_cached(data_dir: Path) -> None:
    prepared = prepare("letters", data_dir=data_dir)
    assert (prepared.task, prepared.source, prepared.drawn) == ("letters", "az", False)
    assert prepared.files == (data_dir / FULL_NAME,)
    assert prepared.notes == ()
    dataset = open_cached(prepared.folder)
    assert [len(s.labels) for s in (dataset.train, dataset.validation, dataset.test)] == [
        416,
        52,
        52,
    ]
    pixels, _ = images(520, classes=26)
    known = {image.tobytes() for image in pixels}
    assert {image.tobytes() for image in dataset.train.images} <= known


def test_the_second_time_nothing_is_read(data_dir: Path) -> None:
    names, note = stages_of()
    first = prepare("letters", data_dir=data_dir, progress=note)
    assert names == [f"reading {FULL_NAME}"]
    names.clear()
    assert prepare("letters", data_dir=data_dir, progress=note) == first
    assert names == []


def test_another_content_is_another_folder(data_dir: Path) -> None:
    first = prepare("letters", data_dir=data_dir)
    (data_dir / FULL_NAME).write_bytes(csv(*images(520, classes=26, seed=1)))
    os.utime(data_dir / FULL_NAME, ns=(1, 1))
    second = prepare("letters", data_dir=data_dir)
    assert first.folder != second.folder
    prints = {open_cached(each.folder).fingerprint for each in (first, second)}
    assert len(prints) == 2


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "facts.json"])
def test_a_damaged_cache_is_made_again(name: str, data_dir: Path) -> None:
    prepared = prepare("letters", data_dir=data_dir)
    before = open_cached(prepared.folder).fingerprint
    path = prepared.folder / name
    content = bytearray(path.read_bytes())
    content[-10] ^= 0xFF
    path.write_bytes(content)
    names, note = stages_of()
    assert prepare("letters", data_dir=data_dir, progress=note) == prepared
    assert names == [f"reading {FULL_NAME}"]
    assert open_cached(prepared.folder).fingerprint == before


def test_without_data_or_network_glyphs_serve_and_the_note_says_why() -> None:
    prepared = prepare("digits", glyphs_images=200)
    assert (prepared.source, prepared.drawn, prepared.files) == ("glyphs", True, ())
    (note,) = prepared.notes
    assert note.startswith("digits: no mnist in any data folder; no mirror can be used (http://127")
    assert note.endswith("drawn glyphs serve instead")
    assert open_cached(prepared.folder).drawn


def test_letters_without_data_say_how_to_fetch_them() -> None:
    (note,) = prepare("letters", glyphs_images=260).notes
    assert "python -m bench data --fetch letters" in note


def test_glyphs_asked_for_by_name_come_without_a_note_and_before_real_files(
    data_dir: Path,
) -> None:
    prepared = prepare("letters", source="glyphs", data_dir=data_dir, glyphs_images=260)
    assert (prepared.source, prepared.notes) == ("glyphs", ())


def test_each_number_of_glyphs_has_its_own_folder() -> None:
    assert glyphs().folder == glyphs().folder
    assert glyphs().folder != glyphs(images=210).folder


@pytest.mark.parametrize(("task", "source"), [("digits", "mnist"), ("letters", "az-sample")])
def test_a_source_asked_for_by_name_is_never_replaced_by_glyphs(task: str, source: str) -> None:
    with pytest.raises(DataError, match=f"{task}: no {source} in any data folder") as caught:
        prepare(task, source=source)
    assert "--data-dir" in str(caught.value)


def test_no_mirror_is_asked_where_downloads_are_off() -> None:
    (note,) = prepare("digits", download=False, glyphs_images=200).notes
    assert note == "digits: no mnist in any data folder; drawn glyphs serve instead"


def test_a_wrong_file_in_the_data_folder_is_an_error_and_leaves_no_cache(
    tmp_path: Path, data_dir: Path
) -> None:
    path = data_dir / FULL_NAME
    packed = gzip.compress(path.read_bytes())
    path.unlink()
    (data_dir / f"{FULL_NAME}.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DataError, match="truncated or corrupt"):
        prepare("letters", data_dir=data_dir)
    left = [path.name for path in (tmp_path / "cache" / "arrays").iterdir()]
    assert [name for name in left if not name.endswith(".lock")] == []


def test_the_named_folder_counts_for_more_than_the_better_source(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = tmp_path / "sample"
    sample.mkdir()
    (sample / "az_sample.csv").write_bytes(csv(*images(52, classes=26)))
    monkeypatch.setenv("GLYPHBENCH_DATA", str(data_dir))
    sources = [(each.source.name, each.files[0].parent) for each in search("letters")]
    assert sources == [("az", data_dir)]
    sources = [
        (each.source.name, each.files[0].parent) for each in search("letters", data_dir=sample)
    ]
    assert sources == [("az-sample", sample), ("az", data_dir)]


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        prepare("digits", data_dir=tmp_path / "missing")


def test_files_that_are_not_mnist_are_not_taken_for_it(tmp_path: Path) -> None:
    write_mnist(tmp_path / "mnist")
    with pytest.raises(DataError, match="not MNIST's"):
        prepare("digits", data_dir=tmp_path)


PREPARE = """
import sys
from pathlib import Path
from datasets import letters, open_cached, prepare
letters.FULL_ROWS = 520
print("ready", flush=True)
sys.stdin.readline()
print(open_cached(prepare("letters", data_dir=Path(sys.argv[1])).folder).fingerprint)
"""


def test_processes_that_prepare_at_once_all_get_the_same_whole_data(data_dir: Path) -> None:
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PREPARE, str(data_dir)],
            cwd=ROOT,
            stdin=pipe,
            stdout=pipe,
            text=True,
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    outputs = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4
    assert len(set(outputs)) == 1
    assert len(outputs[0].strip()) == 64


@pytest.mark.skipif(not REAL, reason="GLYPHBENCH_DATA is not set")
@pytest.mark.parametrize("task", ["digits", "letters"])
def test_real_data_is_found_and_never_drawn(task: str) -> None:
    prepared = prepare(task, data_dir=Path(str(REAL)), download=False)
    assert not prepared.drawn
    dataset = open_cached(prepared.folder)
    assert 0.1 < dataset.pixel_mean < 0.2
    assert 0.25 < dataset.pixel_std < 0.4
    images = {image.tobytes() for image in dataset.train.images}
    assert not any(image.tobytes() in images for image in dataset.test.images)
    assert np.unique(dataset.test.labels).tolist() == list(range(len(dataset.class_names)))


# Where data is searched and where it is kept.


def test_the_named_folder_comes_first_then_the_variable_then_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("named", "variable", "cache/data"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("GLYPHBENCH_DATA", str(tmp_path / "variable"))
    assert search_folders(tmp_path / "named", tmp_path / "cache") == (
        SearchFolder(path=tmp_path / "named", named_by="the data folder"),
        SearchFolder(path=tmp_path / "variable", named_by="GLYPHBENCH_DATA"),
        SearchFolder(path=tmp_path / "cache/data", named_by="the cache"),
    )


def test_a_folder_named_twice_is_searched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLYPHBENCH_DATA", str(tmp_path))
    (folder,) = search_folders(tmp_path, tmp_path / "cache")
    assert folder.named_by == "the data folder"


def test_nothing_named_and_nothing_downloaded_is_nothing_to_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLYPHBENCH_DATA", "")
    assert search_folders(None, tmp_path / "cache") == ()


@pytest.mark.parametrize("by_variable", [False, True])
def test_a_named_folder_that_is_missing_is_an_error(
    by_variable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "missing"
    monkeypatch.setenv("GLYPHBENCH_DATA", str(missing) if by_variable else "")
    with pytest.raises(DataError, match="does not exist") as caught:
        search_folders(None if by_variable else missing, tmp_path)
    assert str(missing) in str(caught.value)


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file, not a folder"):
        search_folders(tmp_path / "file", tmp_path)


def test_the_cache_is_where_the_argument_or_the_variable_or_the_system_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLYPHBENCH_CACHE", str(tmp_path / "variable"))
    assert cache_folder(tmp_path / "argument") == tmp_path / "argument"
    assert cache_folder() == tmp_path / "variable"
    monkeypatch.delenv("GLYPHBENCH_CACHE")
    assert cache_folder().name == "glyphbench"
    assert cache_folder().is_absolute()


# The list of tasks, and what every task must have.


def test_the_tasks_are_digits_and_letters_with_their_sources_in_order() -> None:
    sources = {name: [source.name for source in task.sources] for name, task in TASKS.items()}
    assert sources == {"digits": ["mnist", "glyphs"], "letters": ["az", "az-sample", "glyphs"]}


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_a_task_has_real_sources_before_drawn_ones_and_targets_that_ascend(task: Task) -> None:
    assert [source.drawn for source in task.sources] == sorted(s.drawn for s in task.sources)
    for source in task.sources:
        assert list(source.targets) == sorted(set(source.targets))
        assert all(0 < target < 1 for target in source.targets)


def test_classes_are_named_in_label_order() -> None:
    assert "".join(TASKS["digits"].class_names) == "0123456789"
    assert "".join(TASKS["letters"].class_names) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(DataError, match="unknown task 'digit'; choose from digits, letters"):
        task_named("digit")
    with pytest.raises(DataError, match="unknown source 'az' of digits; choose from mnist, glyphs"):
        source_named(TASKS["digits"], "az")


def test_importing_the_package_imports_nothing_that_downloads_draws_or_locks() -> None:
    code = "import sys, datasets; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    late = {"PIL", "filelock", "matplotlib", "platformdirs", "pooch", "requests", "scipy"}
    assert loaded & late == set()
    assert "numpy" in loaded


def test_every_exported_name_is_there() -> None:
    assert [name for name in datasets.__all__ if not hasattr(datasets, name)] == []

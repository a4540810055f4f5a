"""The cache of parsed data: what comes back, and what happens to a damaged or unwritable one."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from datasets import cache
from datasets.arrays import Dataset
from datasets.cache import locked
from datasets.preparation import TASKS
from datasets.splits import Collection, divide
from datasets.tasks import DataError
from tests.data_files import images
from tests.imports import ROOT

TASK = TASKS["digits"]
SOURCE = TASK.sources[0]


@pytest.fixture
def collection() -> Collection:
    pixels, labels = images(200, classes=10)
    pixels[150] = pixels[3]
    return divide(pixels, labels)


@pytest.fixture
def folder(tmp_path: Path, collection: Collection) -> Path:
    path = tmp_path / "arrays" / "digits-mnist-0"
    cache.write(path, collection, task=TASK, source=SOURCE)
    return path


def test_what_is_opened_is_what_was_written(folder: Path, collection: Collection) -> None:
    dataset = cache.open_cached(folder)
    splits = (dataset.train, dataset.validation, dataset.test)
    rows = (collection.train, collection.validation, collection.test)
    for split, part in zip(splits, rows, strict=True):
        assert np.array_equal(split.images, collection.images[part])
        assert np.array_equal(split.labels, collection.labels[part])
        assert split.images.dtype == split.labels.dtype == np.uint8
    assert (dataset.task, dataset.source, dataset.drawn) == ("digits", "mnist", False)
    assert dataset.class_names == tuple("0123456789")
    assert dataset.duplicates_removed == 1


def test_the_arrays_are_read_only_memory_maps(folder: Path) -> None:
    dataset = cache.open_cached(folder)
    assert isinstance(dataset.train.images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        dataset.train.images[0] = 0


def test_opening_imports_numpy_and_nothing_that_reads_or_draws(folder: Path) -> None:
    code = (
        "import sys, pathlib, datasets; before = set(sys.modules); import numpy\n"
        f"datasets.open_cached(pathlib.Path({str(folder)!r}))\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "outside = names - set(sys.stdlib_module_names) - {'numpy', 'datasets', '__main__'}\n"
        "print(sorted(n for n in outside if not n.startswith(('_', 'sitecustomize'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    known = {"distutils-precedence", "google", "mpl_toolkits", "__editable___glyphbench"}
    assert set(json.loads(done.stdout.replace("'", '"'))) <= known


def test_mean_and_deviation_are_those_of_the_training_pixels(folder: Path) -> None:
    dataset = cache.open_cached(folder)
    pixels = dataset.train.images.astype(np.float64) / 255
    assert math.isclose(dataset.pixel_mean, pixels.mean(), rel_tol=1e-12)
    assert math.isclose(dataset.pixel_std, pixels.std(), rel_tol=1e-12)


def test_the_fingerprint_changes_with_a_pixel_a_label_the_order_or_a_border(
    collection: Collection, tmp_path: Path
) -> None:
    def fingerprint(**changed: object) -> str:
        path = tmp_path / "x"
        changed_collection = Collection(**{**vars(collection), **changed})
        cache.write(path, changed_collection, task=TASK, source=SOURCE)
        return cache.open_cached(path).fingerprint

    pixels, labels = collection.images.copy(), collection.labels.copy()
    pixels[0, 0, 0] ^= 1
    labels[0] ^= 1
    fingerprints = [
        fingerprint(),
        fingerprint(images=pixels),
        fingerprint(labels=labels),
        fingerprint(train=collection.train[::-1]),
        fingerprint(
            validation=np.append(collection.validation, collection.test[:1]),
            test=collection.test[1:],
        ),
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    assert fingerprint() == fingerprints[0]
    assert len(fingerprints[0]) == 64


def damage_by_cutting(name: str) -> Callable[[Path], None]:
    def cut(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])

    return cut


def damage_by_removing(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def damage_by_other_facts(folder: Path) -> None:
    content = json.loads((folder / "facts.json").read_text())
    (folder / "facts.json").write_text(json.dumps({**content, "sizes": [1, 2, 3]}))


def damage_by_no_facts(folder: Path) -> None:
    (folder / "facts.json").write_text("[]")


def damage_by_another_type(folder: Path) -> None:
    np.save(folder / "images.npy", np.load(folder / "images.npy").astype(np.float32))


STRUCTURAL = [
    *[damage_by_cutting(name) for name in ("images.npy", "labels.npy", "facts.json")],
    *[damage_by_removing(name) for name in ("images.npy", "labels.npy", "facts.json")],
    damage_by_other_facts,
    damage_by_no_facts,
    damage_by_another_type,
]


@pytest.mark.parametrize("damage", STRUCTURAL)
def test_a_damaged_folder_is_not_opened(damage: Callable[[Path], None], folder: Path) -> None:
    assert cache.is_intact(folder)
    damage(folder)
    assert not cache.is_intact(folder)
    with pytest.raises(DataError, match="damaged") as caught:
        cache.open_cached(folder)
    assert str(caught.value).startswith(f"{folder}: ")


def test_one_changed_pixel_is_seen_when_every_byte_is_looked_at(folder: Path) -> None:
    content = bytearray((folder / "images.npy").read_bytes())
    content[-1] ^= 1
    (folder / "images.npy").write_bytes(content)
    assert not cache.is_intact(folder)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    assert not cache.is_intact(tmp_path / "none")
    with pytest.raises(DataError, match="no such folder"):
        cache.open_cached(tmp_path / "none")


def test_what_a_killed_process_left_does_not_disturb(folder: Path, collection: Collection) -> None:
    partial = folder.with_name(folder.name + ".partial")
    partial.mkdir()
    (partial / "images.npy").write_bytes(b"half")
    cache.write(folder, collection, task=TASK, source=SOURCE)
    assert cache.is_intact(folder)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


WRITE = """
import resource, sys
from pathlib import Path
from datasets import DataError, cache
from datasets.preparation import TASKS
from datasets.splits import divide
from tests.data_files import images

task = TASKS["digits"]
limit_bytes = int(sys.argv[2])
if limit_bytes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
try:
    cache.write(Path(sys.argv[1]), divide(*images(3000, classes=10)), task=task,
                source=task.sources[0])
except DataError as error:
    print(error)
"""


def write_in_a_process(folder: Path, limit_bytes: int = 0) -> str:
    """What it says of writing 2.4 MB, where no file may grow above the limit."""
    words = [sys.executable, "-c", WRITE, str(folder), str(limit_bytes)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.skipif(os.name == "nt", reason="no file size limits on Windows")
def test_a_file_that_cannot_grow_leaves_nothing_half_written(tmp_path: Path) -> None:
    message = write_in_a_process(tmp_path / "arrays" / "x", limit_bytes=1_000_000)
    assert message.startswith(f"{tmp_path / 'arrays'}: the parsed data cannot be written there")
    assert "File too large" in message
    assert list((tmp_path / "arrays").iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB, where the tests may mount one."""
    mount = shutil.which("mount")
    if mount is None or os.name == "nt" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    words = [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if subprocess.run(words, capture_output=True).returncode:
        pytest.skip("root may not mount here")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_named_and_leaves_nothing_half_written(small_disk: Path) -> None:
    message = write_in_a_process(small_disk / "arrays" / "x")
    assert "No space left on device" in message
    assert "it needs 2 MB, 1 MB are free. Make room" in message
    assert list((small_disk / "arrays").iterdir()) == []


def test_a_place_that_is_a_file_is_an_error(tmp_path: Path, collection: Collection) -> None:
    (tmp_path / "arrays").write_text("a file")
    with pytest.raises(DataError, match="cannot be written there"):
        cache.write(tmp_path / "arrays" / "x", collection, task=TASK, source=SOURCE)


def test_a_data_set_says_all_that_a_record_needs(folder: Path) -> None:
    dataset: Dataset = cache.open_cached(folder)
    assert len(dataset.train.labels) == 159
    assert len(dataset.validation.labels) == len(dataset.test.labels) == 20
    assert dataset.conflicting_labels == 1  # row 150 is a 0 with the pixels of row 3


# One process at a time.


HOLD = """
import sys
from pathlib import Path
from datasets.cache import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
    Path(sys.argv[1]).write_text("done by the first")
"""


def test_the_second_process_waits_for_the_first(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "path"
    words = [sys.executable, "-c", HOLD, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        first.stdin.write("\n")
        first.stdin.flush()
        with locked(path):
            assert path.read_text() == "done by the first"


def test_a_lock_ends_with_its_process_however_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "path"
    words = [sys.executable, "-c", HOLD, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        first.kill()
    with locked(path):
        assert not path.exists()


def test_a_place_where_no_lock_can_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    lock = locked(tmp_path / "file" / "place")
    with pytest.raises(DataError, match="name another cache folder with GLYPHBENCH_CACHE"), lock:
        pass

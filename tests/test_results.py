"""A results folder: whole records or none, one process at a time, nothing mixed unasked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import results
from bench.record import Gpu
from tests.records import MACHINE, make_record

FINGERPRINTS = {("digits", "mnist"): make_record().data.fingerprint}
VERSIONS = {"pytorch": {"python": "3.11.7", "torch": "2.13.0"}}


def test_a_saved_record_comes_back_equal(tmp_path: Path) -> None:
    record = make_record()
    results.save(tmp_path, record)
    assert results.load(tmp_path) == [record]


def test_a_failed_record_comes_back_with_its_reason(tmp_path: Path) -> None:
    results.save(tmp_path, make_record(status="crashed", reason="signal 9"))
    assert results.load(tmp_path)[0].reason == "signal 9"


def test_records_come_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    for seed in (2, 0, 1):
        results.save(tmp_path, make_record(seed=seed))
    assert [record.seed for record in results.load(tmp_path)] == [0, 1, 2]


def test_a_write_that_fails_leaves_the_old_content_and_no_rest(tmp_path: Path) -> None:
    """A child process that may write 8 bytes to a file tries to write more."""
    path = tmp_path / "record.json"
    path.write_bytes(b"old")
    script = (
        "import resource, signal, sys; from pathlib import Path; from bench import results;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8));"
        "results.write_atomically(Path(sys.argv[1]), b'x' * 100)"
    )
    pytest.importorskip("resource", reason="file size limits are a Unix thing")
    child = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert "File too large" in child.stderr
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


def test_a_folder_without_records_says_so(tmp_path: Path) -> None:
    with pytest.raises(results.ResultsError, match="no records in"):
        results.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not a record"),
        (b"[]", "not a record"),
        (b'{"schema_version": 99}', "schema version 99, wanted 2"),
        (b'{"schema_version": 1, "seed": "zero"}', "not a record"),
    ],
)
def test_an_unreadable_record_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = results.record_path(tmp_path, "broken")
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(results.ResultsError, match=message) as caught:
        results.load(tmp_path)
    assert "broken.json" in str(caught.value)


def test_a_folder_in_use_is_refused_to_a_second_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from bench import results\n"
        "try:\n"
        "    with results.lock(Path(sys.argv[1])): print('held')\n"
        "except results.ResultsError as error: print(error)\n"
    )
    with results.lock(tmp_path):
        second = subprocess.run(
            [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
        )
    after = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
    )
    assert "in use by another process" in second.stdout
    assert after.stdout.strip() == "held"


def test_the_same_machine_versions_and_data_do_not_differ() -> None:
    assert results.differences([make_record()], MACHINE, VERSIONS, FINGERPRINTS) == []


def test_a_few_bytes_of_memory_more_are_no_other_machine() -> None:
    machine = replace(MACHINE, memory_bytes=MACHINE.memory_bytes + 4096)
    assert results.differences([make_record()], machine, VERSIONS, FINGERPRINTS) == []


def test_what_differs_is_named_once() -> None:
    machine = replace(MACHINE, cpu="Other", gpus=(Gpu(name="H1", memory_bytes=1, driver="1"),))
    versions = {"pytorch": {"python": "3.11.7", "torch": "2.14.0"}}
    prints = {("digits", "mnist"): "f" * 64}
    records = [make_record(seed=0), make_record(seed=1)]
    assert results.differences(records, machine, versions, prints) == [
        "processor: Testium 9000 in the records, Other now",
        "GPUs: () in the records, ('H1',) now",
        "torch for pytorch: 2.13.0 in the records, 2.14.0 now",
        "digits from mnist: the images are not the same as in the records",
    ]


def test_another_source_of_a_task_differs() -> None:
    prints = {("digits", "glyphs"): "f" * 64}
    (sentence,) = results.differences([make_record()], MACHINE, VERSIONS, prints)
    assert sentence == "digits: mnist in the records, glyphs now"


def test_a_task_that_is_not_run_now_does_not_differ() -> None:
    prints = {("letters", "az"): "f" * 64}
    assert results.differences([make_record()], MACHINE, VERSIONS, prints) == []


def test_the_folder_keeps_the_commands_that_made_it(tmp_path: Path) -> None:
    results.note_command(tmp_path, ["--out", "my results"])
    results.note_command(tmp_path, ["--resume"])
    assert results.commands(tmp_path) == [
        "python run_all.py --out 'my results'",
        "python run_all.py --resume",
    ]

"""A results folder: whole records or none, one process at a time, nothing mixed unasked."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.results.evidence import SuiteFacts
from bench.results.folder import Results, ResultsError
from tests.parsed import parsed_files
from tests.records import make_record


def test_a_saved_record_comes_back_equal(tmp_path: Path) -> None:
    record = make_record()
    Results(tmp_path).save(record)
    assert Results(tmp_path).records() == [record]
    assert Results(tmp_path).record(record.run_id) == record


def test_a_failed_record_comes_back_with_its_reason(tmp_path: Path) -> None:
    Results(tmp_path).save(make_record(status="crashed", reason="signal 9"))
    assert Results(tmp_path).records()[0].reason == "signal 9"


def test_records_come_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    for seed in (2, 0, 1):
        Results(tmp_path).save(make_record(seed=seed))
    assert [record.seed for record in Results(tmp_path).records()] == [0, 1, 2]


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
    nowhere = Results(tmp_path / "nowhere")
    assert nowhere.records() == []
    assert nowhere.record("run") is None
    with pytest.raises(ResultsError, match="no records in"):
        nowhere.require_records()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not a record"),
        (b"[]", "not a record"),
        (b'{"schema_version": 99}', "schema version 99, wanted 2"),
        (b'{"schema_version": 2, "seed": "zero"}', "not a record"),
    ],
)
def test_an_unreadable_record_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = Results(tmp_path).record_path("broken")
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ResultsError, match=message) as caught:
        Results(tmp_path).records()
    assert "broken.json" in str(caught.value)
    assert "move the file away" in str(caught.value)


def test_a_folder_in_use_is_refused_to_a_second_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from bench.results.folder import Results, ResultsError\n"
        "try:\n"
        "    with Results(Path(sys.argv[1])).lock(): print('held')\n"
        "except ResultsError as error: print(error)\n"
    )
    with Results(tmp_path).lock():
        second = subprocess.run(
            [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
        )
    after = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
    )
    assert "in use by another process" in second.stdout
    assert after.stdout.strip() == "held"


def test_the_folder_keeps_the_commands_that_made_it(tmp_path: Path) -> None:
    results = Results(tmp_path)
    assert results.commands() == []
    results.note_command(["python", "run_all.py", "--out", "my results"])
    results.note_command(["python", "run_all.py", "--resume"])
    assert results.commands() == [
        "python run_all.py --out 'my results'",
        "python run_all.py --resume",
    ]


def test_a_folder_that_cannot_be_written_to_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ResultsError, match=r"cannot be written to .*choose another --out"):
        Results(tmp_path / "file" / "below").lock().__enter__()


def test_a_file_is_parsed_once_however_often_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = Results(tmp_path)
    for seed in (0, 1):
        results.save(make_record(seed=seed))
    results.save_evidence(SuiteFacts(price_per_h=2.5))
    parsed = parsed_files(monkeypatch)
    for _ in range(3):
        assert len(results.records()) == 2
        assert results.record(make_record(seed=1).run_id) is not None
        assert results.evidence().suite.price_per_h == 2.5
    assert set(parsed.values()) == {1}
    assert len(parsed) == 3


def test_a_record_that_was_written_again_is_read_again(tmp_path: Path) -> None:
    """By a worker, another process, or through the same object; of the same length, at once."""
    results = Results(tmp_path)
    for change in range(5):
        reason = f"reason {change}"
        writer = results if change % 2 else Results(tmp_path)
        writer.save(make_record(status="failed", reason=reason))
        assert [record.reason for record in results.records()] == [reason]


def test_a_record_that_is_new_or_gone_is_seen(tmp_path: Path) -> None:
    results = Results(tmp_path)
    first, second = make_record(seed=0), make_record(seed=1)
    results.save(first)
    assert results.records() == [first]
    Results(tmp_path).save(second)
    assert results.records() == [first, second]
    results.record_path(first.run_id).unlink()
    assert results.records() == [second]
    assert results.record(first.run_id) is None


def test_a_broken_file_is_refused_again_and_read_once_it_is_mended(tmp_path: Path) -> None:
    results, record = Results(tmp_path), make_record()
    results.save(record)
    content = results.record_path(record.run_id).read_bytes()
    results.record_path(record.run_id).write_bytes(content[:100])
    for _ in range(2):
        with pytest.raises(ResultsError, match="not a record"):
            results.records()
    results.record_path(record.run_id).write_bytes(content)
    assert results.records() == [record]


@pytest.mark.parametrize("name", ["plots", "logs/run.log", "command.txt", ".lock", "records"])
def test_nothing_is_written_to_a_folder_that_holds_a_link(name: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = tmp_path / "results"
    link = folder / name
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    with pytest.raises(ResultsError, match=f"{name} is a link"), Results(folder).lock():
        pass
    assert list(elsewhere.iterdir()) == []


def test_a_results_folder_may_itself_be_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "results").symlink_to(tmp_path / "disk")
    with Results(tmp_path / "results").lock():
        Results(tmp_path / "results").save(make_record())


def test_a_copied_record_is_no_further_run(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.save(make_record())
    path = results.record_path(make_record().run_id)
    path.with_name("copy.json").write_bytes(path.read_bytes())
    with pytest.raises(ResultsError, match=r"copy\.json: the record of .* not the file's name"):
        results.records()


def test_what_a_framework_says_is_kept_on_one_line(tmp_path: Path) -> None:
    results = Results(tmp_path)
    failed = make_record(status="failed", reason="ValueError:\n\x1b[31mred")
    results.save(replace(failed, settings={"model not saved": "OSError:\nfull"}))
    (record,) = results.records()
    assert record.reason == "ValueError:  [31mred"
    assert record.settings == {"model not saved": "OSError: full"}

"""A suite under faults: streams, signals, kills, full disks, folders that are taken away.

Each ends in a sentence and the right exit code, and what was measured is kept.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench import cli, front
from bench.checks import audit
from bench.report import page
from bench.results.folder import Results
from bench.results.record import Record
from tests.suite_process import (
    HEED_INTERRUPTS,
    LONG,
    ONE,
    PATIENCE_S,
    PROJECT,
    after,
    bench,
    gone,
    run_all,
    start,
    wait_until,
    worker_of,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and limits of Unix")

SHORT = (*ONE, "--epochs", "0.2")
KILLS = 8
MEASURED_BYTES = 2**20  # room for a record, not for weights
NO_ROOM_BYTES = 2**11  # nor for a record


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder of three runs that nobody disturbed."""
    folder = tmp_path_factory.mktemp("finished")
    run_all(*SHORT, "--seeds", "3", "--out", folder)
    return folder


def one_sentence(err: str) -> None:
    """No traceback of this project's or of Python's."""
    for sign in ("Traceback", "Exception ignored", "BrokenPipe", "KeyboardInterrupt"):
        assert sign not in err, err


# Streams


def test_a_suite_goes_on_when_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    suite = start(*SHORT, "--seeds", "2", "--out", tmp_path)
    assert suite.stdout is not None
    assert suite.stderr is not None
    suite.stdout.close()
    suite.stderr.close()
    assert suite.wait(PATIENCE_S) == 0
    assert [record.status for record in Results(tmp_path).records()] == ["ok", "ok"]
    assert (tmp_path / "README.md").exists()


@pytest.mark.parametrize("redirected", [">&-", "2>&-", ">&- 2>&-", "| head -1"])
@pytest.mark.parametrize("command", ["run_all.py --help", "-m bench", "-m bench report"])
def test_every_command_takes_streams_that_are_closed(
    command: str, redirected: str, finished: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(finished, tmp_path / "results") if "report" in command else ""
    script = f"set -e; {sys.executable} {command} {folder} {redirected}"
    done = subprocess.run(["bash", "-c", script], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == (2 if command == "-m bench" and "|" not in redirected else 0)
    one_sentence(done.stderr)


def test_a_suite_goes_on_when_its_terminal_is_gone(tmp_path: Path) -> None:
    """Where it is not ended for that: bars are drawn on what is no more."""
    import pty

    terminal, theirs = pty.openpty()
    words = [sys.executable, "run_all.py", *SHORT, "--out", str(tmp_path)]
    suite = subprocess.Popen(words, cwd=PROJECT, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.read(terminal, 1)  # it has begun
    os.close(terminal)
    assert suite.wait(PATIENCE_S) == 0
    assert len(Results(tmp_path).records()) == 1
    assert (tmp_path / "README.md").exists()


# Signals


def ours(process: subprocess.Popen[str]) -> bool:
    """Whether it has begun to heed signals: before, there is only Python's own start."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGHUP - 1) & 1)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc when it has begun")
@pytest.mark.parametrize("words", [["run_all.py", *SHORT, "--dry-run"], ["-m", "bench", "doctor"]])
def test_an_interrupt_at_any_moment_of_the_start_is_a_sentence(words: list[str]) -> None:
    for wait_s in (0, 0.02, 0.05, 0.1, 0.2, 0.4):
        process = subprocess.Popen(
            after(HEED_INTERRUPTS, [sys.executable, *words]),
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda process=process: ours(process))  # type: ignore[misc]
        time.sleep(wait_s)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=PATIENCE_S)[1]
        if process.returncode != 0:  # a quick machine may have done it by then
            assert process.returncode == 130, err
            assert "interrupted" in err
        one_sentence(err)


def test_a_terminal_that_is_closed_ends_a_suite_like_ctrl_c(tmp_path: Path) -> None:
    suite = start(*LONG, "--out", tmp_path)
    worker = worker_of(suite)
    suite.send_signal(signal.SIGHUP)
    err = suite.communicate(timeout=PATIENCE_S)[1]
    assert suite.returncode == 130, err
    assert gone(worker)
    assert "--resume" in err
    one_sentence(err)


def test_a_second_ctrl_c_ends_the_report_and_leaves_nothing_running(
    finished: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(finished, tmp_path / "results")
    suite = start(*LONG, "--resume", "--out", folder)
    worker = worker_of(suite)
    for _ in range(2):
        suite.send_signal(signal.SIGINT)
        time.sleep(0.2)
    err = suite.communicate(timeout=PATIENCE_S)[1]
    assert suite.returncode == 130, err
    one_sentence(err)
    wait_until(lambda: gone(worker))
    assert len(Results(folder).records()) == 3
    assert not list(folder.rglob("*.part"))


def facts(folder: Path) -> dict[str, Any]:
    """What a suite measures that does not depend on the clock."""
    return {record.run_id: _facts(record) for record in Results(folder).records()}


def _facts(record: Record) -> tuple[Any, ...]:
    measured = record.measurement
    assert measured is not None
    assert measured.test is not None
    return record.status, [each.train_loss for each in measured.segments], measured.test.wrong


def test_a_suite_that_is_killed_at_any_moment_is_resumed_without_a_loss(
    finished: Path, tmp_path: Path
) -> None:
    """The seed of the moments changes with the day: a failure names it."""
    seed = int(time.time()) // 86_400
    print("moments of seed", seed)
    moments = random.Random(seed)
    written = [path.stat().st_mtime for path in finished.rglob("*")]
    latest_s = max(6.0, max(written) - min(written))  # as long as it takes here undisturbed
    words = (*SHORT, "--seeds", "3", "--out", tmp_path, "--resume")
    kept: dict[Path, bytes] = {}
    for number in range(KILLS):
        suite = start(*words)
        try:
            suite.communicate(timeout=moments.uniform(0.2, latest_s))
        except subprocess.TimeoutExpired:
            suite.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
            one_sentence(suite.communicate(timeout=PATIENCE_S)[1])
        facts(tmp_path)  # none is broken
        assert all(path.read_bytes() == content for path, content in kept.items())
        kept = {path: path.read_bytes() for path in tmp_path.glob("records/*.json")}
    (tmp_path / "records").mkdir(exist_ok=True)  # none of them may have come so far
    (tmp_path / "records" / ".run.json.999999999.part").touch()
    run_all(*words)
    assert facts(tmp_path) == facts(finished)
    assert not list(tmp_path.rglob("*.part*"))


# Full disks


def limited(most_bytes: int, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """run_all.py where no file may be longer than that, as on a disk that is nearly full."""
    limit = f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most_bytes}, {most_bytes}))"
    return subprocess.run(
        after(limit, [sys.executable, "run_all.py", *words]),
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )


def test_weights_that_find_no_room_cost_no_measurement(finished: Path, tmp_path: Path) -> None:
    done = limited(MEASURED_BYTES, *SHORT, "--seeds", "1", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    (record,) = Results(tmp_path).records()
    assert record.measurement is not None
    assert "File too large" in record.settings["checkpoint not saved"]
    assert "File too large" in record.settings["model not saved"]
    assert not list(tmp_path.glob("checkpoints/*"))


def test_a_record_that_finds_no_room_ends_the_suite_and_is_made_by_resume(
    finished: Path, tmp_path: Path
) -> None:
    words = (*SHORT, "--seeds", "2", "--out", tmp_path)
    done = limited(NO_ROOM_BYTES, *words)
    assert done.returncode == 2, done.stderr
    assert "free some space and give the command again, a suite with --resume" in done.stderr
    one_sentence(done.stderr)
    assert Results(tmp_path).records() == []
    run_all(*words, "--resume")
    assert len(Results(tmp_path).records()) == 2


# Folders


def test_a_folder_that_is_removed_while_it_is_used_ends_the_suite(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    suite = start(*SHORT, "--epochs", "2", "--seeds", "9", "--out", folder)
    worker_of(suite)
    shutil.rmtree(folder, ignore_errors=True)
    err = suite.communicate(timeout=PATIENCE_S)[1]
    assert suite.returncode == 2, err
    assert f"{folder} was removed while a run was measured" in err
    one_sentence(err)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    done = run_all(*SHORT, "--out", tmp_path / "results", check=2)
    assert "cannot be written to" in done.stderr


def test_a_second_report_on_a_folder_is_told_so(finished: Path) -> None:
    with Results(finished).lock("report"):
        done = bench("report", finished, check=2)
    assert "in use by another process" in done.stderr
    assert page.main([str(finished)]) == 0


def test_an_audit_is_not_measured_where_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.delattr("bench.checks.auditing.audit")
    assert audit.main(["--out", str(tmp_path / "file")]) == 2
    assert "file cannot be written to" in capsys.readouterr().err


# Numbers and words that nobody means


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epochs", "1e300"], "--epochs: 1e+300 is too much; give at most 1,000,000"),
        (["--batch-size", "10,1000000000000"], "--batch-size: 1000000000000 is too much"),
        (["--evaluations-per-epoch", "9" * 300], "--evaluations-per-epoch: 999"),
        (["--timeout", "1e300"], "--timeout: 1e+300 is too much"),
        (["--timeout", "nan"], "'nan' is no number above 0"),
        (["--budget", "1e308h"], "--budget: inf is too much"),
        (["--price", "1e300/h"], "--price: 1e+300 is too much"),
        (["--price", "inf/h"], "'inf/h' is no price an hour"),
        (["--threads", "0"], "'0' is no whole number from 1 up"),
        (["--seeds", "9" * 4000], "--seeds: 999"),
        (["--out", ""], "'' is no path in UTF-8"),
        (["--out", "a\0b"], "'a\\x00b' is no path in UTF-8"),
        (["--data-dir", "\udcff"], "'\\udcff' is no path in UTF-8"),
        (["--data-file", "\udcff"], "'\\udcff' is no path in UTF-8"),
        (["--python", "pytorch=\udcff"], "'\\udcff' is no path in UTF-8"),
    ],
)
def test_what_no_run_can_do_is_refused_at_once(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        cli.parse(words)
    assert raised.value.code == 2
    assert message in capsys.readouterr().err


def test_more_runs_than_a_plan_can_list_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*SHORT, "--seeds", "1000000000", "--dry-run", "--out", str(tmp_path / "out")]
    assert front.run_all(words) == 2
    assert "1,000,000,000 runs planned, at most 100,000 can be" in capsys.readouterr().err


@pytest.mark.parametrize("name", [300 * "x", "file", "file/below"])
def test_a_name_that_can_be_no_folder_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert front.run_all([*SHORT, "--out", str(tmp_path / name)]) == 2
    assert name in capsys.readouterr().err


def test_data_from_a_pipe_are_refused_and_not_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    pipe, out = str(tmp_path / "pipe"), ["--out", str(tmp_path / "out"), "--device", "cpu"]
    assert front.run_all(["--data-dir", pipe, *out]) == 2
    assert front.run_all(["--task", "mine", "--data-file", pipe, *out]) == 2
    err = capsys.readouterr().err
    assert "not a folder" in err
    assert "this is a pipe" in err

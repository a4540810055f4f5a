"""run_all.py as a user starts it: ends, failures, interrupts, kills and resumes for real."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench import cli, plan, suite
from bench.checks import arms, auditing
from bench.machine import hardware
from bench.plan import make_plan
from bench.results.evidence import Commit, SuiteFacts
from bench.results.folder import Results
from bench.results.record import Record
from bench.run import versions
from bench.stats import runs
from bench.trainers import FRAMEWORKS
from models import COMPARED
from tests.parsed import parsed_files
from tests.refusing import refusing
from tests.suite_process import (
    DRAWN,
    LONG,
    ONE,
    PROJECT,
    SMALL,
    bench,
    gone,
    run_all,
    start,
    wait_until,
    worker_of,
)

TWO_EPOCHS = (*ONE, "--framework", "pytorch", "--epochs", "2")

unix = pytest.mark.skipif(sys.platform == "win32", reason="signals, scripts and terminals of Unix")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder of one run, made once; for tests that do not change it."""
    folder = tmp_path_factory.mktemp("finished")
    run_all(*TWO_EPOCHS, "--out", folder)
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, for tests that do."""
    return shutil.copytree(finished, tmp_path / "results")


def only(folder: Path) -> Record:
    (record,) = Results(folder).records()
    return record


def test_a_suite_leaves_records_tables_plots_and_a_summary(tmp_path: Path) -> None:
    words = (*ONE, "--architecture", "mlp,cnn", "--epochs", "1")
    done = run_all(*words, "--seeds", "2", "--out", tmp_path)
    records = Results(tmp_path).records()
    assert [record.seed for record in records] == [0, 0, 1, 1]  # the order goes round
    assert {record.experiment.architecture for record in records[:2]} == {"mlp", "cnn"}
    assert [record.position for record in records] == [0, 1, 0, 1]
    assert {r.status for r in records} == {"ok"}
    assert "MLP on digits trains at" in done.stdout
    assert "\x1b" not in done.stdout  # no colour either
    assert done.stdout.endswith(f"\n{tmp_path / 'index.html'}\n")
    last = records[-1].experiment.architecture
    assert f"[4/4] digits {last} numpy eager cpu batch 128 epochs 1 seed 1:" in done.stderr
    assert "\r" not in done.stderr  # plain lines: no terminal
    assert "glyphs" in done.stdout  # no result on drawn images without the word
    assert (tmp_path / "tables" / "runs.md").exists()
    assert list((tmp_path / "plots").glob("*.svg"))
    assert len(list((tmp_path / "checkpoints").glob("*.safetensors"))) == 4


def test_every_record_is_complete(finished: Path) -> None:
    record = only(finished)
    measured = record.measurement
    assert measured is not None
    assert measured.parameter_count == 669_706
    assert sum(s.images for s in measured.segments) == 2 * record.data.train_images
    assert len(measured.evaluations) == 2 * record.experiment.evaluations_per_epoch
    assert measured.test is not None
    assert measured.test.images == record.data.test_images
    assert measured.test.reads == 1
    assert len(measured.test.wrong or ()) == measured.test.images - measured.test.correct
    assert measured.phases.start_s is not None
    assert measured.phases.start_s > 0
    assert measured.phases.import_s > 0
    assert record.pulse is not None
    assert record.pulse.product_s
    assert measured.peak_process_memory_bytes is not None
    assert record.versions["torch"] == versions.installed(("torch",))["torch"]
    assert record.settings
    assert record.machine == hardware.observe()
    assert Results(finished).evidence().suite.commit == versions.commit()


def test_a_suite_is_audited_and_certified_before_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (arms, plan):  # whose runs other tests disturb, beside this one
        monkeypatch.setattr(module, "REPEATS", 0)
    monkeypatch.setattr(auditing, "SHORT_ROUNDS", 2)
    monkeypatch.setattr(arms, "TRAIN_S", 0.1)
    words = [*DRAWN, "--task", "digits", "--architecture", "mlp", "--framework", "numpy"]
    words += ["--epochs", "0.2", "--seeds", "2", "--out", str(tmp_path)]
    assert carried_out([*words, "--price", "2.50/h"]) == 0
    said = capsys.readouterr().out
    found = Results(tmp_path).evidence()
    assert {c.architecture: c.passed for c in found.certificates} == {"mlp": True}
    assert found.audit is not None
    assert found.audit.arms is not None
    assert found.suite.price_per_h == 2.5
    assert "Noise floor" in (tmp_path / "README.md").read_text()
    assert "Noise floor" in said
    assert "equal work is shown for 1 of 1 experiment" in said
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "certificates").iterdir()}
    assert carried_out([*words, "--resume"]) == 0
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "certificates").iterdir()} == kept


def test_seeds_are_added_until_the_budget_is_spent_and_the_page_says_so(tmp_path: Path) -> None:
    words = (*SMALL, "--task", "digits", "--architecture", "mlp", "--epochs", "0.5")
    auto = ("--seeds", "auto", "--between", "pytorch,numpy", "--budget", "0.1s")
    run_all(*words, "--framework", "pytorch,numpy", *auto, "--out", tmp_path)
    assert {record.seed for record in Results(tmp_path).records()} == {0}
    page = (tmp_path / "README.md").read_text()
    assert "Stopped after 1 seed: the time budget of 0 s is spent" in page


def test_the_same_seed_gives_the_same_losses(finished: Path, tmp_path: Path) -> None:
    run_all(*TWO_EPOCHS, "--out", tmp_path)
    first, second = only(finished).measurement, only(tmp_path).measurement
    assert first is not None
    assert second is not None
    assert [s.train_loss for s in first.segments] == [s.train_loss for s in second.segments]


@pytest.mark.skipif("GLYPHBENCH_DATA" not in os.environ, reason="GLYPHBENCH_DATA is not set")
@pytest.mark.parametrize(
    ("task", "frameworks", "accuracy"),
    [
        ("letters", tuple(name for name in FRAMEWORKS if name != "pytorch"), 0.6),
        ("digits", ("pytorch",), 0.9),
    ],
)
def test_real_handwriting_is_learnt(
    task: str, frameworks: tuple[str, ...], accuracy: float, tmp_path: Path
) -> None:
    words = ("--device", "cpu", "--unchecked", "--architecture", "mlp", "--epochs", "1")
    asked = (*words, "--seeds", "1", "--task", task, "--framework", ",".join(frameworks))
    done = run_all(*asked, "--out", tmp_path)
    records = Results(tmp_path).records()
    assert {r.experiment.framework: r.status for r in records} == dict.fromkeys(frameworks, "ok")
    assert all((runs.test_accuracy(r) or 0) > accuracy for r in records)
    assert not any(r.data.drawn for r in records)
    assert "glyphs" not in done.stdout


def test_without_data_or_network_the_suite_runs_on_glyphs_and_says_so(tmp_path: Path) -> None:
    """The network is a proxy at a closed port: nothing can be reached through it."""
    env = {name: value for name, value in os.environ.items() if name != "GLYPHBENCH_DATA"}
    env |= {"HTTPS_PROXY": "http://127.0.0.1:9", "GLYPHBENCH_CACHE": str(tmp_path / "cache")}
    words = ("--device", "cpu", "--unchecked", "--task", "digits", "--architecture", "mlp")
    out = tmp_path / "out"
    done = run_all(
        *(*words, "--framework", "numpy", "--glyphs-images", "1000", "--epochs", "1"),
        *("--seeds", "1", "--out", out),
        env=env,
    )
    assert only(out).data.source == "glyphs"
    assert "no mirror can be used" in done.stderr
    assert "drawn by the project (glyphs), not real handwriting" in done.stdout
    for page in ("README.md", "tables/runs.md", "tables/frameworks.md"):
        assert "not real handwriting" in (out / page).read_text()


def test_a_run_that_diverges_is_a_record_and_the_next_goes_on(tmp_path: Path) -> None:
    words = (*SMALL, "--task", "digits", "--framework", "numpy", "--optimizer", "sgd")
    done = run_all(*words, "--learning-rate", "1e30", "--out", tmp_path, check=1)
    assert [r.status for r in Results(tmp_path).records()] == ["diverged"] * len(COMPARED)
    assert "diverged" in done.stdout


def test_a_run_that_takes_too_long_is_a_record(tmp_path: Path) -> None:
    run_all(*LONG, "--timeout", "1", "--out", tmp_path, check=1)
    assert only(tmp_path).status == "timed out"
    assert "--timeout" in str(only(tmp_path).reason)


@unix
def test_a_worker_that_is_killed_is_a_record_and_the_next_goes_on(tmp_path: Path) -> None:
    suite = start(*LONG, "--seeds", "2", "--timeout", "3", "--out", tmp_path)
    worker_of(suite).kill()
    suite.communicate()
    first, second = Results(tmp_path).records()
    assert (first.status, second.status) == ("crashed", "timed out")
    assert "signal 9" in str(first.reason)
    assert suite.returncode == 1


@unix
def test_a_framework_that_is_missing_is_a_record(tmp_path: Path) -> None:
    """An interpreter that sees the small packages, and no framework."""
    bare = tmp_path / "bare-python"
    hidden = tmp_path / "hidden"
    for name in ("torch", "tensorflow", "jax", "keras"):
        (hidden / name).mkdir(parents=True)
        (hidden / name / "__init__.py").write_text(
            f"raise ModuleNotFoundError('No module named {name}', name={name!r})\n"
        )
    bare.write_text(f'#!/bin/sh\nPYTHONPATH="{hidden}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    bare.chmod(0o755)
    out = tmp_path / "out"
    words = (*ONE, "--framework", "pytorch", "--python", f"pytorch={bare}", "--out", out)
    run_all(*words, check=1)  # asked for by name: a failure
    assert only(out).status == "not installed"
    assert "'torch'" in str(only(out).reason)


@unix
def test_an_interrupt_ends_the_run_and_still_writes_the_tables(folder: Path) -> None:
    suite = start(*LONG, "--resume", "--out", folder)
    worker = worker_of(suite)
    table = folder / "tables" / "runs.md"
    table.unlink()
    suite.send_signal(signal.SIGINT)
    out, err = suite.communicate()
    assert suite.returncode == 130, out + err
    assert gone(worker)
    assert table.exists()
    assert "--resume" in err
    assert len(Results(folder).records()) == 1  # the run in hand left none


def test_a_suite_that_is_killed_leaves_no_orphan_and_can_be_resumed(tmp_path: Path) -> None:
    words = (*ONE, "--seeds", "3", "--out", tmp_path)
    suite = start(*words)
    wait_until(lambda: bool(list((tmp_path / "records").glob("*.json"))))
    worker = worker_of(suite)
    suite.kill()
    suite.communicate()
    wait_until(lambda: gone(worker))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "records").glob("*.json")}
    assert 1 <= len(before) < 3
    run_all(*words, "--resume")
    assert sorted(r.seed for r in Results(tmp_path).records()) == [0, 1, 2]
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())


def test_a_resumed_suite_parses_each_record_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were there, and those that its workers write while it runs."""
    words = [*SMALL, "--task", "digits", "--architecture", "mlp", "--framework", "numpy"]
    words += ["--epochs", "1", "--resume", "--out", str(tmp_path), "--seeds"]
    assert carried_out([*words, "1"]) == 0
    before = set(tmp_path.glob("records/*.json"))
    parsed = parsed_files(monkeypatch)
    assert carried_out([*words, "3"]) == 0
    records = set(tmp_path.glob("records/*.json"))
    assert (len(before), len(records)) == (1, 3)
    assert {path: parsed[path] for path in records} == dict.fromkeys(records, 1)


def carried_out(words: list[str]) -> int:
    """The suite in this process."""
    options = cli.parse(words)
    return suite.carry_out(make_plan(options), options, ["python", "run_all.py"])


def test_a_folder_with_records_is_not_touched_without_resume(finished: Path) -> None:
    done = run_all(*TWO_EPOCHS, "--out", finished, check=2)
    assert "--resume" in done.stderr
    assert "Traceback" not in done.stderr


def test_records_of_other_versions_are_refused_unless_told(folder: Path) -> None:
    record = only(folder)
    old = replace(record, versions=record.versions | {"torch": "1.0.0"})
    Results(folder).save(old)
    earlier = Commit(id="0" * 40, time="2026-01-01T00:00:00+00:00")
    Results(folder).save_evidence(SuiteFacts(commit=earlier))
    words = (*TWO_EPOCHS, "--seeds", "2", "--resume", "--out", folder)
    refused = run_all(*words, check=2)
    assert "torch for pytorch: 1.0.0 in the records" in refused.stderr
    run_all(*words, "--allow-mixed")
    assert [r.seed for r in Results(folder).records()] == [0, 1]
    assert Results(folder).evidence().suite.commit is None  # its runs are of several


def test_what_had_failed_runs_again_only_when_told(tmp_path: Path) -> None:
    run_all(*LONG, "--timeout", "1", "--out", tmp_path, check=1)
    run_all(*LONG, "--timeout", "1", "--out", tmp_path, "--resume", check=1)
    first = only(tmp_path)
    run_all(*LONG, "--timeout", "2", "--out", tmp_path, "--resume", "--retry-failed", check=1)
    assert "2 s" in str(only(tmp_path).reason)
    assert "1 s" in str(first.reason)


@unix
def test_a_second_process_on_the_folder_is_told_so(tmp_path: Path) -> None:
    suite = start(*LONG, "--out", tmp_path)
    try:
        worker_of(suite)
        second = run_all(*ONE, "--out", tmp_path, check=2)
        assert "in use by another process" in second.stderr
    finally:
        suite.send_signal(signal.SIGTERM)
        suite.communicate()
    assert suite.returncode == 130


def test_a_results_folder_that_cannot_be_one_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        done = run_all(*ONE, "--out", out, check=2)
        assert "choose another --out" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_python_that_is_none_is_an_error_before_anything_runs(tmp_path: Path) -> None:
    none = tmp_path / "python"
    none.write_text("#!/bin/sh\necho hello\n")
    none.chmod(0o755)
    out = tmp_path / "out"
    done = run_all(*ONE, "--python", f"numpy={none}", "--out", out, check=2)
    assert "is no Python that can be asked" in done.stderr
    assert not out.exists()


@unix
def test_an_interpreter_that_prints_first_does_not_disturb(tmp_path: Path) -> None:
    chatty = tmp_path / "python"
    chatty.write_text(f'#!/bin/sh\necho welcome\nexec "{sys.executable}" "$@"\n')
    chatty.chmod(0o755)
    out = tmp_path / "out"
    run_all(*ONE, "--epochs", "1", "--python", f"numpy={chatty}", "--out", out)
    assert only(out).status == "ok"
    assert "welcome" in Results(out).log_path(only(out).run_id).read_text()


def test_cuda_without_a_gpu_is_an_error_and_not_a_silent_cpu_run(tmp_path: Path) -> None:
    if hardware.gpus():
        pytest.skip("this machine has a GPU")
    done = run_all("--device", "cuda", "--out", tmp_path, check=2)
    assert "no NVIDIA GPU found" in done.stderr
    assert "NVML" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_dry_run_prints_the_plan_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_all(*SMALL, "--dry-run", "--out", out)
    experiments = len(COMPARED) * (len(FRAMEWORKS) + 1)  # digits in all, letters in PyTorch
    assert f"{experiments} runs ({experiments} experiments, 1 seeds)" in done.stdout
    assert "about" in done.stdout
    assert not out.exists()


def test_a_missing_data_folder_is_an_error(tmp_path: Path) -> None:
    done = run_all("--data-dir", tmp_path / "nowhere", "--out", tmp_path / "out", check=2)
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_source_that_no_task_has_is_an_error(tmp_path: Path) -> None:
    done = run_all("--task", "digits", "--source", "az", "--out", tmp_path, check=2)
    assert "choose from mnist, glyphs" in done.stderr


def test_help_imports_nothing_heavy() -> None:
    """What keeps its answer within half a second."""
    script = (
        "import sys, run_all; from bench import cli\n"
        "try: cli.parse(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    loaded = done.stderr
    for heavy in ("torch", "tensorflow", "jax", "keras", "pandas", "matplotlib", "scipy"):
        assert f"'{heavy}'" not in loaded
    assert "--batch-size" in done.stdout


def test_a_report_is_made_again_from_the_records_alone(folder: Path) -> None:
    """By an interpreter that refuses to import any framework."""
    table = folder / "tables" / "runs.md"
    before = table.read_text()
    table.unlink()
    script = (
        f"{refusing(('torch', 'tensorflow', 'jax', 'keras'))}\n"
        "from bench.__main__ import main\n"
        "sys.exit(main(['report', sys.argv[1]]))"
    )
    subprocess.run([sys.executable, "-c", script, folder], cwd=PROJECT, check=True)
    assert table.read_text() == before


def test_an_unknown_command_names_those_there_are() -> None:
    done = bench("reprot", check=2)
    assert "'reprot'; choose from ladder, ensemble, study, gpu-day, report, compare" in done.stderr


@unix
def test_a_terminal_is_shown_bars(tmp_path: Path) -> None:
    import pty
    import termios

    command = [sys.executable, "run_all.py", *ONE, "--out", str(tmp_path)]
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))  # a new one is 0 columns wide
    suite = subprocess.Popen(command, cwd=PROJECT, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the terminal's other side is closed
            break
    assert suite.wait() == 0
    assert b"run 1/1" in shown
    assert b"epochs" in shown

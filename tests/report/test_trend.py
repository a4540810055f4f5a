"""``python -m bench trend``: runs of several commits, read, joined and shown."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import UsageError
from bench.report import snapshots, trend
from bench.results.evidence import Commit, SuiteFacts
from bench.results.folder import Results
from tests.records import MACHINE, make_record

SLOW, STEADY = "tests/test_a.py::test_step[cnn-128]", "tests/test_a.py::test_load"


def commit(number: int) -> str:
    return f"{number:02x}" * 20


def written(
    path: Path, number: int, seconds: dict[str, float], **changed: dict[str, Any] | str
) -> Path:
    """A file as pytest-benchmark writes it of the commit of this number, as far as it is read."""
    content: dict[str, Any] = {
        "machine_info": {
            "node": "here",
            "system": "Linux",
            "release": "6.1.0-18-amd64",
            "machine": "x86_64",
            "cpu": {"brand_raw": MACHINE.cpu, "count": MACHINE.cores, "flags": ["sse"]},
        },
        "commit_info": {
            "id": commit(number),
            "time": f"2026-01-01T{number:02}:00:00+01:00",
            "dirty": False,
            "branch": "main",
        },
        "benchmarks": [
            {"fullname": name, "params": None, "stats": {"median": s, "mean": 9.0, "data": [s]}}
            for name, s in seconds.items()
        ],
        "datetime": f"2026-03-01T00:{number:02}:00.123456+00:00",
        "version": "5.3.1",
    }
    for name, value in changed.items():
        content[name] = content[name] | value if isinstance(value, dict) else value
    path.write_text(json.dumps(content))
    return path


def history(folder: Path, factors: Sequence[float]) -> Path:
    """A file a commit; the names of the files say nothing of their order."""
    folder.mkdir()
    noise = np.random.default_rng(0).normal(0, 0.01, (len(factors), 2))
    for number, (factor, (first, second)) in enumerate(zip(factors, np.exp(noise), strict=True)):
        seconds = {SLOW: 0.02 * factor * first, STEADY: 0.5 * second}
        written(folder / f"{97 * number % 100:02}.json", number, seconds)
    return folder


def carried_out(*words: str | Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code, and all that was printed."""
    code = trend.main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out + err


def test_a_slowdown_is_told_with_its_commits_in_words_table_and_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, out = history(tmp_path / "kept", [1.0] * 9 + [1.08] * 7), tmp_path / "out"
    code, said = carried_out(kept, "--out", out, "--check", capsys=capsys)
    assert code == 1
    assert f"`{SLOW}` became slower between 0808080 and 0909090: 1.0" in said
    assert f"slower than before: {SLOW}\n" in said
    page = (out / "trend.md").read_text()
    assert "2 benchmarks, 16 runs of 16 commits, 0000000 to 0f0f0f0 (2026-01-01" in page
    assert "became slower between 0808080 and 0909090" in page
    assert "processor: Testium 9000" in page
    with (out / "trend.csv").open() as file:
        slow, steady = csv.DictReader(file)
    assert (slow["benchmark"], steady["benchmark"]) == (SLOW, STEADY)
    assert slow["changes"].endswith(" at 0909090")
    assert float(slow["last_over_first_low"]) < 1.08 < float(slow["last_over_first_high"])
    assert float(slow["last_s"]) == pytest.approx(0.0216, rel=0.01)
    assert (steady["changes"], steady["last_over_first"]) == ("", "")
    assert 0 < float(steady["noise_floor_fraction"]) < 0.03
    picture = (out / "plots" / "trend_1.svg").read_text()
    assert "test_a.py::test_step[cnn-128]" in picture
    assert "1 of 2 benchmarks became slower or faster" in picture
    assert "×1.0" in picture
    assert "0f0f0f0" in picture


def test_what_became_faster_again_ends_a_check_well(tmp_path: Path) -> None:
    factors = [1.0] * 6 + [1.1] * 6 + [0.95] * 6
    every = trend.trends(snapshots.read([history(tmp_path / "kept", factors)]))
    assert [change.at for change in every[0].found.changes] == [6, 12]
    newest = every[0].snapshots[-1]
    assert trend.slower(every, newest) == []
    assert trend.sentences(every)[0].startswith(f"`{SLOW}` became faster between 0b0b0b0 and")
    earlier = trend.trends(every[0].snapshots[:12])
    assert trend.slower(earlier, earlier[0].snapshots[-1]) == [SLOW]
    assert trend.slower(earlier, newest) == []  # which does not have it


def test_runs_of_another_machine_are_refused_by_name_or_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = history(tmp_path / "kept", [1.0] * 2)
    cpu = {"brand_raw": "Otherium", "count": 2}
    other = {"system": "Linux", "release": "6.1.9", "machine": "x86_64", "cpu": cpu, "gpus": ["H1"]}
    written(kept / "other.json", 0, {SLOW: 1.0}, machine_info=other)
    code, said = carried_out(kept, "--out", tmp_path / "out", capsys=capsys)
    assert code == 2
    where = (kept / "other.json", kept / "97.json")
    assert "processor: Otherium in {}, Testium 9000 in {}".format(*where) in said
    assert "GPUs: H1 in" in said
    assert "system" not in said  # patched, and no other
    assert "add --newest-machine" in said
    assert not (tmp_path / "out").exists()
    words = (kept, "--newest-machine", "--out", tmp_path / "out")
    code, said = carried_out(*words, capsys=capsys)
    assert code == 0
    assert "No change is shown; that takes 6 runs (so far: 2)." in said
    page = (tmp_path / "out" / "trend.md").read_text()
    assert "2 runs of 2 commits" in page
    assert "Runs of other machines are left out:\n\n* processor: Otherium" in page


def test_results_folders_are_joined_by_the_commits_that_measured_them(tmp_path: Path) -> None:
    for name, number, seconds in (("a", 2, 0.8), ("b", 1, 0.4)):
        results = Results(tmp_path / name)
        for seed in range(3):
            share = 0.5 if seed == 2 else None
            train_s = (seconds * (9 if seed == 2 else 1),) * 2
            results.save(make_record(seed=seed, train_s=train_s, others_share=share))
        known = Commit(id=commit(number), time=f"2026-01-0{number}T00:00:00+00:00")
        results.save_evidence(SuiteFacts(commit=known))
    (only,) = trend.trends(snapshots.read([tmp_path]))
    assert only.name == make_record().experiment.id
    assert [each.path.name for each in only.snapshots] == ["b", "a"]
    assert only.found.series.seconds == pytest.approx((0.05, 0.1))  # without the disturbed one
    Results(tmp_path / "a").save(make_record(seed=5, machine=replace(MACHINE, cpu="Otherium")))
    with pytest.raises(UsageError, match="a: its runs are of several machines"):
        snapshots.read([tmp_path])


def test_a_run_of_no_known_commit_has_the_place_of_its_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = {"id": "unversioned", "time": None}
    written(tmp_path / "1.json", 1, {SLOW: 1.0}, commit_info=lost, datetime="2026-01-01T02:30:00")
    written(tmp_path / "2.json", 3, {SLOW: 1.0}, commit_info={"dirty": True})
    written(tmp_path / "3.json", 3, {SLOW: 1.0}, datetime="2026-02-01T02:30:00Z")
    taken = snapshots.read([tmp_path, tmp_path / "1.json"])  # each once
    assert [each.label for each in taken] == ["0303030", "0303030+", "2026-01-01 02:30"]
    assert len({each.state for each in taken}) == 3
    code, _ = carried_out(tmp_path, "--out", tmp_path / "out", capsys=capsys)
    assert code == 0
    assert "Of 1 run the commit is not known" in (tmp_path / "out" / "trend.md").read_text()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file or folder"),
        ("{}", "not a file of pytest-benchmark: Object missing required field `machine_info`"),
        ({"datetime": "today"}, "'today' is no date and time of ISO 8601"),
        ({"commit_info": {"time": "?"}}, "'?' is no date and time of ISO 8601"),
        ({"seconds": {SLOW: 0.0}}, f"{SLOW} took 0.0 s; wanted more than 0"),
        ({"seconds": {}}, "no benchmark was measured in any of the runs"),
    ],
)
def test_what_cannot_be_read_is_said(
    content: str | dict[str, Any] | None,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "file.json"
    if isinstance(content, str):
        path.write_text(content)
    elif content is not None:
        written(path, 1, content.pop("seconds", {SLOW: 1.0}), **content)
    code, said = carried_out(path, "--out", tmp_path / "out", capsys=capsys)
    assert (code, message in said) == (2, True), said


def test_a_folder_without_runs_says_what_makes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = carried_out(tmp_path, capsys=capsys)
    assert code == 2
    assert "give files that 'pytest --benchmark-only --benchmark-json FILE' wrote" in said

"""``python -m bench compare A B``."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from bench.report import compare
from bench.results.folder import Results
from bench.results.record import Record
from tests.records import MACHINE, make_record
from tests.report.test_tables import cells


def compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], first: list[Record], second: list[Record]
) -> tuple[int, str]:
    """Exit code and page of comparing two folders with these records."""
    for name, records in (("A", first), ("B", second)):
        for record in records:
            Results(tmp_path / name).save(record)
    code = compare.main([str(tmp_path / "A"), str(tmp_path / "B")])
    return code, capsys.readouterr().out


def test_the_same_experiment_is_set_side_by_side_with_its_ratio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faster = make_record(train_s=(0.5, 0.5), correct=981)
    code, page = compared(tmp_path, capsys, [make_record()], [faster])
    row = cells(page, "pytorch eager")
    assert code == 0
    assert (row["A training (images/s)"], row["B training (images/s)"]) == ("1,000", "2,000")
    assert (row["A time to 97 % (s)"], row["B time to 97 % (s)"]) == ("2.00", "1.00")
    assert "| 2.00 × |" in page  # of throughput
    assert "| 0.500 × |" in page  # of time
    assert row["B - A (points)"] == "+0.60"
    assert "Machine, versions, data and settings are the same." in page


def test_a_time_with_a_miss_on_one_side_has_no_ratio(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missed = make_record(accuracies=(0.5, 0.6), targets=(0.97,))
    _, page = compared(tmp_path, capsys, [make_record(targets=(0.97,))], [missed])
    assert "| 2.00 | not reached | – |" in page


def test_what_differs_between_machines_versions_and_settings_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = replace(
        make_record(machine=replace(MACHINE, cpu="Slowium"), versions={"torch": "2.12.0"}),
        settings={"threads": "1"},
    )
    first = replace(make_record(), settings={"threads": "2"})
    _, page = compared(tmp_path, capsys, [first], [other])
    assert "- processor: Testium 9000 in A, Slowium in B" in page
    assert "- torch for pytorch: 2.13.0 in A, 2.12.0 in B" in page
    assert "- python for pytorch: 3.11.7 in A, none in B" in page
    assert "- threads for pytorch eager on CPU: 2 in A, 1 in B" in page
    assert "cores" not in page.partition("## MLP")[0]
    assert cells(page, "pytorch eager")["A training (images/s)"] == "1,000"


def test_other_images_are_named_loudly_and_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = make_record(fingerprint="f" * 64)
    code, page = compared(tmp_path, capsys, [make_record()], [others])
    assert code == 1
    assert "## NOT COMPARED" in page
    assert "not the same images (fingerprint digits-mnist in A, ffffffffffff in B)" in page
    assert "1,000" not in page
    assert "Nothing can be compared" in page


def test_experiments_in_one_folder_only_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both, first, second = make_record(), make_record(batch_size=20), make_record(batch_size=64)
    _, page = compared(tmp_path, capsys, [both, first], [both, second])
    only_a, _, only_b = page.partition("## Only in A")[2].partition("## Only in B")
    assert "batch size 20," in only_a
    assert "batch size 64," in only_b
    assert "batch size 128" not in only_a + only_b


def test_several_sets_of_runs_in_one_folder_are_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mixed = [make_record(), make_record(seed=1, versions={"torch": "2.12.0"})]
    code, page = compared(tmp_path, capsys, mixed, [make_record()])
    assert code == 1
    assert "A holds 2 sets of runs, of several machines or versions" in page


def test_drawn_images_are_called_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = [make_record(source="glyphs")]
    _, page = compared(tmp_path, capsys, records, records)
    assert "drawn by the project (glyphs), not real handwriting" in page


def test_nothing_is_written_unless_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compared(tmp_path, capsys, [make_record()], [make_record()])
    files = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.parent.name for path in files} == {"records"}


def test_it_is_written_as_csv_or_markdown_where_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("A", "B"):
        Results(tmp_path / name).save(make_record())
    folders = [str(tmp_path / "A"), str(tmp_path / "B")]
    assert compare.main([*folders, "--out", str(tmp_path / "out.md")]) == 0
    assert (tmp_path / "out.md").read_text() == capsys.readouterr().out
    assert compare.main([*folders, "--out", str(tmp_path / "out.csv")]) == 0
    (row,) = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))
    assert float(row["b_over_a_throughput_ratio"]) == 1.0
    assert float(row["a_throughput_mean_images_per_s"]) == 1000.0


def test_another_kind_of_file_is_an_error_that_says_which_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        compare.main(["A", "B", "--out", "out.xlsx"])
    assert ended.value.code == 2
    assert "'out.xlsx' must end in .csv or .md" in capsys.readouterr().err


def test_a_folder_without_records_is_an_error_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Results(tmp_path / "A").save(make_record())
    assert compare.main([str(tmp_path / "A"), str(tmp_path / "B")]) == 2
    assert capsys.readouterr().err.startswith(f"error: no records in {tmp_path / 'B' / 'records'}")

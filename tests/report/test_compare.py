"""``python -m bench compare A B``."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

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


# Across a setting


def test_experiments_of_one_folder_are_compared_across_a_setting_by_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, (usual_s, other_s) in enumerate(((1.0, 0.5), (1.1, 0.56), (0.9, 0.44))):
        for precision, train_s in (("fp32", usual_s), ("bf16", other_s)):
            record = make_record(seed=seed, precision=precision, train_s=(train_s,))
            Results(tmp_path / "A").save(record)
    Results(tmp_path / "A").save(make_record(framework="numpy"))
    out = tmp_path / "out.csv"
    words = [str(tmp_path / "A"), "--across", "precision", "--out", str(out)]
    assert compare.main(words) == 0
    page = capsys.readouterr().out
    row = cells(page, "pytorch eager")
    assert (row["A precision"], row["B precision"]) == ("fp32", "bf16")  # the usual one first
    assert row["B is"] == "faster"
    assert "experiments that differ in precision alone stand side by side" in page
    assert "fp32" not in page.partition("Equal in all rows:")[2].partition("\n")[0]
    alone = page.partition("## Without another beside it")[2]
    assert "numpy" in alone
    assert "pytorch" not in alone
    (line,) = csv.DictReader(io.StringIO(out.read_text()))
    assert (line["a_precision"], line["b_precision"]) == ("fp32", "bf16")
    assert line["b_over_a_throughput_pairs_n"] == "3"


@pytest.mark.parametrize(
    ("setting", "first", "second"),
    [
        ("learning rate", {}, {"learning_rate": 0.01}),
        ("threads", {"threads": 1}, {}),
        ("execution", {}, {"execution": "compiled"}),
        ("augmentation", {}, {"augmentation": True}),
        ("batch size", {}, {"batch_size": 1024}),
    ],
)
def test_the_one_setting_that_differs_between_two_folders_is_found(
    setting: str,
    first: dict[str, Any],
    second: dict[str, Any],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, page = compared(tmp_path, capsys, [make_record(**first)], [make_record(**second)])
    assert code == 0
    assert f"experiments that differ in {setting} alone stand side by side" in page
    row = cells(page, "pytorch eager")
    assert row[f"A {setting}"] != row[f"B {setting}"]


def test_each_value_of_a_setting_stands_beside_the_usual_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for rate in (0.0001, 0.001, 0.01):
        Results(tmp_path / "A").save(make_record(learning_rate=rate))
    assert compare.main([str(tmp_path / "A")]) == 0  # there is but one setting that differs
    lines = [line for line in capsys.readouterr().out.splitlines() if "| pytorch eager" in line]
    assert [line.split(" | ")[1:3] for line in lines] == [
        ["learning rate 0.001", "learning rate 0.0001"],
        ["learning rate 0.001", "learning rate 0.01"],
    ]


def test_several_settings_that_differ_are_named_to_choose_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for changes in ({}, {"batch_size": 20}, {"learning_rate": 0.01}):
        Results(tmp_path / "A").save(make_record(**changes))
    assert compare.main([str(tmp_path / "A")]) == 2
    assert "say --across one of batch-size, learning-rate" in capsys.readouterr().err


def test_a_folder_with_nothing_to_set_beside_is_an_error_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Results(tmp_path / "A").save(make_record())
    assert compare.main([str(tmp_path / "A")]) == 2
    assert "name another folder" in capsys.readouterr().err
    assert compare.main([str(tmp_path / "A"), "--across", "threads"]) == 1
    assert "no two experiments differ in threads alone" in capsys.readouterr().out


def test_a_setting_of_the_environment_is_compared_between_two_folders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of OpenMP, which no experiment names: its record says what the process had."""
    passive, active = (
        replace(make_record(train_s=(s, s)), settings={"OMP_WAIT_POLICY": policy})
        for policy, s in (("passive", 1.0), ("active", 0.5))
    )
    _, page = compared(tmp_path, capsys, [passive], [active])
    assert "- OMP_WAIT_POLICY for pytorch eager on CPU: passive in A, active in B" in page
    assert "| 2.00 × |" in page


def test_an_unknown_setting_is_an_error_that_names_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        compare.main(["A", "--across", "colour"])
    assert ended.value.code == 2
    assert "unknown setting 'colour'; choose from framework, execution" in capsys.readouterr().err

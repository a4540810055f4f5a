"""A whole report of a results folder; ``python -m bench report``; a folder as a pandas frame."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.report import page as report
from bench.report.page import load
from bench.results.evidence import SuiteFacts
from bench.results.folder import Results, ResultsError
from bench.results.made import LIST
from bench.results.record import Gpu, Record
from tests.imports import ROOT
from tests.parsed import parsed_files
from tests.records import MACHINE, make_record
from tests.refusing import refusing

PAIR = [make_record(), make_record(architecture="cnn")]
STEPS: dict[str, Any] = {"goal": "throughput"}  # of which few plots are made


def saved(folder: Path, records: list[Record]) -> Path:
    for record in records:
        Results(folder).save(record)
    return folder


def reported(folder: Path, records: list[Record]) -> str:
    """The report of a folder with these records and no others."""
    for path in folder.glob("records/*"):
        path.unlink()
    return report.write(Results(saved(folder, records)))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def links_of(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", page.read_text())


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder of two runs, reported once: not to be changed. And what was said of it."""
    folder = tmp_path_factory.mktemp("pair")
    Results(folder).note_command(["python", "run_all.py", "--preset", "quick"])
    Results(folder).save_evidence(SuiteFacts(seeds_stopped="It was enough."))
    return folder, reported(folder, PAIR)


def test_a_report_is_tables_plots_and_pages_that_lead_to_all_of_them(
    pair: tuple[Path, str],
) -> None:
    folder, summary = pair
    page = (folder / "README.md").read_text()
    links = {link.partition("#")[0] for link in links_of(folder / "README.md")}
    tables = {f"tables/{path.name}" for path in folder.glob("tables/*.md")}
    picture = "plots/accuracy_cpu_b128.png"
    assert links == {*tables, picture, "plots/README.md", "details.md", "index.html"}
    assert set(links_of(folder / "plots/README.md")) == names(folder / "plots") - {
        *("README.md", LIST)
    }
    listed = (folder / LIST).read_text()
    assert [line.split()[1] for line in listed.splitlines()] == ["details.md", "index.html"]
    assert "tables/frameworks.md" in links
    assert "swap_cpu_b128.svg" in names(folder / "plots")
    assert "python run_all.py --preset quick" in page
    assert "Testium 9000, 2 cores, 8 GiB memory" in page
    assert "torch 2.13.0" in page
    assert "digits-mnist" in page  # the fingerprint
    assert str(folder) in summary


def test_links_into_a_page_lead_to_a_heading_of_it(pair: tuple[Path, str]) -> None:
    folder, _ = pair
    inside = [link for link in links_of(folder / "README.md") if "#" in link]
    assert len(inside) > 5
    for link in inside:
        file, _, anchor = link.partition("#")
        headings = re.findall("^#+ (.+)$", (folder / file).read_text(), re.MULTILINE)
        words = {tuple(re.findall(r"\w+", heading.lower())) for heading in headings}
        assert tuple(re.findall(r"\w+", anchor)) in words, link


def test_what_is_missing_is_said_with_what_it_would_need(tmp_path: Path) -> None:
    reported(tmp_path, [make_record(**STEPS)])
    page = (tmp_path / "details.md").read_text()
    assert "Hardware side by side: not made; it needs the same experiments on the CPU" in page
    assert "not drawn; it needs the same experiments at two or more batch sizes." in page
    assert "hardware.csv" not in names(tmp_path / "tables")


def test_no_record_is_nothing_to_report(tmp_path: Path) -> None:
    assert report.write(Results(tmp_path)) == "No run has ended, so there is nothing to report."
    assert names(tmp_path) == set()


def test_only_failures_are_a_report_without_plots(tmp_path: Path) -> None:
    reported(tmp_path, [make_record(status="failed", reason="no luck")])
    assert "no luck" in (tmp_path / "tables/runs.md").read_text()
    assert not (tmp_path / "plots").exists()


def test_a_report_of_other_records_leaves_nothing_of_the_one_before(
    pair: tuple[Path, str], tmp_path: Path
) -> None:
    folder = shutil.copytree(pair[0], tmp_path / "other")
    assert "swap.md" in names(folder / "tables")
    assert any("b128" in name for name in names(folder / "plots"))
    reported(folder, [make_record(batch_size=20, **STEPS)])
    assert "swap.md" not in names(folder / "tables")
    assert all("b128" not in name for name in names(folder / "plots"))


def test_machines_that_differ_are_pointed_at(tmp_path: Path) -> None:
    other = replace(MACHINE, cpu="Slowium")
    reported(
        tmp_path,
        [
            make_record(machine=MACHINE, status="failed"),
            make_record(machine=other, status="failed", seed=1),
        ],
    )
    page = (tmp_path / "README.md").read_text()
    assert "Runs of different machines lie in this folder" in page
    assert "- Slowium, 2 cores, 8 GiB memory, Linux 6.1 x86_64" in page


def test_several_gpus_of_a_machine_are_all_named(tmp_path: Path) -> None:
    gpus = tuple(Gpu(name=name, memory_bytes=2**34, driver="580") for name in ("A100", "H100"))
    machine = replace(MACHINE, gpus=gpus)
    reported(tmp_path, [make_record(machine=machine, device="cuda:1", status="failed")])
    page = (tmp_path / "README.md").read_text()
    assert "- CUDA 0: A100, 16 GiB, driver 580\n- CUDA 1: H100, 16 GiB, driver 580\n" in page


def test_the_command_makes_it_all_again_from_the_records_and_parses_each_file_once(
    pair: tuple[Path, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = shutil.copytree(pair[0], tmp_path / pair[0].name)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in (*folder.glob("tables/*"), *folder.glob("plots/*"), folder / "README.md"):
        path.unlink()
    parsed = parsed_files(monkeypatch)
    assert report.main([str(folder)]) == 0
    assert capsys.readouterr().out == pair[1].replace(str(pair[0]), str(folder)) + "\n"
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert after == before
    assert set(parsed) == {*folder.glob("records/*.json"), folder / "suite.json"}
    assert set(parsed.values()) == {1}


def test_a_folder_without_records_is_an_error_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main([str(tmp_path / "nothing")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: no records in ")


def test_a_report_that_cannot_be_written_is_an_error_that_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved(tmp_path, [make_record()])
    (folder / "tables").write_text("in the way")
    assert report.main([str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: the report cannot be written: ")
    assert str(folder / "tables") in error


def test_a_report_loads_no_framework(tmp_path: Path) -> None:
    folder = saved(tmp_path, [make_record(**STEPS)])
    program = (
        f"{refusing(('torch', 'tensorflow', 'keras', 'jax'))}\n"
        "from bench.report import page\n"
        f"sys.exit(page.main([{str(folder)!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "README.md").exists()
    assert list(folder.glob("plots/*.png"))


# A results folder as a frame


def test_a_frame_has_a_row_a_run_and_numbers_to_compute_with(tmp_path: Path) -> None:
    for seed, correct in enumerate((970, 980)):
        Results(tmp_path).save(make_record(seed=seed, correct=correct))
    frame = load(tmp_path)
    assert len(frame) == 2
    means = frame.groupby("framework")["test_accuracy_fraction"].mean()
    assert means["pytorch"] == pytest.approx(0.975)
    assert pd.api.types.is_integer_dtype(frame["seed"])
    assert pd.api.types.is_numeric_dtype(frame["wall_s"])


def test_what_a_failed_run_did_not_measure_is_missing_and_not_zero(tmp_path: Path) -> None:
    Results(tmp_path).save(make_record(seed=0))
    Results(tmp_path).save(make_record(seed=1, status="crashed", reason="signal 9"))
    frame = load(tmp_path).set_index("seed")
    assert frame["test_accuracy_fraction"].isna().tolist() == [False, True]
    assert frame.loc[1, "reason"] == "signal 9"


def test_another_table_is_loaded_by_its_name_with_intervals_and_verdicts(tmp_path: Path) -> None:
    for framework, s in (("pytorch", 1.0), ("keras-jax", 2.0)):
        for seed in range(3):
            record = make_record(framework=framework, seed=seed, train_s=(s * (1 + seed / 50),))
            Results(tmp_path).save(record)
    (row,) = load(tmp_path, "differences").to_dict("records")
    assert row["throughput_ratio_low"] <= row["throughput_ratio"] <= row["throughput_ratio_high"]
    assert (row["throughput_verdict"], row["throughput_pairs_n"]) == ("faster", 3)


def test_a_table_that_there_is_not_is_an_error_that_says_which_there_are(tmp_path: Path) -> None:
    Results(tmp_path).save(make_record())
    with pytest.raises(ValueError, match=r"unknown table 'frameworx'; choose from .*frameworks"):
        load(tmp_path, "frameworx")


def test_a_run_has_the_interval_of_its_accuracy(tmp_path: Path) -> None:
    Results(tmp_path).save(make_record(correct=975))
    (row,) = load(tmp_path).to_dict("records")
    assert row["test_accuracy_low_fraction"] == pytest.approx(0.9634, abs=1e-4)
    assert row["test_accuracy_high_fraction"] == pytest.approx(0.9830, abs=1e-4)


def test_a_folder_without_records_says_so(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no records"):
        load(tmp_path)


def test_how_a_user_s_own_files_were_read_is_on_the_page(tmp_path: Path) -> None:
    record = make_record(**STEPS)
    reading = ("Labels are the column 'class'.", "2 files are no pictures: a.txt, b.<b>")
    reported(tmp_path, [replace(record, data=replace(record.data, reading=reading))])
    page = (tmp_path / "README.md").read_text()
    assert (
        "How the files of digits were read:\n\n- Labels are the column 'class'.\n- 2 files" in page
    )
    assert "b.&lt;b>" in page


def test_of_many_pages_each_plot_has_its_first_and_the_rest_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [make_record(**STEPS), make_record(batch_size=64, **STEPS)]
    reported(tmp_path, records)
    every = names(tmp_path / "plots")
    assert {"throughput_cpu_b64_throughput.png", "throughput_cpu_b128_throughput.png"} <= every
    monkeypatch.setattr(report, "MOST_PAGES", 1)
    reported(tmp_path, records)
    assert "throughput_cpu_b64_throughput.png" in names(tmp_path / "plots")
    assert "throughput_cpu_b128_throughput.png" not in names(tmp_path / "plots")
    assert "1 more page of it can be drawn" in (tmp_path / "plots/README.md").read_text()
    report.write(Results(tmp_path), all_plots=True)
    assert names(tmp_path / "plots") == every

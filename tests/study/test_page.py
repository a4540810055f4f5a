"""The page of a study: every artifact and its caption, whatever a step leaves or lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from matplotlib.figure import Figure

from bench.report.tables.table import Table, fact_table
from bench.results.folder import Results
from bench.results.made import LIST
from bench.study import page
from bench.study.artifact import Artifact, Picture, Step, Study, numbered
from datasets import Split
from tests.records import make_record
from tests.study_data import make_dataset, study_of


@pytest.fixture
def study(tmp_path: Path) -> Study:
    split = Split(images=np.zeros((3, 28, 28), np.uint8), labels=np.zeros(3, np.uint8))
    return study_of([make_record(), make_record(seed=1)], make_dataset(split), folder=tmp_path)


def a_step(*artifacts: Artifact) -> Step:
    def make(study: Study) -> Iterator[Artifact]:
        yield from artifacts

    step = SimpleNamespace(TITLE="Look", NEEDS="a run of architecture cnn", make=make)
    return cast(Step, step)


def a_picture(name: str = "samples") -> Picture:
    return Picture(name=name, title="Samples", caption="Two of each.", figure=Figure())


def a_table(rows: int = 2) -> Table:
    first = {"class": "a|b", "accuracy": 0.98765, "images": 1000}
    others = [{"class": "x", "images": 1000 + row} for row in range(1, rows)]
    return fact_table(
        name="per_class",
        title="By class",
        explanation="Of the test images.",
        rows=[first, *others],
        formats={".1%": ("accuracy",), ",": ("images",)},
    )


def test_every_artifact_is_a_file_with_its_caption_on_the_page(study: Study) -> None:
    page.write(study, [a_step(a_picture(), a_table())])
    text = (study.folder / "README.md").read_text()
    links = set(re.findall(r"\]\(([^)]+)\)", text))
    files = {path.relative_to(study.folder).as_posix() for path in study.folder.rglob("[!.]*.*")}
    assert {*links, "README.md"} == files
    assert "Two of each." in text
    assert "Of the test images." in text
    assert "MLP in pytorch eager; seeds 0, 1." in text


def test_names_that_would_be_one_file_are_told_apart_and_no_others() -> None:
    names = ["mlp_augmented", "mlp", "cnn", "mlp", "mlp"]
    assert numbered(names, "-no") == ["mlp_augmented", "mlp", "cnn", "mlp-no2", "mlp-no3"]


def test_a_table_shows_rounded_numbers_and_keeps_exact_ones(study: Study) -> None:
    page.write(study, [a_step(a_table())])
    assert r"| a\|b | 98.8% | 1,000 |" in (study.folder / "README.md").read_text()
    assert "a|b,0.98765,1000" in (study.folder / "tables/per_class.csv").read_text()


def test_what_is_not_known_is_an_empty_cell(study: Study) -> None:
    page.write(study, [a_step(a_table())])
    assert "| x |  | 1,001 |" in (study.folder / "README.md").read_text()


def test_a_column_that_is_empty_in_all_rows_is_in_the_csv_alone(study: Study) -> None:
    rows: list[dict[str, int | None]] = [{"seed": 0, "count": 1234}, {"seed": 1, "p": None}]
    table = fact_table(name="runs", title="Runs", explanation="Two.", rows=rows, formats={})
    page.write(study, [a_step(table)])
    assert "| seed | count |" in (study.folder / "README.md").read_text()
    assert (study.folder / "tables/runs.csv").read_text() == "seed,count,p\n0,1234,\n1,,\n"


def test_a_long_table_is_cut_on_the_page_alone(study: Study) -> None:
    page.write(study, [a_step(a_table(rows=page.ROWS_SHOWN + 7))])
    assert "7 more rows are in the files" in (study.folder / "README.md").read_text()
    whole = (study.folder / "tables/per_class.md").read_text()
    assert f"| {1000 + page.ROWS_SHOWN + 6:,} |" in whole


def test_a_step_without_its_runs_says_what_it_needs(study: Study) -> None:
    page.write(study, [a_step()])
    text = (study.folder / "README.md").read_text()
    assert "Not made: it needs a run of architecture cnn." in text


def test_what_an_earlier_study_left_is_removed(study: Study) -> None:
    page.write(study, [a_step(a_picture("old"), a_table())])
    page.write(study, [a_step(a_picture("new"))])
    pictures, tables = study.folder / "pictures", study.folder / "tables"
    assert {path.name for path in pictures.iterdir()} == {"new.png", LIST}
    assert {path.name for path in tables.iterdir()} == {LIST}


def test_a_step_that_fails_is_not_hidden(study: Study) -> None:
    class Broken:
        TITLE, NEEDS = "Broken", "nothing"

        def make(self, study: Study) -> Iterator[Artifact]:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        page.write(study, [Broken()])


def test_runs_that_other_programs_disturbed_are_named_first(tmp_path: Path) -> None:
    split = Split(images=np.zeros((3, 28, 28), np.uint8), labels=np.zeros(3, np.uint8))
    records = [make_record(others_share=0.5), make_record(seed=1)]
    page.write(study_of(records, make_dataset(split), folder=tmp_path), [a_step(a_picture())])
    text = (Results(tmp_path).study_folder("digits") / "README.md").read_text()
    assert "† Disturbed: pytorch eager" in text
    assert "Seconds on this page are not those of a quiet machine." in text

"""The page, the table and the figures of prose are made from records alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import UsageError
from bench.ladder import page, records, rungs
from bench.results.folder import ResultsError
from tests.imports import ROOT
from tests.ladder.climbs import climb, ladder

REFERENCE = ROOT / "results/reference/ladder"
DOCS = ROOT / "docs/ladder.md"


def test_what_was_saved_is_read_again_and_makes_page_table_and_plot(tmp_path: Path) -> None:
    for each in ladder():
        records.save(tmp_path, each)
    climbs = records.load(tmp_path)
    assert len(climbs) == 90
    said = page.write(tmp_path, climbs)
    assert "rung_02_fast is the record, 99.08 % of the test images over 30 seeds" in said
    assert "times as fast in training as the published recipe" in said
    text = (tmp_path / "README.md").read_text()
    assert "| 02_fast | The idea of rung_02_fast: more of it | 30 | 99.08% |" in text
    assert "2.0000 [2.0000 to 2.0000]" in text
    assert "empty caches (s)" in text
    csv = (tmp_path / "ladder.csv").read_text().splitlines()
    assert len(csv) == 4
    assert csv[0].startswith("rung,idea,seeds,test_accuracy,p,validation_accuracy,train_s")
    names = sorted(path.name for path in (tmp_path / "plots").glob("ladder*"))
    assert names == ["ladder_speed_pytorch_cpu.png", "ladder_speed_pytorch_cpu.svg"]


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    records.save(tmp_path, climb("rung_02_fast", 0))
    (path,) = (tmp_path / "climbs").iterdir()
    path.write_bytes(path.read_bytes().replace(b"9910", b"9990"))
    with pytest.raises(ResultsError, match="changed after it was written"):
        records.load(tmp_path)


def test_figures_of_prose_are_written_between_their_marks() -> None:
    text = "It takes <!-- = train pytorch cpu record -->?<!-- / --> s, a <!-- = gain pytorch cpu "
    text += "rung_02 -->?<!-- / -->th.\n<!-- = train pytorch cuda rung_02 -->?<!-- / -->"
    filled = page.filled(text, ladder())
    assert "record -->1.07 [" in filled
    assert "rung_02 -->2.0000 [" in filled
    assert f"rung_02 -->{page.NOT_YET}<" in filled
    assert page.filled(filled, ladder()) == filled
    with pytest.raises(UsageError, match="choose from table, train"):
        page.filled("<!-- = speed pytorch cpu rung_02 --><!-- / -->", ladder())


def test_every_figure_on_the_page_of_the_ladder_is_of_the_reference() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert page.filled(text, records.load(REFERENCE)) == text


def test_what_the_reference_measured_are_the_rungs_that_are_here() -> None:
    climbs = records.latest(records.load(REFERENCE))
    stale = {c.rung for c in climbs if c.source_sha256 != source(c.framework, c.rung)}
    assert not stale, "climb these again, or take their records away"


def source(framework: str, rung: str) -> str:
    return rungs.read(f"bench.ladder.{framework.replace('-', '_')}.{rung}").sha256


def test_no_records_is_an_error_that_says_what_makes_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="bench ladder speed"):
        page.write(tmp_path, [])

"""The pages of a study: every artifact and its caption, whatever a step leaves or lacks."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from bench.report.tables.table import Table, fact_table
from bench.results.folder import Results
from bench.results.made import LIST
from bench.study import page, web
from bench.study.artifact import Artifact, Picture, Step, Study, Tables, facts, numbered
from bench.study.glossary import WORDS
from datasets import Split
from tests.records import make_record
from tests.report.browser import NEEDS_CHROMIUM, browsing
from tests.study_data import make_dataset, study_of


@pytest.fixture
def study(tmp_path: Path) -> Study:
    split = Split(images=np.zeros((3, 28, 28), np.uint8), labels=np.zeros(3, np.uint8))
    return study_of([make_record(), make_record(seed=1)], make_dataset(split), folder=tmp_path)


def a_step(*artifacts: Artifact) -> Step:
    def make(study: Study) -> Iterator[Artifact]:
        yield from artifacts

    def finding(tables: Tables) -> str:
        return f"{len(facts(tables, 'per_class'))} [classes](<were>) found."

    step = SimpleNamespace(
        TITLE="Look", NEEDS="a run of architecture cnn", make=make, finding=finding
    )
    return cast(Step, step)


def a_picture(name: str = "samples", *, title: str = "Samples", main: bool = False) -> Picture:
    return Picture(name=name, title=title, caption="Two of each.", figure=Figure(), main=main)


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


def pages(study: Study) -> tuple[str, str]:
    """README.md and index.html."""
    return (study.folder / "README.md").read_text(), (study.folder / "index.html").read_text()


def test_every_artifact_is_a_file_with_its_caption_on_the_page(study: Study) -> None:
    page.write(study, [a_step(a_picture(), a_table())])
    summary, whole = pages(study)
    links = set(re.findall(r'href="([^#"]+)"', whole))
    files = {path.relative_to(study.folder).as_posix() for path in study.folder.rglob("[!.]*.*")}
    assert {*links, "index.html"} == files
    assert "Two of each." in whole
    assert "Of the test images." in whole
    for text in (summary, whole):
        assert "MLP in pytorch eager; " in text


def test_the_summary_has_findings_main_pictures_and_links_that_lead_somewhere(
    study: Study,
) -> None:
    page.write(study, [a_step(a_picture("first"), a_picture("best", main=True), a_table())])
    summary, whole = pages(study)
    assert set(re.findall(r"\]\(([^)]+)\)", summary)) == {
        *("index.html", "pictures/best.png", "tables/per_class.md")
    }
    assert r"2 [classes]\(&lt;were>) found." in summary
    assert "2 [classes](&lt;were&gt;) found." in whole
    assert "Two of each." not in summary
    assert whole.index("pictures/best.png") < whole.index("pictures/first.png")


def test_pictures_of_one_kind_have_one_caption_and_all_but_the_first_are_folded(
    study: Study,
) -> None:
    page.write(study, [a_step(a_picture("a", title="Of A"), a_picture("b", title="Of B"))])
    _, whole = pages(study)
    assert whole.count("Two of each.") == 1
    assert "<h3>Of A</h3>" in whole
    assert "<details><summary>Of B</summary>" in whole


def test_the_data_s_name_stands_above_all_titles_and_in_none(study: Study) -> None:
    titles = {
        "Samples of digits (mnist)": "Samples",
        "Training: CNN on digits (mnist), numpy eager": "Training: CNN, numpy eager",
        "Clusters of digits (mnist): raw pixels": "Clusters: raw pixels",
        "Wrong alone: digits (mnist)": "Wrong alone",
        "How well classes of digits (mnist) hold": "How well classes hold",
        "By class, digits (mnist)": "By class",
    }
    made = [a_picture(f"p{number}", title=title) for number, title in enumerate(titles)]
    page.write(study, [a_step(*made)])
    _, whole = pages(study)
    assert re.findall(r'alt="([^"]+)"', whole) == list(titles.values())


def test_pictures_for_which_there_is_no_room_are_left_out_and_named(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.write(study, [a_step(a_picture("first"), a_picture("best", main=True))])
    one = max(map(len, re.findall(r"base64,([^\"]+)", pages(study)[1])))
    monkeypatch.setattr(web, "MOST_BYTES", one)
    page.write(study, [a_step(a_picture("first"), a_picture("best", main=True))])
    _, whole = pages(study)
    assert whole.count("base64,") == 1
    assert 'Left out, so that the page stays small: <a href="pictures/first.png">' in whole


def test_a_picture_is_small_on_the_page_and_whole_in_its_file(study: Study) -> None:
    figure = Figure(figsize=(16, 9), dpi=120)
    figure.text(0.5, 0.5, "a picture")
    picture = Picture(name="large", title="Large", caption="One.", figure=figure)
    page.write(study, [a_step(picture)])
    (content,) = re.findall(r"base64,([^\"]+)", pages(study)[1])
    with Image.open(io.BytesIO(base64.b64decode(content))) as small:
        assert small.size == (1440, 810)
    with Image.open(study.folder / "pictures/large.png") as whole:
        assert whole.size == (1920, 1080)


def test_a_word_is_explained_where_it_first_stands_and_nothing_is_markup_but_that() -> None:
    text = web.explained("Seeds <b> & seeds: Wilson's 95 % interval")
    assert text.count("<dfn") == 3
    assert text.startswith('<dfn tabindex="0">Seeds<span role="tooltip">')
    assert "</dfn> &lt;b&gt; &amp; seeds: <dfn" in text
    assert re.sub(r"<span.*?</span>|</?dfn[^>]*>", "", text) == (
        "Seeds &lt;b&gt; &amp; seeds: Wilson&#39;s 95 % interval"
    )


def test_every_word_of_the_glossary_is_one_that_a_page_can_explain() -> None:
    for word, meaning in WORDS.items():
        assert meaning in html.unescape(web.explained(f"of {word} here")), word


def test_names_that_would_be_one_file_are_told_apart_and_no_others() -> None:
    names = ["mlp_augmented", "mlp", "cnn", "mlp", "mlp"]
    assert numbered(names, "-no") == ["mlp_augmented", "mlp", "cnn", "mlp-no2", "mlp-no3"]


def test_a_table_shows_rounded_numbers_and_keeps_exact_ones(study: Study) -> None:
    page.write(study, [a_step(a_table())])
    assert "<td>a|b</td><td>98.8%</td><td>1,000</td>" in pages(study)[1]
    assert "a|b,0.98765,1000" in (study.folder / "tables/per_class.csv").read_text()


def test_what_is_not_known_is_an_empty_cell(study: Study) -> None:
    page.write(study, [a_step(a_table())])
    assert "<td>x</td><td></td><td>1,001</td>" in pages(study)[1]


def test_a_column_that_is_empty_in_all_rows_is_in_the_csv_alone(study: Study) -> None:
    rows: list[dict[str, int | None]] = [{"seed": 0, "count": 1234}, {"seed": 1, "p": None}]
    table = fact_table(name="runs", title="Runs", explanation="Two.", rows=rows, formats={})
    page.write(study, [a_step(table)])
    assert re.findall(r'<th scope="col">(?:<dfn[^>]*>)?(\w+)', pages(study)[1]) == ["seed", "count"]
    assert (study.folder / "tables/runs.csv").read_text() == "seed,count,p\n0,1234,\n1,,\n"


def test_a_long_table_is_cut_on_the_page_alone(study: Study) -> None:
    page.write(study, [a_step(a_table(rows=web.MOST_ROWS + 7))])
    assert "7 more rows are in the files" in pages(study)[1]
    last = f"{1000 + web.MOST_ROWS + 6:,}"
    assert last not in pages(study)[1]
    assert f"| {last} |" in (study.folder / "tables/per_class.md").read_text()


def test_a_step_without_its_runs_says_what_it_needs(study: Study) -> None:
    page.write(study, [a_step()])
    for text in pages(study):
        assert "Not made: it needs a run of architecture cnn." in text
    assert "found" not in pages(study)[0]


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

        def finding(self, tables: Tables) -> str:
            return ""

    with pytest.raises(ZeroDivisionError):
        page.write(study, [Broken()])


def test_runs_that_other_programs_disturbed_are_named_first(tmp_path: Path) -> None:
    split = Split(images=np.zeros((3, 28, 28), np.uint8), labels=np.zeros(3, np.uint8))
    records = [make_record(others_share=0.5), make_record(seed=1)]
    page.write(study_of(records, make_dataset(split), folder=tmp_path), [a_step(a_picture())])
    text = (Results(tmp_path).study_folder("digits") / "README.md").read_text()
    assert "† Disturbed: pytorch eager" in text
    assert "Seconds on this page are not those of a quiet machine." in text


@NEEDS_CHROMIUM
def test_a_browser_shows_the_contents_the_pictures_and_the_meaning_of_a_word(study: Study) -> None:
    page.write(study, [a_step(a_picture(main=True), a_table()), a_step()])
    with browsing(study.folder / "index.html", width=360, shows="h1") as shown:
        assert shown.locator(".contents a").all_text_contents() == [
            *("Look", "Look", "What the words mean")
        ]
        assert shown.evaluate("document.images[0].naturalWidth") > 0
        assert shown.evaluate("document.documentElement.scrollWidth") <= 360
        word = shown.locator("dfn", has_text="seed").first
        assert not word.locator("span").is_visible()
        word.hover()
        assert word.locator("span").is_visible()
        assert not shown.locator("td").first.is_visible()
        shown.locator("summary").first.click()
        assert shown.locator("td").first.is_visible()
        before = shown.evaluate("getComputedStyle(document.body).backgroundColor")
        shown.locator("#theme").click()
        assert shown.evaluate("getComputedStyle(document.body).backgroundColor") != before

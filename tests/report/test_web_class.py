"""Files dropped on the page: read, refused, compared and put into a class as Python does it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page

from bench.report import compare
from bench.report.classroom import laptops, picture, predictions
from bench.report.classroom import page as classroom
from bench.report.pairing import pair
from bench.report.tables.table import Section
from bench.report.web import data
from bench.report.web.glossary import GLOSSARY
from bench.report.web.page import page
from bench.results import shared
from bench.results.record import Record, encode
from bench.results.shared import Shared
from bench.stats import runs
from tests.records import EVIDENCE, make_record
from tests.report.browser import NEEDS_CHROMIUM, browsing
from tests.report.test_classroom import REFERENCE, chosen, laptop

pytestmark = NEEDS_CHROMIUM
TABLE = "place => glyphbench.laptops.table(CLASS.class_, CLASS.subjects[place])".replace(
    "CLASS", "glyphbench.classroom.made()"
)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """The reference's."""
    return REFERENCE.require_records()


@pytest.fixture(scope="module")
def shown(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    groups = runs.replicates(records, REFERENCE.evidence())
    file = tmp_path_factory.mktemp("web") / "index.html"
    file.write_bytes(page("reference", groups, records))
    with browsing(file) as browser_page:
        yield browser_page


@pytest.fixture
def fresh(shown: Page) -> Page:
    shown.evaluate("glyphbench.classroom.forget()")
    shown.evaluate("glyphbench.page.change({ ...glyphbench.selection.start() })")
    shown.locator("#tab-class").click()
    return shown


def dropped(fresh: Page, *paths: Path) -> str:
    """What the page says when these files are chosen."""
    fresh.locator("#files").set_input_files(list(paths))
    fresh.wait_for_function(
        "names => document.getElementById('read').textContent !== ''",
        arg=[path.name for path in paths],
    )
    return fresh.locator("#read").text_content() or ""


def slower(records: Sequence[Record]) -> list[Record]:
    """Another machine's: each run by a share of its own, the first of all without its energy."""
    return [
        replace(
            record,
            machine=replace(record.machine, cpu="Another 5", cores=4),
            measurement=record.measurement
            and replace(
                record.measurement,
                energy=record.measurement.energy if number else None,
                segments=tuple(
                    replace(segment, train_s=segment.train_s * (1.1 + 0.02 * (number % 7)))
                    for segment in record.measurement.segments
                ),
            ),
        )
        for number, record in enumerate(records)
    ]


def another(records: Sequence[Record]) -> Shared:
    evidence = REFERENCE.evidence()
    assert evidence.audit
    moved = replace(evidence.audit, machine=slower(records[:1])[0].machine)
    return shared.reduced(slower(records), replace(evidence, audit=moved))


def written(folder: Path, content: Shared, name: str = "other") -> Path:
    path = folder / f"{name}{shared.ENDING}"
    path.write_bytes(shared.packed(content))
    return path


# One file, beside the folder


def test_of_a_shared_file_the_page_makes_the_rows_that_python_makes(
    fresh: Page, records: list[Record], tmp_path: Path
) -> None:
    path = written(tmp_path, another(records))
    assert "Read: 1 shared file. Under Results" in dropped(fresh, path)
    file = shared.load(path)
    groups = runs.replicates(file.records, file.evidence)
    own = data.embedded("", runs.replicates(records, REFERENCE.evidence()), GLOSSARY)
    asked = data.metrics(runs.replicates(records, REFERENCE.evidence()))
    rows = fresh.evaluate("own => glyphbench.content.results.groups.slice(own)", len(own.groups))
    assert len(rows) == len(groups) == len(own.groups)
    for row, group in zip(rows, groups, strict=True):
        expected = json.loads(msgspec.json.encode(data._group(group, [], asked)))
        assert [*row["values"]] == [*expected["values"]]
        for key, values in expected["values"].items():
            assert row["values"][key]["shown"] == values["shown"]
            ends = ("middle", "low", "high")
            assert [row["values"][key][end] for end in ends] == [near(values[end]) for end in ends]
        said = ("name", "versions", "colour", "shape", "seeds", "disturbed", "outcome", "work")
        assert [row[field] for field in said] == [expected[field] for field in said]
        assert row["noise_floor"] == near(expected["noise_floor"])


def near(value: float | None) -> object:
    """Equal but for the last digits."""
    return None if value is None else pytest.approx(value, rel=1e-9)


def test_every_metric_of_the_page_can_be_read_off_a_shared_file(fresh: Page) -> None:
    keys = {measured.metric.key for measured in (data._THROUGHPUT, *data._LATER)}
    assert set(fresh.evaluate("Object.keys(glyphbench.runs.STATISTICS)")) == keys


def test_beside_the_folder_stands_what_compare_says(
    fresh: Page, records: list[Record], tmp_path: Path
) -> None:
    path = written(tmp_path, another(records))
    dropped(fresh, path)
    ours = shared.reduced(records, EVIDENCE).records
    table = compare._table(pair(ours, shared.load(path).records))
    compared = 0
    for section in table.sections:
        comparison = section.rows[0].first
        at = fresh.evaluate(
            """asked => {
              const { groups } = glyphbench.content.results;
              const found = groups.find(({ experiment }) =>
                Object.entries(asked).every(([name, value]) => experiment[name] === value));
              return found.at;
            }""",
            {
                name: getattr(comparison.experiment, name)
                for name in ("task", "architecture", "batch_size", "goal")
            },
        )
        told = fresh.evaluate(
            "at => glyphbench.beside.lines({ ...glyphbench.selection.start(), at }, 0)", at
        )
        assert {tuple(row[3:]) for row in told["rows"]} == set(_ratios(section))
        compared += len(told["rows"])
    assert compared == sum(len(section.rows) for section in table.sections)


def _ratios(section: Section) -> Iterator[tuple[str, ...]]:
    """B / A, its p and what B is, of each row, as Markdown has them."""
    columns = [each for each in section.columns if each.header in ("B / A", "p (Holm)", "B is")][:3]
    for row in section.rows:
        yield tuple(column.cell(row).shown for column in columns)


def test_machines_are_never_ranked_together(
    fresh: Page, records: list[Record], tmp_path: Path
) -> None:
    dropped(fresh, written(tmp_path, another(records)))
    fresh.locator("#tab-results").click()
    machine = fresh.locator("#controls .field", has_text="Machine")
    assert machine.locator("button").count() == 2  # none that says 'all'
    before = fresh.locator("#rows tbody tr").count()
    machine.locator("button", has_text="file 1: Another 5").click()
    assert fresh.locator("#rows tbody tr").count() == before
    assert "never ranked together" in fresh.locator("#beside").inner_text()
    fresh.evaluate("glyphbench.classroom.forget()")
    assert fresh.locator("#beside").is_hidden()
    assert fresh.locator("#controls .field", has_text="Machine").count() == 0


# Files that are refused


def test_what_cannot_be_used_is_refused_with_what_came_and_what_was_wanted(
    fresh: Page, tmp_path: Path
) -> None:
    whole = shared.packed(shared.reduced([make_record(seed=seed) for seed in range(2)], EVIDENCE))
    content = json.loads(msgspec.json.encode(shared.reduced([make_record()], EVIDENCE)))
    (record,) = content["records"]

    def made(**changes: object) -> bytes:
        return json.dumps({**content, "records": [{**record, **changes}]}).encode()

    refused = {
        "cut.gz": (whole[:-9], "damaged"),
        "text.json": (b"hello", "no JSON"),
        "version.json": (json.dumps({**content, "schema_version": 9}).encode(), "version 9"),
        "empty.json": (json.dumps({**content, "records": []}).encode(), "0 runs; wanted 1 to"),
        "seed.json": (made(seed="one"), "it.records[0].seed is string, wanted integer"),
        "id.json": (made(seed=7), "its experiment and seed make it"),
        "lacks.json": (made(machine={"cpu": "x"}), "it.records[0].machine lacks cores"),
        "status.json": (made(status="failed"), "status failed with a measurement"),
        "below.json": (made(wall_s=-1), "record.wall_s -1: wanted 0, or a number"),
        "bell.json": (made(started_at="2026-01-01\u0007"), "started_at is no date"),
        "own.json": (
            made(
                data={**record["data"], "source": "mine"},
                experiment={**record["experiment"], "source": "mine"},
            ),
            "its experiment and seed make it",
        ),
    }
    paths = []
    for name, (body, _) in refused.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(body)
    flipped = encode(shared.reduced([make_record()], EVIDENCE)).replace(b"Testium", b"Festium")
    paths.append(tmp_path / "flipped.glyphbench.json")
    paths[-1].write_bytes(flipped)
    told = dropped(fresh, *paths)
    for name, (_, sentence) in refused.items():
        assert f"{name}: " in told
        assert sentence in told
    assert "flipped.glyphbench.json: it was changed after it was written" in told
    assert "Read: " not in told


def test_a_file_that_is_dropped_is_taken_and_what_it_says_is_shown_as_text(fresh: Page) -> None:
    content = json.loads(msgspec.json.encode(shared.reduced([make_record()], EVIDENCE)))
    hostile = "<img src=x onerror=alert(1)>"
    content["records"][0]["machine"]["cpu"] = hostile
    content["records"][0]["versions"]["python"] = hostile
    fresh.evaluate(
        """text => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([text], "dropped.glyphbench.json"));
          document.body.dispatchEvent(
            new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        json.dumps(content),
    )
    fresh.wait_for_function("document.getElementById('read').textContent !== ''")
    assert fresh.locator("#results").is_visible()
    machine = fresh.locator("#controls .field", has_text="Machine").locator("button").last
    assert machine.inner_text().startswith("file 1: a processor, 2 cores")
    machine.click()
    fresh.locator("#rows tbody th button").first.focus()
    assert hostile in fresh.locator("#hint").inner_text()
    assert fresh.locator("#results img").count() == 0


# A class


@pytest.fixture(scope="module")
def class_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("files")
    runs_of = list(chosen())
    return [written(folder, laptop(n, runs_of), f"student-{20 - n}") for n in range(12)]


def test_a_class_has_the_numbers_and_the_sentences_that_python_gives(
    fresh: Page, class_files: list[Path]
) -> None:
    again = class_files[3].with_name(f"again{shared.ENDING}")
    some = shared.load(class_files[3])
    again.write_bytes(shared.packed(replace(some, records=some.records[:5])))
    told = dropped(fresh, *class_files, again)
    assert "Read: 12 shared files." in told
    assert f"{again.name}: the same runs as in {class_files[3].name}, of the same laptop" in told
    class_ = laptops.laptops(shared.load(path) for path in class_files)
    subjects = laptops.subjects(class_)
    odd = laptops.oddities(class_, subjects)
    assert len(odd) == 1
    sentences = fresh.locator("#laptops li").all_text_contents()
    expected = [*classroom._findings(subjects), *map(classroom.sentence_of, odd)]
    assert sentences[: len(expected)] == expected
    for place, section in enumerate(classroom.table_of(class_, subjects).sections):
        head, *rows = fresh.evaluate(TABLE, place)
        columns = section.columns[1:]  # the first is for the CSV alone
        assert head == [column.header for column in columns]
        assert rows == [
            [column.cell(row).shown.replace("**", "") for column in columns] for row in section.rows
        ]
    fresh.wait_for_function("document.querySelectorAll('#laptops svg').length === 2")
    titles = [svg.get_attribute("aria-label") for svg in fresh.locator("#laptops svg").all()]
    assert titles == list(map(picture.finding, subjects))
    widths = fresh.locator("#laptops svg").evaluate_all(
        "charts => charts.map((each) => each.getBoundingClientRect().width)"
    )
    assert min(widths) > 600


def test_what_tells_two_comparisons_apart_is_in_their_headings(fresh: Page, tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        records = [
            make_record(
                framework=framework,
                versions={framework: "1"},
                epochs=epochs,
                augmentation=epochs == 2,
                seed=seed,
                train_s=(
                    0.5 + 0.1 * number + 0.01 * seed * epochs,
                    0.4 + 0.2 * (framework == "numpy"),
                ),
            )
            for framework in ("pytorch", "numpy")
            for epochs in (1, 2)
            for seed in range(3)
        ]
        begun = [replace(each, started_at=f"2026-01-0{number + 1}T00:00:00") for each in records]
        paths.append(written(tmp_path, shared.reduced(begun, EVIDENCE), str(number)))
    dropped(fresh, *paths)
    class_ = laptops.laptops(map(shared.load, paths))
    found = list(classroom._findings(laptops.subjects(class_)))
    assert fresh.locator("#laptops li").all_text_contents()[:2] == found
    assert "batch size 128, 1 epoch, not augmented: beside PyTorch" in " ".join(found)


def test_a_class_fits_a_telephone_and_hides_which_file_is_whose(
    fresh: Page, class_files: list[Path]
) -> None:
    dropped(fresh, *class_files)
    fresh.set_viewport_size({"width": 360, "height": 740})
    # the charts are drawn anew for it, which takes a moment
    fresh.wait_for_function("document.documentElement.scrollWidth <= 360", timeout=10_000)
    fresh.set_viewport_size({"width": 1280, "height": 800})
    assert "student-" not in fresh.locator("#laptops").inner_text()
    fresh.locator("#laptops summary").click()
    assert "student-" in fresh.locator("#laptops").inner_text()


def test_more_files_than_a_class_are_refused_by_name(fresh: Page, class_files: list[Path]) -> None:
    fresh.evaluate("glyphbench.content.class.most_files = 3")
    told = dropped(fresh, *class_files[:4])
    fresh.evaluate("glyphbench.content.class.most_files = 40")
    assert f"{class_files[3].name}: one too many; 3 files are taken at most" in told


# Predictions


def student(number: int) -> dict[str, Any]:
    answers = [
        {"lesson": "batch", "low": 1 + number, "high": 3 + number, "truth": 3.1 + number / 10},
        {"lesson": "precision", "low": 0.5, "high": 2, "truth": 12.5},
    ]
    return {"kind": "glyphbench predictions", "version": 1, "answers": answers[: 1 + number % 2]}


def test_what_a_class_predicted_is_counted_as_python_counts_it(fresh: Page, tmp_path: Path) -> None:
    paths = []
    for number in range(5):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps(student(number)))
    wrong = tmp_path / "wrong.json"
    answer = {"lesson": "batch", "low": 4, "high": 3, "truth": 3}
    wrong.write_text(json.dumps({**student(0), "answers": [answer]}))
    told = dropped(fresh, *paths, wrong)
    assert "Read: 5 files of predictions." in told
    assert (
        "wrong.json: these cannot be predictions: batch: the range ends at 3, below its 4" in told
    )
    taught = predictions.lessons(map(predictions.load, paths))
    assert fresh.locator("#predicted li").all_text_contents() == [each.sentence for each in taught]
    assert taught[0].sentence == (
        "batch: 2 of 5 had what was measured (3.10 to 3.50) in their range."
    )
    fresh.wait_for_function("document.querySelectorAll('#predicted svg').length === 2")

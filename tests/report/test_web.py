"""``index.html``: one small file, from the records alone, safe, and usable in a browser."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from playwright.sync_api import Page

from bench.report.lessons.page import lessons
from bench.report.plots import PLOTS
from bench.report.web import data, drawn, page, pictures, top, vega
from bench.report.web.glossary import GLOSSARY
from bench.report.web.pictures import Plotted
from bench.results.evidence import NONE
from bench.results.folder import Results
from bench.results.observed import Energy
from bench.results.record import Record
from bench.stats import runs
from bench.trainers import FRAMEWORKS
from tests.imports import ROOT
from tests.records import EVIDENCE, MACHINE, make_record
from tests.report.browser import NEEDS_CHROMIUM, browsing

REFERENCE = ROOT / "results/reference/cpu-2core"
MOST_BYTES = 2_000_000
HOSTILE = "</script><script>document.title='taken'</script>\u0007\u2028<img src=x onerror=alert(1)>"
SCRIPTS = sorted(page.HERE.glob("*.js"))
PACKED = re.compile(
    r'<script type="text/plain" class="packed"(?: data-tab="(.*?)")?>(.*?)</script>'
)


def unpacked(html: bytes) -> dict[str, str]:
    """What the page unpacks: its tabs' JSON by their keys; its markup and scripts as ''."""
    parts = [
        (tab, zlib.decompress(base64.b64decode(packed)).decode())
        for tab, packed in PACKED.findall(html.decode())
    ]
    scripts = [text for tab, text in parts if not tab]
    markup = PACKED.sub("", html.decode())
    return {"": "\n".join([markup, *scripts]), **{tab: text for tab, text in parts if tab}}


def page_of(folder: Path) -> bytes:
    results = Results(folder)
    records = results.require_records()
    groups = runs.replicates(records, results.evidence())
    drawing = drawn.drawing(results, records)
    asked = lessons(groups, results.ensembling())
    plots = (results.plots, plots_of(folder))
    return page.page(folder.name, groups, records, drawing, asked, plots=plots)


def plots_of(folder: Path) -> list[list[Plotted]]:
    """Those that the folder of plots lists."""
    readme = (folder / "plots/README.md").read_text(encoding="utf-8")
    return [
        [
            Plotted(title=plot.title, caption=plot.caption, conditions=conditions, stem=stem)
            for conditions, stem in re.findall(
                rf"!\[{re.escape(plot.title)}: (.*)\]\((.*)\.png\)", readme
            )
        ]
        for plot in PLOTS
    ]


@pytest.fixture(scope="module")
def reference() -> bytes:
    return page_of(REFERENCE)


@pytest.fixture(scope="module")
def shown(reference: bytes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    file = tmp_path_factory.mktemp("web") / "index.html"
    file.write_bytes(reference)
    with browsing(file) as browser_page:
        yield browser_page


@pytest.fixture
def fresh(shown: Page) -> Page:
    """The page as it is opened."""
    shown.locator("#tab-results").click()
    shown.evaluate("glyphbench.page.change({ ...glyphbench.selection.start() })")
    chart(shown)
    return shown


def chart(shown: Page) -> str:
    """The chart as SVG, once it stands."""
    return str(shown.evaluate("glyphbench.page.svg()"))


def rows(shown: Page) -> list[str]:
    return shown.locator("#rows tbody th").all_inner_texts()


def paged(records: list[Record], name: str = "made") -> bytes:
    return page.page(name, runs.replicates(records, EVIDENCE), records)


# The file


@pytest.mark.parametrize("name", ["cpu-2core", "paper"])
def test_the_page_of_a_reference_is_committed_and_is_what_its_records_say(name: str) -> None:
    folder = REFERENCE.with_name(name)
    committed, made = unpacked((folder / page.NAME).read_bytes()), unpacked(page_of(folder))
    # other processors round the last digits otherwise
    numbers = re.compile(r"-?\d+\.\d+(e-?\d+)?")
    assert committed.keys() == made.keys()
    for tab, text in made.items():
        assert numbers.sub("", committed[tab]) == numbers.sub("", text)


def test_it_is_below_two_megabytes_and_loads_nothing(reference: bytes) -> None:
    assert len(reference) < MOST_BYTES
    markup = re.sub(r"<script.*?</script>", "", reference.decode(), flags=re.S)
    assert re.findall(r"""(?:src|href)=["']([^"']*)""", markup) == ["README.md"]


def test_the_same_records_give_the_same_bytes() -> None:
    records = [make_record(seed=seed) for seed in range(3)]
    assert paged(records) == paged(records[::-1])


def test_what_records_say_is_neither_markup_nor_script() -> None:
    record = make_record(machine=replace(MACHINE, cpu=HOSTILE), versions={"python": HOSTILE})
    failed = make_record(seed=1, status="failed", reason=HOSTILE, machine=record.machine)
    html = paged([record, failed], name=HOSTILE)
    markup = html.decode()
    assert "<img src=x" not in markup
    assert (
        markup.count("</script>") == markup.count("<script") == 4 + len(page.RESULTS + page.CLASS)
    )
    assert json.loads(unpacked(html)["results"])["name"] == HOSTILE


def test_of_plots_too_many_for_the_page_every_plot_keeps_its_first_and_the_others_are_named(
    tmp_path: Path,
) -> None:
    stems = [["a", "a_2"], [], ["b"]]
    plots = [
        [Plotted(title=stem[0], caption="", conditions="", stem=stem) for stem in of_plot]
        for of_plot in stems
    ]
    for stem in ("a", "a_2", "b"):
        (tmp_path / f"{stem}.png").write_bytes(os.urandom(100))
        (tmp_path / f"{stem}.svg").write_bytes(b"<svg/>" * 100)
    one = len(pictures.packed(b"<svg/>" * 100))
    made = pictures.pictures(tmp_path, plots, 2 * one)
    assert made
    assert [(image.stem, image.kind) for _, image in made.shown] == [
        ("a", "image/svg+xml"),
        ("b", "image/svg+xml"),
    ]
    assert [plotted.stem for plotted in made.left_out] == ["a_2"]
    assert pictures.pictures(tmp_path, [[]], 2 * one) is None


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_script_is_on_the_page_and_can_be_parsed(script: Path) -> None:
    assert script.name in ("unpack.js", *(name for tab in page.TABS for name in tab.scripts))
    try:
        done = subprocess.run(["node", "--check", script], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no node here: the scripts are parsed in the browser alone")
    assert done.returncode == 0, done.stderr


def test_vega_is_put_together_once_and_kept_by_the_version_of_its_package(tmp_path: Path) -> None:
    made = vega.script(tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.name == f"vega-{version('vl-convert-python')}.js"
    assert made.startswith("/* Vega")
    assert "vegaEmbed=" in made
    kept.write_text("kept", encoding="utf-8")
    assert vega.script(tmp_path / "cache") == "kept"


def test_a_cache_that_cannot_be_written_costs_time_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert vega.script(tmp_path / "file").startswith("/* Vega")


def test_every_word_that_the_page_explains_is_in_its_glossary() -> None:
    groups = runs.replicates([make_record(), make_record(device="cuda")], EVIDENCE)
    embedded = data.embedded("all", groups, GLOSSARY)
    terms = {metric.term for metric in embedded.metrics} | {f.term for f in embedded.facets}
    for path in (*page.HERE.glob("*.js"), *page.HERE.glob("*.html")):
        text = path.read_text(encoding="utf-8")
        terms |= set(re.findall(r'(?:field|term)\("([^"]+)"', text))
        terms |= set(re.findall(r'data-term="([^"]+)"', text))
    assert terms - GLOSSARY.keys() == set()


def test_every_framework_has_a_shape_of_its_own() -> None:
    shapes = [data.SHAPES[framework.marker] for framework in FRAMEWORKS.values()]
    assert len(set(shapes)) == len(shapes)


def test_a_price_that_is_known_is_a_metric_and_a_counter_that_stood_still_has_no_ratio() -> None:
    still = Energy(meter="rapl", joules=0.0, images=1000, window_s=1.0)
    record = make_record()
    assert record.measurement
    record = replace(record, measurement=replace(record.measurement, energy=still))
    embedded = data.embedded("all", runs.replicates([record], EVIDENCE), GLOSSARY)
    assert "price of 97 %" in {metric.key for metric in embedded.metrics}
    assert embedded.groups[0].values["energy"].complete is False


# Its first sentences


def said(records: list[Record], evidence: object = EVIDENCE) -> top.Top:
    return top.top(runs.replicates(records, evidence), records)  # type: ignore[arg-type]


def test_without_audit_and_certificates_there_is_a_reservation() -> None:
    spoken = said([make_record(seed=seed) for seed in range(3)], NONE)
    assert spoken.light == "amber"
    assert "equal work is not certified for 1 of 1 rows" in spoken.trusted
    assert "the clock was not audited" in spoken.trusted


def test_a_run_that_did_less_than_its_row_says_is_red() -> None:
    record = make_record()
    assert record.measurement
    lazy = replace(record, measurement=replace(record.measurement, steps_counted=3))
    spoken = said([lazy])
    assert spoken.light == "red"
    assert "1 run did not do what its row says" in spoken.trusted


def test_the_light_is_green_with_all_checks_passed_and_red_with_a_certificate_that_fails() -> None:
    results = Results(REFERENCE)
    records, evidence = results.require_records(), results.evidence()
    assert evidence.audit
    assert said(records, evidence).light == "amber"  # other programs were busy between some runs
    records = [replace(record, pulse=None) for record in records]
    steady = replace(evidence, audit=replace(evidence.audit, warnings=()))
    assert said(records, steady).light == "green"
    first, *others = steady.certificates
    worse = tuple(replace(check, deviation=10 * check.tolerance) for check in first.checks)
    refuted = replace(steady, certificates=(replace(first, checks=worse), *others))
    spoken = said(records, refuted)
    assert spoken.light == "red"
    assert "equal work is refuted for" in spoken.trusted


def test_a_winner_is_named_by_how_much_and_an_undecided_pair_is_not() -> None:
    def pair(architecture: str, pace: float) -> list[Record]:
        return [
            make_record(
                architecture=architecture,
                framework=framework,
                execution=execution,
                versions={framework: "1"},
                seed=seed,
                train_s=(factor * (1 + 0.01 * seed), factor * (1 - 0.004 * seed)),
            )
            for framework, execution, factor in (
                ("pytorch", "eager", 1.0),
                ("keras-jax", "compiled", pace),
            )
            for seed in range(5)
        ]

    spoken = said([*pair("mlp", 2.0), *pair("cnn", 1.0)])
    assert "pytorch eager on MLP on digits (2.00 times as fast as the next" in spoken.faster
    assert (
        "undecided between keras-jax compiled and pytorch eager on CNN on digits" in spoken.faster
    )


def test_where_the_order_turns_round_is_said_if_it_is_shown_both_times() -> None:
    def rows(architecture: str, jax_s: float, compiled_s: float = 3.0) -> list[Record]:
        return [
            make_record(
                architecture=architecture,
                framework=framework,
                execution=execution,
                versions={framework: "1"},
                seed=seed,
                train_s=(seconds * (1 + 0.01 * seed),),
            )
            for framework, execution, seconds in (
                ("pytorch", "eager", 1.0),
                ("pytorch", "compiled", compiled_s),
                ("keras-jax", "compiled", jax_s * (1 + 0.001)),
            )
            for seed in range(5)
        ]

    turned = said([*rows("mlp", 0.5), *rows("cnn", 2.0)]).faster
    assert (
        "the order turns round with the network (pytorch eager beats keras-jax compiled on CNN on "
        "digits and loses to it on MLP on digits)"
    ) in turned
    assert (
        "with the execution (keras-jax compiled loses to pytorch eager and beats pytorch compiled "
        "on CNN on digits)"
    ) in turned
    assert "with the steps" not in turned  # all start alike
    same = said([*rows("mlp", 2.0, 1.5), *rows("cnn", 2.0, 1.5)]).faster
    assert same.endswith("; no order is shown to turn round.")


def test_how_long_one_that_starts_sooner_is_ahead_is_said_of_the_reference() -> None:
    results = Results(REFERENCE)
    spoken = said(results.require_records(), results.evidence()).faster
    assert re.search(
        r"with the steps \(.*, which starts sooner, is ahead of .* for the first .* steps of .*\)",
        spoken,
    )
    assert spoken.count(". ") == 0


def test_with_one_seed_no_winner_is_named_and_who_is_ahead_is_said() -> None:
    records = [
        make_record(framework=name, execution="eager", versions={name: "1"}, train_s=(seconds,))
        for name, seconds in (("pytorch", 1.0), ("numpy", 2.0))
    ]
    assert said(records).faster == (
        "Faster in training: with one seed it cannot be said. Ahead, which may be chance: pytorch "
        "eager on MLP on digits."
    )


def test_what_is_shown_first_is_where_most_rows_were_trained() -> None:
    pair = [
        make_record(framework=name, execution="eager", versions={name: "1"}, batch_size=512)
        for name in ("pytorch", "numpy")
    ]
    groups = runs.replicates([make_record(batch_size=64), *pair], EVIDENCE)
    embedded = data.embedded("all", groups, GLOSSARY)
    batch = [facet.key for facet in embedded.facets].index("batch")
    assert embedded.facets[batch].values[embedded.start[batch]] == "512"


# In a browser


@NEEDS_CHROMIUM
def test_a_tab_is_there_where_there_is_something_in_it(fresh: Page) -> None:
    tabs = fresh.locator("[role=tab]").all_inner_texts()
    assert tabs == ["Results", "Lessons", "Drawn by hand", "Pictures", "Class"]
    start = fresh.evaluate("glyphbench.selection.start()")
    assert fresh.evaluate("glyphbench.selection.fromAddress('tab=poems')") == start


@NEEDS_CHROMIUM
def test_the_arrow_keys_choose_a_tab_and_the_address_keeps_it(fresh: Page) -> None:
    fresh.locator("#tab-results").focus()
    fresh.keyboard.press("ArrowLeft")  # round to the last
    assert fresh.url.endswith("#tab=class")
    fresh.keyboard.press("ArrowLeft")
    assert fresh.url.endswith("#tab=pictures")
    assert fresh.locator("#results").is_hidden()
    assert fresh.locator("#tab-pictures[aria-selected=true][tabindex='0']").count() == 1
    fresh.reload()
    fresh.wait_for_selector("#pictures img[src]")
    assert fresh.locator("#chart svg").count() == 0
    fresh.locator("#tab-pictures").press("Home")
    assert "Training throughput (images/s)" in chart(fresh)


@NEEDS_CHROMIUM
def test_results_and_pictures_are_printed_whatever_tab_is_shown(fresh: Page) -> None:
    fresh.locator("#tab-class").click()
    fresh.evaluate("dispatchEvent(new Event('beforeprint'))")
    fresh.emulate_media(media="print")
    seen = {
        key: fresh.locator(f"#{key}").is_visible()
        for key in ("results", "lessons", "pictures", "class", "controls", "tab-results")
    }
    fresh.emulate_media(media="screen")
    fresh.evaluate("dispatchEvent(new Event('afterprint'))")
    assert [key for key, visible in seen.items() if visible] == ["results", "pictures"]
    assert fresh.locator("#results").is_hidden()


@NEEDS_CHROMIUM
def test_the_plots_of_the_folder_are_images_that_can_be_seen(fresh: Page) -> None:
    fresh.locator("#tab-pictures").click()
    images = fresh.locator("#pictures img")
    assert images.count() == sum(map(len, plots_of(REFERENCE)))
    sizes = images.evaluate_all(
        "async images => Promise.all(images.map(async image => {"
        " while (!image.src) await new Promise(requestAnimationFrame);"
        " await image.decode(); return [image.naturalWidth, image.naturalHeight]; }))"
    )
    assert all(round(width / height, 2) == 1.78 for width, height in sizes)


@NEEDS_CHROMIUM
def test_results_stand_there_before_anything_is_pressed(fresh: Page) -> None:
    assert rows(fresh)[0] == "pytorch eager"
    assert "Training throughput (images/s)" in chart(fresh)


@NEEDS_CHROMIUM
def test_a_click_on_a_row_makes_it_the_baseline_and_the_address_shows_the_same_view(
    fresh: Page,
) -> None:
    fresh.locator("#controls button", has_text="MLP").click()
    fresh.locator("#rows tbody th button", has_text="numpy eager").click()
    assert "ratio to numpy eager" in chart(fresh)
    before = fresh.evaluate("glyphbench.page.text('csv')")
    assert "baseline=numpy+eager" in fresh.url
    again = fresh.evaluate(
        "glyphbench.selection.toAddress(glyphbench.selection.fromAddress(location.hash))"
    )
    assert fresh.url.endswith(f"#{again}")
    fresh.goto("about:blank")
    fresh.go_back()
    fresh.wait_for_selector("#chart svg")
    assert fresh.evaluate("glyphbench.page.text('csv')") == before


@NEEDS_CHROMIUM
def test_an_address_that_names_what_is_not_there_shows_what_is(fresh: Page) -> None:
    address = "#metric=beauty&task=poems&baseline=none&without=none&batch=7&sort=9"
    state = fresh.evaluate("address => glyphbench.selection.fromAddress(address)", address)
    assert state == fresh.evaluate("glyphbench.selection.start()")


@NEEDS_CHROMIUM
def test_what_is_left_out_is_not_corrected_for(fresh: Page) -> None:
    assert "over the 15 pairs in view" in chart(fresh).replace("</tspan>", " ")
    fresh.locator("#controls button", has_text="numpy eager").click()
    assert "numpy eager" not in rows(fresh)
    family = fresh.evaluate(
        "glyphbench.selection.view(glyphbench.page.state()).ranked.judged[0].family"
    )
    assert family == 10


@NEEDS_CHROMIUM
def test_the_table_sorts_filters_and_copies(fresh: Page) -> None:
    fresh.locator("#rows thead button").first.click()
    assert rows(fresh) == sorted(rows(fresh))
    fresh.locator("#rows thead button").first.click()
    assert rows(fresh) == sorted(rows(fresh), reverse=True)
    fresh.locator("#find").fill("torch eager")
    assert set(rows(fresh)) == {"pytorch eager", "keras-torch eager"}
    markdown = fresh.evaluate("glyphbench.page.text('markdown')").splitlines()
    assert len(markdown) == 2 + 2
    assert markdown[0].startswith("| framework and execution | training throughput (images/s) |")
    assert '"9,620 ± 440 (5)"' in fresh.evaluate("glyphbench.page.text('csv')")
    fresh.locator("#find").fill("")


@NEEDS_CHROMIUM
def test_a_missed_target_is_said_and_not_ranked(fresh: Page) -> None:
    fresh.evaluate("glyphbench.page.change({ metric: 'time to 99 %' })")
    assert "not reached in 5 of 5" in fresh.locator("#rows").inner_text()
    assert fresh.evaluate("glyphbench.selection.view(glyphbench.page.state()).base") is None


@NEEDS_CHROMIUM
def test_runs_follow_the_metric_and_the_metric_follows_the_runs(fresh: Page) -> None:
    fresh.locator("#controls button", has_text="training steps only").click()
    fresh.locator("#metric").select_option("accuracy")
    pressed = fresh.locator("#controls button[aria-pressed=true]").all_inner_texts()
    assert "trained and tested" in pressed
    fresh.locator("#metric").select_option("time to 97 %")
    fresh.locator("#controls button", has_text="letters").click()
    assert fresh.locator("#metric").input_value() == "time to 85 %"


@NEEDS_CHROMIUM
def test_the_keyboard_reaches_a_row_and_sees_the_runs_behind_it(fresh: Page) -> None:
    fresh.locator("#rows tbody th button").nth(1).focus()
    hint = fresh.locator("#hint")
    assert "seed 0:" in hint.inner_text()
    fresh.keyboard.press("Enter")
    assert "baseline=keras-tensorflow+graph" in fresh.url
    fresh.keyboard.press("Escape")
    assert hint.is_hidden()


@NEEDS_CHROMIUM
def test_a_word_is_explained_where_it_is_focused(fresh: Page) -> None:
    fresh.locator("dfn", has_text="Batch size").focus()
    assert fresh.locator("#hint").inner_text() == GLOSSARY["batch size"]


@NEEDS_CHROMIUM
def test_words_of_the_first_sentences_and_of_the_checks_are_explained_too(fresh: Page) -> None:
    marked = fresh.evaluate(
        "[...document.querySelectorAll('[data-term]')].map(e => e.dataset.term)"
    )
    assert set(marked) - GLOSSARY.keys() == set()
    assert fresh.locator("header dfn").all_inner_texts()[0] == "seeds"
    fresh.locator("#results summary").click()
    fresh.locator("#results details dfn", has_text="Noise floor").first.focus()
    assert fresh.locator("#hint").inner_text() == GLOSSARY["noise floor"]
    fresh.locator("#results summary").click()


@NEEDS_CHROMIUM
def test_the_figure_is_saved_as_svg(fresh: Page) -> None:
    with fresh.expect_download() as download:
        fresh.locator("#svg").click()
    assert download.value.suggested_filename == "glyphbench.svg"
    assert download.value.path().read_text(encoding="utf-8").startswith("<svg")


@NEEDS_CHROMIUM
def test_a_telephone_need_not_scroll_sideways_in_dark_or_light(fresh: Page) -> None:
    fresh.set_viewport_size({"width": 360, "height": 740})
    for _ in range(2):
        fresh.locator("#theme").click()
        chart(fresh)
        fresh.wait_for_function("document.documentElement.scrollWidth <= 360", timeout=10_000)
    fresh.set_viewport_size({"width": 1280, "height": 800})


@NEEDS_CHROMIUM
def test_where_every_run_failed_the_page_says_so(shown: Page, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_bytes(paged([make_record(status="failed", reason="no luck")]))
    failed = shown.context.new_page()
    failed.goto(file.as_uri())
    failed.wait_for_selector("#chart svg")
    assert "failed: no luck" in failed.locator("#rows").inner_text()
    assert "nothing to rank here" in failed.locator("#chart").inner_text()
    failed.close()


@NEEDS_CHROMIUM
def test_hostile_names_are_shown_as_text(shown: Page, tmp_path: Path) -> None:
    machine = replace(MACHINE, cpu=HOSTILE)
    records = [
        make_record(seed=seed, machine=machine, versions={"python": HOSTILE}) for seed in range(3)
    ]
    file = tmp_path / "index.html"
    file.write_bytes(paged(records, name=HOSTILE))
    hostile = shown.context.new_page()
    hostile.goto(file.as_uri())
    hostile.wait_for_selector("#chart svg")
    assert hostile.title().startswith("</script>")
    assert hostile.locator("img").count() == 0
    hostile.locator("#rows tbody th button").first.focus()
    assert "</script>" in hostile.locator("#hint").inner_text()
    hostile.close()

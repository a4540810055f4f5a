"""Lessons: their truths are the runs', the preset measures them, and the page asks first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from bench.__main__ import main as bench
from bench.presets import PRESETS, TaskSource, expand
from bench.report.classroom import predictions
from bench.report.lessons import measuring, speed
from bench.report.lessons.lesson import Lesson, Measured, Question, measured
from bench.report.lessons.page import LESSONS, answered, lessons, markdown, table_in
from bench.report.web import page
from bench.results.evidence import (
    EnsembleArm,
    EnsembleSetting,
    EnsembleTimes,
    Ensembling,
    Evidence,
    Unsynchronised,
)
from bench.results.folder import Results
from bench.results.record import Record
from bench.stats import runs
from tests.imports import ROOT
from tests.records import EVIDENCE, MACHINE, make_record
from tests.report.browser import NEEDS_CHROMIUM, browsing

ENSEMBLING = Ensembling(
    made_at="2026-01-01T00:00:00+00:00",
    machine=MACHINE,
    versions={},
    timed=tuple(
        EnsembleTimes(
            setting=EnsembleSetting(
                members=16, width=width, batch_size=128, steps=100, device="cpu"
            ),
            threads=2,
            arms=(
                EnsembleArm(way="one by one", rounds_s=(0.8, 0.82), deviation=0.0),
                EnsembleArm(way="vmap", rounds_s=(0.5, 0.5), deviation=0.0),
                EnsembleArm(way="batched", rounds_s=(0.4, 0.41), deviation=0.0),
            ),
        )
        for width in (64, 128)
    ),
)
SOURCES = [
    TaskSource(task="digits", source="mnist", targets=(0.97,)),
    TaskSource(task="letters", source="az-sample", targets=(0.85,)),
]
ON_GPU = {"device", "clock"}  # whose first question a CPU alone cannot answer


def folder_of(records: Iterable[Record], evidence: Evidence = EVIDENCE) -> Measured:
    return measured(runs.replicates(records, evidence), ENSEMBLING)


def seeds(seconds: Sequence[float] = (1.0, 1.1, 0.9), **experiment: Any) -> list[Record]:
    """A run a seed; the entries are seconds of training."""
    experiment = {"goal": "throughput"} | experiment
    return [make_record(seed=seed, train_s=(s,), **experiment) for seed, s in enumerate(seconds)]


def by_the_preset() -> list[Record]:
    """What the preset leaves, made up: every run as long as any other."""
    preset = PRESETS["lessons"]
    return [
        make_record(
            seed=seed,
            wrong=range(seed, 25 + seed) if each.goal == "train" else None,
            **{name: getattr(each, name) for name in each.__dataclass_fields__},
        )
        for each in expand(preset.grids, SOURCES, preset.schedules)
        for seed in range(preset.seeds)
    ]


def first(lesson: Lesson) -> Question:
    return lesson.questions[0]


def again(lesson: Lesson) -> Question:
    return lesson.questions[1]


# Truths


def test_the_preset_measures_all_that_the_lessons_ask_of_a_cpu() -> None:
    folder = folder_of(by_the_preset())
    unanswered = {
        question.id
        for make in LESSONS
        for question in make(folder).questions
        if question.truth is None
    }
    assert unanswered == ON_GPU


def test_there_are_twelve_lessons_and_every_question_has_an_id_of_its_own() -> None:
    listed = lessons(runs.replicates(by_the_preset(), EVIDENCE), ENSEMBLING)
    ids = [question.id for lesson in listed for question in lesson.questions]
    assert ids == [name for lesson in listed for name in (lesson.id, f"{lesson.id}-again")]
    assert len(set(ids)) == 2 * 12


def test_of_what_was_not_measured_the_command_is_said_and_no_number() -> None:
    for lesson in lessons([], None):
        for question in lesson.questions:
            assert question.truth is None
            assert "python " in question.missing
            assert question.agrees is None
            assert question.beside == ""


def test_eight_times_the_batch_is_a_ratio_of_paired_seeds() -> None:
    large = seeds((0.5, 0.55, 0.45), batch_size=1024)
    truth = first(speed.batch(folder_of([*seeds(), *large]))).truth
    assert truth
    assert truth.interval
    assert truth.value == pytest.approx(2)
    assert (truth.interval.low, truth.interval.high) == pytest.approx((2, 2))
    assert "batch size 1,024" in truth.evidence
    assert "3 paired seeds" in truth.evidence


def test_one_seed_has_a_truth_without_an_interval_and_disturbed_runs_are_told() -> None:
    lonely = [*seeds((1.0,)), *seeds((0.5,), batch_size=1024)]
    truth = first(speed.batch(folder_of(lonely))).truth
    assert truth
    assert truth.interval is None
    assert "--seeds" in truth.evidence
    disturbed = [make_record(goal="throughput", others_share=0.5), lonely[1]]
    truth = first(speed.batch(folder_of(disturbed))).truth
    assert truth
    assert "Other programs disturbed" in truth.evidence


def test_the_winner_of_the_mlp_is_set_beside_pytorch_and_on_the_cnn_it_is_said_why() -> None:
    jax = {"framework": "jax", "execution": "compiled"}
    cnn = {"architecture": "cnn"}
    records = [
        *seeds((2.0, 2.0, 2.0)),
        *seeds((1.0, 1.0, 1.0), **jax),
        *seeds((1.5, 1.5, 1.5), framework="numpy"),
        *seeds((1.0, 1.0, 1.0), **cnn),
        *seeds((4.0, 4.0, 4.0), **cnn, **jax),
    ]
    question = first(speed.winner(folder_of(records)))
    assert question.truth
    assert "jax compiled trains the MLP fastest here: 2.00 times" in question.asked
    assert "pytorch eager" in question.asked
    assert question.truth.value == pytest.approx(0.25)
    assert question.agrees is False
    assert "gradient of max-pooling" in question.beside


def test_compiling_is_judged_from_the_cold_start() -> None:
    """Made-up runs have 8 steps an epoch at batch size 128."""
    tensorflow = {"framework": "keras-tensorflow"}
    base = seeds((8.0, 8.0, 8.0), execution="graph", **tensorflow)
    compiled = [
        replace(
            record,
            measurement=replace(
                record.measurement, phases=replace(record.measurement.phases, warm_up_s=4.5)
            ),
        )
        for record in seeds((4.0, 4.0, 4.0), execution="compiled", **tensorflow)
        if record.measurement
    ]
    lesson = speed.compiling(folder_of([*base, *compiled]))
    epoch, many = first(lesson).truth, again(lesson).truth
    assert base[0].measurement
    start_s = runs.start_up_s(base[0])
    assert start_s
    assert epoch
    assert many
    assert epoch.value == pytest.approx((start_s + 8) / (start_s + 4 + 4))
    assert many.value == pytest.approx(2, rel=1e-3)
    assert "paid after 8 to 8 steps" in lesson.explanation


def test_a_clock_that_does_not_wait_is_told_by_the_audit() -> None:
    assert EVIDENCE.audit
    careless = Unsynchronised(device="cuda", false_s=0.002, true_s=0.05)
    audit = replace(EVIDENCE.audit, unsynchronised=(careless,))
    question = first(measuring.clock(folder_of(seeds(), replace(EVIDENCE, audit=audit))))
    assert question.truth
    assert question.truth.value == pytest.approx(25)
    assert question.agrees is False


def test_the_same_run_twice_is_the_slower_over_the_faster() -> None:
    lesson = measuring.noise(folder_of(seeds()))
    truth, floor = first(lesson).truth, again(lesson).truth
    assert truth
    assert floor
    pairs = ((1.00, 1.01), (1.01, 1.00), (0.99, 1.00), (1.00, 0.99), (1.0, 1.0))
    assert truth.value == pytest.approx(100 * np.mean([max(p) / min(p) - 1 for p in pairs]))
    assert floor.value > 0


def test_models_that_err_alike_are_not_told_apart() -> None:
    records = [
        make_record(seed=seed, framework=name, wrong=[*range(20), 100 + shift])
        for name, shift in (("pytorch", 0), ("numpy", 7))
        for seed in range(3)
    ]
    truth = again(measuring.accuracy(folder_of(records))).truth
    assert truth
    assert truth.value == 2
    assert "tells none of 3 pairs apart" in truth.evidence


# Tuned on the test set


def erring(wrong: Iterable[Iterable[int]]) -> Measured:
    return folder_of(
        [make_record(seed=seed, wrong=sorted(each)) for seed, each in enumerate(wrong)]
    )


def test_of_equal_networks_the_best_one_s_whole_lead_is_luck_and_fewer_images_give_more() -> None:
    random = np.random.default_rng(0)
    lesson = measuring.tuned(
        erring(np.flatnonzero(random.random(1000) < 0.1).tolist() for _ in range(12))
    )
    half, tenth = first(lesson).truth, again(lesson).truth
    assert half
    assert tenth
    assert 0.5 < half.value < tenth.value
    assert half.value < first(lesson).textbook.high


def test_a_network_that_is_truly_better_keeps_its_lead() -> None:
    poor = [range(300), range(300), range(300)]
    truth = first(measuring.tuned(erring([*poor, range(10)]))).truth
    assert truth
    assert truth.value == pytest.approx(0, abs=0.2)


# The table, and the guide


def test_the_answers_in_the_guide_are_those_of_the_reference() -> None:
    """Made again by the command that stands above the table there, with --into."""
    guide = (ROOT / "docs/teaching.md").read_text(encoding="utf-8")
    table = table_in(guide)
    command = next(
        line for line in guide.splitlines() if line.startswith("python -m bench lessons")
    )
    folders = [ROOT / word for word in command.split() if word.startswith("results/")]
    assert len(folders) > 1
    assert table == markdown(answered(folders))


def test_the_guide_has_every_lesson() -> None:
    guide = (ROOT / "docs/teaching.md").read_text(encoding="utf-8")
    for lesson in lessons([], None):
        assert f"### {lesson.title}\n" in guide


def test_a_table_is_replaced_and_the_rest_of_a_file_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = Results(tmp_path)
    for record in seeds():
        results.save(record)
    table = markdown(answered([tmp_path]))
    guide = tmp_path / "guide.md"
    guide.write_text("before\n\n" + table.splitlines()[0] + "\n| --- |\n| old |\n\nafter\n")
    assert bench(["lessons", str(tmp_path), "--into", str(guide)]) == 0
    assert guide.read_text() == f"before\n\n{table}\n\nafter\n"
    assert bench(["lessons", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == table


def test_a_folder_without_records_and_a_file_without_a_table_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(["lessons", str(tmp_path)]) == 2
    assert "no records in" in capsys.readouterr().err
    Results(tmp_path).save(seeds()[0])
    (tmp_path / "guide.md").write_text("no table")
    assert bench(["lessons", str(tmp_path), "--into", str(tmp_path / "guide.md")]) == 2
    assert "has no table whose head begins with" in capsys.readouterr().err


# On the page


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    records = by_the_preset()
    groups = runs.replicates(records, EVIDENCE)
    file = tmp_path_factory.mktemp("lessons") / page.NAME
    file.write_bytes(page.page("made", groups, records, lessons=lessons(groups, ENSEMBLING)))
    with browsing(file) as browser_page:
        browser_page.click("#tab-lessons")
        yield browser_page


@pytest.fixture
def fresh(shown: Page) -> Page:
    """The tab as it is opened for the first time."""
    shown.once("dialog", lambda dialog: dialog.accept())
    shown.click("#lesson-reset")
    return shown


def open_lesson(shown: Page, name: str) -> None:
    of_all = "glyphbench.content.lessons.findIndex((lesson) => lesson.id === name)"
    shown.evaluate(f"(name) => glyphbench.lessons.go({of_all})", name)


def lock(shown: Page, low: str, high: str) -> None:
    shown.get_by_label("at least").fill(low)
    shown.get_by_label("at most").fill(high)
    shown.get_by_role("button", name="lock it and look").click()


@NEEDS_CHROMIUM
def test_nothing_is_shown_before_a_range_is_locked_and_then_it_is_asked_again(fresh: Page) -> None:
    open_lesson(fresh, "ensemble")
    asked = fresh.inner_text("#lesson")
    assert "Measured here" not in asked
    assert "2.0" not in asked
    assert "starting operations" not in asked  # of the explanation
    lock(fresh, "1.5", "3")
    assert "Measured here: 2.00 [" in fresh.inner_text("#truth-ensemble")
    assert "Within your range, 1.5 to 3." in fresh.inner_text("#truth-ensemble")
    assert "starting operations" in fresh.inner_text("#lesson")
    picture = fresh.get_by_role("img", name="measured 2.00")
    assert "you 1.5 to 3" in str(picture.get_attribute("aria-label"))
    assert fresh.get_by_label("at least").count() == 1  # it is asked again
    lock(fresh, "5", "6")
    assert "Outside your range" in fresh.inner_text("#truth-ensemble-again")
    assert "The truth was in your range in 1 of 2 (50 %)" in fresh.inner_text("#lesson-score")
    assert fresh.evaluate("glyphbench.lessons.predictions()")["answers"] == [
        {"lesson": "ensemble", "low": 1.5, "high": 3, "truth": pytest.approx(2, rel=0.01)},
        {"lesson": "ensemble-again", "low": 5, "high": 6, "truth": pytest.approx(2, rel=0.01)},
    ]


@NEEDS_CHROMIUM
def test_a_range_that_is_none_is_not_locked(fresh: Page) -> None:
    open_lesson(fresh, "batch")
    for low, high in (("3", "2"), ("", "2")):
        lock(fresh, low, high)
        assert "the smaller one first" in fresh.inner_text("#lesson [role=alert]")
    assert fresh.evaluate("glyphbench.lessons.predictions()")["answers"] == []
    assert fresh.locator("#lesson-save").is_disabled()


@NEEDS_CHROMIUM
def test_what_this_folder_has_not_measured_is_said_with_its_command(fresh: Page) -> None:
    open_lesson(fresh, "clock")
    words = fresh.inner_text("#lesson")
    assert "Not asked: On a CPU the work is done" in words
    assert "run_all.py --preset lessons --device cpu,cuda" in words
    assert "Asked instead" in words


@NEEDS_CHROMIUM
def test_it_is_answered_by_the_keyboard_alone_and_kept_for_the_next_visit(fresh: Page) -> None:
    open_lesson(fresh, "noise")
    fresh.keyboard.type("0.5")
    fresh.keyboard.press("Tab")
    fresh.keyboard.type("2")
    fresh.keyboard.press("Enter")
    assert fresh.evaluate("document.activeElement.id") == "truth-noise"
    fresh.reload()
    fresh.click("#tab-lessons")
    assert [a["lesson"] for a in fresh.evaluate("glyphbench.lessons.predictions()")["answers"]] == [
        "noise"
    ]
    assert "1 of 2" in fresh.locator("#lesson-list li").first.inner_text()


@NEEDS_CHROMIUM
def test_at_the_end_it_is_counted_how_often_the_truth_was_in_the_range(fresh: Page) -> None:
    questions = fresh.evaluate(
        "glyphbench.content.lessons.flatMap((l) => l.questions.filter((q) => q.truth)"
        ".map((q) => [l.id, q.truth.value]))"
    )
    for number, (lesson, truth) in enumerate(questions):
        open_lesson(fresh, lesson)
        hit = number < 12
        lock(fresh, str(truth / 2 if hit else truth + 1), str(truth + 2))
    score = fresh.inner_text("#lesson-score")
    assert f"All answered. The truth was in your range in 12 of {len(questions)}" in score
    assert "yours were too narrow" in score


@NEEDS_CHROMIUM
def test_the_saved_file_is_what_a_class_reads(fresh: Page) -> None:
    open_lesson(fresh, "bf16")
    lock(fresh, "0.5", "2")
    with fresh.expect_download() as download:
        fresh.click("#lesson-save")
    assert download.value.suggested_filename.endswith(predictions.ENDING)
    saved = predictions.load(download.value.path())
    assert [(a.lesson, a.low, a.high, a.truth) for a in saved.answers] == [("bf16", 0.5, 2, 1)]


@NEEDS_CHROMIUM
def test_a_telephone_shows_a_lesson_without_scrolling_sideways(fresh: Page) -> None:
    fresh.set_viewport_size({"width": 360, "height": 740})
    open_lesson(fresh, "tuned")
    lock(fresh, "0.001", "20000")
    fresh.wait_for_function("document.documentElement.scrollWidth <= 360", timeout=10_000)
    fresh.set_viewport_size({"width": 1280, "height": 800})

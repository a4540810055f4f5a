"""The plots: real pictures, with the words a reader needs in them."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from bench.report.plots import PLOTS, bars, curves, style
from bench.report.plots.axes import BATCH_SIZE, SWAP
from bench.report.plots.style import Page, Plot, pages
from bench.results.record import Record
from bench.stats import runs
from tests.records import EVIDENCE, MACHINE, make_record


def drawn(plot: Plot, records: Sequence[Record]) -> list[Page]:
    return [draw() for draw in pages(plot, runs.replicates(records, EVIDENCE))]


def words(page: Page) -> str:
    """All text of a page, one line an element."""
    ticks = [
        label
        for axes in page.figure.axes
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels())
    ]
    return "\n".join(text.get_text() for text in (*_texts(page.figure), *ticks))


def suite(**changes: object) -> list[Record]:
    """Everything that any plot needs, with two seeds."""
    experiments: list[dict[str, Any]] = [
        {"seed": seed, "task": task, "source": source, "architecture": name, "framework": framework}
        for seed in range(2)
        for task, source in (("digits", "mnist"), ("letters", "az-sample"))
        for name in ("mlp", "cnn")
        for framework in ("pytorch", "keras-jax")
    ]
    trained = [make_record(**(fields | changes)) for fields in experiments]
    steps = [
        make_record(**(fields | changes), goal="throughput", batch_size=size)
        for fields in experiments
        for size in (20, 1024)
    ]
    return trained + steps


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_every_plot_is_a_picture_for_a_projector(plot: Plot) -> None:
    pictures = drawn(plot, suite())
    assert pictures
    for page in pictures:
        with Image.open(io.BytesIO(style.png(page.figure))) as image:
            image.load()
            assert image.size == (1920, 1080)


def test_the_words_of_an_svg_are_text_that_can_be_searched() -> None:
    (page,) = drawn(bars.THROUGHPUT, [make_record()])
    svg = style.svg(page.figure).decode()
    texts = re.findall(r"<(?:text|tspan)[^>]*>([^<]*)<", svg)
    for words_shown in ("pytorch eager", "1,000", "training throughput (images/s)"):
        assert words_shown in texts


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_the_same_records_give_the_same_svg(plot: Plot) -> None:
    records = [make_record(), make_record(batch_size=20), make_record(architecture="cnn")]
    first, second = (
        [style.svg(page.figure) for page in drawn(plot, order)]
        for order in (records, list(reversed(records)))
    )
    assert first == second


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_drawn_images_are_called_so_in_every_plot(plot: Plot) -> None:
    for page in drawn(plot, suite(source="glyphs")):
        assert "drawn by the project (glyphs), not real handwriting" in words(page)
        assert "_drawn" in page.stem


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_no_page_mixes_drawn_and_real_images(plot: Plot) -> None:
    for page in drawn(plot, suite() + suite(source="glyphs")):
        real = any(source in words(page) for source in ("(mnist)", "(az-sample)"))
        assert real != ("drawn by the project" in words(page))


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_nothing_that_ended_well_is_nothing_to_draw(plot: Plot) -> None:
    assert drawn(plot, [make_record(status="failed", reason="no")]) == []


@pytest.mark.parametrize(
    ("plot", "expected"),
    [
        (
            curves.ACCURACY,
            ["training time (s, log scale)", "validation accuracy (%)", "target 97 %"],
        ),
        (curves.LOSS, ["epochs", "loss (cross-entropy, nats)"]),
        (bars.THROUGHPUT, ["training throughput (images/s)", "1,000 [1,000 to 1,000]"]),
        (BATCH_SIZE, ["batch size (images a step, log scale)", "1,024"]),
        (
            bars.TIME_TO_ACCURACY,
            ["training time (s, log scale)", "seeds that reached 97 %", "50 %"],
        ),
        (SWAP, ["97.50 ± 0.00 % (2)", "MLP", "(az-sample)"]),
        (bars.START_UP, ["import", "warm-up", "time before the first step that counts (s)"]),
    ],
    ids=lambda value: value.name if isinstance(value, Plot) else "",
)
def test_axes_say_what_they_show_and_in_which_unit(plot: Plot, expected: list[str]) -> None:
    shown = words(drawn(plot, suite())[0])
    assert [text for text in expected if text not in shown] == []


def test_one_seed_has_no_interval_at_its_bar() -> None:
    (page,) = drawn(bars.THROUGHPUT, [make_record()])
    assert "1,000" in words(page).splitlines()
    assert "[" not in words(page)
    assert not page.figure.axes[0].collections  # whiskers


def test_a_seed_that_missed_the_target_keeps_the_line_below_the_top_and_is_marked() -> None:
    records = [
        make_record(seed=0, targets=(0.97,)),
        make_record(seed=1, targets=(0.97,), accuracies=(0.9, 0.91)),
        make_record(seed=2, targets=(0.97,), status="diverged"),
    ]
    (page,) = drawn(bars.TIME_TO_ACCURACY, records)
    steps, stopped, never = page.figure.axes[0].lines
    assert np.max(steps.get_ydata()) == pytest.approx(1 / 3)
    assert [mark.get_marker() for mark in (stopped, never)] == ["|", "|"]
    assert stopped.get_ydata() == pytest.approx([1 / 3])


def test_each_target_is_a_panel_of_its_own_and_named() -> None:
    (page,) = drawn(bars.TIME_TO_ACCURACY, [make_record(), make_record(framework="keras-jax")])
    assert [axes.get_ylabel() for axes in page.figure.axes] == [
        "seeds that reached 97 %",
        "seeds that reached 99 %",
    ]


@pytest.mark.parametrize("plot", [bars.THROUGHPUT, bars.START_UP, curves.ACCURACY, SWAP])
def test_a_framework_that_failed_is_named_in_the_plot(plot: Plot) -> None:
    records = [
        make_record(architecture="cnn"),
        make_record(architecture="mlp"),
        make_record(architecture="cnn", framework="keras-jax", status="not installed"),
        make_record(architecture="mlp", framework="keras-jax", status="not installed"),
    ]
    (page,) = drawn(plot, records)
    assert "keras-jax" in words(page)
    assert "not installed" in words(page)


def test_other_hyper_parameters_are_a_panel_of_their_own_and_named() -> None:
    (page,) = drawn(curves.ACCURACY, [make_record(), make_record(learning_rate=0.01)])
    assert len(page.figure.axes) == 2
    titles = [axes.get_title() for axes in page.figure.axes]
    assert titles == [
        "MLP on digits (mnist), learning rate 0.001",
        "MLP on digits (mnist), learning rate 0.01",
    ]
    assert "learning rate" not in page.conditions


def test_devices_batch_sizes_and_machines_have_pages_of_their_own() -> None:
    records = [
        make_record(),
        make_record(device="cuda"),
        make_record(batch_size=20),
        make_record(machine=replace(MACHINE, cores=64)),
    ]
    assert {page.stem for page in drawn(curves.ACCURACY, records)} == {
        "accuracy_cpu_b128_machine1",
        "accuracy_cuda_b128_machine1",
        "accuracy_cpu_b20_machine1",
        "accuracy_cpu_b128_machine2",
    }


def test_more_panels_than_a_page_holds_go_on_to_the_next() -> None:
    records = [make_record(epochs=epochs) for epochs in range(1, 6)]
    pictures = drawn(curves.ACCURACY, records)
    assert [(page.stem, len(page.figure.axes)) for page in pictures] == [
        ("accuracy_cpu_b128", 4),
        ("accuracy_cpu_b128_2", 1),
    ]


def test_series_are_told_apart_by_more_than_colour() -> None:
    assert len({(look.marker, look.line) for look in style.LOOKS}) == len(style.LOOKS)
    assert len({look.hatch for look in style.LOOKS}) == len(style.LOOKS)


def test_settings_of_the_caller_come_back() -> None:
    before = matplotlib.rcParams["font.size"]
    drawn(curves.ACCURACY, [make_record()])
    assert matplotlib.rcParams["font.size"] == before


def test_nothing_said_in_a_plot_is_cut_off_at_the_edge() -> None:
    records = [
        replace(record, experiment=replace(record.experiment, framework=framework))
        for record in suite()
        for framework in ("pytorch", "keras-tensorflow")
    ]
    for page in (page for plot in PLOTS for page in drawn(plot, records)):
        style.png(page.figure)  # lays it out
        whole = page.figure.bbox
        for text in filter(Text.get_text, _texts(page.figure)):
            box = text.get_window_extent()
            assert box.x0 >= whole.x0, (page.stem, text)
            assert box.x1 <= whole.x1, (page.stem, text)


def test_a_long_title_breaks_after_its_subject_and_leaves_no_word_alone() -> None:
    records = [make_record(epochs=10), make_record(evaluations_per_epoch=2)]
    (page,) = drawn(curves.ACCURACY, records)
    assert [axes.get_title() for axes in page.figure.axes] == [
        "MLP on digits (mnist)\n2 epochs, 2 evaluations an epoch",
        "MLP on digits (mnist)\n10 epochs, 1 evaluation an epoch",
    ]


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_what_stands_at_an_axis_is_no_longer_than_its_panel(plot: Plot) -> None:
    records = suite() + suite(epochs=7)  # four panels to a page, with titles of two lines
    for page in drawn(plot, records):
        style.png(page.figure)  # lays it out
        for axes in page.figure.axes:
            assert axes.yaxis.label.get_window_extent().height <= axes.bbox.height, page.stem


@pytest.mark.parametrize("plot", [bars.THROUGHPUT, bars.START_UP])
def test_the_words_at_a_bar_end_within_its_panel(plot: Plot) -> None:
    misses = [
        make_record(seed=3, task=task, source=source, architecture=name, accuracies=(0.1, 0.1))
        for task, source in (("digits", "mnist"), ("letters", "az-sample"))
        for name in ("mlp", "cnn")
    ]
    for page in drawn(plot, suite() + misses):
        style.png(page.figure)  # lays it out
        for axes in page.figure.axes:
            assert axes.texts
            for text in axes.texts:
                assert text.get_window_extent().x1 <= axes.bbox.x1, (page.stem, text)


def _texts(figure: Figure) -> list[Text]:
    """All text but the labels of ticks that lie outside the axes, which are not shown."""
    legends = [text for legend in figure.legends for text in legend.get_texts()]
    of_axes = [
        text
        for axes in figure.axes
        for text in (*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label)
    ]
    return [*figure.texts, *legends, *of_axes]

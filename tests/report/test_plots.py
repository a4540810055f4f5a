"""The plots: real pictures, with the words a reader needs in them."""

from __future__ import annotations

import io
import itertools
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

from bench.experiment import PARALLEL
from bench.report.plots import PLOTS, bars, curves, layout, style
from bench.report.plots.bars import SWAP
from bench.report.plots.curves import BATCH_SIZE
from bench.report.plots.style import Page, Plot, pages
from bench.results.record import Record
from bench.stats import runs
from tests.records import EVIDENCE, MACHINE, make_record


def drawn(plot: Plot, records: Sequence[Record]) -> list[Page]:
    return [draw() for draw in pages(plot, runs.replicates(records, EVIDENCE))]


def laid_out(page: Page) -> None:
    """All has its place, as in a picture; no pixel is drawn, which takes most of the time."""
    with style.applied():
        page.figure.draw_without_rendering()


def words(page: Page) -> str:
    """All text of a page, one line an element."""
    ticks = [
        label
        for axes in page.figure.axes
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels())
    ]
    return "\n".join(text.get_text() for text in (*_texts(page.figure), *ticks))


def suite(**changes: object) -> list[Record]:
    """Everything that any plot needs, with two seeds: one framework starts late, and is faster."""
    experiments: list[dict[str, Any]] = [
        {
            "seed": seed,
            "task": task,
            "source": source,
            "architecture": name,
            "framework": framework,
            "train_s": (seconds, seconds),
        }
        for seed in range(2)
        for task, source in (("digits", "mnist"), ("letters", "az-sample"))
        for name in ("mlp", "cnn")
        for framework, seconds in (("pytorch", 1.0), ("keras-jax", 0.5))
    ]
    trained = [make_record(**(fields | changes)) for fields in experiments]
    steps = [
        make_record(**(fields | changes), goal="throughput", batch_size=size)
        for fields in experiments
        for size in (20, 1024)
    ]
    return list(map(late, trained + steps))


def scaled() -> list[Record]:
    """One replica and two."""
    return [
        make_record(seed=seed, execution=PARALLEL, replicas=n, goal="throughput")
        for seed in range(2)
        for n in (1, 2)
    ]


def late(record: Record) -> Record:
    """The same, three seconds later where it is of keras-jax."""
    if record.experiment.framework != "keras-jax" or record.measurement is None:
        return record
    phases = replace(record.measurement.phases, import_s=5.0)
    return replace(record, measurement=replace(record.measurement, phases=phases))


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_every_plot_is_a_picture_for_a_projector(plot: Plot) -> None:
    pictures = drawn(plot, suite() + scaled())
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
            ["training time (s, log scale)", "validation accuracy (%)", "target 97 %", "keras-jax"],
        ),
        (curves.LOSS, ["epochs", "loss (cross-entropy, nats)"]),
        (bars.THROUGHPUT, ["training throughput (images/s)", "1,000 [1,000 to 1,000]"]),
        (BATCH_SIZE, ["batch size (images a step, log scale)", "1,024"]),
        (
            bars.TIME_TO_ACCURACY,
            ["time to 97 % validation accuracy (s, log scale)", "keras-jax eager"],
        ),
        (SWAP, ["test error (%)", "2.50 %, 2,000 images/s", "MLP, letters"]),
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


def test_each_seed_is_a_dot_and_one_that_missed_the_target_is_hollow_and_counted() -> None:
    records = [
        make_record(seed=0, targets=(0.97,)),
        make_record(seed=1, targets=(0.97,), accuracies=(0.9, 0.91)),
        make_record(seed=2, targets=(0.97,), status="diverged"),
    ]
    (page,) = drawn(bars.TIME_TO_ACCURACY, records)
    reached, missed = page.figure.axes[0].lines  # less than half: no median
    assert reached.get_markerfacecolor() != "white"
    assert missed.get_markerfacecolor() == "white"
    assert "not reached in 2 of 3;\nthe soonest 2.00" in words(page)


def test_a_target_is_a_panel_of_its_own_and_one_that_no_run_reached_a_sentence() -> None:
    (page,) = drawn(bars.TIME_TO_ACCURACY, [make_record(), make_record(framework="keras-jax")])
    assert [axes.get_xlabel() for axes in page.figure.axes] == [
        "time to 97 % validation accuracy (s, log scale)"
    ]
    assert "No run reached 99 % (MLP on digits (mnist))." in words(page)


def test_a_target_that_nobody_reached_is_no_page() -> None:
    assert drawn(bars.TIME_TO_ACCURACY, [make_record(targets=(0.999,))]) == []


def test_the_fastest_stands_first_and_what_failed_last() -> None:
    records = [
        make_record(),
        make_record(framework="keras-jax", train_s=(0.5, 0.5)),
        make_record(framework="numpy", status="crashed"),
    ]
    (page,) = drawn(bars.THROUGHPUT, records)
    names = [label.get_text() for label in page.figure.axes[0].get_yticklabels()]
    assert names == ["keras-jax eager", "pytorch eager", "numpy eager"]
    assert not any(bar.get_hatch() for bar in page.figure.axes[0].patches)


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
        ("accuracy_cpu_b128", 2),
        ("accuracy_cpu_b128_2", 2),
        ("accuracy_cpu_b128_3", 1),
    ]


def test_series_are_told_apart_by_more_than_colour() -> None:
    assert len({(look.marker, look.line) for look in style.LOOKS}) == len(style.LOOKS)
    assert len({look.colour for look in style.LOOKS}) == len(style.LOOKS)


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
        laid_out(page)
        whole = page.figure.bbox
        for text in filter(Text.get_text, _texts(page.figure)):
            box = text.get_window_extent()
            assert whole.x0 <= box.x0 <= box.x1 <= whole.x1, (page.stem, text)
            assert whole.y0 <= box.y0 <= box.y1 <= whole.y1, (page.stem, text)


def test_a_long_title_breaks_after_its_subject_and_leaves_no_word_alone() -> None:
    records = [
        make_record(epochs=10, learning_rate=0.0125),
        make_record(evaluations_per_epoch=2, learning_rate=0.00125),
    ]
    (page,) = drawn(curves.ACCURACY, records)
    assert [axes.get_title() for axes in page.figure.axes] == [
        "MLP on digits (mnist)\n2 epochs, 2 evaluations an epoch, learning rate 0.00125",
        "MLP on digits (mnist)\n10 epochs, 1 evaluation an epoch, learning rate 0.0125",
    ]


def test_augmentation_on_and_off_are_told_apart_in_titles() -> None:
    (page,) = drawn(curves.ACCURACY, [make_record(), make_record(augmentation=True)])
    assert [axes.get_title() for axes in page.figure.axes] == [
        "MLP on digits (mnist), not augmented",
        "MLP on digits (mnist), augmented",
    ]


def test_lines_are_named_at_their_ends_and_the_names_do_not_touch() -> None:
    frameworks = ("pytorch", "keras-jax", "keras-tensorflow", "keras-torch", "numpy")
    for plot in (curves.ACCURACY, BATCH_SIZE):
        records = [
            make_record(framework=name, batch_size=size, goal=goal)  # all end alike
            for name in frameworks
            for size, goal in ((128, "train"), (20, "throughput"), (1024, "throughput"))
        ]
        (page,) = drawn(plot, records)
        assert not page.figure.legends
        laid_out(page)
        (axes,) = page.figure.axes
        labels = [text for text in axes.texts if text.get_text().endswith(" eager")]
        assert len(labels) == len(frameworks)
        heights = sorted((box.y0, box.y1) for box in (Text.get_window_extent(t) for t in labels))
        assert all(top <= bottom for (_, top), (bottom, _) in itertools.pairwise(heights))


def test_words_are_broken_by_their_width_into_lines_of_about_one_length() -> None:
    words = "JAX trains the MLP twice as fast as the next and the CNN more slowly than any"
    lines = layout.wrapped(words, 5.0)
    assert " ".join(lines) == words
    assert len(lines) == 2
    assert all(layout.width(line) <= 5.0 for line in lines)
    assert min(map(layout.width, lines)) > 2
    assert layout.wrapped("unbreakable" * 9, 1.0) == ["unbreakable" * 9]
    assert layout.wrapped("", 5.0) == []


def test_a_unit_stays_with_its_number() -> None:
    for across in np.linspace(1.0, 4.0, 30):
        lines = layout.wrapped("The CNN ends at 96.7 % after 84.0 s; the MLP after 12 s", across)
        assert not any(line.startswith(("%", "s")) for line in lines)


def test_heights_move_no_further_than_it_takes() -> None:
    assert layout.spread([0.0, 0.5, 1.0], 0.1) == [0.0, 0.5, 1.0]
    assert layout.spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.4, 0.5, 0.6])
    assert layout.spread([0.0, 0.1, 0.11], 0.1) == pytest.approx([-0.03, 0.07, 0.17])


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_what_stands_at_an_axis_is_no_longer_than_its_panel(plot: Plot) -> None:
    records = suite() + suite(epochs=7)  # four panels to a page, with titles of two lines
    for page in drawn(plot, records):
        laid_out(page)
        for axes in page.figure.axes:
            assert axes.yaxis.label.get_window_extent().height <= axes.bbox.height, page.stem


@pytest.mark.parametrize(
    "plot",
    [bars.THROUGHPUT, bars.START_UP, bars.TIME_TO_ACCURACY, SWAP],
    ids=lambda plot: plot.name,
)
def test_the_words_at_a_bar_end_within_its_panel(plot: Plot) -> None:
    misses = [
        make_record(seed=3, task=task, source=source, architecture=name, accuracies=(0.1, 0.1))
        for task, source in (("digits", "mnist"), ("letters", "az-sample"))
        for name in ("mlp", "cnn")
    ]
    for page in drawn(plot, suite() + misses):
        laid_out(page)
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


@pytest.mark.parametrize("ends", [(0.9, 1.3), (0.8, 2.5), (3.0, 4.0), (0.2, 700.0), (1e-4, 1e4)])
def test_a_logarithmic_axis_can_be_read_however_short_it_is(ends: tuple[float, float]) -> None:
    axes = Figure().subplots()
    axes.set_yscale("log")
    axes.set_ylim(*ends)
    style.log_ticks(axes.yaxis)
    ticks = [tick for tick in axes.yaxis.get_majorticklocs() if ends[0] <= tick <= ends[1]]
    assert len(ticks) >= 3
    assert all(tick > 0 for tick in axes.yaxis.get_majorticklocs())

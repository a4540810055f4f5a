"""Cost and limits, energy, price and the ledger, as tables and as plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.plots import break_even as plots_break_even
from bench.report.plots import costs as plots_costs
from bench.report.plots.break_even import BREAK_EVEN
from bench.report.plots.style import pages
from bench.report.tables import costs
from bench.report.tables import runs as tables_of_runs
from bench.report.tables.table import to_markdown
from bench.results.evidence import NONE
from bench.results.record import Energy, Phases, Record
from bench.stats import costs as stats_costs
from bench.stats import runs
from bench.stats.costs import BreakEven, Lead, Line
from bench.stats.runs import Replicates
from tests.records import EVIDENCE, PEAKS, make_record
from tests.report.test_tables import cells, markdown, rows

NO_COUNTERS = Energy(meter="", unavailable="no RAPL counters under /sys/class/powercap")
METERED = Energy(meter="RAPL, whole processor packages", joules=150.0, window_s=6.0, images=5000)


def with_energy(record: Record, measured: Energy) -> Record:
    assert record.measurement
    return replace(record, measurement=replace(record.measurement, energy=measured))


def with_phases(record: Record, **changes: float) -> Record:
    assert record.measurement
    phases: Phases = replace(record.measurement.phases, **changes)
    return replace(record, measurement=replace(record.measurement, phases=phases))


# Cost and limits


def test_the_table_says_what_was_reached_under_which_roof_and_what_bounds_it() -> None:
    text = markdown(costs.limits, [make_record()])  # 1,000 images/s of 3.21 MFLOP
    row = cells(text, "pytorch eager")
    assert row["reached (GFLOP/s)"] == "3.21"
    assert row["intensity (FLOP/byte)"] == "14.0"
    assert row["roof (GFLOP/s)"] == "4.00"
    assert row["share of roof (%)"] == "80.2"
    assert row["bound by"] == "compute-bound"
    assert "An image costs 3.21 MFLOP in training and 1.34 in inference." in text
    assert "Peak measured by testlib 1.0: 4.00 GFLOP/s, 1.00 GB/s." in text


def test_without_a_peak_what_was_reached_stands_and_the_rest_is_absent() -> None:
    text = to_markdown(costs.limits(runs.replicates([make_record()], NONE)))
    row = cells(text, "pytorch eager")
    assert row["reached (GFLOP/s)"] == "3.21"
    assert "share of roof (%)" not in row
    assert "No peak of this machine was measured" in text


def test_a_run_above_the_peak_shows_that_the_peak_was_measured_too_low() -> None:
    fast = make_record(train_s=(0.5, 0.5))  # 6.4 GFLOP/s, of 4
    assert "it was measured too low" in markdown(costs.limits, [fast])
    assert "it was measured too low" not in markdown(costs.limits, [make_record()])
    notes = [text.get_text() for text in drawn(plots_costs.ROOFLINE, [fast]).texts]
    assert any("it was measured too low" in note for note in notes)


def test_an_architecture_without_costs_has_no_section() -> None:
    records = [make_record(architecture="transformer"), make_record()]
    sections = costs.limits(runs.replicates(records, EVIDENCE)).sections
    assert [section.rows[0].first.experiment.architecture for section in sections] == ["mlp"]


def test_a_framework_that_failed_stands_in_the_table_of_costs() -> None:
    records = [make_record(), make_record(framework="keras-jax", status="crashed")]
    assert cells(markdown(costs.limits, records), "keras-jax eager")["runs"] == "0 of 1; crashed"


# Energy and price


def test_energy_that_cannot_be_measured_says_why_and_is_never_blank() -> None:
    text = markdown(costs.energy, [with_energy(make_record(), NO_COUNTERS)])
    row = cells(text, "pytorch eager")
    assert row["energy"] == ("not measurable here: no RAPL counters under /sys/class/powercap")
    assert "energy to 97 % (J)" not in row


def test_energy_is_told_by_image_and_to_each_target() -> None:
    row = cells(markdown(costs.energy, [with_energy(make_record(), METERED)]), "pytorch eager")
    assert row["energy"] == "RAPL, whole processor packages"
    assert row["power (W)"] == "25.0"
    assert row["an image (mJ)"] == "30.0"
    assert row["energy to 97 % (J)"] == "60.0"  # after 2,000 images
    assert row["energy to 99 % (J)"] == "not reached"


def test_the_price_is_of_start_up_and_training_to_the_target() -> None:
    records = [make_record(seed=0), make_record(seed=1, accuracies=(0.9, 0.9))]
    row = cells(markdown(costs.energy, records), "pytorch eager")
    assert row["energy"] == "not asked for"
    assert row["price to 97 %, at 2.5 an hour"] == "not reached in 1 of 2; the others 0.00333"
    assert row["price to 99 %, at 2.5 an hour"] == "not reached"
    (raw,) = rows(costs.energy, records)
    assert float(raw["price_to_97_percent_mean_currency"]) == pytest.approx(2.5 * 4.8 / 3600)
    assert raw["price_to_97_percent_not_reached_n"] == "1"


def test_without_a_price_and_without_energy_there_is_no_table() -> None:
    assert costs.energy(runs.replicates([make_record()], NONE)).sections == ()


def test_without_a_price_there_is_no_column_for_it() -> None:
    groups = runs.replicates([with_energy(make_record(), METERED)], NONE)
    assert "price to" not in to_markdown(costs.energy(groups)).partition("## ")[2]


# The ledger


def test_the_ledger_adds_up_to_the_wall_time() -> None:
    record = replace(with_phases(make_record(), start_s=0.5), wall_s=20.0)
    row = cells(markdown(tables_of_runs.ledger, [record]), "pytorch eager")
    of_wall = {name: row[name] for name in list(row)[2:] if "(" in row[name]}
    assert next(iter(of_wall)) == "start (s)"
    assert list(of_wall)[-1] == "rest (s)"
    assert sum(float(cell.split()[0]) for cell in of_wall.values()) == pytest.approx(20, abs=0.02)
    shares = [float(cell.split("(")[1].split()[0]) for cell in of_wall.values()]
    assert sum(shares) == pytest.approx(100, abs=0.3)
    assert row["wall (s)"] == "20.00"
    assert row["cold start to last step (s)"] == "5.30"


# Break-even


def a_pair(late_s: float, step_s: Sequence[float], **other: Any) -> list[Record]:
    """Runs of 0.2 s a step, and others that start later, with their seconds a step by seed."""
    records = []
    for seed, seconds in enumerate(step_s):
        records.append(make_record(seed=seed, train_s=(1.6, 1.6)))
        fast = make_record(seed=seed, train_s=(8 * seconds, 8 * seconds), **other)
        records.append(with_phases(fast, warm_up_s=0.5 + late_s))
    return records


def test_compiling_pays_after_so_many_steps_epochs_and_seconds() -> None:
    records = a_pair(10.0, [0.1, 0.16], execution="compiled")
    row = cells(markdown(costs.break_even, records), "pytorch eager, CPU")
    assert row["second"] == "pytorch compiled, CPU"
    assert row["second is ahead"] == "after 175 (100 to 250) steps"
    assert row["epochs"] == "21.9 (12.5 to 31.2)"  # of 8 steps
    assert row["since cold start (s)"] == "37.8 (22.8 to 52.8)"


def test_an_accelerator_that_starts_no_later_and_is_faster_pays_at_once() -> None:
    records = a_pair(0.0, [0.1], device="cuda")
    row = cells(markdown(costs.break_even, records), "pytorch eager, CPU")
    assert (row["second"], row["second is ahead"]) == ("pytorch eager, CUDA", "at once")


def test_slower_steps_never_pay() -> None:
    records = a_pair(10.0, [0.3, 0.2], framework="keras-jax")
    row = cells(markdown(costs.break_even, records), "pytorch eager, CPU")
    assert row["second is ahead"] == "never"
    (raw,) = rows(costs.break_even, records)
    assert (raw["break_even_median_steps"], raw["never_ahead_n"], raw["seeds_n"]) == ("", "2", "2")


def test_seeds_that_disagree_are_counted() -> None:
    line = Line(start_up_s=1.0, step_s=1.0)
    leads = (
        Lead(begins=10.2, ends=float("inf")),
        Lead(begins=float("inf"), ends=float("inf")),
        Lead(begins=0.0, ends=7.5),
    )
    disagreeing = BreakEven(leads=leads, lines=(line, line, line))
    assert costs.ahead(disagreeing) == (
        "after 11 steps in 1 of 3; until 8 steps in 1 of 3; never in 1 of 3"
    )
    assert costs.ahead(BreakEven(leads=(), lines=())) == "no seed in common"


def test_a_sweep_of_batch_sizes_sets_no_framework_against_another_beside_trainings() -> None:
    rivals = [make_record(framework=name) for name in ("pytorch", "keras-jax")]
    sweep = [replace_goal(record) for record in rivals]
    both = costs.break_even(runs.replicates([*rivals, *sweep])).sections
    alone = costs.break_even(runs.replicates(sweep)).sections
    assert [section.rows[0].first.experiment.goal for section in both] == ["train"]
    assert [section.rows[0].first.experiment.goal for section in alone] == ["throughput"]


def replace_goal(record: Record) -> Record:
    return make_record(framework=record.experiment.framework, goal="throughput", targets=())


# Plots


def drawn(plot: object, records: Sequence[Record]) -> Figure:
    (draw,) = pages(plot, runs.replicates(records, EVIDENCE))  # type: ignore[arg-type]
    page = draw()
    return page.figure


def words_of(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_the_roofline_has_a_point_an_experiment_and_names_each_batch_size_once() -> None:
    records = [
        make_record(framework=name, batch_size=size, goal="throughput", targets=())
        for name in ("pytorch", "keras-jax")
        for size in (20, 128)
    ]
    figure = drawn(plots_costs.ROOFLINE, records)
    (axes,) = figure.axes
    points = [line for line in axes.lines if line.get_marker() not in ("None", "", None)]
    assert len(points) == 4
    heights = [float(np.asarray(point.get_ydata())[0]) for point in points]
    assert heights == pytest.approx([3.209216] * 4)
    assert sorted(words_of(axes))[1:] == ["batch 128", "batch 20"]
    assert words_of(axes)[0] == "4.00 GFLOP/s and 1.00 GB/s (fp32)"


def test_the_roof_of_the_plot_is_the_measured_one() -> None:
    (axes,) = drawn(plots_costs.ROOFLINE, [make_record()]).axes
    lines = [(np.asarray(line.get_xdata()), np.asarray(line.get_ydata())) for line in axes.lines]
    across, up = next(line for line in lines if len(line[0]) > 2)
    (peak,) = (peak for peak in PEAKS if peak.device == "cpu")
    assert up[-1] == pytest.approx(peak.flop_per_s / 1e9)
    assert up[0] == pytest.approx(across[0] * peak.bytes_per_s / 1e9)


def test_without_a_peak_there_is_no_roofline() -> None:
    assert pages(plots_costs.ROOFLINE, runs.replicates([make_record()], NONE)) == []


def test_where_the_second_overtakes_the_steps_and_their_interval_are_named() -> None:
    (axes,) = drawn(BREAK_EVEN, a_pair(10.0, [0.1, 0.16], execution="compiled")).axes
    assert set(words_of(axes)) == {
        "1 epoch",
        "after 158 [0 to 53,349] steps",
        "pytorch compiled",
        "pytorch eager",
    }
    (axes,) = drawn(BREAK_EVEN, a_pair(10.0, [0.1], execution="compiled")).axes
    assert "after 100 steps" in words_of(axes)


def test_another_device_is_a_line_of_its_own_and_named() -> None:
    (axes,) = drawn(BREAK_EVEN, a_pair(10.0, [0.1], device="cuda")).axes
    assert {"pytorch eager", "pytorch eager, CUDA"} <= set(words_of(axes))
    assert axes.get_title().endswith("pytorch eager or pytorch eager, CUDA?")


def test_two_that_do_not_cross_are_a_sentence_beside_those_that_do() -> None:
    crossing = a_pair(10.0, [0.1], execution="compiled")
    never = a_pair(10.0, [0.3], execution="compiled", architecture="cnn")
    eager = [make_record(architecture="cnn", train_s=(1.6, 1.6))]
    figure = drawn(BREAK_EVEN, [*crossing, *never[1:], *eager])
    assert len(figure.axes) == 1
    notes = " ".join(text.get_text() for text in figure.texts).replace("\n", " ")
    assert "pytorch compiled is never ahead of pytorch eager (CNN on digits (mnist))." in notes


def test_of_frameworks_those_are_drawn_that_hand_on_the_lead() -> None:
    first, second, third = make_groups(("pytorch", 0.2, 0.0), ("keras-jax", 0.1, 10.0), SLOWER)
    lines = stats_costs.each([first, second, third], stats_costs.mean_line)
    assert list(plots_break_even.leaders(lines)) == [(first, second)]


SLOWER = ("keras-torch", 0.1, 49.0)  # overtakes too, when another has long been ahead


def make_groups(*frameworks: tuple[str, float, float]) -> list[Replicates]:
    """Each with its seconds a step, and how much later it starts."""
    records = [
        with_phases(
            make_record(framework=name, train_s=(8 * step_s, 8 * step_s)), warm_up_s=0.5 + late_s
        )
        for name, step_s, late_s in frameworks
    ]
    return [runs.replicates([record])[0] for record in records]

"""Runs that other programs disturbed: marked in every table and plot, and never winners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bench.experiment import PARALLEL
from bench.report import audit, compare, summary
from bench.report.pairing import pair
from bench.report.plots import PLOTS, bars, curves
from bench.report.plots.style import Page, Plot, pages
from bench.report.tables import TABLES, certificates, differences, frameworks, power
from bench.report.tables.table import Section, Table, to_csv, to_frame, to_markdown
from bench.results.record import GpuSamples, Record
from bench.run.progress import outcome
from bench.stats import runs
from bench.stats.runs import Replicates
from tests.records import EVIDENCE, make_record
from tests.report.test_plots import late

Build = Callable[[Sequence[Replicates]], Table]

# Neither shows what a run measured: the one is of certificates, the other of the audit.
OF_RUNS = [build for build in TABLES if build not in (certificates.build, power.build)]
SLOW = (1.00, 1.10, 0.90, 1.20, 1.05)
FAST = (0.50, 0.56, 0.44, 0.61, 0.53)


def several(
    shares: Sequence[float | None], framework: str = "pytorch", seconds: Sequence[float] = SLOW
) -> list[Record]:
    """A run a seed, during which others took such a share."""
    return [
        make_record(
            framework=framework,
            seed=seed,
            train_s=(s,),
            accuracies=(0.98,),
            others_share=share,
        )
        for seed, (s, share) in enumerate(zip(seconds, shares, strict=False))
    ]


def suite(share: float | None, **changes: Any) -> list[Record]:
    """What every table and plot needs, two seeds each; others took the share in seed 1."""
    special: tuple[dict[str, Any], ...] = (
        {},
        {"native": ("kernel-init",)},
        {"precision": "bf16"},
        {"threads": 1},
        {"device": "cuda"},
        {"batch_size": 20},
        {"execution": PARALLEL},
        {"execution": PARALLEL, "replicas": 2},
    )
    return [
        late(
            make_record(
                architecture=name,
                framework=framework,
                seed=seed,
                wrong=(1, 2),
                others_share=share if seed else 0.01,
                train_s=(0.5, 0.5) if framework == "keras-jax" else (1.0, 1.0),
                **(changed | changes),
            )
        )
        for name in ("mlp", "cnn")
        for framework in ("pytorch", "keras-jax")
        for changed in special
        for seed in (0, 1)
    ]


def groups(records: Sequence[Record]) -> list[Replicates]:
    return runs.replicates(records, EVIDENCE)


def marks(section: Section) -> list[str]:
    """What each row says in the column of disturbed runs."""
    (column,) = (column for column in section.columns if column.header == "disturbed")
    return [column.cell(row).shown for row in section.rows]


def drawn(plot: Plot, records: Sequence[Record]) -> list[Page]:
    return [draw() for draw in pages(plot, groups(records))]


# In words


def test_of_several_runs_it_is_said_how_much_at_most_and_in_how_many() -> None:
    (group,) = groups(several((0.34, 0.02, 0.2, 0.1, 0.0)))
    assert audit.disturbance([group]) == (
        "other programs took up to 34 % of the processors in 2 of 5 runs"
    )


def test_of_one_run_it_is_said_how_much() -> None:
    assert audit.disturbance(groups(several((0.34,)))) == (
        "other programs took 34 % of the processors"
    )


@pytest.mark.parametrize("share", [None, 0.0, 0.1])
def test_a_quiet_run_and_one_that_did_not_count_are_not_disturbed(share: float | None) -> None:
    assert audit.disturbance(groups(several((share,) * 5))) is None


# Tables


@pytest.mark.parametrize("build", OF_RUNS, ids=lambda build: build.__module__)
def test_every_table_marks_every_disturbed_row(build: Build) -> None:
    sections = build(groups(suite(0.34))).sections
    assert sections
    for section in sections:
        disturbed = [any(group.disturbed for group in row.groups) for row in section.rows]
        assert any(disturbed)
        assert [bool(mark) for mark in marks(section)] == disturbed
        assert all("34 % of the processors" in mark for mark in marks(section) if mark)


@pytest.mark.parametrize("build", OF_RUNS, ids=lambda build: build.__module__)
def test_a_table_of_quiet_runs_has_their_shares_in_its_csv_and_no_mark(build: Build) -> None:
    table = build(groups(suite(0.05)))
    assert "disturbed" not in to_markdown(table)
    frame = to_frame(table)
    assert set(frame["disturbed_n"]) == {0}
    assert set(frame["others_most_fraction"]) <= {0.01, 0.05}


@pytest.mark.parametrize("build", TABLES, ids=lambda build: build.__module__)
def test_a_table_of_records_that_did_not_count_is_as_it_was(build: Build) -> None:
    older = [
        replace(r, measurement=r.measurement and replace(r.measurement, others_share=None))
        for r in suite(None)
    ]
    table = build(groups(older))
    assert "disturbed" not in to_markdown(table)
    assert "disturbed_n" not in to_csv(table)


def test_equal_work_and_a_quiet_machine_are_two_facts() -> None:
    (section,) = frameworks.side_by_side(groups(several((0.34, 0.0)))).sections
    (column,) = (column for column in section.columns if column.header == "work")
    assert column.cell(section.rows[0]).shown == "not matched: certificate missing"
    headers = [column.header for column in section.columns]
    assert headers.index("disturbed") == headers.index("work") + 1
    assert marks(section) == ["other programs took up to 34 % of the processors in 1 of 2 runs"]


def test_the_verdict_says_that_a_row_is_disturbed() -> None:
    records = several((0.0,) * 5, seconds=FAST) + several((0.0, 0.5), "keras-jax")
    records += several((0.0,) * 5, "keras-torch", tuple(4 * s for s in SLOW))
    frame = to_frame(differences.between_frameworks(groups(records)))
    text = to_markdown(differences.between_frameworks(groups(records)))
    assert list(frame["throughput_verdict"]) == ["undecided", "faster", "undecided"]
    assert list(frame["disturbed_n"]) == [1, 0, 1]
    assert text.count("undecided: disturbed") == 2 * 2  # in throughput, and to 97 %


def test_models_are_told_apart_by_their_answers_whatever_disturbed_the_clock() -> None:
    first = make_record(wrong=range(40), others_share=0.5)
    second = make_record(framework="keras-jax", wrong=range(100, 105), others_share=0.0)
    (verdict,) = to_frame(differences.between_models(groups([first, second])))["mcnemar_verdict"]
    assert verdict in ("less accurate", "more accurate")


def test_two_folders_beside_one_another_are_marked_too() -> None:
    first, second = several((0.0,) * 5, seconds=FAST), several((0.0, 0.0, 0.4, 0.0, 0.0))
    (section,) = compare._table(pair(first, second)).sections
    assert marks(section) == ["other programs took up to 40 % of the processors in 1 of 10 runs"]
    (verdict,) = (column for column in section.columns if column.header == "B is")
    assert verdict.cell(section.rows[0]).shown == "undecided: disturbed"


# Plots


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_every_plot_of_runs_names_what_is_disturbed_and_marks_its_panels(plot: Plot) -> None:
    pictures = drawn(plot, suite(0.34))
    assert pictures
    for page in pictures:
        notes = " ".join(text.get_text() for text in page.figure.texts).replace("\n", " ")
        titles = [axes.get_title() for axes in page.figure.axes if axes.get_title()]
        assert ("† Disturbed: " in notes) == plot.of_runs
        assert ("up to 34 % of the processors" in notes) == plot.of_runs
        assert [title.endswith(" †") for title in titles] == [plot.of_runs] * len(titles)


def test_a_gpu_held_back_by_heat_is_disturbed_too_and_the_reason_is_said() -> None:
    record = make_record(device="cuda", others_share=0.02)
    assert record.measurement
    hot = GpuSamples(period_s=0.2, samples=10, reasons={"heat (hardware)": 4}, throttled=4)
    throttled = replace(record, measurement=replace(record.measurement, gpu=hot))
    assert (record.disturbed, throttled.disturbed) == (False, True)
    assert audit.disturbance(groups([throttled])) == "heat held the GPU back for 40 % of the time"
    assert audit.disturbance(groups([throttled, replace(record, seed=1)])) == (
        "heat held the GPU back for up to 40 % of the time in 1 of 2 runs"
    )
    assert "disturbed: heat held the GPU back for 40% of the time" in outcome(throttled)
    both = replace(throttled.measurement, others_share=0.3)  # type: ignore[type-var]
    assert audit.disturbance(groups([replace(throttled, measurement=both)])) == (
        "other programs took 30 % of the processors and heat held the GPU back for 40 % of the time"
    )


def test_the_bars_of_disturbed_runs_are_marked_one_by_one() -> None:
    records = [make_record(others_share=0.5), make_record(framework="keras-jax", others_share=0.0)]
    (page,) = drawn(bars.THROUGHPUT, records)
    (axes,) = page.figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "keras-jax eager",
        "pytorch eager †",
    ]


def test_a_panel_of_quiet_runs_beside_a_disturbed_one_has_no_mark() -> None:
    records = [make_record(architecture="cnn", others_share=0.5), make_record(others_share=0.02)]
    (page,) = drawn(curves.ACCURACY, records)
    assert [axes.get_title() for axes in page.figure.axes] == [
        "CNN on digits (mnist) †",
        "MLP on digits (mnist)",
    ]


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: plot.name)
def test_a_plot_of_quiet_runs_has_no_mark(plot: Plot) -> None:
    for page in drawn(plot, suite(0.05)):
        assert "isturbed" not in " ".join(text.get_text() for text in page.figure.texts)
        assert not any(axes.get_title().endswith("†") for axes in page.figure.axes)


# The closing summary


def summary_of(records: Sequence[Record]) -> str:
    return "\n".join(summary.paragraphs(runs.replicates(records)))


def test_no_winner_is_named_over_a_disturbed_row_and_the_reason_is_said() -> None:
    text = summary_of(
        several((0.0, 0.5, 0.0, 0.0, 0.0), seconds=FAST) + several((0.0,) * 5, "keras-jax")
    )
    assert "Which trained fastest is undecided between pytorch eager (1,9" in text
    assert "since runs of pytorch eager were disturbed: ratio " in text
    assert "trained fastest, at" not in text
    assert "times as fast" not in text


def test_a_disturbed_row_is_warned_of_with_what_to_do() -> None:
    text = summary_of(several((0.0, 0.34, 0.2)) + several((0.0,) * 3, "keras-jax"))
    assert (
        "Warning: other programs took up to 34 % of the processors in 2 of 6 runs. 1 of 2 "
        "experiments are marked 'disturbed', and no winner is named over them: close other" in text
    )


def test_quiet_runs_are_not_warned_of() -> None:
    assert "Warning" not in summary_of(several((0.1, None, 0.0)))


# The page


def test_the_page_says_what_others_took_and_that_none_was_disturbed() -> None:
    text = "\n".join(audit.sentences(None, several((0.0, 0.034))))
    assert (
        "Other programs were watched during all 2 runs: they took at most 3.4 % of the processors, "
        "and no run is disturbed, as it would be above 10 %." in text
    )
    assert "run again" not in text


def test_the_page_counts_what_stayed_disturbed_and_what_was_run_again() -> None:
    first, second, third = several((0.0, 0.34, 0.02))
    records = [first, replace(second, tries=3), replace(third, tries=2)]
    failed = make_record(seed=3, status="failed", reason="no")
    text = "\n".join(audit.sentences(None, [*records, failed]))
    assert (
        "Other programs were watched during 3 of 4 runs: they took at most 34.0 % of the "
        "processors, and 1 of them, above 10 %, stayed disturbed." in text
    )
    assert "2 runs had been disturbed and had to be run again, 3 times in all" in text


def test_of_records_that_did_not_count_the_page_says_nothing() -> None:
    text = "\n".join(audit.sentences(None, several((None, None))))
    assert "Other programs" not in text

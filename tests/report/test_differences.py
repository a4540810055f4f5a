"""The tables of differences: every two frameworks, and every two models on the test images."""

from __future__ import annotations

import pytest

from bench.report.tables import differences
from bench.results.record import Record
from tests.records import make_record
from tests.report.test_tables import cells, markdown, rows

SECONDS = {"pytorch": (1.0, 1.1, 0.9), "keras-jax": (2.0, 2.3, 1.7), "keras-torch": (2.1, 2.1, 1.7)}


def suite() -> list[Record]:
    return [
        make_record(framework=name, seed=seed, train_s=(s,), accuracies=(0.98,), correct=970 + seed)
        for name, each in SECONDS.items()
        for seed, s in enumerate(each)
    ]


def test_every_two_frameworks_are_a_row_with_the_faster_first() -> None:
    table_rows = rows(differences.between_frameworks, suite())
    pairs = [(row["first_framework"], row["second_framework"]) for row in table_rows]
    assert pairs == [
        ("pytorch", "keras-torch"),
        ("pytorch", "keras-jax"),
        ("keras-torch", "keras-jax"),
    ]
    assert all(float(row["throughput_ratio"]) >= 1 for row in table_rows)
    assert [row["throughput_verdict"] for row in table_rows] == ["faster", "faster", "undecided"]
    assert {row["throughput_family_n"] for row in table_rows} == {"3"}
    for row in table_rows:
        low, ratio, high = (float(row[f"throughput_ratio{end}"]) for end in ("_low", "", "_high"))
        assert low <= ratio <= high
        assert float(row["throughput_p_holm"]) >= float(row["throughput_p"])


def test_the_correction_is_said_and_the_reason_of_a_verdict_too() -> None:
    text = markdown(differences.between_frameworks, suite())
    assert "corrected for all of them by Holm's method" in text
    row = cells(text, "keras-torch eager")
    assert row["the first is"] == "not significant: the interval includes 1"
    assert row["to 97 % the first is"] == "not significant: the interval includes 1"
    assert cells(text, "pytorch eager")["to 97 % the first is"] == "sooner"
    assert row["test accuracy, first - second (points)"] == "0.00 [0.00 to 0.00]"


def test_times_to_a_target_that_one_missed_are_not_compared() -> None:
    records = [*suite()[1:], make_record(seed=0, train_s=(1.0,), accuracies=(0.1,))]
    row = cells(markdown(differences.between_frameworks, records), "pytorch eager")
    assert row["time to 97 %, first / second"] == "–"
    assert row["to 97 % the first is"] == "–"
    assert row["the first is"] == "faster"


def test_one_seed_has_a_ratio_and_neither_interval_nor_winner() -> None:
    records = [make_record(), make_record(framework="keras-jax", train_s=(4.0, 4.0))]
    row = cells(markdown(differences.between_frameworks, records), "pytorch eager")
    assert row["throughput, first / second"] == "4.00"
    assert row["p (Holm)"] == "–"
    assert row["the first is"] == "undecided: one pair"
    (raw,) = rows(differences.between_frameworks, records)
    assert (raw["throughput_ratio_low"], raw["throughput_p_holm"]) == ("", "")


def test_the_same_framework_in_two_versions_is_two_sides() -> None:
    records = [
        make_record(versions={"torch": version}, train_s=(s, s))
        for version, s in (("2.12.0", 2.0), ("2.13.0", 1.0))
    ]
    row = cells(markdown(differences.between_frameworks, records), "pytorch eager")
    assert row["first"] == "pytorch eager (torch 2.13.0)"
    assert row["second"] == "pytorch eager (torch 2.12.0)"


def test_one_framework_has_nothing_to_differ_from() -> None:
    assert "##" not in markdown(differences.between_frameworks, [make_record()])
    assert "##" not in markdown(differences.between_models, [make_record(wrong=(1,))])


# Models


def test_models_of_a_seed_are_compared_on_the_images_that_one_alone_gets_wrong() -> None:
    records = [
        make_record(wrong=(1, 2, 3), train_s=(1.0, 1.0)),
        make_record(framework="keras-jax", wrong=(3, *range(10, 22)), train_s=(2.0, 2.0)),
    ]
    (raw,) = rows(differences.between_models, records)
    assert (raw["first_only_wrong_n"], raw["second_only_wrong_n"]) == ("2", "12")
    assert float(raw["mcnemar_p"]) == pytest.approx(0.012939453125)  # 2 (1 + 14 + 91) / 2^14
    assert raw["mcnemar_p_holm"] == raw["mcnemar_p"]
    row = cells(markdown(differences.between_models, records), "pytorch eager")
    assert (row["seed"], row["the first is"]) == ("0", "more accurate")


def test_the_correction_is_over_all_rows_of_a_section() -> None:
    records = [
        make_record(framework=name, seed=seed, wrong=wrong)
        for seed in (0, 1)
        for name, wrong in (("pytorch", range(2)), ("keras-jax", range(10, 22)))
    ]
    table_rows = rows(differences.between_models, records)
    assert [row["seed"] for row in table_rows] == ["0", "1"]
    for row in table_rows:
        assert float(row["mcnemar_p_holm"]) == pytest.approx(2 * float(row["mcnemar_p"]))


def test_where_a_record_does_not_name_the_wrong_images_it_says_so() -> None:
    records = [
        make_record(wrong=(1, 2), train_s=(1.0, 1.0)),
        make_record(framework="keras-jax", wrong=(4,), train_s=(2.0, 2.0)),
        make_record(framework="keras-torch", train_s=(3.0, 3.0)),
    ]
    text = markdown(differences.between_models, records)
    assert text.count("| not kept | not kept | not kept | not kept |") == 2
    assert cells(text, "pytorch eager")["the first is"] == "not told apart"
    assert "##" not in markdown(differences.between_models, records[2:])

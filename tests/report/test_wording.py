"""Numbers, names and conditions as a reader sees them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.report import wording
from bench.stats import runs
from bench.stats.runs import Summary
from tests.records import EXPERIMENT, make_data, make_record


@pytest.mark.parametrize(
    ("value", "said"),
    [(12345.6, "12,300"), (1.23456, "1.23"), (0.0123456, "0.0123"), (0.0, "0"), (999.6, "1,000")],
)
def test_a_number_has_three_digits_and_no_exponent(value: float, said: str) -> None:
    assert wording.number(value) == said


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        (None, "not measured"),
        (Summary(mean=1234.0, std=None, n=1), "1,230"),
        (Summary(mean=1234.0, std=56.0, n=3), "1,230 ± 60 (3)"),
        (Summary(mean=1234.0, std=0.3, n=3), "1,234.0 ± 0.3 (3)"),
        (Summary(mean=2.0, std=0.0, n=2), "2.00 ± 0.00 (2)"),
        (Summary(mean=1.5, std=40.0, n=2), "1.50 ± 40.00 (2)"),
    ],
)
def test_a_spread_is_said_of_several_runs_only(summary: Summary | None, said: str) -> None:
    assert wording.spread(summary) == said


def test_an_accuracy_is_said_in_percent_with_its_unit() -> None:
    summary = Summary(mean=0.98123, std=0.0011, n=3)
    assert wording.spread(summary, scale=100, decimals=2, unit="%") == "98.12 ± 0.11 % (3)"


def test_drawn_images_and_samples_are_noticed_and_real_ones_are_not() -> None:
    drawn = [
        make_data(replace(EXPERIMENT, task=task, source="glyphs")) for task in ("letters", "digits")
    ]
    sample = make_data(replace(EXPERIMENT, task="letters", source="az-sample"))
    assert wording.notices([make_data(EXPERIMENT)]) == []
    assert wording.notices([*drawn, make_data(EXPERIMENT)]) == [
        "Digits and letters: drawn by the project (glyphs), not real handwriting."
    ]
    assert wording.notices([sample]) == ["Letters: a sample of the full set (az-sample)."]


def test_the_same_framework_in_two_versions_is_told_apart() -> None:
    records = [make_record(versions={"torch": version}) for version in ("2.12.0", "2.13.0")]
    groups = runs.replicates([*records, make_record(execution="compiled")])
    assert wording.distinct_labels(groups) == [
        "pytorch compiled",
        "pytorch eager (torch 2.12.0)",
        "pytorch eager (torch 2.13.0)",
    ]


def test_conditions_without_an_effect_are_left_out() -> None:
    sgd = replace(EXPERIMENT, optimizer="sgd", momentum=0.9)
    fields = ("optimizer", "momentum", "adam_epsilon")
    assert wording.conditions(sgd, fields) == "SGD, momentum 0.9"
    assert wording.conditions(EXPERIMENT, fields) == "Adam, ε 1e-07"


def test_a_long_reason_is_one_bearable_line() -> None:
    said = wording.failure(make_record(status="failed", reason="line one\nline two " * 40))
    assert said.startswith("failed: line one line two")
    assert "\n" not in said
    assert len(said) < 200


def test_what_is_left_to_the_frameworks_is_said_and_what_nobody_limited_is_not() -> None:
    fields = ("dropout", "precision", "threads", "native")
    assert wording.conditions(EXPERIMENT, fields) == "fp32, matched"
    changed = replace(
        EXPERIMENT, dropout=False, precision="bf16", threads=1, native=("kernel-init", "bias-init")
    )
    assert wording.conditions(changed, fields) == (
        "no dropout, bf16, 1 thread, own bias-init and kernel-init"
    )

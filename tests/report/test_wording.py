"""Numbers, names, intervals, verdicts and conditions as a reader sees them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from bench.report import wording
from bench.stats import runs
from bench.stats.runs import Summary
from bench.stats.survival import Observed
from bench.stats.uncertainty import Interval
from bench.stats.verdict import Judged, Paired
from tests.records import EXPERIMENT, make_data, make_record


@pytest.mark.parametrize(
    ("value", "words"),
    [(12345.6, "12,300"), (1.23456, "1.23"), (0.0123456, "0.0123"), (0.0, "0"), (999.6, "1,000")],
)
def test_a_number_has_three_digits_and_no_exponent(value: float, words: str) -> None:
    assert wording.number(value) == words


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        (None, "not measured"),
        (Summary(mean=1234.0, std=None, n=1), "1,230"),
        (Summary(mean=1234.0, std=56.0, n=3), "1,230 ± 60 (3)"),
        (Summary(mean=1234.0, std=0.3, n=3), "1,234.0 ± 0.3 (3)"),
        (Summary(mean=2.0, std=0.0, n=2), "2.00 ± 0.00 (2)"),
        (Summary(mean=1.5, std=40.0, n=2), "1.50 ± 40.00 (2)"),
    ],
)
def test_a_spread_is_said_of_several_runs_only(summary: Summary | None, words: str) -> None:
    assert wording.spread(summary) == words


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
    words = wording.failure(make_record(status="failed", reason="line one\nline two " * 40))
    assert words.startswith("failed: line one line two")
    assert "\n" not in words
    assert len(words) < 200


def test_what_is_left_to_the_frameworks_is_said_and_what_nobody_limited_is_not() -> None:
    fields = ("dropout", "precision", "threads", "native")
    assert wording.conditions(EXPERIMENT, fields) == "fp32, matched"
    changed = replace(
        EXPERIMENT, dropout=False, precision="bf16", threads=1, native=("kernel-init", "bias-init")
    )
    assert wording.conditions(changed, fields) == (
        "no dropout, bf16, 1 thread, own bias-init and kernel-init"
    )


# Intervals, p values, verdicts and times with misses


def judged(ratio: float, interval: Interval | None, p: float | None, **changes: object) -> Judged:
    (group,) = runs.replicates([make_record()])
    seeds = (0,) if interval is None else (0, 1, 2)
    fields: dict[str, object] = {"family": 3, "noise_floor": None, "outcome": "undecided"}
    return Judged(
        first=group,
        second=group,
        paired=Paired(ratio=ratio, interval=interval, p=p, seeds=seeds),
        p=p,
        **(fields | changes),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("value", "interval", "words"),
    [
        (1.3612, Interval(low=1.3, high=1.42), "1.36 [1.30 to 1.42]"),
        (1.002, Interval(low=0.998, high=1.006), "1.002 [0.998 to 1.006]"),
        (9050.0, Interval(low=7920.0, high=10_170.0), "9,050 [7,920 to 10,170]"),
        (1.3612, None, "1.36"),
    ],
)
def test_an_estimate_shows_as_many_digits_as_its_interval_allows(
    value: float, interval: Interval | None, words: str
) -> None:
    assert wording.estimate(value, interval) == words


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_of_a_disturbed_pair_the_verdict_says_that_before_all_else(ratio: float) -> None:
    interval = Interval(low=0.9 * ratio, high=1.1 * ratio)
    disturbed = judged(ratio, interval, 0.001, disturbed=True)
    assert wording.verdict(disturbed, "faster", "slower") == "undecided: disturbed"


@pytest.mark.parametrize(
    ("fraction", "words"), [(0.0035, "0.35 %"), (0.0234, "2.3 %"), (1.23, "120 %"), (0, "0 %")]
)
def test_about_how_much_is_said_in_two_digits(fraction: float, words: str) -> None:
    assert wording.about(fraction) == words


def test_of_several_it_is_said_whether_it_is_all_of_them() -> None:
    counts = [wording.all_or(part, whole) for part, whole in ((3, 3), (2, 3), (1, 1))]
    assert counts == ["all 3", "2 of 3", "1 of 1"]


def test_a_difference_is_said_in_points_with_its_sign() -> None:
    interval = Interval(low=-0.001, high=0.002)
    words = wording.estimate(0.0005, interval, scale=100, decimals=2, signed=True)
    assert words == "+0.05 [-0.10 to 0.20]"


@pytest.mark.parametrize(
    ("p", "words"), [(0.00001, "< 0.001"), (0.0134, "0.013"), (0.253, "0.25"), (1.0, "1.00")]
)
def test_a_p_is_not_said_more_exactly_than_it_is_known(p: float, words: str) -> None:
    assert wording.p_value(p) == words


@pytest.mark.parametrize(
    ("times", "censored", "words"),
    [
        ((), (), "not measured"),
        ((12.0,), (), "12.0"),
        ((12.0, 14.0), (), "12.0 [12.0 to ∞]"),
        (tuple(map(float, range(10, 20))), (), "14.0 [10.0 to 17.0]"),
        ((), (9.0,), "not reached"),
        ((), (9.0, 9.0, math.inf), "not reached in 3 of 3"),
        ((12.0, 14.0), (20.0,), "14.0 [12.0 to ∞]; not reached in 1 of 3"),
        ((12.0,), (20.0, 20.0), "not reached in 2 of 3; the soonest 12.0"),
    ],
)
def test_misses_are_said_beside_the_median(
    times: tuple[float, ...], censored: tuple[float, ...], words: str
) -> None:
    assert wording.time_to_target(Observed(times=times, censored=censored)) == words


ABOVE = Interval(low=1.1, high=1.3)


@pytest.mark.parametrize(
    ("judgement", "words"),
    [
        (judged(1.2, ABOVE, 0.01, outcome="higher"), "faster"),
        (judged(0.8, Interval(low=0.7, high=0.9), 0.01, outcome="lower"), "slower"),
        (judged(1.2, None, None), "undecided: one pair"),
        (judged(1.2, Interval(low=0.9, high=1.6), 0.2), "not significant: the interval includes 1"),
        (
            judged(1.2, ABOVE, 0.06),
            "not significant: p is not below 0.05 after Holm's correction",
        ),
        (
            judged(1.01, Interval(low=1.0, high=1.02), 0.01, outcome="tie", noise_floor=0.023),
            "tie: the whole interval lies within the noise floor of 2.3 %",
        ),
        (
            judged(1.02, Interval(low=1.01, high=1.03), 0.01, noise_floor=0.023),
            "undecided: below the noise floor of 2.3 %, but the interval reaches beyond it",
        ),
    ],
    ids=["higher", "lower", "one pair", "includes 1", "p", "tie", "noise"],
)
def test_a_verdict_says_why_it_says_no_more(judgement: Judged, words: str) -> None:
    assert wording.verdict(judgement, "faster", "slower") == words


def test_what_a_sentence_rests_on_names_interval_pairs_and_correction() -> None:
    assert wording.evidence(judged(1.2, ABOVE, 0.0134)) == (
        "95 % interval 1.10 to 1.30, 3 paired seeds, p = 0.013, Holm-corrected over 3 pairs"
    )
    assert "Holm" not in wording.evidence(judged(1.2, ABOVE, 0.0134, family=1))
    assert wording.evidence(judged(1.2, None, None)) == "1 paired seed"


def test_why_convolutions_are_slow_on_a_cpu_is_said_of_those_that_are() -> None:
    def told(**experiment: Any) -> str:
        record = make_record(framework="keras-jax", execution="compiled", **experiment)
        return wording.slow_convolutions(runs.replicates([record]))

    assert told(architecture="cnn").startswith("Why keras-jax trains slowly here: XLA")
    assert "scatter" in told(architecture="cnn")
    assert told(architecture="mlp") == told(architecture="cnn", device="cuda") == ""
    pytorch = runs.replicates([make_record(architecture="cnn")])
    assert wording.slow_convolutions(pytorch) == ""

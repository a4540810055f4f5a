"""How intervals, p values, verdicts and times with misses are said."""

from __future__ import annotations

import math

import pytest

from bench.report import wording
from bench.stats import runs
from bench.stats.survival import Observed
from bench.stats.uncertainty import Interval
from bench.stats.verdict import Judged, Paired
from tests.records import make_record


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
    ("value", "interval", "said"),
    [
        (1.3612, Interval(low=1.3, high=1.42), "1.36 [1.30 to 1.42]"),
        (1.002, Interval(low=0.998, high=1.006), "1.002 [0.998 to 1.006]"),
        (9050.0, Interval(low=7920.0, high=10_170.0), "9,050 [7,920 to 10,170]"),
        (1.3612, None, "1.36"),
    ],
)
def test_an_estimate_shows_as_many_digits_as_its_interval_allows(
    value: float, interval: Interval | None, said: str
) -> None:
    assert wording.estimate(value, interval) == said


def test_a_difference_is_said_in_points_with_its_sign() -> None:
    interval = Interval(low=-0.001, high=0.002)
    said = wording.estimate(0.0005, interval, scale=100, decimals=2, signed=True)
    assert said == "+0.05 [-0.10 to 0.20]"


@pytest.mark.parametrize(
    ("p", "said"), [(0.00001, "< 0.001"), (0.0134, "0.013"), (0.253, "0.25"), (1.0, "1.00")]
)
def test_a_p_is_not_said_more_exactly_than_it_is_known(p: float, said: str) -> None:
    assert wording.p_value(p) == said


@pytest.mark.parametrize(
    ("times", "censored", "said"),
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
    times: tuple[float, ...], censored: tuple[float, ...], said: str
) -> None:
    assert wording.time_to_target(Observed(times=times, censored=censored)) == said


ABOVE = Interval(low=1.1, high=1.3)


@pytest.mark.parametrize(
    ("one", "said"),
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
def test_a_verdict_says_why_it_says_no_more(one: Judged, said: str) -> None:
    assert wording.verdict(one, "faster", "slower") == said


def test_what_a_sentence_rests_on_names_interval_pairs_and_correction() -> None:
    assert wording.evidence(judged(1.2, ABOVE, 0.0134)) == (
        "95 % interval 1.10 to 1.30, 3 paired seeds, p = 0.013, Holm-corrected over 3 pairs"
    )
    assert "Holm" not in wording.evidence(judged(1.2, ABOVE, 0.0134, family=1))
    assert wording.evidence(judged(1.2, None, None)) == "1 paired seed"

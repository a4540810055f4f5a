"""After how many steps a longer start-up has paid for itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import break_even, stats
from bench.break_even import BreakEven, Line
from bench.stats import Replicates
from tests.records import make_record

EARLY_SLOW = Line(start_up_s=2.0, step_s=0.10)
LATE_FAST = Line(start_up_s=10.0, step_s=0.02)
TIMES = st.floats(0.001, 1000)
LINES = st.builds(Line, start_up_s=TIMES, step_s=TIMES)


def test_a_longer_start_up_is_paid_by_the_seconds_that_each_step_saves() -> None:
    assert break_even.crossing(EARLY_SLOW, LATE_FAST) == pytest.approx(100)
    assert EARLY_SLOW.at(100) == pytest.approx(LATE_FAST.at(100)) == pytest.approx(12)


@pytest.mark.parametrize(
    ("base", "other", "begins", "ends"),
    [
        (EARLY_SLOW, LATE_FAST, 100, math.inf),
        (LATE_FAST, EARLY_SLOW, 0, 100),  # ahead at first, then overtaken
        (Line(start_up_s=5, step_s=1), Line(start_up_s=4, step_s=0.5), 0, math.inf),  # at once
        (Line(start_up_s=5, step_s=1), Line(start_up_s=5, step_s=0.5), 0, math.inf),
        (Line(start_up_s=4, step_s=0.5), Line(start_up_s=5, step_s=1), math.inf, math.inf),
        (Line(start_up_s=4, step_s=1), Line(start_up_s=5, step_s=1), math.inf, math.inf),
        (Line(start_up_s=5, step_s=1), Line(start_up_s=4, step_s=1), 0, math.inf),
        (EARLY_SLOW, EARLY_SLOW, math.inf, math.inf),
    ],
)
def test_who_is_ahead_when(base: Line, other: Line, begins: float, ends: float) -> None:
    found = break_even.lead(base, other)
    assert found.begins == pytest.approx(begins)
    assert found.ends == pytest.approx(ends)


@given(base=LINES, other=LINES, share=st.floats(0.01, 0.99))
def test_within_its_lead_a_line_is_lower_and_outside_it_is_not(
    base: Line, other: Line, share: float
) -> None:
    found = break_even.lead(base, other)
    last = found.ends if math.isfinite(found.ends) else 2 * found.begins + 1
    if math.isfinite(found.begins):
        inside = found.begins + share * (last - found.begins)
        assert other.at(inside) <= base.at(inside) * (1 + 1e-9)
    if found.begins > 0 and math.isfinite(found.begins):
        assert other.at(share * found.begins) >= base.at(share * found.begins) * (1 - 1e-9)


def a_group(steps_s: Sequence[float], **changes: Any) -> Replicates:
    """Runs of so many seconds a step, one a seed, each 2.8 s of start-up."""
    records = [
        make_record(seed=seed, train_s=(8 * step_s, 8 * step_s), **changes)
        for seed, step_s in enumerate(steps_s)
    ]
    (group,) = stats.replicates(records)
    return group


def later(group: Replicates, seconds: float) -> Replicates:
    """The same runs with a longer warm-up."""
    records = []
    for record in group.records:
        assert record.measurement
        phases = record.measurement.phases
        phases = replace(phases, warm_up_s=phases.warm_up_s + seconds)
        measurement = replace(record.measurement, phases=phases)
        records.append(replace(record, measurement=measurement))
    return replace(group, records=tuple(records))


def test_break_even_is_found_for_each_seed_against_the_same_seed() -> None:
    base, other = a_group([0.2, 0.3]), later(a_group([0.1, 0.1], execution="compiled"), 10.0)
    found = break_even.break_even(base, other)
    assert found.paid == pytest.approx((50, 100))
    assert found.paid_s == pytest.approx((2.8 + 100 * 0.2, 2.8 + 50 * 0.3)[::-1])
    assert (found.never, found.lost) == (0, ())


def test_seeds_that_never_break_even_are_counted() -> None:
    base, other = a_group([0.2, 0.1, 0.1]), later(a_group([0.1, 0.2, 0.1]), 10.0)
    found = break_even.break_even(base, other)
    assert found.paid == pytest.approx((100,))
    assert found.never == 2


def test_a_lead_that_is_lost_is_no_break_even() -> None:
    found = break_even.break_even(later(a_group([0.1]), 10.0), a_group([0.2]))
    assert found.paid == ()
    assert found.lost == pytest.approx((100,))
    assert found.never == 0


def test_seeds_that_one_side_lacks_are_left_out() -> None:
    base, other = a_group([0.2, 0.2, 0.2]), later(a_group([0.1]), 10.0)
    assert len(break_even.break_even(base, other).leads) == 1


def test_a_failed_run_has_no_line_and_no_break_even() -> None:
    (failed,) = stats.replicates([make_record(status="failed")])
    assert break_even.mean_line(failed) is None
    nothing = BreakEven(leads=(), lines=())
    assert break_even.break_even(failed, a_group([0.1])) == nothing


def test_the_mean_line_is_of_all_runs() -> None:
    line = break_even.mean_line(a_group([0.1, 0.3]))
    assert line
    assert line.start_up_s == pytest.approx(2.8)
    assert line.step_s == pytest.approx(0.2)


def test_an_epoch_ends_with_a_short_batch() -> None:
    assert break_even.epoch_steps(a_group([0.1])) == 8  # 1,000 images, 128 a step


def names(pairs: Any) -> list[tuple[str, str]]:
    return [
        tuple(f"{g.experiment.framework} {g.experiment.execution} {g.experiment.device}" for g in p)  # type: ignore[misc]
        for p in pairs
    ]


def several() -> list[Replicates]:
    return [
        a_group([0.2]),
        later(a_group([0.1], execution="compiled"), 5.0),
        later(a_group([0.1], device="cuda"), 1.0),
        later(a_group([0.1], framework="keras-jax", execution="compiled"), 3.0),
    ]


def test_compiled_is_set_against_not_compiled_of_the_same_framework_and_device() -> None:
    assert names(break_even.compiled(several())) == [("pytorch eager cpu", "pytorch compiled cpu")]


def test_a_device_is_set_against_the_cpu_of_the_same_framework_and_execution() -> None:
    assert names(break_even.accelerated(several())) == [("pytorch eager cpu", "pytorch eager cuda")]


def test_frameworks_are_set_against_one_another_the_earlier_first() -> None:
    assert names(break_even.rivals(several())) == [
        ("pytorch eager cpu", "keras-jax compiled cpu"),
        ("keras-jax compiled cpu", "pytorch compiled cpu"),
    ]

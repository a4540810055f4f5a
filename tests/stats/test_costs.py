"""What a run reached of what its machine can do, and what it cost: arithmetic by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.results.evidence import Audit, Evidence, Peak, Timer
from bench.results.record import Dispatch, Energy, Gpu, Record
from bench.stats import costs, runs
from bench.stats.costs import BreakEven, Line
from bench.stats.runs import Replicates
from models import cost
from tests.records import MACHINE, make_record

FLOP = 4 * 784 * 512 + 6 * (512 * 512 + 512 * 10)  # of an image in training, MLP, 10 classes
PEAK = Peak(
    device="cpu", precision="fp32", threads=None, flop_per_s=1e10, bytes_per_s=1e9, by="lib 1"
)


def evidence(*peaks: Peak, machine: object = MACHINE) -> Evidence:
    timer = Timer(name="test", resolution_s=1e-9, cost_s=1e-9)
    audit = Audit(made_at="", machine=machine, timer=timer, peaks=peaks)  # type: ignore[arg-type]
    return Evidence(audit=audit)


def point_of(record: Record, *peaks: Peak, machine: object = MACHINE) -> costs.RooflinePoint | None:
    (group,) = runs.replicates([record], evidence(*peaks, machine=machine))
    return costs.roofline_point(group)


def test_operations_a_second_are_those_of_an_image_times_the_throughput() -> None:
    record = make_record()  # 1,000 images/s
    assert costs.training_flop_per_image(record) == FLOP
    assert costs.training_flop_per_s(record) == pytest.approx(1000 * FLOP)


def test_intensity_is_of_the_mean_step_with_its_short_batches() -> None:
    record = make_record()  # 1,000 images in 8 steps
    moved = cost.step_bytes("mlp", 10, images=125, optimizer="adam", momentum=0, element_bytes=4)
    assert moved is not None
    assert costs.step_bytes(record) == pytest.approx(moved)
    assert costs.intensity_flop_per_byte(record) == pytest.approx(125 * FLOP / moved)


def test_bfloat16_moves_less_and_is_more_intense() -> None:
    wide, narrow = make_record(), make_record(precision="bf16")
    assert costs.training_flop_per_s(narrow) == costs.training_flop_per_s(wide)
    wide_intensity, narrow_intensity = map(costs.intensity_flop_per_byte, (wide, narrow))
    assert wide_intensity is not None
    assert narrow_intensity is not None
    assert narrow_intensity > wide_intensity


def test_the_roof_is_memory_to_the_left_and_arithmetic_to_the_right() -> None:
    assert costs.roof_flop_per_s(PEAK, 2.0) == 2e9
    assert costs.roof_flop_per_s(PEAK, 10.0) == 1e10
    assert costs.roof_flop_per_s(PEAK, 100.0) == 1e10


def test_the_share_of_the_roof_is_the_share_of_the_step_that_the_work_explains() -> None:
    record = make_record()
    step_s = 2.0 / 16
    compute_s = 125 * FLOP / PEAK.flop_per_s
    memory_s = (costs.step_bytes(record) or 0) / PEAK.bytes_per_s
    point = point_of(record, PEAK)
    assert point
    assert point.share_of_roof == pytest.approx(max(compute_s, memory_s) / step_s)
    assert point.share_of_peak == pytest.approx(compute_s / step_s)


@pytest.mark.parametrize(
    ("flop_per_s", "bytes_per_s", "limit"),
    [
        (5e9, 1e12, "compute-bound"),  # 3.2 of 5 GFLOP/s
        (1e12, 0.4e9, "memory-bound"),  # 3.2 of some 5.6 that memory allows
        (1e12, 1e12, "not explained"),
        (6.5e9, 1e12, "not explained"),  # just under a half
        (6.4e9, 1e12, "compute-bound"),  # just over
    ],
)
def test_the_label_names_what_explains_half_of_the_step(
    flop_per_s: float, bytes_per_s: float, limit: str
) -> None:
    peak = replace(PEAK, flop_per_s=flop_per_s, bytes_per_s=bytes_per_s)
    point = point_of(make_record(), peak)
    assert point
    assert point.limit == limit


@pytest.mark.parametrize(
    ("given_s", "limit"), [(0.9, "launch-bound"), (0.7, "not explained"), (0.01, "not explained")]
)
def test_launch_bound_is_what_a_device_that_was_seen_to_wait_is(given_s: float, limit: str) -> None:
    record = make_record()
    assert record.measurement
    dispatch = Dispatch(steps=4, given_s=(given_s,) * 3, done_s=(1.0, 1.0, 9.0))
    record = replace(record, measurement=replace(record.measurement, dispatch=dispatch))
    point = point_of(record, replace(PEAK, flop_per_s=1e12, bytes_per_s=1e12))
    assert point
    assert (point.waiting, point.limit) == (given_s, limit)
    computing = point_of(record, replace(PEAK, flop_per_s=5e9, bytes_per_s=1e12))
    assert computing
    assert computing.limit == "compute-bound"  # which needs no other reason


def test_faster_than_memory_could_bring_the_bytes_is_said_to_be_cached() -> None:
    slow, fast = (
        point_of(make_record(), replace(PEAK, flop_per_s=1e12, bytes_per_s=bytes_per_s))
        for bytes_per_s in (0.1e9, 0.4e9)
    )
    assert slow
    assert fast
    assert slow.cached
    assert not fast.cached


@pytest.mark.parametrize(("flop_per_s", "limit"), [(1e12, "not explained"), (5e9, "compute-bound")])
def test_what_is_cached_is_judged_by_computing_alone(flop_per_s: float, limit: str) -> None:
    peak = replace(PEAK, flop_per_s=flop_per_s, bytes_per_s=0.1e9)
    point = point_of(make_record(), peak)
    assert point
    assert (point.cached, point.limit) == (True, limit)


def test_a_peak_serves_its_device_precision_and_threads_alone() -> None:
    assert point_of(make_record(), PEAK)
    assert point_of(make_record(device="cuda"), PEAK) is None
    assert point_of(make_record(precision="bf16"), PEAK) is None
    assert point_of(make_record(threads=1), PEAK) is None
    assert point_of(make_record(threads=1), replace(PEAK, threads=1))


def test_a_peak_of_another_machine_is_none() -> None:
    assert point_of(make_record(), PEAK, machine=replace(MACHINE, cpu="Other")) is None


def test_a_peak_of_another_gpu_is_none_on_the_gpu_and_serves_on_the_cpu() -> None:
    ours, other = (
        replace(MACHINE, gpus=(Gpu(name=name, memory_bytes=None, driver="1"),))
        for name in ("A", "B")
    )
    on_gpu = replace(PEAK, device="cuda")
    assert point_of(make_record(device="cuda", machine=ours), on_gpu, machine=ours)
    assert point_of(make_record(device="cuda", machine=ours), on_gpu, machine=other) is None
    assert point_of(make_record(machine=ours), PEAK, machine=other)


def test_of_several_libraries_the_fastest_is_the_peak() -> None:
    point = point_of(make_record(), PEAK, replace(PEAK, flop_per_s=2e10, by="lib 2"))
    assert point
    assert point.peak.by == "lib 2"


def test_without_an_audit_or_a_run_there_is_no_point() -> None:
    (group,) = runs.replicates([make_record()])
    assert costs.roofline_point(group) is None
    assert point_of(make_record(status="failed"), PEAK) is None


def test_an_architecture_without_an_entry_is_not_known_and_no_error() -> None:
    record = make_record(architecture="transformer")
    assert costs.training_flop_per_s(record) is None
    assert costs.intensity_flop_per_byte(record) is None
    assert point_of(record, PEAK) is None


def with_energy(record: Record, energy: Energy | None) -> Record:
    assert record.measurement
    return replace(record, measurement=replace(record.measurement, energy=energy))


def test_energy_to_a_target_is_of_the_images_up_to_it() -> None:
    energy = Energy(meter="m", joules=100.0, window_s=5.0, images=10_000)
    record = with_energy(make_record(), energy)  # 0.98 after 2,000 images
    assert costs.joules_per_image(record) == pytest.approx(0.01)
    assert costs.watts(record) == pytest.approx(20)
    assert costs.joules_to_target(record, 0.95) == pytest.approx(10)
    assert costs.joules_to_target(record, 0.97) == pytest.approx(20)
    assert costs.joules_to_target(record, 0.99) is None


@pytest.mark.parametrize("energy", [None, Energy(meter="", unavailable="no counters")])
def test_energy_that_was_not_measured_is_absent_and_never_estimated(energy: Energy | None) -> None:
    record = with_energy(make_record(), energy)
    assert costs.joules_per_image(record) is None
    assert costs.watts(record) is None
    assert costs.joules_to_target(record, 0.97) is None


def test_the_price_of_a_target_counts_start_up_and_training_to_it() -> None:
    record = make_record(train_s=(1.0, 1.0))  # start-up 2.8 s; 0.97 after 2 s
    assert costs.price_to_target(record, 0.97, 3600) == pytest.approx(2.8 + 2)
    assert costs.price_to_target(record, 0.99, 3600) is None
    assert costs.price_to_target(make_record(status="failed"), 0.97, 3600) is None


# Break-even

EARLY_SLOW = Line(start_up_s=2.0, step_s=0.10)
LATE_FAST = Line(start_up_s=10.0, step_s=0.02)
TIMES = st.floats(0.001, 1000)
LINES = st.builds(Line, start_up_s=TIMES, step_s=TIMES)


def test_a_longer_start_up_is_paid_by_the_seconds_that_each_step_saves() -> None:
    assert costs.crossing(EARLY_SLOW, LATE_FAST) == pytest.approx(100)
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
    lead = costs.lead(base, other)
    assert lead.begins == pytest.approx(begins)
    assert lead.ends == pytest.approx(ends)


@given(base=LINES, other=LINES, share=st.floats(0.01, 0.99))
def test_within_its_lead_a_line_is_lower_and_outside_it_is_not(
    base: Line, other: Line, share: float
) -> None:
    lead = costs.lead(base, other)
    last = lead.ends if math.isfinite(lead.ends) else 2 * lead.begins + 1
    if math.isfinite(lead.begins):
        inside = lead.begins + share * (last - lead.begins)
        assert other.at(inside) <= base.at(inside) * (1 + 1e-9)
    if lead.begins > 0 and math.isfinite(lead.begins):
        assert other.at(share * lead.begins) >= base.at(share * lead.begins) * (1 - 1e-9)


def a_group(steps_s: Sequence[float], **changes: Any) -> Replicates:
    """Runs of so many seconds a step, one a seed, each 2.8 s of start-up."""
    records = [
        make_record(seed=seed, train_s=(8 * step_s, 8 * step_s), **changes)
        for seed, step_s in enumerate(steps_s)
    ]
    (group,) = runs.replicates(records)
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
    break_even = costs.break_even(base, other)
    assert break_even.paid == pytest.approx((50, 100))
    assert break_even.paid_s == pytest.approx((2.8 + 100 * 0.2, 2.8 + 50 * 0.3)[::-1])
    assert (break_even.never, break_even.lost) == (0, ())


def test_seeds_that_never_break_even_are_counted() -> None:
    base, other = a_group([0.2, 0.1, 0.1]), later(a_group([0.1, 0.2, 0.1]), 10.0)
    break_even = costs.break_even(base, other)
    assert break_even.paid == pytest.approx((100,))
    assert break_even.never == 2


def test_a_lead_that_is_lost_is_no_break_even() -> None:
    break_even = costs.break_even(later(a_group([0.1]), 10.0), a_group([0.2]))
    assert break_even.paid == ()
    assert break_even.lost == pytest.approx((100,))
    assert break_even.never == 0


def test_seeds_that_one_side_lacks_are_left_out() -> None:
    base, other = a_group([0.2, 0.2, 0.2]), later(a_group([0.1]), 10.0)
    assert len(costs.break_even(base, other).leads) == 1


def test_a_failed_run_has_no_line_and_no_break_even() -> None:
    (failed,) = runs.replicates([make_record(status="failed")])
    assert costs.mean_line(failed) is None
    nothing = BreakEven(leads=(), lines=())
    assert costs.break_even(failed, a_group([0.1])) == nothing


def test_the_mean_line_is_of_all_runs() -> None:
    line = costs.mean_line(a_group([0.1, 0.3]))
    assert line
    assert line.start_up_s == pytest.approx(2.8)
    assert line.step_s == pytest.approx(0.2)


def test_an_epoch_ends_with_a_short_batch() -> None:
    assert costs.epoch_steps(a_group([0.1])) == 8  # 1,000 images, 128 a step


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
    assert names(costs.eager_and_compiled(several())) == [
        ("pytorch eager cpu", "pytorch compiled cpu")
    ]


def test_a_device_is_set_against_the_cpu_of_the_same_framework_and_execution() -> None:
    assert names(costs.cpu_and_accelerator(several())) == [
        ("pytorch eager cpu", "pytorch eager cuda")
    ]


def test_frameworks_are_set_against_one_another_the_earlier_first() -> None:
    assert names(costs.framework_pairs(several())) == [
        ("pytorch eager cpu", "keras-jax compiled cpu"),
        ("keras-jax compiled cpu", "pytorch compiled cpu"),
    ]

"""What a run reached of what its machine can do: arithmetic that can be done by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench import costs, stats
from bench.audit_record import Audit, Peak, Timer
from bench.evidence import Evidence
from bench.record import Energy, Gpu, Record
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


def placed(record: Record, *peaks: Peak, machine: object = MACHINE) -> costs.Place | None:
    (group,) = stats.replicates([record], evidence(*peaks, machine=machine))
    return costs.place(group)


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
    one, other = map(costs.intensity_flop_per_byte, (wide, narrow))
    assert one is not None
    assert other is not None
    assert other > one


def test_the_roof_is_memory_to_the_left_and_arithmetic_to_the_right() -> None:
    assert costs.roof_flop_per_s(PEAK, 2.0) == 2e9
    assert costs.roof_flop_per_s(PEAK, 10.0) == 1e10
    assert costs.roof_flop_per_s(PEAK, 100.0) == 1e10


def test_the_share_of_the_roof_is_the_share_of_the_step_that_the_work_explains() -> None:
    record = make_record()
    step_s = 2.0 / 16
    compute_s = 125 * FLOP / PEAK.flop_per_s
    memory_s = (costs.step_bytes(record) or 0) / PEAK.bytes_per_s
    place = placed(record, PEAK)
    assert place
    assert place.share_of_roof == pytest.approx(max(compute_s, memory_s) / step_s)
    assert place.share_of_peak == pytest.approx(compute_s / step_s)


@pytest.mark.parametrize(
    ("flop_per_s", "bytes_per_s", "limit"),
    [
        (5e9, 1e12, "compute-bound"),  # 3.2 of 5 GFLOP/s
        (1e12, 0.4e9, "memory-bound"),  # 3.2 of some 5.6 that memory allows
        (1e12, 1e12, "launch-bound"),
        (6.5e9, 1e12, "launch-bound"),  # just under a half
        (6.4e9, 1e12, "compute-bound"),  # just over
    ],
)
def test_the_label_names_what_explains_half_of_the_step(
    flop_per_s: float, bytes_per_s: float, limit: str
) -> None:
    peak = replace(PEAK, flop_per_s=flop_per_s, bytes_per_s=bytes_per_s)
    place = placed(make_record(), peak)
    assert place
    assert place.limit == limit


def test_faster_than_memory_could_bring_the_bytes_is_said_to_be_cached() -> None:
    slow, fast = (
        placed(make_record(), replace(PEAK, flop_per_s=1e12, bytes_per_s=bytes_per_s))
        for bytes_per_s in (0.1e9, 0.4e9)
    )
    assert slow
    assert fast
    assert slow.cached
    assert not fast.cached


@pytest.mark.parametrize(("flop_per_s", "limit"), [(1e12, "launch-bound"), (5e9, "compute-bound")])
def test_what_is_cached_is_judged_by_computing_alone(flop_per_s: float, limit: str) -> None:
    peak = replace(PEAK, flop_per_s=flop_per_s, bytes_per_s=0.1e9)
    place = placed(make_record(), peak)
    assert place
    assert (place.cached, place.limit) == (True, limit)


def test_a_peak_serves_its_device_precision_and_threads_alone() -> None:
    assert placed(make_record(), PEAK)
    assert placed(make_record(device="cuda"), PEAK) is None
    assert placed(make_record(precision="bf16"), PEAK) is None
    assert placed(make_record(threads=1), PEAK) is None
    assert placed(make_record(threads=1), replace(PEAK, threads=1))


def test_a_peak_of_another_machine_is_none() -> None:
    assert placed(make_record(), PEAK, machine=replace(MACHINE, cpu="Other")) is None


def test_a_peak_of_another_gpu_is_none_on_the_gpu_and_serves_on_the_cpu() -> None:
    ours, other = (
        replace(MACHINE, gpus=(Gpu(name=name, memory_bytes=None, driver="1"),))
        for name in ("A", "B")
    )
    on_gpu = replace(PEAK, device="cuda")
    assert placed(make_record(device="cuda", machine=ours), on_gpu, machine=ours)
    assert placed(make_record(device="cuda", machine=ours), on_gpu, machine=other) is None
    assert placed(make_record(machine=ours), PEAK, machine=other)


def test_of_several_libraries_the_fastest_is_the_peak() -> None:
    place = placed(make_record(), PEAK, replace(PEAK, flop_per_s=2e10, by="lib 2"))
    assert place
    assert place.peak.by == "lib 2"


def test_without_an_audit_or_a_run_there_is_no_place() -> None:
    (group,) = stats.replicates([make_record()])
    assert costs.place(group) is None
    assert placed(make_record(status="failed"), PEAK) is None


def test_an_architecture_without_an_entry_is_not_known_and_no_error() -> None:
    record = make_record(architecture="transformer")
    assert costs.training_flop_per_s(record) is None
    assert costs.intensity_flop_per_byte(record) is None
    assert placed(record, PEAK) is None


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

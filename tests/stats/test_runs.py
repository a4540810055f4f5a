"""Statistics over records."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.results.record import Gpu, Inference, Record
from bench.stats import runs
from tests.records import MACHINE, make_record

GPU = Gpu(name="Tensorium", memory_bytes=2**34, driver="560.1")


def test_the_deviation_of_one_value_is_absent_not_zero() -> None:
    assert runs.summarize([5.0]) == runs.Summary(mean=5.0, std=None, n=1)


def test_the_deviation_divides_by_n_minus_one() -> None:
    summary = runs.summarize([1.0, 2.0, 3.0, 6.0])
    assert summary is not None
    assert summary.mean == 3.0
    assert summary.std == pytest.approx(np.std([1, 2, 3, 6], ddof=1))


def test_nothing_known_is_no_summary_and_what_is_unknown_is_not_counted() -> None:
    assert runs.summarize([]) is None
    assert runs.summarize([None, None]) is None
    assert runs.summarize([None, 4.0]) == runs.Summary(mean=4.0, std=None, n=1)


def test_throughput_is_all_images_over_all_seconds_not_the_mean_of_rates() -> None:
    record = make_record(train_s=(1.0, 3.0))  # 1,000 images each: rates 1,000 and 333
    assert runs.throughput_images_per_s(record) == pytest.approx(2000 / 4)


def test_throughput_of_no_time_is_absent() -> None:
    assert runs.throughput_images_per_s(make_record(train_s=())) is None
    assert runs.throughput_images_per_s(make_record(train_s=(0.0,))) is None


def test_a_failed_run_has_no_statistic() -> None:
    failed = make_record(status="out of memory", reason="too large")
    for statistic in (
        runs.throughput_images_per_s,
        runs.train_s,
        runs.start_up_s,
        runs.test_accuracy,
        runs.inference_batch_size,
        runs.inference_images_per_s,
        runs.peak_process_memory_bytes,
        runs.peak_device_memory_bytes,
    ):
        assert statistic(failed) is None
    assert runs.latency_s(failed, 0.5) is None
    assert runs.time_to_accuracy_s(failed, 0.5) is None


def test_a_target_is_met_by_the_first_evaluation_at_it_or_above() -> None:
    record = make_record(train_s=(1.0, 2.0, 4.0), accuracies=(0.9, 0.97, 0.96))
    assert runs.time_to_accuracy_s(record, 0.97) == 3.0
    assert runs.time_to_accuracy_s(record, 0.9) == 1.0
    assert runs.time_to_accuracy_s(record, 0.98) is None


def test_test_accuracy_is_a_fraction_of_the_test_images() -> None:
    assert runs.test_accuracy(make_record(correct=913)) == 0.913


def test_start_up_is_everything_before_the_training() -> None:
    assert runs.start_up_s(make_record()) == pytest.approx(2.0 + 0.1 + 0.2 + 0.0 + 0.5)


def test_a_phase_that_did_not_happen_is_absent() -> None:
    assert runs.phase_s(make_record(goal="throughput"), "evaluation_s") is None


def test_inference_throughput_is_at_the_largest_batch_and_latency_at_one() -> None:
    record = make_record(latencies_s=(0.002, 0.004, 0.009))
    assert runs.inference_batch_size(record) == 500
    assert runs.inference_images_per_s(record) == pytest.approx(500 / 0.01)
    assert runs.latency_s(record, 0.5) == 0.004


def test_where_only_single_images_were_asked_there_is_no_inference_throughput() -> None:
    record = _with_inference(make_record(), (Inference(batch_size=1, samples_s=(0.1,)),))
    assert runs.inference_images_per_s(record) is None
    assert runs.inference_batch_size(record) is None


@given(
    samples=st.lists(st.floats(0, 1e3), min_size=100, max_size=300),
    fraction=st.sampled_from(list(runs.LATENCY_PERCENTILES.values())),
)
def test_a_percentile_is_that_of_numpy(samples: list[float], fraction: float) -> None:
    expected = np.percentile(samples, 100 * fraction)
    assert runs.percentile(samples, fraction) == pytest.approx(expected)


@pytest.mark.parametrize(("fraction", "enough"), [(0.5, 2), (0.95, 20), (0.99, 100)])
def test_a_percentile_is_said_of_enough_samples_only(fraction: float, enough: int) -> None:
    assert runs.percentile([1.0] * enough, fraction) == 1.0
    assert runs.percentile([1.0] * (enough - 1), fraction) is None


def test_runs_that_differ_in_their_seed_alone_are_replicates() -> None:
    records = [make_record(seed=seed, batch_size=size) for seed in (2, 0, 1) for size in (64, 32)]
    groups = runs.replicates(records)
    assert [group.experiment.batch_size for group in groups] == [32, 64]
    assert [record.seed for record in groups[0].records] == [0, 1, 2]


@pytest.mark.parametrize(
    "other",
    [
        make_record(seed=1, learning_rate=0.01),
        make_record(seed=1, fingerprint="other images"),
        make_record(seed=1, versions={"torch": "2.12.0"}),
        make_record(seed=1, machine=replace(MACHINE, cpu="Slowium")),
        make_record(
            seed=1, machine=replace(MACHINE, gpus=(Gpu(name="G", memory_bytes=1, driver="1"),))
        ),
    ],
    ids=["learning rate", "images", "versions", "processor", "GPU"],
)
def test_runs_that_differ_in_anything_else_are_not_put_together(other: Record) -> None:
    assert len(runs.replicates([make_record(), other])) == 2


def test_a_failed_run_that_knows_no_versions_joins_its_experiment() -> None:
    failed = make_record(seed=0, status="crashed", versions={})
    (group,) = runs.replicates([failed, make_record(seed=1)])
    assert group.failed == (failed,)
    assert [record.seed for record in group.measured] == [1]
    assert group.versions["torch"] == "2.13.0"


def test_memory_that_differs_by_less_than_a_gibibyte_is_the_same_machine() -> None:
    less = replace(MACHINE, memory_bytes=MACHINE.memory_bytes - 2**20)
    assert runs.host(less) == runs.host(MACHINE)
    (group,) = runs.replicates([make_record(seed=0), make_record(seed=1, machine=less)])
    assert len(group.records) == 2  # a suite resumed after a reboot stays one


def test_a_summary_is_of_the_runs_that_ended_well() -> None:
    records = [
        make_record(seed=0, train_s=(1.0,)),
        make_record(seed=1, train_s=(0.5,)),
        make_record(seed=2, status="timed out"),
    ]
    (group,) = runs.replicates(records)
    summary = group.summary(runs.throughput_images_per_s)
    assert summary is not None
    assert (summary.mean, summary.n) == (1500.0, 2)


def _with_inference(record: Record, inference: tuple[Inference, ...]) -> Record:
    assert record.measurement is not None
    return replace(record, measurement=replace(record.measurement, inference=inference))


# Where the wall time went, and how long a step took


def a_record() -> Record:
    """20 s of wall time, 0.5 s of them before the import."""
    record = make_record()
    assert record.measurement
    phases = replace(record.measurement.phases, start_s=0.5)
    return replace(record, wall_s=20.0, measurement=replace(record.measurement, phases=phases))


def test_phases_and_the_rest_add_up_to_the_wall_time() -> None:
    record = a_record()
    phases = [runs.phase_s(record, name) or 0 for name in runs.PHASES]
    assert runs.rest_s(record) == pytest.approx(20 - 9.51)
    assert sum(phases) + (runs.rest_s(record) or 0) == pytest.approx(runs.wall_s(record))


def test_cold_start_to_last_step_is_start_up_and_training() -> None:
    assert runs.cold_start_to_last_step_s(a_record()) == pytest.approx(0.5 + 2.8 + 2.0)


def test_a_share_is_of_the_wall_time() -> None:
    assert runs.share_of_wall(a_record(), 5.0) == 0.25
    assert runs.share_of_wall(a_record(), None) is None


def test_a_step_is_the_mean_of_all_steps() -> None:
    record = make_record(train_s=(1.0, 3.0))  # 8 steps of 125 images each
    assert runs.step_s(record) == 0.25
    assert runs.images_per_step(record) == 125


def test_a_run_that_failed_has_no_ledger() -> None:
    record = make_record(status="failed")
    for statistic in (
        runs.rest_s,
        runs.wall_s,
        runs.cold_start_to_last_step_s,
        runs.step_s,
        runs.images_per_step,
    ):
        assert statistic(record) is None

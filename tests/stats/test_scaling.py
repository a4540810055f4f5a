"""What replicas give: the line through exchanges, the prediction, and what is judged by what."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from bench.experiment import PARALLEL
from bench.results.observed import Exchange, Rehearsal
from bench.results.record import Record
from bench.stats import runs, scaling
from bench.stats.scaling import Cluster, Link, Scaled
from tests.records import make_record

STEP_S = 0.125  # of a record: eight of them a second


def rehearsed(record: Record, own_s: float, exchange_s: float) -> Record:
    """With the two parts of its step, timed before."""
    assert record.measurement
    rehearsal = Rehearsal(
        replicas=record.experiment.replicas,
        steps=10,
        samples_s=(10 * own_s,) * 3,
        exchanges=(
            Exchange(bytes=4, samples_s=(exchange_s / 2,)),
            Exchange(bytes=4_000_000, samples_s=(exchange_s,) * 3),
        ),
    )
    return replace(record, measurement=replace(record.measurement, rehearsal=rehearsal))


def parallel(
    replicas: int, own_s: float, exchange_s: float, *, step_s: float = STEP_S, **changes: Any
) -> Record:
    fields: dict[str, Any] = {
        "execution": PARALLEL,
        "replicas": replicas,
        "train_s": (8 * step_s,),
    } | changes
    return rehearsed(make_record(**fields, accuracies=(0.98,)), own_s, exchange_s)


def judged(*records: Record) -> list[Scaled]:
    return list(scaling.scaled(runs.replicates(records)))


@pytest.mark.parametrize("latency_s", [0.0, 1e-4])
def test_a_line_is_found_again(latency_s: float) -> None:
    sizes = (4, 1_000_000, 4_000_000)
    exchanges = [Exchange(bytes=n, samples_s=(latency_s + n / 2e9,) * 3) for n in sizes]
    found = scaling.link(exchanges)
    assert found.latency_s == pytest.approx(latency_s, abs=1e-9)
    assert found.bytes_per_s == pytest.approx(2e9, rel=1e-6)
    assert found.exchange_s(2e9) == pytest.approx(1 + latency_s)


def test_where_larger_ones_take_no_longer_the_rate_is_without_end() -> None:
    sooner = [Exchange(bytes=n, samples_s=(s,)) for n, s in ((4, 2e-4), (4_000_000, 1e-4))]
    assert scaling.link(sooner).bytes_per_s == math.inf
    assert scaling.link(sooner).latency_s > 0


def test_a_prediction_is_the_sum_of_both_parts() -> None:
    record = parallel(2, own_s=0.1, exchange_s=0.025)
    assert scaling.predicted_images_per_s(record) == pytest.approx(125 / 0.125)
    assert scaling.predicted_images_per_s(make_record()) is None


def test_on_a_cpu_all_is_one_replicas_throughput_and_on_gpus_each_brings_its_own() -> None:
    for device, efficiency in (("cpu", 0.8), ("cuda", 0.4)):
        one = parallel(1, 0.125, 1e-9, device=device)
        two = parallel(2, 0.1, 0.05, step_s=STEP_S / 0.8, device=device)
        (strong,) = judged(one, two)
        assert (strong.kind, strong.ideal) == ("strong", 1 if device == "cpu" else 2)
        assert strong.measured == pytest.approx(efficiency)
        assert strong.predicted == pytest.approx(efficiency * (0.125 / 0.15) / 0.8)
        assert strong.off == pytest.approx(0.125 / 0.15 / 0.8 - 1)


def test_what_is_judged_by_what() -> None:
    plain = make_record()
    same, larger = (parallel(2, 0.1, 0.01, batch_size=size) for size in (128, 256))
    found = judged(plain, parallel(1, 0.1, 1e-9), same, larger)
    told = [(s.kind, s.many.experiment.batch_size, s.one.experiment.execution) for s in found]
    assert sorted(told) == [
        ("machinery", 128, "eager"),
        ("strong", 128, PARALLEL),
        ("weak", 256, PARALLEL),
    ]
    assert [s.predicted for s in found if s.kind == "machinery"] == [None]
    assert not judged(plain, same)  # there is no replica alone
    assert not judged(parallel(1, 0.1, 1e-9, framework="keras-jax"), same)


@pytest.mark.parametrize(
    ("own_s", "exchange_s", "one_s", "why"),
    [
        (0.1, 0.025, 0.125, None),  # as predicted
        (0.08, 0.01, 0.125, "replicas waited for one another"),
        (0.11, 0.05, 0.125, "was hidden behind the backward pass"),
        (0.2, 0.05, 0.125, "before training took longer than those of training"),
        (0.1, 0.025, 0.06, "one replica's steps took longer in training than before it"),
    ],
)
def test_why_a_prediction_fails_is_read_from_its_parts(
    own_s: float, exchange_s: float, one_s: float, why: str | None
) -> None:
    (strong,) = judged(parallel(1, one_s, 1e-9), parallel(2, own_s, exchange_s))
    said = scaling.why_off(strong)
    assert (said is None) == (why is None)
    assert said is None or why is None or why in said


# Reckoned

CLUSTER = Cluster(
    flop_per_s=1e13,
    launch_s=1e-3,
    within=Link(latency_s=1e-5, bytes_per_s=1e11),
    between=Link(latency_s=1e-4, bytes_per_s=1e10),
)


def test_an_all_reduce_waits_twice_for_each_doubling_and_moves_nearly_all_twice() -> None:
    assert scaling.all_reduce_s(CLUSTER, 1, 1e6) == 0
    assert scaling.all_reduce_s(CLUSTER, 8, 1e6) == pytest.approx(6e-5 + 2 * 7 / 8 * 1e6 / 1e11)
    assert scaling.all_reduce_s(CLUSTER, 64, 1e6) == pytest.approx(12e-4 + 2 * 63 / 64 * 1e6 / 1e10)


def test_a_share_gets_no_smaller_than_a_launch() -> None:
    flop, size = 1e7, 4e6

    def own_s(batch: int, replicas: int) -> float:
        whole_s = scaling.reckoned_step_s(CLUSTER, flop, size, batch, replicas)
        return whole_s - scaling.all_reduce_s(CLUSTER, replicas, size)

    assert own_s(8192, 1) == pytest.approx(8192 * flop / 1e13)
    assert own_s(8192, 8) == pytest.approx(1024 * flop / 1e13)
    assert own_s(8192, 512) == pytest.approx(1e-3)

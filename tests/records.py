"""Records as runs leave them, made up for tests of statistics and reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.experiment import Experiment, Run
from bench.results.evidence import Arms, Audit, Evidence, Peak, SuiteFacts, Timer
from bench.results.record import (
    Data,
    Evaluation,
    Inference,
    Machine,
    Measurement,
    Phases,
    Pulse,
    Record,
    Segment,
    Status,
    Test,
)

MACHINE = Machine(cpu="Testium 9000", cores=2, memory_bytes=8 * 2**30, system="Linux 6.1 x86_64")
EXPERIMENT = Experiment(
    task="digits",
    source="mnist",
    architecture="mlp",
    framework="pytorch",
    execution="eager",
    device="cpu",
    batch_size=128,
    epochs=2,
    targets=(0.97, 0.99),
)
PULSE = Pulse(product_s=(0.001,) * 20, busy=0.01, clock_hz=2.6e9)
# What else the results folder of such records holds.
PEAKS = tuple(
    Peak(
        device=device,
        precision="fp32",
        threads=None,
        flop_per_s=4e9,
        bytes_per_s=1e9,
        by="testlib 1.0",
    )
    for device in ("cpu", "cuda")
)
ARMS = Arms(
    experiment=EXPERIMENT,
    a_s=(1.00, 1.01, 0.99, 1.00, 1.00),
    same_s=(1.01, 1.00, 1.00, 0.99, 1.00),
    delayed_s=(1.054, 1.056, 1.043, 1.047, 1.05),
    injected_s=(0.05,) * 5,
)
EVIDENCE = Evidence(
    audit=Audit(
        made_at="2026-01-01T00:00:00+00:00",
        machine=MACHINE,
        timer=Timer(name="test", resolution_s=1e-9, cost_s=1e-8),
        arms=ARMS,
        peaks=PEAKS,
    ),
    suite=SuiteFacts(price_per_h=2.5),
)
TRAIN_IMAGES = 1000
TEST_IMAGES = 1000


def make_record(
    *,
    seed: int = 0,
    status: Status = "ok",
    reason: str | None = None,
    machine: Machine = MACHINE,
    versions: dict[str, str] | None = None,
    fingerprint: str | None = None,
    train_s: Sequence[float] = (1.0, 1.0),
    accuracies: Sequence[float] = (0.95, 0.98),
    correct: int = 975,
    wrong: Sequence[int] | None = None,
    latencies_s: Sequence[float] = (0.001,) * 100,
    others_share: float | None = None,
    **experiment: Any,
) -> Record:
    """A record of ``EXPERIMENT`` with some fields changed; one segment an entry of ``train_s``.

    ``wrong`` names the test images that were got wrong, and then says how many were right.
    """
    asked = replace(EXPERIMENT, **experiment)
    return Record(
        run_id=Run(experiment=asked, seed=seed).id,
        experiment=asked,
        seed=seed,
        status=status,
        reason=reason,
        started_at=(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seed)).isoformat(),
        wall_s=9.0,
        machine=machine,
        versions={"python": "3.11.7", "torch": "2.13.0"} if versions is None else versions,
        data=make_data(asked, fingerprint),
        measurement=(
            replace(
                _measurement(
                    asked, train_s, accuracies, _test(accuracies, correct, wrong), latencies_s
                ),
                others_share=others_share,
            )
            if status == "ok"
            else None
        ),
        pulse=PULSE,
    )


def make_data(experiment: Experiment, fingerprint: str | None = None) -> Data:
    """Data of the experiment's task and source; its fingerprint follows from the two."""
    drawn = experiment.source == "glyphs"
    classes = "0123456789" if experiment.task == "digits" else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return Data(
        task=experiment.task,
        source=experiment.source,
        drawn=drawn,
        fingerprint=fingerprint or f"{experiment.task}-{experiment.source}".ljust(64, "0"),
        class_names=tuple(classes),
        train_images=TRAIN_IMAGES,
        validation_images=200,
        test_images=TEST_IMAGES,
        duplicates_removed=3,
        pixel_mean=0.13,
        pixel_std=0.31,
    )


def _measurement(
    experiment: Experiment,
    train_s: Sequence[float],
    accuracies: Sequence[float],
    test: Test,
    latencies_s: Sequence[float],
) -> Measurement:
    segments = tuple(
        Segment(images=TRAIN_IMAGES, steps=8, train_s=seconds, train_loss=0.5 / (i + 1))
        for i, seconds in enumerate(train_s)
    )
    phases = Phases(
        import_s=2.0, data_s=0.1, build_s=0.2, transfer_s=0.0, warm_up_s=0.5, train_s=sum(train_s)
    )
    measured = Measurement(
        phases=phases,
        parameter_count=669_706,
        segments=segments,
        peak_process_memory_bytes=400 * 2**20,
    )
    if experiment.goal == "throughput":
        return measured
    return replace(
        measured,
        phases=replace(phases, evaluation_s=0.2, checkpoint_s=0.01, inference_s=4.0),
        evaluations=tuple(
            Evaluation(
                images_seen=TRAIN_IMAGES * (i + 1),
                train_s=sum(train_s[: i + 1]),
                accuracy=accuracy,
                loss=1 - accuracy + 0.01,
                evaluation_s=0.1,
            )
            for i, accuracy in enumerate(accuracies)
        ),
        test=test,
        inference=(
            Inference(batch_size=500, samples_s=(0.01,) * 30),
            Inference(batch_size=1, samples_s=tuple(latencies_s)),
        ),
    )


def _test(accuracies: Sequence[float], correct: int, wrong: Sequence[int] | None) -> Test:
    return Test(
        evaluation=len(accuracies) - 1,
        correct=correct if wrong is None else TEST_IMAGES - len(wrong),
        images=TEST_IMAGES,
        loss=0.08,
        wrong=None if wrong is None else tuple(wrong),
    )

"""Climbs made up for tests of what is computed from them."""

from __future__ import annotations

from collections.abc import Sequence

from bench.ladder.records import Climb, Measured, Work
from bench.results.record import Data, Machine

MACHINE = Machine(cpu="a processor", cores=2, memory_bytes=2**34, system="Linux")
DIGITS = Data(
    task="digits",
    source="mnist",
    drawn=False,
    fingerprint="0" * 64,
    class_names=tuple("0123456789"),
    train_images=50_000,
    validation_images=10_000,
    test_images=10_000,
    duplicates_removed=0,
    pixel_mean=0.13,
    pixel_std=0.31,
)


def climb(
    rung: str,
    seed: int,
    *,
    train_s: float = 1.0,
    correct: int | None = 9_910,
    former: str | None = None,
    empty_s: float | None = None,
    problems: tuple[str, ...] = (),
    source_sha256: str = "1",
    entry: int = 1,
    data: Data = DIGITS,
) -> Climb:
    """One climb of 390 steps."""
    work = Work(
        batch_size=128,
        steps=390,
        steps_counted=390,
        images_seen=49_920,
        images_distinct=49_920,
        parameters=57_000,
        flop_an_image=3_000_000,
    )
    measured = Measured(
        train_s=train_s,
        process_s=train_s + 2,
        empty_s=empty_s,
        work=work,
        start_accuracy=0.1,
        validation_accuracy=0.99,
        test_correct=correct,
        test_images=None if correct is None else 10_000,
        others_share=0.01,
    )
    return Climb(
        ladder="speed",
        framework="pytorch",
        device="cpu",
        rung=rung,
        idea=f"The idea of {rung}: more of it.",
        former=former,
        source_sha256=source_sha256,
        entry=entry,
        seed=seed,
        position=0,
        started_at=f"2026-11-30T10:{seed:02}:00.000+00:00",
        machine=MACHINE,
        versions={"python": "3.11", "torch": "2.13"},
        data=data,
        environment={},
        measured=measured,
        problems=problems,
    )


def ladder(seeds: int = 30) -> Sequence[Climb]:
    """A slow rung and one on it that is twice as fast, and the published recipe."""
    return [
        each
        for seed in range(seeds)
        for each in (
            climb("rung_00_published", seed, train_s=8.0 + 0.01 * seed, correct=9_890 + seed % 3),
            climb("rung_01_slow", seed, train_s=2.0 + 0.01 * seed, correct=9_908 + seed % 5),
            climb(
                "rung_02_fast",
                seed,
                train_s=1.0 + 0.005 * seed,
                correct=9_906 + seed % 5,
                former="rung_01_slow",
                empty_s=30.0,
            ),
        )
    ]

"""What is seen around a training: the device's memory, other programs, the GPU."""

from __future__ import annotations

from bench.run.around import Around
from bench.trainers import DeviceMemory
from tests.fakes import FakeTrainer
from tests.run.test_measure import a_trainer, run

MIB = 2**20


def held(trainer: FakeTrainer, now: int, peak: int) -> None:
    trainer.memory = DeviceMemory(now=now * MIB, peak=peak * MIB)


def test_the_peak_is_that_of_training_and_the_data_are_told_apart() -> None:
    trainer = a_trainer()
    around = Around(trainer, "cpu")
    held(trainer, 10, 10)
    around.built()
    held(trainer, 180, 180)
    around.transferred()
    held(trainer, 190, 900)  # a compiler tried something large in the warm-up
    around.begin()
    held(trainer, 200, 300)
    around.stretch_ended()
    held(trainer, 200, 700)  # an evaluation in large batches
    around.stretch_ended()
    seen = around.end()
    assert seen["resident_device_memory_bytes"] == 170 * MIB
    assert seen["peak_device_memory_bytes"] == 300 * MIB
    assert "reset_peak_memory" in trainer.calls


def test_where_no_memory_is_counted_none_is_told() -> None:
    measured = run(a_trainer())
    assert measured.peak_device_memory_bytes is None
    assert measured.resident_device_memory_bytes is None
    assert measured.gpu is None


def test_measuring_resets_the_peak_after_the_warm_ups_and_before_training() -> None:
    trainer = a_trainer()
    run(trainer)
    reset = trainer.calls.index("reset_peak_memory")
    assert trainer.calls.index("warm_up_predictions") < reset < trainer.calls.index("train")

"""The clock: what it counts, what it does not, and that it waits for the device."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bench.machine.clock import MIN_SAMPLES, Stopwatch
from bench.results.record import Energy, Measurement
from bench.run.measure import (
    Diverged,
    Labelled,
    SealedTest,
    Subject,
    give_initial_weights,
    measure,
)
from bench.trainers import Images, Logits, Trainer, Weights
from tests.fakes import (
    INFER_S,
    LOGITS_S,
    RENEW_S,
    SETUP_S,
    TRAIN_S_PER_IMAGE,
    WEIGHTS_S,
    FakeTrainer,
    an_experiment,
)

IMAGES = 10
TRUTH = [0, 1, 2, 0]


def a_trainer(losses: list[float] | None = None) -> FakeTrainer:
    return FakeTrainer(TRUTH, losses or [1.0] * 99)


def a_subject(trainer: FakeTrainer, **changes: object) -> Subject:
    """Images of one value: 0 in training, 1 in validation, 2 in the test set.

    Augmented they are of value 10 in the first epoch, 11 in the second; a sample of the training
    images is of value 3.
    """
    experiment = an_experiment(**changes)
    labels = np.array(TRUTH)
    return Subject(
        trainer=trainer,
        experiment=experiment,
        seed=0,
        train_images=images_of(0.0, IMAGES),
        validation=Labelled(images=images_of(1.0), labels=labels),
        test=SealedTest(images_of(2.0), labels),
        renewed=(lambda epoch: images_of(10.0 + epoch, IMAGES))
        if experiment.augmentation
        else None,
        training_sample=(
            Labelled(images=images_of(3.0), labels=labels) if experiment.training_accuracy else None
        ),
    )


def images_of(value: float, count: int = len(TRUTH)) -> Images:
    return np.full((count, 28, 28), value, np.float32)


def run(trainer: FakeTrainer, keep: list[Weights] | None = None, **changes: object) -> Measurement:
    kept = [] if keep is None else keep
    return measure(
        a_subject(trainer, **changes),
        start_s=0.5,
        import_s=1.5,
        data_s=2.5,
        keep=kept.append,
        clock=trainer.clock,
    )


def test_work_that_is_done_only_on_synchronisation_is_counted() -> None:
    measured = run(a_trainer(), epochs=2)
    assert measured.phases.train_s == pytest.approx(2 * IMAGES * TRAIN_S_PER_IMAGE)
    assert [s.train_s for s in measured.segments] == pytest.approx([0.01, 0.01])


def test_a_clock_without_synchronisation_would_see_nothing() -> None:
    """The fake can tell: this is what the tests above would find if it were forgotten."""
    trainer = a_trainer()
    start = trainer.clock()
    trainer.arrange(np.arange(IMAGES))
    trainer.train()
    assert trainer.clock() - start == 0.0


def test_work_queued_before_the_clock_is_not_counted() -> None:
    trainer = a_trainer()
    trainer.arrange(np.arange(IMAGES))
    trainer.train()  # queued, not yet done
    watch = Stopwatch(synchronize=trainer.synchronize, clock=trainer.clock)
    _, elapsed = watch.time("phase", lambda: None)
    assert elapsed == 0.0


def test_each_phase_has_its_own_seconds() -> None:
    phases = run(a_trainer()).phases
    assert (phases.start_s, phases.import_s, phases.data_s) == (0.5, 1.5, 2.5)
    assert (phases.build_s, phases.transfer_s, phases.warm_up_s) == (SETUP_S, SETUP_S, SETUP_S)
    assert phases.prediction_warm_up_s == SETUP_S
    assert phases.evaluation_s == pytest.approx(2 * LOGITS_S)  # validation once, test once
    assert phases.checkpoint_s == pytest.approx(WEIGHTS_S)


def test_evaluation_and_checkpoint_time_is_not_training_time() -> None:
    measured = run(a_trainer(), epochs=3)
    assert [e.train_s for e in measured.evaluations] == pytest.approx([0.01, 0.02, 0.03])


def test_arranging_the_images_is_not_training_time() -> None:
    trainer = a_trainer()
    measured = run(trainer)
    assert trainer.calls.count("arrange") == 1
    assert measured.phases.train_s == pytest.approx(IMAGES * TRAIN_S_PER_IMAGE)


def test_several_evaluations_an_epoch_cut_the_training_into_segments() -> None:
    measured = run(a_trainer(), epochs=1, evaluations_per_epoch=3)
    assert [e.images_seen for e in measured.evaluations] == [4, 8, 10]
    assert [s.steps for s in measured.segments] == [1, 1, 1]


def renewals(trainer: FakeTrainer) -> list[str]:
    """What was renewed, and trained, in turn."""
    return [call for call in trainer.calls if call.startswith(("renew", "train"))]


def test_every_epoch_begins_with_images_of_its_own() -> None:
    trainer = a_trainer()
    run(trainer, augmentation=True, epochs=3)
    assert renewals(trainer) == ["renew 10", "train", "renew 11", "train", "renew 12", "train"]
    assert trainer.calls.index("renew 10") < trainer.calls.index("arrange")


def test_an_epoch_that_is_cut_by_evaluations_is_renewed_once() -> None:
    trainer = a_trainer()
    run(trainer, augmentation=True, epochs=1.5, evaluations_per_epoch=2)
    assert renewals(trainer) == ["renew 10", "train", "train", "renew 11", "train"]


def test_a_part_of_an_epoch_is_renewed_too() -> None:
    trainer = a_trainer()
    run(trainer, augmentation=True, epochs=0.5, goal="throughput")
    assert renewals(trainer) == ["renew 10", "train"]


def test_without_augmentation_nothing_is_renewed() -> None:
    trainer = a_trainer()
    phases = run(trainer, epochs=2).phases
    assert renewals(trainer) == ["train", "train"]
    assert phases.augmentation_s is None


def test_augmentation_has_a_phase_of_its_own_off_the_training_clock() -> None:
    measured = run(a_trainer(), augmentation=True, epochs=2)
    assert measured.phases.augmentation_s == pytest.approx(2 * RENEW_S)
    assert measured.phases.train_s == pytest.approx(2 * IMAGES * TRAIN_S_PER_IMAGE)


def test_the_training_sample_is_scored_beside_the_validation_set_and_off_its_seconds() -> None:
    class BetterInTraining(FakeTrainer):
        def logits(self, images: Images) -> Logits:
            return super().logits(images) * (3 if images.flat[0] == 3.0 else 1)

    trainer = BetterInTraining([0, 1, 2, 1], [1.0] * 99)
    (seen,) = run(trainer, training_accuracy=True).evaluations
    assert (seen.accuracy, seen.training_accuracy) == (0.75, 0.75)
    wrong, right = np.log(2 + np.e**3), np.log(2 * np.e**-3 + 1)
    assert seen.training_loss == pytest.approx((wrong + 3 * right) / 4)
    assert seen.loss != pytest.approx(seen.training_loss)
    assert seen.evaluation_s == pytest.approx(LOGITS_S)


def test_seconds_of_the_training_sample_are_evaluation() -> None:
    phases = run(a_trainer(), training_accuracy=True, epochs=2).phases
    assert phases.evaluation_s == pytest.approx(5 * LOGITS_S)  # two each, and the test set
    assert phases.train_s == pytest.approx(2 * IMAGES * TRAIN_S_PER_IMAGE)


def test_training_accuracy_is_absent_where_it_is_not_asked_for() -> None:
    trainer = a_trainer()
    (seen,) = run(trainer).evaluations
    assert (seen.training_accuracy, seen.training_loss) == (None, None)
    assert "logits 3" not in trainer.calls


def test_the_weights_of_the_lowest_validation_loss_are_kept_and_tested() -> None:
    trainer = a_trainer()
    trainer.confidence = [0.0, 1.0, 5.0, 2.0, 3.0]  # best after the second epoch
    kept: list[Weights] = []
    measured = run(trainer, kept, epochs=4)
    assert measured.test is not None
    assert measured.test.evaluation == 1
    assert kept[0]["version/bias"].tolist() == [2]
    assert trainer.version == 2  # loaded before the test set was read
    assert measured.test.loss == pytest.approx(measured.evaluations[1].loss)


def test_of_equal_validation_losses_the_earlier_is_kept() -> None:
    measured = run(a_trainer(), epochs=3)
    assert measured.test is not None
    assert measured.test.evaluation == 0


def test_the_test_set_is_read_once_and_after_the_best_weights_are_loaded() -> None:
    trainer = a_trainer()
    measured = run(trainer, epochs=3)
    assert trainer.calls.count("logits 2") == 1
    assert measured.test is not None
    assert measured.test.reads == 1
    assert trainer.calls.index("logits 2") == _last(trainer.calls, "load_weights") + 1
    assert trainer.calls.index("logits 2") > _last(trainer.calls, "train")


def _last(calls: list[str], name: str) -> int:
    return len(calls) - 1 - calls[::-1].index(name)


def test_the_test_images_that_were_got_wrong_are_kept() -> None:
    trainer = FakeTrainer([0, 1, 2, 1], [1.0] * 99)  # says 1 of the last, which is a 0
    measured = run(trainer)
    assert measured.test is not None
    assert (measured.test.correct, measured.test.wrong) == (3, (3,))


def test_initial_weights_are_given_off_the_clock_and_before_the_warm_up() -> None:
    trainer = a_trainer()
    phases = run(trainer).phases
    assert trainer.calls[:4] == ["build", "weights", "load_weights", "transfer"]
    assert phases.build_s == SETUP_S
    assert phases.transfer_s == SETUP_S


def test_what_is_left_to_the_framework_keeps_its_own_start() -> None:
    trainer = a_trainer()
    trainer.version = 5
    give_initial_weights(trainer, an_experiment(native=("bias-init",)), seed=0)
    assert trainer.version == 5
    give_initial_weights(trainer, an_experiment(native=("kernel-init",)), seed=0)
    assert trainer.version == 0


def test_a_network_that_one_framework_alone_has_starts_as_it_drew_itself() -> None:
    trainer = a_trainer()
    give_initial_weights(trainer, an_experiment(architecture="ensemble-mlp"), seed=0)
    assert trainer.calls == []


def test_energy_is_read_after_everything_else_on_the_images_arranged_last() -> None:
    trainer = a_trainer()
    asked: list[int] = []

    def read(given: Trainer, images: int) -> Energy:
        asked.append(images)
        given.train()
        return Energy(meter="fake", joules=1.0, window_s=1.0, images=images)

    measured = measure(
        a_subject(trainer, epochs=2),
        start_s=0,
        import_s=0,
        data_s=0,
        keep=lambda weights: None,
        read_energy=read,
        clock=trainer.clock,
    )
    assert asked == [IMAGES]
    assert trainer.calls[-1] == "train"
    assert measured.energy is not None
    assert measured.phases.energy_s == pytest.approx(IMAGES * TRAIN_S_PER_IMAGE)
    assert measured.phases.train_s == pytest.approx(2 * IMAGES * TRAIN_S_PER_IMAGE)


def test_a_throughput_run_reads_no_accuracy() -> None:
    trainer = a_trainer()
    measured = run(trainer, goal="throughput")
    assert measured.test is None
    assert measured.evaluations == ()
    assert measured.phases.evaluation_s is None
    assert measured.phases.prediction_warm_up_s is None
    assert "warm_up_predictions" not in trainer.calls  # whose compiling training does not need
    assert not any(call.startswith("logits") for call in trainer.calls)


def test_inference_is_sampled_at_a_large_batch_and_at_batch_one() -> None:
    large, single = run(a_trainer()).inference
    assert (large.batch_size, single.batch_size) == (IMAGES, 1)
    assert single.samples_s == pytest.approx([INFER_S] * len(single.samples_s))
    assert len(single.samples_s) >= MIN_SAMPLES


def test_an_answer_in_host_memory_is_not_waited_for_again() -> None:
    trainer = a_trainer()
    trainer.synchronize_s = 0.125
    for inference in run(trainer).inference:
        assert inference.samples_s == pytest.approx([INFER_S] * len(inference.samples_s))


def test_work_that_is_queued_before_inference_is_not_counted_in_its_first_call() -> None:
    class LeavesWork(FakeTrainer):
        def load_weights(self, weights: Weights) -> None:
            super().load_weights(weights)
            self._queue("tidy up", 100.0)

    large, _ = run(LeavesWork(TRUTH, [1.0] * 99)).inference
    assert large.samples_s == pytest.approx([INFER_S] * len(large.samples_s))


def test_an_answer_that_may_still_lie_on_the_device_is_refused() -> None:
    class AnswersTooSoon(FakeTrainer):
        def infer(self, images: Images) -> Logits:
            self._queue("infer", INFER_S)
            return OnDevice()  # type: ignore[return-value]

    class OnDevice:
        """An array whose numbers nobody has waited for."""

    with pytest.raises(TypeError, match="of type OnDevice, wanted a NumPy array"):
        run(AnswersTooSoon(TRUTH, [1.0] * 99))


def test_other_training_in_the_place_of_the_trainers_own_is_on_the_clock() -> None:
    trainer = a_trainer()

    def train_later() -> None:
        trainer.now_s += 5.0
        trainer.train()

    measured = measure(
        a_subject(trainer, goal="throughput"),
        start_s=0,
        import_s=0,
        data_s=0,
        keep=lambda weights: None,
        train=train_later,
        clock=trainer.clock,
    )
    assert measured.phases.train_s == pytest.approx(5 + IMAGES * TRAIN_S_PER_IMAGE)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_ends_the_run(loss: float) -> None:
    with pytest.raises(Diverged, match="learning rate"):
        run(a_trainer([1.0, loss]), epochs=2)


def test_a_validation_loss_that_is_no_number_ends_the_run() -> None:
    trainer = a_trainer()
    trainer.confidence = [math.nan] * 3
    with pytest.raises(Diverged, match="validation loss"):
        run(trainer)


def test_a_test_loss_that_is_no_number_ends_the_run() -> None:
    """It would be written as null, and the record could not be read again."""

    class BrokenOnTest(FakeTrainer):
        def logits(self, images: Images) -> Logits:
            return super().logits(images) * (math.nan if images.flat[0] == 2.0 else 1.0)

    with pytest.raises(Diverged, match="test loss"):
        run(BrokenOnTest(TRUTH, [1.0] * 99))


def test_progress_is_told_outside_the_clock() -> None:
    """A listener that takes its time must not lengthen the training."""
    trainer = a_trainer()
    heard: list[tuple[str, int, int]] = []

    def slow_listener(phase: str, done: int, total: int) -> None:
        heard.append((phase, done, total))
        trainer.now_s += 100.0

    measured = measure(
        a_subject(trainer, epochs=2),
        start_s=0,
        import_s=0,
        data_s=0,
        keep=lambda weights: None,
        listen=slow_listener,
        clock=trainer.clock,
    )
    assert measured.phases.train_s == pytest.approx(0.02)
    assert ("train", 20, 20) in heard


def test_the_steps_that_are_kept_are_the_optimiser_s_own() -> None:
    trainer = a_trainer()
    measured = run(trainer, epochs=2)
    assert measured.steps_counted == trainer.steps == sum(s.steps for s in measured.segments)

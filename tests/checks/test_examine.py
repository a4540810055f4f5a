"""The parity check passes honest trainers, and finds each planted fault by its quantity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from bench.checks import examine as examining
from bench.checks import faults, trial
from bench.checks.examine import JUDGED, NEARNESS, NEIGHBOURS, STARTS, NotFinite, examine
from bench.checks.trial import (
    EVALUATION_IMAGES,
    STEPS,
    TRAIN_IMAGES,
    Create,
    Sample,
)
from bench.experiment import Precision
from bench.results.evidence import Check
from bench.stats import tolerances
from bench.trainers import Setup
from bench.trainers.numpy import create as numpy_trainer
from datasets.arrays import normalise
from datasets.glyphs import draw
from models import COMPARED
from tests.fakes import an_experiment

# Run by `make test` a second time, with the kernels of an older processor.
on_every_kernel = pytest.mark.kernel

CLEARLY = 4  # times the tolerance: what a planted fault exceeds at the least
# Starts of the MLP from which no kernel of a BLAS decides anything by its rounding.
QUIET = (4, 6, 10, 15)
MOMENTUM = {"losses of 20 steps by momentum", "logits after 20 steps by momentum"}


SUBJECT = trial.of(an_experiment(framework="numpy"))


@cache
def drawn() -> Sample:
    images, labels = draw("digits", TRAIN_IMAGES + EVALUATION_IMAGES)
    normal = normalise(images, mean=float(images.mean() / 255), std=float(images.std() / 255))
    return Sample(
        name="drawn",
        classes=10,
        train_images=normal[:TRAIN_IMAGES],
        train_labels=labels[:TRAIN_IMAGES].astype(np.int64),
        evaluation_images=normal[TRAIN_IMAGES:],
    )


def examined(
    create: Create,
    architecture: str = "mlp",
    framework: str = "numpy",
    precision: Precision = "fp32",
    starts: Sequence[int] = QUIET[:1],
) -> dict[str, Check]:
    subject = replace(SUBJECT, framework=framework, precision=precision, architecture=architecture)
    checks, _ = examine(create, subject, drawn(), starts=starts)
    return {check.quantity: check for check in checks}


def assert_caught(checks: dict[str, Check], *quantities: str) -> None:
    for quantity in quantities:
        check = checks[quantity]
        assert check.deviation > CLEARLY * check.tolerance, quantity
        assert not check.passed


@on_every_kernel
@pytest.mark.parametrize("architecture", COMPARED)
def test_an_honest_trainer_passes_every_check(architecture: str) -> None:
    checks = examined(numpy_trainer, architecture, starts=STARTS)
    assert len(checks) == 13
    assert [check for check in checks.values() if not check.passed] == []


def starts_tried(monkeypatch: pytest.MonkeyPatch, judge: Callable[..., bool]) -> int:
    """From how many starts momentum is missed, if this says which of them rounding decides."""
    monkeypatch.setattr(examining, "decided_by_rounding", judge)
    monkeypatch.delitem(trial.OPTIMIZERS, "SGD")  # which has nothing to miss
    create = faults.planted(numpy_trainer, faults.missing_momentum)
    checks, tried = examine(create, SUBJECT, drawn())
    assert not all(check.passed for check in checks)
    return tried


def test_a_fault_is_held_against_a_framework_after_three_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert starts_tried(monkeypatch, lambda *_: False) == JUDGED == 3


def test_a_start_that_rounding_decides_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    decided = iter([True, False, True, False, False])
    assert starts_tried(monkeypatch, lambda *_: next(decided)) == 5


def test_where_rounding_decides_every_start_the_check_still_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert starts_tried(monkeypatch, lambda *_: True) == len(STARTS)


@on_every_kernel
def test_rounding_excuses_nothing_from_quiet_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(trial.OPTIMIZERS, "SGD")  # which has no momentum to miss
    create = faults.planted(numpy_trainer, faults.missing_momentum)
    assert examine(create, SUBJECT, drawn(), starts=QUIET)[1] == JUDGED


@pytest.mark.parametrize(
    ("fault", "tried", "sound"),
    [
        (faults.missing_momentum, len(QUIET), ("SGD",)),
        (faults.wrong_epsilon, JUDGED, ("SGD", "momentum")),
    ],
)
def test_what_a_neighbour_of_the_referee_fails_too_is_excused_but_no_first_update(
    fault: Callable[[Setup], Setup],
    tried: int,
    sound: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for optimizer in sound:  # the fault is none of theirs
        monkeypatch.delitem(trial.OPTIMIZERS, optimizer)
    monkeypatch.setattr(examining, "NEARNESS", 2.0**10)  # as if a format rounded far more
    create = faults.planted(numpy_trainer, fault)
    assert examine(create, SUBJECT, drawn(), starts=QUIET)[1] == tried


@pytest.mark.parametrize("seed", QUIET)
def test_a_quiet_start_has_neighbours_that_pass_every_check(seed: int) -> None:
    start = trial.begin(SUBJECT, drawn(), examining.weight_shapes("mlp", 10), seed)
    share = 2 * NEARNESS * tolerances.of("logits", "fp32").value
    wanted, *neighbours = (
        examining.observe_referee(SUBJECT, drawn(), near, gradients=start.weights)
        for near in (start, *(trial.moved(start, share, draw) for draw in range(NEIGHBOURS)))
    )
    for neighbour in neighbours:
        for quantity, kind, apart in examining.compare(neighbour, wanted, "fp32", steps=STEPS):
            assert apart <= tolerances.of(kind, "fp32").value, quantity


@on_every_kernel
def test_an_epsilon_of_another_size_shows_in_adams_first_update_from_every_start() -> None:
    checks = examined(faults.planted(numpy_trainer, faults.wrong_epsilon), starts=QUIET[:2])
    assert_caught(checks, "first update by Adam")
    others = [check for name, check in checks.items() if "Adam" not in name]
    assert all(check.passed for check in others)


@on_every_kernel
def test_a_wrong_learning_rate_shows_in_what_steps_make_of_weights() -> None:
    checks = examined(faults.planted(numpy_trainer, faults.wrong_learning_rate))
    assert_caught(checks, "gradients at step 1", "first update by Adam")


@on_every_kernel
def test_a_momentum_that_is_missing_shows_in_its_losses_and_in_nothing_else() -> None:
    checks = examined(faults.planted(numpy_trainer, faults.missing_momentum))
    assert_caught(checks, *MOMENTUM)
    assert {name for name, check in checks.items() if not check.passed} == MOMENTUM


@on_every_kernel
def test_a_dropout_left_on_shows_in_gradients_and_losses_but_not_in_evaluation() -> None:
    checks = examined(faults.planted(numpy_trainer, faults.dropout_left_on))
    assert_caught(checks, "gradients at step 1", "losses of 20 steps by SGD")
    assert checks["logits at step 0"].passed


@on_every_kernel
def test_labels_shifted_by_one_image_show_in_gradients_and_losses() -> None:
    checks = examined(faults.planted(numpy_trainer, faults.shifted_labels))
    assert_caught(checks, "gradients at step 1", "losses of 20 steps by SGD")
    assert checks["logits at step 0"].passed


@on_every_kernel
def test_a_transposed_square_kernel_shows_in_the_logits_at_step_0() -> None:
    checks = examined(faults.wrapped(numpy_trainer, faults.TransposedKernel))
    assert_caught(checks, "logits at step 0", "gradients at step 1")


@on_every_kernel
def test_biases_that_are_not_loaded_show_in_the_logits_at_step_0() -> None:
    checks = examined(faults.wrapped(numpy_trainer, faults.BiasesNotLoaded))
    assert_caught(checks, "logits at step 0")


@on_every_kernel
def test_two_batches_that_change_places_show_in_the_losses_alone() -> None:
    checks = examined(faults.wrapped(numpy_trainer, faults.OneBatchOutOfOrder))
    for optimizer in ("SGD", "momentum", "Adam"):
        assert_caught(checks, f"losses of 20 steps by {optimizer}")
        assert checks[f"first update by {optimizer}"].passed
    assert checks["gradients at step 1"].passed


@on_every_kernel
def test_a_flatten_of_the_other_order_shows_in_the_logits_at_step_0() -> None:
    checks = examined(faults.wrapped(numpy_trainer, faults.FlattenOrderMixedUp), "cnn")
    assert_caught(checks, "logits at step 0")


@on_every_kernel
def test_pytorch_is_caught_with_its_own_epsilon_and_with_a_transposed_kernel() -> None:
    pytest.importorskip("torch")
    from bench.trainers.pytorch import create

    honest = examined(create, framework="pytorch", starts=STARTS)
    assert all(check.passed for check in honest.values())
    own = faults.planted(create, faults.own_epsilon)
    assert_caught(examined(own, framework="pytorch"), "first update by Adam")
    transposed = faults.wrapped(create, faults.TransposedKernel)
    assert_caught(examined(transposed, framework="pytorch"), "logits at step 0")


@on_every_kernel
def test_pytorch_that_computes_in_bfloat16_fails_as_float32_and_passes_as_bfloat16() -> None:
    pytest.importorskip("torch")
    from bench.trainers.pytorch import create

    in_bfloat16 = faults.planted(create, faults.bfloat16)
    assert_caught(examined(in_bfloat16, framework="pytorch"), "logits at step 0")
    honest = examined(create, framework="pytorch", precision="bf16", starts=STARTS)
    assert [check for check in honest.values() if not check.passed] == []


def test_a_trainer_that_answers_with_no_number_is_not_compared() -> None:
    with pytest.raises(NotFinite, match="logits at step 0: not a finite number"):
        examined(faults.wrapped(numpy_trainer, faults.NoNumber))

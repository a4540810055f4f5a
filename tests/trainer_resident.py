"""What trainers promise whose data lie on the device, for one framework and execution a process.

Run by ``test_trainers_resident.py``, or by hand: ``GLYPHBENCH_TEST_FRAMEWORK=keras-jax
GLYPHBENCH_TEST_EXECUTION=epoch pytest tests/trainer_resident.py``.
"""

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench import trainers
from bench.checks import trial
from bench.checks.examine import examine
from bench.experiment import Precision
from bench.trainers import batches
from models import COMPARED
from tests.checks.test_examine import QUIET, drawn
from tests.fakes import an_experiment
from tests.small_trainers import (
    EXECUTION,
    FRAMEWORK,
    ORDER,
    TEST_IMAGES,
    create,
    frameworks_own_warnings,
    small_setup,
    train,
)

STRETCH = {"mean loss of one call of 20 steps by Adam", "logits after one call of 20 steps by Adam"}

pytestmark = frameworks_own_warnings
on_jax = pytest.mark.skipif("jax" not in FRAMEWORK, reason="of JAX")


# Equal work


def test_a_batch_taken_twice_in_place_of_another_is_all_that_a_certificate_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def one_twice(order: NDArray[Any], batch_size: int) -> list[NDArray[Any]]:
        pieces = [piece.copy() for piece in batches.in_pieces(order, batch_size)]
        for piece in pieces[:1]:  # none where no image is to be trained on
            piece[len(piece) // 2] = piece[0]
        return pieces

    module = "jax" if FRAMEWORK == "jax" else "keras_resident"
    monkeypatch.setattr(f"bench.trainers.{module}.in_pieces", one_twice)
    subject = trial.of(an_experiment(framework=FRAMEWORK, execution=EXECUTION))
    # from a start at which no rounding decides anything
    checks, _ = examine(trainers.load(FRAMEWORK).create, subject, drawn(), starts=QUIET[:1])
    failed = {check.quantity for check in checks if not check.passed}
    assert failed == STRETCH  # steps one by one are as they should be


def test_its_execution_is_read_back() -> None:
    trainer = create()
    train(trainer)
    assert trainer.observed_execution() == EXECUTION


# As on a GPU


@pytest.mark.skipif(FRAMEWORK != "keras-tensorflow", reason="of TensorFlow")
def test_the_number_of_steps_as_a_constant_of_the_program_computes_the_same() -> None:
    ended = []
    for constant in (False, True):
        trainer: Any = create(dropout=False)
        trainer._gpu = constant  # where the number is a constant, and never on a CPU
        train(trainer)
        ended.append((trainer.mean_loss(), trainer.weights()))
        assert isinstance(trainer._pieces[0][1], int) == constant
    assert ended[0][0] == pytest.approx(ended[1][0], rel=1e-6)
    for name, array in ended[0][1].items():
        np.testing.assert_allclose(ended[1][1][name], array, atol=1e-6)


@on_jax
def test_a_gpu_runs_the_longest_stretch_as_a_warm_up_and_a_cpu_runs_no_step() -> None:
    from bench.trainers import jax_device

    setup = small_setup(evaluations_per_epoch=3)  # of 4 batches: 1, 2 and the short one
    lengths = {
        platform: [
            len(order)
            for order in jax_device.warm_up_orders(setup, SimpleNamespace(platform=platform))
        ]
        for platform in ("cpu", "gpu")
    }
    assert lengths == {"gpu": [5, 32, 64], "cpu": [5, 32, 64, 0]}


# On JAX


@on_jax
def test_not_even_a_small_program_is_compiled_on_the_clock() -> None:
    from bench.trainers import jax_device

    trainer = create()
    trainer.warm_up()
    trainer.warm_up_predictions()
    for _ in range(2):
        trainer.arrange(ORDER)
        heard = jax_device.Compilations()
        trainer.train()
        trainer.logits(TEST_IMAGES)
        assert heard.count == 0


@on_jax
@pytest.mark.parametrize(
    ("precision", "native", "wanted"),
    [("fp32", (), "HIGHEST"), ("tf32", (), "HIGH"), ("fp32", ("matmul-precision",), "DEFAULT")],
)
@pytest.mark.parametrize("architecture", COMPARED)
def test_lowered_for_cuda_it_is_a_loop_whose_products_have_the_precision_asked_for(
    architecture: str, precision: Precision, native: tuple[str, ...], wanted: str
) -> None:
    text = lowered_for_cuda(architecture, precision=precision, native=native)
    assert ("stablehlo.while" in text) == (EXECUTION != "compiled")
    products = re.findall(r"stablehlo\.(?:dot_general|convolution).*", text)
    # forward, and backward by kernels and by what flows in: that of images is not asked for
    layers = {"mlp": 3, "cnn": 4}[architecture]
    assert len(products) == 3 * layers - 1
    for product in products:
        assert set(re.findall(r"HIGHEST|HIGH|DEFAULT", product)) == {wanted}, product


def lowered_for_cuda(architecture: str, **changes: Any) -> str:
    """The program of a step, or of a stretch of three, as it goes to the compiler of a GPU."""
    import jax

    trainer: Any = trainers.load(FRAMEWORK).create(small_setup(architecture, **changes))
    trainer._device = SimpleNamespace(platform="gpu")  # what layers are chosen by
    trainer.build()
    step = "_step" if EXECUTION == "compiled" else "_stretches"
    state = trainer._state() if FRAMEWORK.startswith("keras") else trainer._state
    shape = (32,) if EXECUTION == "compiled" else (3, 32)
    described: Any = jax.ShapeDtypeStruct
    given = (
        jax.tree.map(lambda array: described(array.shape, array.dtype), state),
        described((101, 28, 28), np.float32),
        described((101,), np.int32),
        described(shape, np.int32),
    )
    jitted = getattr(trainer, step)
    jitted = jitted if EXECUTION == "compiled" else jitted.jitted
    text: str = jitted.trace(*given).lower(lowering_platforms=("cuda",)).as_text()
    return text

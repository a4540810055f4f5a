"""TF32's certificate, by emulation: rounding passes, coarser rounding and planted faults do not."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from bench.checks import faults
from bench.results.evidence import Check
from bench.stats import tolerances
from bench.stats.tolerances import Growth
from models import COMPARED
from tests import tf32
from tests.checks.test_examine import CLEARLY, examined
from tests.tf32 import Rounding

TIE = 1 + 2.0**-11  # between 1 and the next number of TF32, 1 + 2^-10


def in_tf32(create: Any, architecture: str = "mlp") -> dict[str, Check]:
    """The checks of a trainer's certificate in TF32, from one start."""
    return examined(create, architecture, precision="tf32")


def failed(checks: dict[str, Check]) -> set[str]:
    return {quantity for quantity, check in checks.items() if not check.passed}


@pytest.mark.parametrize(
    ("rounding", "wanted"),
    [
        (tf32.nearest, [1, 1 + 2.0**-10, -1 - 2.0**-10, 1 + 2.0**-9, 2, 0]),
        (tf32.cut_off, [1, 1, -1, 1 + 2.0**-10, 2 - 2.0**-10, 0]),
    ],
)
def test_ten_bits_are_kept(rounding: Rounding, wanted: list[float]) -> None:
    values = [1 + 2.0**-12, TIE, -TIE, TIE + 2.0**-10, 2 - 2.0**-23, 0]
    np.testing.assert_array_equal(rounding(np.array(values, np.float32)), wanted)
    assert np.all(rounding(np.array(wanted, np.float32)) == wanted)


@pytest.mark.parametrize("rounding", [tf32.nearest, tf32.cut_off])
@pytest.mark.parametrize("architecture", COMPARED)
def test_products_in_tf32_pass_its_certificate_and_not_that_of_float32(
    architecture: str, rounding: Rounding
) -> None:
    checks = in_tf32(tf32.trainers(rounding), architecture)
    assert failed(checks) == set()
    assert checks["logits at step 0"].deviation > 50 * tolerances.of("logits", "fp32").value


def test_numbers_of_fewer_bits_fail() -> None:
    coarse = partial(tf32.cut_off, bits=tf32.BFLOAT16_BITS)
    assert "logits at step 0" in failed(in_tf32(tf32.trainers(coarse)))


def test_a_quarter_of_what_is_allowed_is_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    def quartered(growth: Growth) -> Growth:
        return replace(growth, tf32=growth.tf32 // 4)

    growths = {kind: quartered(growth) for kind, growth in tolerances.GROWTHS.items()}
    monkeypatch.setattr(tolerances, "GROWTHS", growths)
    assert "logits at step 0" in failed(in_tf32(tf32.trainers(tf32.cut_off)))


@pytest.mark.parametrize(
    ("plant", "fault", "quantity"),
    [
        (faults.planted, faults.wrong_epsilon, "first update by Adam"),
        (faults.planted, faults.missing_momentum, "losses of 20 steps by momentum"),
        (faults.planted, faults.dropout_left_on, "losses of 20 steps by SGD"),
        (faults.planted, faults.shifted_labels, "losses of 20 steps by SGD"),
        (faults.wrapped, faults.TransposedKernel, "logits at step 0"),
        (faults.wrapped, faults.BiasesNotLoaded, "logits at step 0"),
    ],
)
def test_faults_still_show_in_tf32(plant: Any, fault: Any, quantity: str) -> None:
    check = in_tf32(plant(tf32.trainers(), fault))[quantity]
    assert check.deviation > CLEARLY * check.tolerance


def test_a_gradient_that_is_lost_shows_in_tf32() -> None:
    class Lost(faults.Wrapper):
        """Steps leave the bias of the second layer as it was."""

        def train(self) -> None:
            kept = self.trainer.weights()["dense_2/bias"]
            self.trainer.train()
            self.trainer.load_weights(self.trainer.weights() | {"dense_2/bias": kept})

    check = in_tf32(faults.wrapped(tf32.trainers(), Lost))["gradients at step 1"]
    assert check.deviation == pytest.approx(1)
    assert check.deviation > 3 * check.tolerance

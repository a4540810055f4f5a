"""What precision and a framework's own defaults change in a trainer, for one framework a process.

``test_trainers.py`` runs this file in child processes; on a GPU ``test_trainers_cuda.py``
runs ``trainer_on_cuda.py``. By hand:
``GLYPHBENCH_TEST_FRAMEWORK=keras-jax pytest tests/trainer_axes.py``.
"""

import os
from typing import Any

import numpy as np
import pytest

from bench.machine.settings import NO_IMAGES, NOT_HERE, processors
from bench.trainers import FRAMEWORKS, Trainer, Weights
from tests.small_trainers import (
    FRAMEWORK,
    ORDER,
    TEST_IMAGES,
    assert_same,
    create,
    differ,
    frameworks_own_warnings,
)

pytestmark = frameworks_own_warnings
# TensorFlow asks the processor whether oneDNN can do bfloat16, and its process ends where this
# variable forbids oneDNN to. A processor that cannot is no such case: TensorFlow then does without.
FORBIDDEN = FRAMEWORK == "keras-tensorflow" and os.environ.get("ONEDNN_MAX_CPU_ISA") in (
    "SSE41",
    "AVX",
    "AVX2",
)
needs_bf16 = pytest.mark.skipif(
    FORBIDDEN or "bf16" not in FRAMEWORKS[FRAMEWORK].precisions, reason="has no bfloat16"
)
IN_FILE_ORDER = np.sort(ORDER)


def trained(architecture: str = "mlp", **changes: Any) -> Trainer:
    """A trainer after an epoch in the order of the file, without dropout."""
    trainer = create(architecture, dropout=False, **changes)
    trainer.arrange(IN_FILE_ORDER)
    trainer.train()
    return trainer


def weights_after(**changes: Any) -> Weights:
    return trained(**changes).weights()


# Precision


@needs_bf16
def test_bfloat16_is_near_float32_and_not_it() -> None:
    full = create("cnn").logits(TEST_IMAGES)
    mixed = create("cnn", precision="bf16").logits(TEST_IMAGES)
    assert mixed.dtype == np.float32
    largest = np.abs(full).max()
    # bfloat16 keeps 8 bits: 4e-3 a rounding, a few of them one after the other.
    assert 1e-4 * largest < np.abs(mixed - full).max() < 5e-2 * largest


@needs_bf16
def test_bfloat16_trains_float32_weights_almost_alike() -> None:
    full, mixed = trained("cnn"), trained("cnn", precision="bf16")
    assert mixed.mean_loss() == pytest.approx(full.mean_loss(), rel=0.02)
    assert mixed.mean_loss() != full.mean_loss()
    for name, array in mixed.weights().items():
        assert array.dtype == np.float32
        kept = array.view(np.uint32) & 0xFFFF  # bits that bfloat16 does not have
        assert kept.any(), name


@needs_bf16
def test_inference_in_bfloat16_gives_float32() -> None:
    trainer = create(precision="bf16")
    one = trainer.infer(TEST_IMAGES[:1])
    assert one.dtype == np.float32
    np.testing.assert_allclose(one, trainer.logits(TEST_IMAGES[:1]), atol=1e-2)


@needs_bf16
def test_the_precision_is_read_back() -> None:
    assert create().settings()["precision"] == "float32"
    # Of every layer, the last one included: its logits are widened when they come out.
    assert create(precision="bf16").settings()["precision"] == "bfloat16"


def test_a_cpu_has_no_tf32() -> None:
    assert create().settings()["TF32"] == NOT_HERE


# What is left to the framework


def test_adam_of_its_own_is_another_only_where_it_is_said_to_be() -> None:
    own, matched = weights_after(native=("adam-epsilon",)), weights_after()
    differs = FRAMEWORKS[FRAMEWORK].own["adam-epsilon"].differs
    assert differ(matched, own) == differs


def test_its_own_shuffling_is_another_order_only_where_it_shuffles() -> None:
    # PyTorch's own is the order of the file, which bench.experiment then gives it.
    own, given = weights_after(native=("shuffling",)), weights_after()
    assert differ(given, own) == FRAMEWORK.startswith("keras")


def test_its_own_shuffling_keeps_labels_with_their_images() -> None:
    changes: dict[str, Any] = {"native": ("shuffling",), "optimizer": "sgd", "learning_rate": 0.0}
    assert trained(**changes).mean_loss() == pytest.approx(
        trained(**(changes | {"native": ()})).mean_loss(), rel=1e-5
    )


def test_a_warm_up_leaves_its_own_shuffling_as_it_began() -> None:
    # Not beside a trainer without a warm-up: on JAX the very first fit draws one order more.
    ended = []
    for warm_ups in (1, 2):
        trainer = create(dropout=False, native=("shuffling",))
        for _ in range(warm_ups):
            trainer.warm_up()
        trainer.arrange(IN_FILE_ORDER)
        trainer.train()
        ended.append(trainer.weights())
    assert_same(ended[0], ended[1])


def test_its_own_memory_layout_is_read_back_and_computes_the_same() -> None:
    own, matched = create("cnn", native=("memory-layout",)), create("cnn")
    assert matched.settings()["memory layout"] == "channels last"
    first = FRAMEWORKS[FRAMEWORK].own["memory-layout"].differs
    assert own.settings()["memory layout"] == ("channels first" if first else "channels last")
    np.testing.assert_allclose(own.logits(TEST_IMAGES), matched.logits(TEST_IMAGES), atol=1e-4)
    assert create("mlp").settings()["memory layout"] == NO_IMAGES


def test_its_own_precision_of_products_changes_nothing_on_a_cpu() -> None:
    own, matched = create(native=("matmul-precision",)), create()
    np.testing.assert_array_equal(own.logits(TEST_IMAGES), matched.logits(TEST_IMAGES))


def test_its_own_initial_weights_are_what_they_are_said_to_be() -> None:
    weights = create("cnn", native=("kernel-init", "bias-init")).weights()
    own = FRAMEWORKS[FRAMEWORK].own
    for name, array in weights.items():
        if name.endswith("/bias"):
            assert array.any() == own["bias-init"].differs
            continue
        *field, inputs, outputs = array.shape
        pixels = int(np.prod(field))
        glorot = np.sqrt(6 / (pixels * (inputs + outputs)))
        bound = 1 / np.sqrt(pixels * inputs) if own["kernel-init"].differs else glorot
        assert 0.95 * bound < np.abs(array).max() <= bound * (1 + 1e-6), name


# What it says of itself


def test_the_threads_are_a_plain_number_and_no_more_than_the_processors() -> None:
    settings = trained().settings()
    assert 1 <= int(settings["threads"]) <= len(processors())
    assert settings["threads chosen by"]
